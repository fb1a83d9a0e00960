//! `waypost label` as a program.

#![allow(clippy::unwrap_used, reason = "a test stops at the first wrong thing")]

use std::process::{Command, Output};

fn label(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost")).arg("label").args(args).output().unwrap()
}

#[test]
fn a_label_is_written_as_a_picture_of_the_printers_dots() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("label.png");
    let name = file.to_str().unwrap();
    let out = label(&[
        "consignment",
        "37610425002123456",
        "--from",
        "A",
        "--to",
        "B",
        "--dpi",
        "300",
        "--png",
        name,
    ]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let png = std::fs::read(&file).unwrap();
    // 100 × 60 mm at 300 dots an inch, in the header's first words (PNG, 11.2.2).
    assert_eq!(png[16..24], [0, 0, 0x04, 0x9D, 0, 0, 0x02, 0xC5]);
    assert!(label(&["commands", "laboratory", "--lang", "zh-HK", "--png", name]).status.success());
    assert!(label(&["test", "--width-mm", "72", "--png", name]).status.success());
}

#[test]
fn what_cannot_be_a_label_is_told_with_a_remedy() {
    for (args, code, said) in [
        (
            &["consignment", "376104250021234568", "--from", "A", "--to", "B"][..],
            2,
            "18 with a right check digit",
        ),
        (&["test", "--lang", "fr"], 2, "zh-HK"),
        (
            &["consignment", "376104250021234569", "--from", "A", "--to", "B", "--width-mm", "20"],
            1,
            "too small",
        ),
        (&["test", "--png", "/nowhere/at/all.png"], 1, "cannot be written"),
    ] {
        let out = label(args);
        assert_eq!(out.status.code(), Some(code), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(said), "{args:?}");
    }
}
