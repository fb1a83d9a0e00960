//! `waypost decode seal` as a person or a script calls it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use std::process::{Command, Output};

use serde_json::{Value, json};

const MAC: &str = "54:48:E6:8F:80:A5";
const KEY: &str = "231d39c1d7cc1ab1aee224cd096db932";

fn decode(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost")).args(["decode", "seal"]).args(args).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with_key(frames: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = decode(&[&["--mac", MAC, "--key", KEY], frames].concat());
    (lines(&output), output.status.code())
}

fn plain(frames: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = decode(&[&["--mac", MAC], frames].concat());
    (lines(&output), output.status.code())
}

fn refused(reason: &str) -> Value {
    json!({"refused": reason})
}

#[test]
fn a_sealed_box_that_is_opened_is_two_lines_with_the_names_of_the_manual() {
    let output = decode(&[
        "--mac",
        MAC,
        "--key",
        KEY,
        "415942906920750802e8030000ad89b592",
        "41e2e35978b460627ce90300004ba40650",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        str::from_utf8(&output.stdout).unwrap(),
        concat!(
            r#"{"address":"54:48:E6:8F:80:A5","authentic":true,"state":"closed","counter":1000,"event_count":null,"#,
            r#""battery_percent":100,"measurements":{"packet_id":1,"battery":100,"opening":false,"tamper":false}}"#,
            "\n",
            r#"{"address":"54:48:E6:8F:80:A5","authentic":true,"state":"tampered","counter":1001,"event_count":null,"#,
            r#""battery_percent":100,"measurements":{"packet_id":2,"battery":100,"opening":true,"tamper":true}}"#,
            "\n",
        )
    );
}

#[test]
fn the_same_bytes_again_are_a_repeat_and_a_lower_counter_is_a_replay() {
    let (lines, code) = with_key(&[
        "41e445f3c9962b332211006c7c4519",
        "41e445f3c9962b332211006c7c4519",
        "41723d3035fb88322211009e7414c0",
        "413e932cc7175f34221100553876af",
    ]);
    assert_eq!(code, Some(0));
    assert_eq!(lines[0]["counter"], 1_122_867);
    assert_eq!(lines[1..3], [refused("repeat"), refused("replay")]);
    assert_eq!(lines[3]["counter"], 1_122_868);
}

#[test]
fn a_counter_that_starts_anew_is_a_replay_and_each_call_starts_fresh() {
    let (lines, _) = with_key(&["41ba0db07aeef6ffffffff21fd4600", "41de40b50e676600000000d7cb95de"]);
    assert_eq!(lines[0]["counter"], u32::MAX);
    assert_eq!(lines[1], refused("replay"));
    let (lines, code) = with_key(&["41de40b50e676600000000d7cb95de"]);
    assert_eq!((&lines[0]["counter"], code), (&json!(0), Some(0)));
}

#[test]
fn packet_ids_go_forward_within_a_call() {
    let (lines, _) = plain(&["4000091100", "4000091101", "4000081101", "40000a1101"]);
    assert_eq!(lines[1..3], [refused("repeat"), refused("old packet")]);
    assert_eq!(lines[3]["state"], "open");
}

#[test]
fn an_address_inside_a_frame_is_the_one_that_is_printed_and_has_its_own_counter() {
    let (lines, code) = plain(&["42b2188d38c1a404138a01", "401100"]);
    assert_eq!(lines[0]["address"], "A4:C1:38:8D:18:B2");
    assert_eq!(lines[0]["measurements"], json!({"pressure": 1008.83}));
    assert_eq!((&lines[1]["address"], code), (&json!(MAC), Some(0)));
}

#[test]
fn plain_frames_are_not_authentic_and_have_no_counter() {
    let (lines, _) = plain(&["40004E0164050000002D013F0000"]);
    assert_eq!(
        (&lines[0]["authentic"], &lines[0]["counter"], &lines[0]["state"], &lines[0]["battery_percent"]),
        (&json!(false), &Value::Null, &json!("open"), &json!(100))
    );
    assert_eq!(plain(&["403d0500"]).0[0]["event_count"], 5);
}

#[test]
fn frames_of_other_formats_have_the_same_names_and_are_never_authentic() {
    let (lines, code) = plain(&[
        "a40163010001ff6745233123ac1234",
        "320a00",
        "01B708B4120CCB0BFFC767",
        "420c00",
        "20000bb81a8000000102000003e8",
        "021500112233445566778899aabbccddeeff01234567fc",
        "0201060616d2fc40110106ff5707620b00",
    ]);
    assert_eq!((lines.len(), code), (8, Some(0)));
    assert_eq!(
        lines[0],
        json!({"address": "AC:23:31:23:45:67", "authentic": false, "state": "open", "counter": null,
               "event_count": null, "battery_percent": 99, "format": "minew",
               "measurements": {"battery": 99, "opening": true, "tamper": false, "triggered": true}})
    );
    let said = |line: &Value| (line["format"].clone(), line["state"].clone(), line["event_count"].clone());
    let table = [
        (1, json!("ela"), "open", json!(5)),
        (2, json!("teltonika"), "open", Value::Null),
        (3, json!("ela"), "unknown", Value::Null),
        (4, json!("eddystone"), "unknown", Value::Null),
        (5, json!("ibeacon"), "unknown", Value::Null),
        (6, Value::Null, "open", Value::Null),
        (7, json!("ela"), "closed", json!(5)),
    ];
    for (at, format, state, count) in table {
        assert_eq!(said(&lines[at]), (format, json!(state), count), "{}", lines[at]);
        assert_eq!((&lines[at]["authentic"], &lines[at]["counter"]), (&json!(false), &Value::Null));
    }
}

#[test]
fn with_a_key_frames_of_other_formats_are_a_downgrade() {
    assert_eq!(
        with_key(&["320b00", "a40163000000ff6745233123ac1234"]).0,
        [refused("downgrade"), refused("downgrade")]
    );
}

#[test]
fn a_beacon_that_was_started_anew_is_told_on_standard_error() {
    let output = decode(&["--mac", MAC, "2000000080000000003c00000258", "2000000080000000000100000005"]);
    assert_eq!(lines(&output).len(), 2);
    assert!(str::from_utf8(&output.stderr).unwrap().contains("started anew"));
}

#[test]
fn where_no_frame_is_accepted_the_exit_status_is_one() {
    let table = [
        (with_key(&["4004138a01"]), "downgrade"),
        (with_key(&["41c869d37ea5f88e271629ecf27a85"]), "bad tag"),
        (with_key(&["41ba0db07aeef600"]), "too short"),
        (plain(&["41a47266c95f730011223378237214"]), "key needed"),
        (plain(&["e102000c0404138a01"]), "bad version"),
        (plain(&["00"]), "bad version"),
        (plain(&[""]), "too short"),
    ];
    for ((lines, code), reason) in table {
        assert_eq!((lines, code), (vec![refused(reason)], Some(1)));
    }
}

#[test]
fn an_odd_frame_is_read_and_the_oddity_goes_to_standard_error() {
    let output = decode(&["--mac", MAC, "4003bf1302ca09"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output)[0]["measurements"], json!({"humidity": 50.55, "temperature": 25.06}));
    assert!(str::from_utf8(&output.stderr).unwrap().contains("object 0x02"));
}

#[test]
fn arguments_that_cannot_be_read_are_named_and_the_exit_status_is_two() {
    let long_key = format!("{KEY}aabbccdd11223344");
    let table: [(&[&str], &str); 6] = [
        (&["--mac", MAC, "4"], "pairs of hexadecimal digits"),
        (&["--mac", MAC, "40zz"], "pairs of hexadecimal digits"),
        (&["--mac", "54:48", "401100"], "Bluetooth address"),
        (&["--mac", MAC, "--key", &long_key, "401100"], "not 24"),
        (&["--mac", MAC], "HEX"),
        (&["401100"], "--mac"),
    ];
    for (args, message) in table {
        let output = decode(args);
        let error = str::from_utf8(&output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        assert!(error.contains(message), "{args:?}: {error}");
        assert!(!error.contains(KEY), "a key is never repeated: {error}");
    }
}

#[test]
fn the_help_has_examples_that_work() {
    let help = decode(&["--help"]);
    assert!(
        str::from_utf8(&help.stdout).unwrap().contains("waypost decode seal --mac 54:48:E6:8F:80:A5 402d01")
    );
    assert_eq!(plain(&["402d01"]).1, Some(0));
}
