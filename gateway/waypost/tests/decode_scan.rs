//! `waypost decode scan` as a person or a script calls it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Access-IS LSR118 manual, page 68: a boarding pass of 60 characters, 56 of them in the first report.
const PASS: &str = "M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23     60";

fn decode(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost"))
        .args(["decode", "scan", "--format"])
        .args(args)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn report(data: &str, more: bool) -> Vec<u8> {
    let mut report = vec![0; 64];
    report[..5].copy_from_slice(&[2, u8::try_from(data.len()).unwrap(), b']', b'Q', b'0']);
    report[5..5 + data.len()].copy_from_slice(data.as_bytes());
    report[63] = u8::from(more);
    report
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn reports_of_one_code_are_joined_from_arguments_and_from_a_file_alike() {
    let (first, second) = (report(&PASS[..56], true), report(&PASS[56..], false));
    let arguments = decode(&["hidpos", &hex(&first), &hex(&second)]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [first, second].concat()).unwrap();
    let recorded = decode(&["hidpos", file.path().to_str().unwrap()]);
    for output in [arguments, recorded] {
        assert_eq!(lines(&output), [json!({"scan": {"text": PASS, "symbology": "]Q0"}})]);
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_report_that_does_not_hold_together_is_refused_and_the_next_code_is_read() {
    let mut long = report("A", false);
    long[1] = 57;
    let output = decode(&["hidpos", &hex(&long), &hex(&[9; 64]), &hex(&report("A", false))]);
    let refused = json!({"refused": "not laid out as such a report is"});
    let scan = json!({"scan": {"text": "A", "symbology": "]Q0"}});
    assert_eq!(lines(&output), [refused.clone(), refused, scan]);
    let half = decode(&["hidpos", &hex(&report("A", true))]);
    assert_eq!(lines(&half), [json!({"refused": "only the beginning of a code came"})]);
    assert_eq!(half.status.code(), Some(1), "no code");
}

#[test]
fn serial_text_is_read_from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .args(["decode", "scan", "--format", "serial", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"]C10100012345678905\x1d10A\r\nplain\rhal").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        str::from_utf8(&output.stdout).unwrap(),
        concat!(
            r#"{"scan":{"text":"0100012345678905\u001d10A","symbology":"]C1"}}"#,
            "\n",
            r#"{"scan":{"text":"plain","symbology":null}}"#,
            "\n",
            r#"{"refused":"only the beginning of a code came"}"#,
            "\n"
        )
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_ssi_packet_that_is_sent_again_is_one_scan_and_a_broken_one_is_refused() {
    let (code, again) = ("08f300000b313233fe64", "08f300010b313233fe63");
    let scan = json!({"scan": {"text": "123", "symbology": "]E0"}});
    assert_eq!(lines(&decode(&["ssi", code, again])), [scan]);
    let broken = decode(&["ssi", "08f300000b313233fe65"]);
    assert_eq!(lines(&broken), [json!({"refused": "the checksum is wrong"})]);
    assert_eq!(broken.status.code(), Some(1));
}

#[test]
fn what_is_neither_file_nor_digits_is_said_on_standard_error() {
    for bad in ["/nowhere/at/all", "0g", "123", ""] {
        let output = decode(&["hidpos", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    assert_eq!(decode(&["morse", "00"]).status.code(), Some(2));
}
