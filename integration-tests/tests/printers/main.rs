//! What is printed, through the real driver and a virtual printer, and read back by zxing-cpp: what came out is what was
//! meant. Where `WAYPOST_PRINTED` names a folder, the pictures are left there for people to look at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

mod gateway;
mod paper;

use std::{collections::BTreeSet, path::PathBuf, process::Command, time::Duration};

use paper::Picture;
use tokio::{sync::mpsc, time::timeout};
use waypost_core::{
    code::gs1::Sscc,
    fact::{ShiftCounts, SiteKind},
};
use waypost_drivers::{
    bench::{Paper, VirtualPrinter},
    printer::{Dialect, Job, Place, Printer, PrinterConfig, PrinterEvent},
};
use waypost_edge::{
    panel::Language,
    print::{
        BoxLabel, ConsignmentLabel, Document, Media, Receipt, Report, Sheet, TestPage, draw, work_commands,
    },
};
use waypost_integration_tests::{python, wait::SOON};

const LABEL_MM: (u32, u32) = (100, 60);
const ROLL_MM: u32 = 72;

fn label(box_id: &str) -> Document {
    Document::Box(BoxLabel {
        box_id: box_id.to_owned(),
        site_name: "Kwai Chung testing centre".to_owned(),
        site: "SITE-CTC1".to_owned(),
        tubes: 48,
        seal: "S-0001".to_owned(),
        mechanical: Some("A1234567".to_owned()),
        due: "2020-09-03 15:00".to_owned(),
        record: 1042,
    })
}

fn receipt() -> Document {
    Document::Receipt(Receipt {
        site_name: "Kwai Fong post office".to_owned(),
        site: "SITE-PO1".to_owned(),
        time: "2020-10-05 09:31".to_owned(),
        time_is_sure: true,
        campaign: "Reusable masks, round 2".to_owned(),
        packs: 2,
        masked: Some("A123****".to_owned()),
        by_proxy: true,
        record: 88,
        appeal: "Any district office, or telephone 1823".to_owned(),
    })
}

fn report() -> Document {
    Document::Report(Report {
        site_name: "Kwai Fong post office".to_owned(),
        site: "SITE-PO1".to_owned(),
        day: Some("2020-10-05".to_owned()),
        opened: Some("2020-10-05 08:57".to_owned()),
        closed: "2020-10-05 17:04".to_owned(),
        time_is_sure: false,
        person: "s-7f3a".to_owned(),
        counts: ShiftCounts { claims_served: 214, packs: 371, ..ShiftCounts::default() },
        unsynced: 3,
        record: 912,
    })
}

/// Prints a sheet through the driver and gives what came out.
async fn printed(document: Document, reprint: u32, dpi: u32, language: Language) -> Picture {
    let is_label = matches!(document, Document::Box(_) | Document::Consignment(_));
    let (dialect, media) = if is_label {
        (Dialect::Zpl, Media::of_mm(dpi, LABEL_MM.0, Some(LABEL_MM.1)))
    } else {
        (Dialect::EscPos, Media::of_mm(dpi, ROLL_MM, None))
    };
    let picture = draw(&Sheet { document, reprint }, media, language).unwrap();
    let device = VirtualPrinter::tcp(dialect).await.unwrap();
    let place = Place::Tcp(device.address());
    let config = PrinterConfig { place, dialect, answers: true, job_age_max: Duration::from_secs(60) };
    let (out, mut events) = mpsc::channel(16);
    let printer = Printer::start(config, out).unwrap();
    printer.print(Job { id: 1, picture }).unwrap();
    while timeout(SOON, events.recv()).await.unwrap().unwrap() != PrinterEvent::Printed(1) {}
    let papers = device.papers();
    let [Paper { bytes, whole: true }] = papers.as_slice() else { panic!("one paper: {}", papers.len()) };
    match dialect {
        Dialect::Zpl => Picture::of_label(bytes),
        Dialect::EscPos => Picture::of_receipt(bytes),
    }
}

/// What zxing-cpp reads in each picture: symbology and text.
fn read(pictures: &[(String, Picture)]) -> Option<Vec<BTreeSet<(String, String)>>> {
    let python = match python::with("zxingcpp") {
        Ok(python) => python,
        Err(why) => {
            println!("SKIPPED: {why}");
            return None;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let dir = std::env::var_os("WAYPOST_PRINTED").map_or(dir.path().to_owned(), PathBuf::from);
    let paths: Vec<_> = pictures.iter().map(|(name, _)| dir.join(format!("{name}.pgm"))).collect();
    for ((_, picture), path) in pictures.iter().zip(&paths) {
        picture.write(path);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/read_codes.py");
    let out = Command::new(python).arg(script).args(&paths).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout).unwrap();
    let codes = lines.lines().map(|line| {
        let found: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
        let text = |code: &serde_json::Value, key: &str| code[key].as_str().unwrap().to_owned();
        found.iter().map(|code| (text(code, "symbology"), text(code, "text"))).collect()
    });
    Some(codes.collect())
}

fn codes(expected: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    expected.iter().map(|(symbology, text)| ((*symbology).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn a_label_reads_as_it_was_meant_at_203_and_300_dots_an_inch() {
    let sscc = Sscc::with_check_digit("37610425002123456").unwrap();
    let (from, to) = ("Kwai Chung testing centre".to_owned(), "Laboratory 1".to_owned());
    let consignment = Document::Consignment(ConsignmentLabel { sscc, from, to, boxes: 3 });
    let long = "02112345678900ABCDEFGH12345678";
    let cases = [
        (
            "box-grai",
            label("02112345678900AB12"),
            codes(&[("]d2", "800302112345678900AB12"), ("]C1", "800302112345678900AB12")]),
        ),
        ("box-long", label(long), codes(&[("]d2", &format!("8003{long}")), ("]C1", &format!("8003{long}"))])),
        ("box-plain", label("B-0001"), codes(&[("]d1", "B-0001"), ("]C0", "B-0001")])),
        ("consignment", consignment, codes(&[("]C1", "00376104250021234569")])),
    ];
    let mut pictures = Vec::new();
    let mut expected = Vec::new();
    for (name, document, codes) in cases {
        for (dpi, language, reprint) in [
            (203, Language::En, 0),
            (300, Language::En, 1),
            (203, Language::ZhHk, 2),
            (300, Language::ZhHk, 0),
        ] {
            let picture = printed(document.clone(), reprint, dpi, language).await;
            pictures.push((format!("{name}-{dpi}-{}", language.tag()), picture));
            expected.push(codes.clone());
        }
    }
    let Some(found) = read(&pictures) else { return };
    for (((name, _), expected), found) in pictures.iter().zip(expected).zip(found) {
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn commands_and_test_pages_read_as_they_were_meant() {
    let commands = work_commands(SiteKind::TestingCentre);
    let of_commands = commands.commands.iter().map(|(code, _)| ("]Q1", *code)).collect::<Vec<_>>();
    let page = TestPage { printer: "receipt printer".to_owned(), dpi: 203 };
    let grai = "800302112345678900TEST";
    let cases = [
        ("commands", Document::Commands(commands.clone()), codes(&of_commands)),
        ("test-page", Document::Test(page), codes(&[("]Q1", "WAYPOST-TEST"), ("]d2", grai), ("]C1", grai)])),
    ];
    let mut pictures = Vec::new();
    let mut expected = Vec::new();
    for (name, document, codes) in cases {
        for language in Language::ALL {
            let picture = printed(document.clone(), 0, 203, language).await;
            pictures.push((format!("{name}-203-{}", language.tag()), picture));
            expected.push(codes.clone());
        }
    }
    let Some(found) = read(&pictures) else { return };
    for (((name, _), expected), found) in pictures.iter().zip(expected).zip(found) {
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn receipts_and_reports_bear_no_code_and_differ_where_they_are_reprints() {
    let mut pictures = Vec::new();
    for (name, document) in [("receipt", receipt()), ("report", report())] {
        for language in Language::ALL {
            for reprint in [0, 1] {
                let picture = printed(document.clone(), reprint, 203, language).await;
                pictures.push((format!("{name}-{reprint}-{}", language.tag()), picture));
            }
        }
    }
    for pair in pictures.chunks(2) {
        let [(_, first), (name, again)] = pair else { panic!("two of each") };
        assert!(again.rows.len() > first.rows.len(), "{name}: the mark stands above");
        assert!(again.rows.ends_with(&first.rows[16..]), "{name}: the rest is the same");
    }
    let Some(found) = read(&pictures) else { return };
    assert!(found.iter().all(BTreeSet::is_empty), "{found:?}");
}
