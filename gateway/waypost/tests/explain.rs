//! `waypost explain` as a person and a script see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn waypost(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .arg("explain")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A process that has ended already does not read; what it printed is what is tested.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The object that is printed for one code, and the exit status.
fn explain(code: &str) -> (Value, i32) {
    let output = waypost(&["--json", "--", code], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{code}: {text}");
    (serde_json::from_str(&text).unwrap(), output.status.code().unwrap())
}

fn elements(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(ai, value)| json!({"ai": ai, "value": value})).collect()
}

#[test]
fn each_kind_is_named_and_gs1_codes_show_their_elements() {
    let scan = &[("01", "12312312312333"), ("10", "ABC123"), ("99", "TESTING")];
    for (code, expected) in [
        ("A123456(3)", json!({"kind": "hkid", "valid": true, "masked": "A123****"})),
        ("ab1234569", json!({"kind": "hkid", "valid": true, "masked": "AB123****"})),
        ("Ａ１２３４５６（３）", json!({"kind": "hkid", "valid": true, "masked": "A123****"})),
        ("t-00001234", json!({"kind": "tube", "id": "T-00001234"})),
        ("CMD-CLOSE-BOX", json!({"kind": "command", "id": "CMD-CLOSE-BOX"})),
        ("STAFF-0123456789ABCDEF", json!({"kind": "badge", "length": 22})),
        ("^0112345678901231", json!({"kind": "gs1", "elements": elements(&[("01", "12345678901231")])})),
        ("^0112345678901231^", json!({"kind": "gs1", "elements": elements(&[("01", "12345678901231")])})),
        (
            "(10)12345(11)991225",
            json!({"kind": "gs1", "elements": elements(&[("10", "12345"), ("11", "991225")])}),
        ),
        ("]C1011231231231233310ABC123\\x1d99TESTING", json!({"kind": "gs1", "elements": elements(scan)})),
        ("]d2011231231231233310ABC123^99TESTING", json!({"kind": "gs1", "elements": elements(scan)})),
        (
            "]Q3011231231231233310ABC123\u{1D}99TESTING\u{1D}",
            json!({"kind": "gs1", "elements": elements(scan)}),
        ),
        ("]E02112345678900", json!({"kind": "gs1", "elements": elements(&[("01", "02112345678900")])})),
        (
            "^800302112345678900ABC",
            json!({"kind": "box", "id": "02112345678900ABC", "elements": elements(&[("8003", "02112345678900ABC")])}),
        ),
        (
            "(00)376104250021234569",
            json!({"kind": "consignment", "id": "376104250021234569", "elements": elements(&[("00", "376104250021234569")])}),
        ),
        (
            "(01)12345678901231(21)A7",
            json!({"kind": "tube", "id": "(01)12345678901231(21)A7",
                   "elements": elements(&[("01", "12345678901231"), ("21", "A7")])}),
        ),
    ] {
        assert_eq!(explain(code), (expected, 0), "{code}");
    }
}

#[test]
fn what_is_no_code_is_refused_with_status_1_and_its_text_is_not_repeated() {
    for (code, secret) in [
        ("A123456(4)", "123456"),
        ("A1234564", "123456"),
        ("TP149025(3)", "149025"),
        ("A123456", "123456"),
        ("LL2557369A", "2557369"),
        ("BSA111111(3)", "111111"),
        ("A123456(3)A", "123456"),
        ("Alice was here", "Alice"),
        ("991234", "991234"),
        ("(10)(11)98765", "98765"),
        ("(1A)12345", "12345"),
        ("(12345)12345", "12345"),
        ("(01)123456789012312(10)12345", "12345"),
        ("^0112345678901234", "12345"),
        ("^011234567890123", "12345"),
        ("^01123456789012312", "12345"),
        ("^99~ABC", "ABC"),
        ("^800302112345678901ABC", "ABC"),
        ("]C101123123123133^10ABC", "ABC"),
        ("]E02112345678901", "2112345"),
        ("STAFF-0123", "0123"),
    ] {
        let (answer, status) = explain(code);
        assert_eq!((&answer["kind"], status), (&json!("refused"), 1), "{code}");
        assert!(!answer["reason"].as_str().unwrap().is_empty());
        assert!(!answer.to_string().contains(secret), "{code}: {answer}");
    }
    for code in ["", "^", "]C1", "]d2", "]Q3", " "] {
        let (answer, status) = explain(code);
        assert_eq!((&answer["kind"], status), (&json!("refused"), 1), "{code}");
    }
}

#[test]
fn a_wrong_check_digit_is_the_reason_that_is_given() {
    let (answer, _) = explain("A123456(4)");
    assert!(answer["reason"].as_str().unwrap().contains("wrong check digit"), "{answer}");
}

#[test]
fn standard_input_holds_one_code_a_line() {
    let long = "7".repeat(40_000);
    let input = format!("T-00001234\r\n\nA123456(3)\n{long}\nV-007");
    let output = waypost(&["--json", "-"], input.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let kinds: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].clone()).collect();
    assert_eq!(kinds, ["tube", "hkid", "refused", "vehicle"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text.contains("123456"));

    assert_eq!(waypost(&["-"], b"T-00001234\n").status.code(), Some(0));
    assert_eq!(waypost(&["--json", "-"], b"\xff\xfe\x00").status.code(), Some(1));
    let nothing = waypost(&["-"], b"");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("standard input holds no code"));
}

#[test]
fn words_without_quotes_are_one_code_and_are_not_complained_about() {
    let output = waypost(&["A", "123456", "(3)", "--json"], b"");
    assert_eq!(output.stdout, b"{\"kind\":\"hkid\",\"valid\":true,\"masked\":\"A123****\"}\n");
    let output = waypost(&["--json", "A", "123456", "(4)"], b"");
    assert_eq!((output.status.code(), output.stderr), (Some(1), Vec::new()));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("123456"));
}

#[test]
fn a_person_reads_the_same_in_words() {
    for (code, words) in [
        ("A123456(3)", "A Hong Kong identity card number with a right check digit: A123****\n"),
        ("T-00001234", "A specimen tube: T-00001234\n"),
        (
            "(01)12345678901231(10)AB",
            "A GS1 code.\n  (01) 12345678901231  article (GTIN)\n  (10) AB  batch\n",
        ),
        ("STAFF-0123456789ABCDEF", "A staff badge; its code is a secret and is not shown.\n"),
        ("A1234564", "Refused: it looks like an identity card number with a wrong check digit.\n"),
    ] {
        assert_eq!(String::from_utf8(waypost(&[code], b"").stdout).unwrap(), words);
    }
}

#[test]
fn the_help_says_how_to_keep_numbers_out_of_the_shells_history() {
    let help = String::from_utf8(waypost(&["--help"], b"").stdout).unwrap();
    assert!(
        help.contains("history") && help.contains("standard input") && help.contains("Examples:"),
        "{help}"
    );
}
