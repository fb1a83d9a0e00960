//! Recorded sessions of some eighty receivers, with the positions that gpsd makes of them beside each (`.chk`).
//!
//! The recordings are not part of the project. `WAYPOST_GNSS_DATA` says where they are; without them these tests say
//! that they were skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test's helpers may panic and print"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use waypost_drivers::gnss::{Decoded, Decoder, Fix, Gate, Joined, Joiner, Refusal, Thinner};

/// How far a position may lie from gpsd's.
const NEAR_M: f64 = 15.0;
/// How many of gpsd's positions must have one of ours at their second.
const COVERED: f64 = 0.8;
/// How far a replayed track may lie from the fixes that it was made of.
const CORRIDOR_M: f64 = 25.0;
/// A recording whose thinned track is at least so long is of a receiver that moved.
const MOVING_M: f64 = 300.0;
/// Without so many recordings the rule for what is a recording of text sentences would be wrong.
const TEXT_RECORDINGS_MIN: usize = 70;

struct Recording {
    name: String,
    /// Without the comments.
    bytes: Vec<u8>,
    expected: Vec<Expected>,
}

/// A position of gpsd's.
struct Expected {
    lat: f64,
    lon: f64,
    /// Full seconds since midnight: its dates may be mended for a rollover, ours never are.
    second: Option<u32>,
}

fn recordings() -> Vec<Recording> {
    let folder = std::env::var_os("WAYPOST_GNSS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/gnss"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: no recordings at {} (set WAYPOST_GNSS_DATA)", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    assert!(!paths.is_empty(), "no recordings in {}", folder.display());
    paths.iter().map(|path| Recording::read(path)).collect()
}

impl Recording {
    fn read(path: &Path) -> Self {
        let raw = std::fs::read(path).unwrap();
        let lines = raw.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
        let expected = std::fs::read(path.with_extension("log.chk")).unwrap();
        Self {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            bytes: lines.flatten().copied().collect(),
            expected: String::from_utf8_lossy(&expected).lines().filter_map(expectation).collect(),
        }
    }

    /// The rule: a recording of text sentences has at least one whole position sentence, valid or void. The others are
    /// makers' binary messages, ships' transponders, or a receiver that only lists its satellites.
    fn is_text(&self) -> bool {
        decode(&self.bytes).iter().any(|decoded| match decoded {
            Decoded::Fix(_) => true,
            Decoded::Refused { refusal, .. } => !matches!(
                refusal,
                Refusal::NoChecksum
                    | Refusal::WrongChecksum
                    | Refusal::Spliced
                    | Refusal::Garbled
                    | Refusal::TooLong
            ),
        })
    }
}

fn expectation(line: &str) -> Option<Expected> {
    let report: serde_json::Value = serde_json::from_str(line).ok()?;
    if report["class"] != "TPV" || report["mode"].as_u64()? < 2 {
        return None;
    }
    let second = report["time"].as_str().map(|time| {
        let number = |at: usize| time[at..at + 2].parse::<u32>().unwrap();
        number(11) * 3600 + number(14) * 60 + number(17)
    });
    Some(Expected { lat: report["lat"].as_f64()?, lon: report["lon"].as_f64()?, second })
}

fn decode(bytes: &[u8]) -> Vec<Decoded> {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    decoder.push(bytes, &mut |decoded| out.push(decoded));
    decoder.finish(&mut |decoded| out.push(decoded));
    out
}

fn fixes(bytes: &[u8]) -> Vec<Fix> {
    let fix = |decoded| match decoded {
        Decoded::Fix(fix) => Some(fix),
        Decoded::Refused { .. } => None,
    };
    decode(bytes).into_iter().filter_map(fix).collect()
}

fn second(fix: &Fix) -> Option<u32> {
    fix.time_of_day_s.map(|second| second as u32)
}

fn place(lat: f64, lon: f64) -> Fix {
    Fix::at(lat, lon)
}

#[test]
fn accepted_positions_lie_where_gpsd_puts_them() {
    let recordings = recordings();
    if recordings.is_empty() {
        return;
    }
    let (text, others): (Vec<_>, Vec<_>) = recordings.iter().partition(|recording| recording.is_text());
    println!("without text positions: {:?}", others.iter().map(|other| &other.name).collect::<Vec<_>>());
    assert!(text.len() >= TEXT_RECORDINGS_MIN, "{} recordings of text sentences", text.len());
    for recording in text {
        let mut at_second: HashMap<u32, Vec<&Expected>> = HashMap::new();
        for expected in &recording.expected {
            at_second.entry(expected.second.unwrap_or(u32::MAX)).or_default().push(expected);
        }
        let fixes = fixes(&recording.bytes);
        for fix in &fixes {
            // Where gpsd reports nothing for a second, it waits for more sentences: then any of its positions will do.
            let all = recording.expected.iter().collect();
            let candidates = second(fix).and_then(|second| at_second.get(&second)).unwrap_or(&all);
            let off_m = candidates.iter().map(|near| fix.distance_m(&place(near.lat, near.lon)));
            let off_m = off_m.fold(f64::MAX, f64::min);
            assert!(off_m <= NEAR_M, "{}: {off_m:.0} m off: {fix:?}", recording.name);
        }
        let timed: Vec<u32> = recording.expected.iter().filter_map(|expected| expected.second).collect();
        let covered =
            timed.iter().filter(|wanted| fixes.iter().any(|fix| second(fix) == Some(**wanted))).count();
        assert!(
            covered as f64 >= COVERED * timed.len() as f64,
            "{}: {covered} of {} positions",
            recording.name,
            timed.len()
        );
    }
}

#[test]
fn no_recording_gives_a_position_that_is_void_or_zero() {
    for recording in recordings() {
        for fix in fixes(&recording.bytes) {
            assert!(fix.lat.abs() <= 90.0 && fix.lon.abs() <= 180.0, "{}: {fix:?}", recording.name);
            assert!(fix.lat != 0.0 || fix.lon != 0.0, "{}: {fix:?}", recording.name);
        }
    }
}

#[test]
fn a_damaged_byte_never_makes_a_position_that_was_not_sent() {
    // The smallest recordings with fixes: each is decoded again for each of its bytes.
    let mut sample: Vec<Recording> =
        recordings().into_iter().filter(|one| !fixes(&one.bytes).is_empty()).collect();
    sample.sort_by_key(|recording| recording.bytes.len());
    for recording in sample.iter().take(4) {
        let sent: Vec<_> = fixes(&recording.bytes).iter().map(key).collect();
        for at in 0..recording.bytes.len() {
            let (before, after) = (&recording.bytes[..at], &recording.bytes[at + 1..]);
            let original = recording.bytes[at];
            for damage in [&[][..], &[0], b"$", b"*", b",", &[original ^ 1], &[original, original], b"\r\n"] {
                let damaged = [before, damage, after].concat();
                for fix in fixes(&damaged) {
                    assert!(sent.contains(&key(&fix)), "{} at {at} {damage:?}: {fix:?}", recording.name);
                }
            }
            for fix in fixes(before) {
                assert!(sent.contains(&key(&fix)), "{} cut at {at}: {fix:?}", recording.name);
            }
        }
    }
}

/// What is in the sentence itself; its date may have been in a damaged one.
fn key(fix: &Fix) -> (u64, u64, Option<u64>, Option<u64>) {
    (
        fix.lat.to_bits(),
        fix.lon.to_bits(),
        fix.time_of_day_s.map(f64::to_bits),
        fix.speed_mps.map(f64::to_bits),
    )
}

#[test]
fn how_the_line_cuts_the_bytes_changes_nothing() {
    for recording in recordings() {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for chunk in recording.bytes.chunks(7) {
            decoder.push(chunk, &mut |decoded| out.push(decoded));
        }
        decoder.finish(&mut |decoded| out.push(decoded));
        assert!(out == decode(&recording.bytes), "{}", recording.name);
    }
}

#[test]
fn a_thinned_track_replays_within_the_corridor() {
    let (mut given, mut kept_of_all) = (0, 0);
    let (mut moving, mut moving_kept, mut moving_given, mut moving_m) = (0, 0, 0, 0.0);
    let mut worst_m: f64 = 0.0;
    for recording in recordings() {
        let mut gate = Gate::default();
        let mut thinner = Thinner::default();
        let (mut admitted, mut kept) = (Vec::new(), Vec::new());
        for fix in joined(&recording.bytes) {
            let Some(second) = fix.time_of_day_s else { continue };
            let now_ms = (second * 1000.0) as u64;
            if gate.admit(&fix, now_ms).is_ok() {
                admitted.push(fix.clone());
                kept.extend(thinner.push(fix, now_ms));
            }
        }
        kept.extend(thinner.finish());
        for fix in &admitted {
            let strays_m = strays_m(&kept, fix);
            assert!(strays_m <= CORRIDOR_M, "{}: {strays_m} m: {fix:?}", recording.name);
            worst_m = worst_m.max(strays_m);
        }
        given += admitted.len();
        kept_of_all += kept.len();
        let length_m: f64 = kept.windows(2).map(|leg| leg[0].distance_m(&leg[1])).sum();
        if length_m >= MOVING_M {
            moving += 1;
            moving_kept += kept.len();
            moving_given += admitted.len();
            moving_m += length_m;
            println!(
                "{}: {} of {} fixes kept on {:.1} km",
                recording.name,
                kept.len(),
                admitted.len(),
                length_m / 1000.0
            );
        }
    }
    println!("kept {kept_of_all} of {given} fixes; the worst lies {worst_m:.1} m from the replayed track");
    println!(
        "moving: {moving} recordings, {:.1} km, kept {moving_kept} of {moving_given} fixes: {:.1} a kilometre",
        moving_m / 1000.0,
        f64::from(moving_kept as u32) * 1000.0 / moving_m
    );
    assert!(kept_of_all * 5 <= given, "kept {kept_of_all} of {given}");
}

#[test]
fn each_moment_of_a_recording_is_one_fix() {
    for recording in recordings() {
        let fixes = joined(&recording.bytes);
        for pair in fixes.windows(2) {
            let [Some(one), Some(two)] = [&pair[0], &pair[1]].map(|fix| fix.time_of_day_s) else { continue };
            assert!(one != two, "{}: two fixes of one moment: {pair:?}", recording.name);
        }
    }
}

/// A fix a moment, as the receiver's driver gives them.
fn joined(bytes: &[u8]) -> Vec<Fix> {
    let mut decoder = Decoder::default();
    let mut joiner = Joiner::default();
    let mut out = Vec::new();
    decoder.listen(bytes, &mut |said| out.extend(joiner.push(said)));
    out.extend(joiner.flush());
    let fix = |joined| if let Joined::Fix(fix) = joined { Some(fix) } else { None };
    out.into_iter().filter_map(fix).collect()
}

/// How far `fix` lies from a track: from the nearest of many points on each of its legs.
fn strays_m(track: &[Fix], fix: &Fix) -> f64 {
    let on_legs = track.windows(2).flat_map(|leg| {
        (0..=200).map(|step| {
            let share = f64::from(step) / 200.0;
            let between = |a: f64, b: f64| a + (b - a) * share;
            place(between(leg[0].lat, leg[1].lat), between(leg[0].lon, leg[1].lon)).distance_m(fix)
        })
    });
    on_legs.chain(track.iter().map(|one| one.distance_m(fix))).fold(f64::MAX, f64::min)
}
