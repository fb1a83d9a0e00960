//! A label printer on a live USB bus, by its printer class.

use std::path::Path;

use serde_json::json;
use waypost_drivers::{bench::VirtualPrinter, printer::Dialect};
use waypost_integration_tests::wait::{PATIENT, until};

use crate::{
    bridge,
    gadget::{Gadget, Names},
    host::Host,
    sysfs,
    trying::Trying,
};

const NAMES: Names = Names { port: 1, ids: (0x0a5f, 0x0166), product: "Label printer", serial: "WPPRN1" };

pub fn show(host: &Host) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let paper = runtime.block_on(VirtualPrinter::tcp(Dialect::Zpl)).unwrap();
    let gadget = Gadget::new(
        NAMES,
        "printer.1",
        &[("pnp_string", b"MFG:Bench;MDL:Label printer;CLS:PRINTER;CMD:ZPL;"), ("q_len", b"8")],
    );
    gadget.plug();
    bridge::printer(Path::new("/dev/g_printer0"), &paper.address());
    let device = sysfs::usb_device(NAMES.serial);
    sysfs::driven_by(&device, "usblp");
    let listed = sysfs::listed(NAMES.serial);
    assert_eq!(
        (&listed["kind"], &listed["evidence"]),
        (&json!("printer"), &json!("USB's printer class (7)"))
    );

    let mut trying = Trying::start("printer", &["kind=zpl", "usb=0a5f:0166:WPPRN1"]);
    trying.until_up();
    let line = trying.until("the page is printed", |line| line.get("page").is_some());
    assert_eq!(line["page"], "printed", "{line}");
    let papers = until("a label came out", PATIENT, || {
        let papers = paper.papers();
        (!papers.is_empty()).then_some(papers)
    });
    assert!(papers.len() == 1 && papers[0].whole, "{} labels", papers.len());
    assert!(papers[0].bytes.starts_with(b"^XA") && papers[0].bytes.ends_with(b"^XZ"), "a label in ZPL");
    sysfs::driven_by(&device, "usbfs");

    // Out of paper is told by the printer itself, over the way back.
    paper.load(0);
    trying.until("it is out of paper", |line| line["trouble"] == "paper_out");
    paper.load(100);
    trying.until("it has paper again", |line| line.get("trouble").is_some_and(serde_json::Value::is_null));

    gadget.unplug();
    trying.until_away();
    gadget.plug();
    trying.until_up();
    let device = sysfs::usb_device(NAMES.serial);
    sysfs::driven_by(&device, "usbfs");
    trying.stop();
    sysfs::driven_by(&device, "usblp");
    host.note("printer", &format!("a label of {} bytes", papers[0].bytes.len()));
}
