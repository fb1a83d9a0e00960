//! `waypost decode gnss` as an operator or a script calls it.

#![allow(clippy::expect_used, reason = "a test's helpers may panic")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn waypost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(["decode", "gnss"]);
    command
}

/// The lines printed for `recording` on standard input, and the exit status.
fn decode(recording: &[u8]) -> (Vec<Value>, Option<i32>) {
    let mut child =
        waypost().arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
    child.stdin.take().expect("piped").write_all(recording).expect("it reads");
    let Output { status, stdout, .. } = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(stdout).expect("it prints text");
    (text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect(), status.code())
}

#[test]
fn a_line_for_each_position_sentence_and_none_for_others() {
    let (lines, status) = decode(
        b"# a note with $GPRMC,,V,,,,,,,,,,N*53 in it\n\
          $GPGSA,A,3,11,32,14,28,22,03,10,08,17,,,,2.02,1.03,1.74*00\r\n\
          $GNRMC,171926.00,A,4404.14063,N,12118.85478,W,0.117,,180315,,,A*76\r\n\
          $GPRMC,,V,,,,,,,,,,N*53     $GPRMC,000344.03,A,4808.9992,N,4,02.3*05\r\n\
          $GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,2208-1,,,A*73",
    );
    assert_eq!(
        lines,
        [
            json!({"fix": {"lat": 44.0690105, "lon": -121.314246333, "speed_mps": 0.06, "course_deg": null,
                "time": "2015-03-18T17:19:26Z", "time_of_day_s": 62366.0, "quality": "gnss"}}),
            json!({"refused": "the receiver has no valid position", "sentence": "$GPRMC,,V,,,,,,,,,,N*53"}),
            json!({"refused": "wrong checksum", "sentence": "$GPRMC,000344.03,A,4808.9992,N,4,02.3*05"}),
            json!({"fix": {"lat": 48.483341667, "lon": 0.366691667, "speed_mps": 0.077,
                "course_deg": 212.28, "time": null, "time_of_day_s": 151.099, "quality": "gnss"}}),
        ]
    );
    assert_eq!(status, Some(0));
}

#[test]
fn without_a_fix_the_status_is_1() {
    assert_eq!(decode(b""), (vec![], Some(1)));
    let (lines, status) = decode(b"$GPRMC,,V,,,,,,,,,,N*53\r\n");
    assert_eq!((lines.len(), status), (1, Some(1)));
    assert_eq!(decode(&[0xff; 100_000]), (vec![], Some(1)));
}

#[test]
fn a_recording_that_is_not_there_is_named_with_the_reason() {
    let output = waypost().arg("/nowhere/van.log").output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("/nowhere/van.log") && message.contains("No such file"), "{message}");
}
