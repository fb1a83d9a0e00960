//! `[[screen]]`: its keys, its faults, and a gateway that shows its panel on one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::{path::Path, time::Duration};

use waypost_core::fact::SiteKind;
use waypost_drivers::screen::{Colours, ScreenConfig, TftModel, Turn};
use waypost_edge::{
    config::{Config, ConfigError, Screen, example},
    panel::Language,
    run,
};

fn parse(screens: &str) -> Result<Vec<Screen>, ConfigError> {
    let text = format!("{}\n{screens}", example::example(SiteKind::Vehicle));
    Config::parse(&text, Path::new("conf/gateway.toml")).map(|config| config.screens)
}

#[test]
fn a_screen_has_the_wires_that_are_usual() {
    let screens = parse(
        "[[screen]]\nkind = \"ssd1306\"\n[[screen]]\nname = \"hall\"\nkind = \"ili9341\"\ndc = 25\nlanguage = \"zh-HK\"\n\
         [[screen]]\nkind = \"framebuffer\"\nrotation = 270\n[[screen]]\nkind = \"png\"\npath = \"panel.png\"\n",
    )
    .unwrap();
    let [oled, tft, framebuffer, png] = screens.as_slice() else { panic!("{screens:?}") };
    assert_eq!(oled.name, "screen 1");
    assert_eq!(oled.device, ScreenConfig::Ssd1306 { bus: 1, address: 0x3C, turn: Turn::Deg0 });
    assert_eq!((tft.name.as_str(), tft.language), ("hall", Some(Language::ZhHk)));
    let ScreenConfig::Tft(wiring) = &tft.device else { panic!("{tft:?}") };
    assert_eq!((wiring.model, wiring.bus, wiring.select, wiring.dc), (TftModel::Ili9341, 0, 0, 25));
    assert_eq!((wiring.colours, wiring.invert, wiring.reset), (Colours::Bgr, false, None));
    let sys = "/sys/class/graphics/fb0".into();
    let kernel = ScreenConfig::Framebuffer { device: "/dev/fb0".into(), sys, turn: Turn::Deg270 };
    assert_eq!(framebuffer.device, kernel);
    let file = ScreenConfig::Png { path: "conf/panel.png".into(), width: 320, height: 240 };
    assert_eq!(png.device, file, "beside the configuration");
}

#[test]
fn each_fault_of_a_screen_says_line_and_remedy() {
    let before = example::example(SiteKind::Vehicle).lines().count() + 1;
    for (section, line, what) in [
        ("kind = \"oled\"", 2, "no screen of kind \"oled\""),
        ("name = \"hall\"", 1, "missing key `kind`"),
        ("kind = \"ssd1306\"\nbus = \"/dev/spidev0.0\"", 3, "no I2C bus"),
        ("kind = \"ssd1306\"\naddress = 0x80", 3, "no device on I2C"),
        ("kind = \"ssd1306\"\nrotation = 90", 3, "one of 0, 180"),
        ("kind = \"ssd1306\"\ndc = 25", 3, "has no `dc`"),
        ("kind = \"ssd1306\"\nadress = 60", 3, "did you mean `address`?"),
        ("kind = \"ili9341\"", 2, "such as dc = 25"),
        ("kind = \"ili9341\"\ndc = 40", 3, "no such GPIO"),
        ("kind = \"ili9341\"\ndc = 25\nreset = 25", 4, "GPIO 25 is given twice"),
        ("kind = \"st7789\"\ndc = 25\nreset = 24\nbacklight = 24", 5, "GPIO 24 is given twice"),
        ("kind = \"st7789\"\ndc = 25\nbus = \"/dev/i2c-1\"", 4, "no SPI bus"),
        ("kind = \"st7789\"\ndc = 25\nbus = \"/dev/spidev0.9\"", 4, "no SPI bus"),
        ("kind = \"st7789\"\ndc = 25\nspeed_hz = 1", 4, "100000 to 80000000"),
        ("kind = \"st7789\"\ndc = 25\ncolours = \"brg\"", 4, "no panel has this order"),
        ("kind = \"st7789\"\ndc = 25\nrotation = 45", 4, "one of 0, 90, 180, 270"),
        ("kind = \"framebuffer\"\npath = \"/dev/tty0\"", 3, "no framebuffer"),
        ("kind = \"framebuffer\"\nwidth = 800", 3, "has no `width`"),
        ("kind = \"png\"", 2, "missing key `path`"),
        ("kind = \"png\"\npath = \"panel.jpg\"", 3, "ends with .png"),
        ("kind = \"png\"\npath = \"panel.png\"\nwidth = 5", 4, "64 to 1920"),
    ] {
        let said = parse(&format!("[[screen]]\n{section}\n")).unwrap_err().to_string();
        assert!(said.contains(what) && said.contains("\n  remedy: "), "{section}: {said}");
        assert!(
            said.starts_with(&format!("conf/gateway.toml:{}:", before + line)),
            "{section}, line {line}: {said}"
        );
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

fn dots(path: &Path) -> Option<Vec<u8>> {
    let file = std::fs::File::open(path).ok()?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().ok()?;
    let mut dots = vec![0; reader.output_buffer_size()?];
    reader.next_frame(&mut dots).ok()?;
    Some(dots)
}

#[tokio::test]
async fn a_gateway_shows_its_panel_on_a_screen_and_goes_dark_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panel.png");
    let text = r#"
        gateway = "van-001"
        data = "data"
        [site]
        id = "V-001"
        name = "Vehicle 001"
        kind = "vehicle"
        [console]
        listen = "127.0.0.1:0"
        [[screen]]
        kind = "png"
        path = "panel.png"
        [[screen]]
        name = "hall"
        kind = "png"
        path = "no/folder.png"
    "#;
    let config = Config::parse(text, &folder.path().join("gateway.toml")).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let gateway = tokio::spawn(run::run(config, async {
        let _ = stopped.await;
    }));
    until("the gateway runs", || gateway.is_finished() || path.exists()).await;
    if gateway.is_finished() {
        panic!("{:?}", gateway.await);
    }
    until("the panel shows", || dots(&path).is_some_and(|dots| dots.iter().any(|dot| *dot != 0))).await;
    let first = dots(&path);
    // The other screen has no folder: the panel comes to say that it is missing.
    until("the panel changes", || dots(&path) != first).await;
    stop.send(()).unwrap();
    gateway.await.unwrap().unwrap();
    until("dark", || dots(&path).is_some_and(|dots| dots.iter().all(|dot| *dot == 0))).await;
}
