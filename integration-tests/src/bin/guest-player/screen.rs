//! The panel on a framebuffer of the kernel's, as it is seen on the virtual machine's screen.

use std::{fs, path::Path};

use waypost_integration_tests::wait::{PATIENT, until};

use crate::{host::Host, trying::Trying};

const SYS: &str = "/sys/class/graphics/fb0";

pub fn show(host: &Host) {
    let size = fs::read_to_string(Path::new(SYS).join("modes")).unwrap();
    // U:1280x800p-0
    let size = size.trim().split(':').next_back().unwrap().split('p').next().unwrap().to_owned();
    let (width, height) = size.split_once('x').unwrap();
    let (width_is, height_is) = (format!("width={width}"), format!("height={height}"));
    // What it should look like, by the screen that is a file.
    let mut file = Trying::start("screen", &["kind=png", "path=/tmp/card.png", &width_is, &height_is]);
    file.until("the file shows it", |line| line["shows"] == "test card");
    let picture = fs::read("/tmp/card.png").unwrap();
    host.expect_picture(&picture);
    assert!(!host.sees_picture(), "the screen shows it before it was drawn");
    let mut screen = Trying::start("screen", &["kind=framebuffer", "path=/dev/fb0"]);
    screen.until("the screen shows it", |line| line["shows"] == "test card");
    until("the machine's screen shows the picture, dot by dot", PATIENT, || {
        host.sees_picture().then_some(())
    });
    host.photograph("test-card");
    screen.stop();
    file.stop();
    host.note("screen", &format!("framebuffer of {size}"));
}
