//! Seals: frames a second on one core. `cargo bench -p waypost-drivers --bench seals`.
//!
//! Encrypted BTHome against a bare AES-CCM open of the same bytes in the same run (cipher made once, nonce put together
//! for each frame, no objects read); the same through a watch, as a gateway does it, from the advertisement on; and
//! each format without encryption. Every number is the best of several passes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first thing that is wrong, and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use aes::Aes128;
use ccm::Ccm;
use ccm::aead::{Aead, KeyInit};
use ccm::consts::{U4, U13};
use waypost_drivers::bench::VirtualSeal;
use waypost_drivers::seal::{
    Address, Format, Limits, SealKey, SealWatch, Stored, bthome,
    crypto::UUID_ON_AIR,
    format, hex,
    presence::{Nearness, Presence},
};

/// Frames of one pass, all different: their counters rise.
const FRAMES: usize = 100_000;
const PASSES: usize = 7;
/// What is asked for.
const FRAMES_PER_S_MIN: f64 = 200_000.0;
const KEY: [u8; 16] = *b"a key of a seal!";
const ADDRESS: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);

fn main() {
    let key = SealKey::new(KEY);
    let mut seal = VirtualSeal::new(ADDRESS, key.clone());
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|_| seal.next_frame()).collect();
    let advertisements: Vec<Vec<u8>> = frames.iter().map(|frame| advertisement(frame)).collect();
    println!(
        "encrypted frames of {} bytes, best of {PASSES} passes of {FRAMES}",
        frames.first().unwrap().len()
    );

    let cipher = Ccm::<Aes128, U4, U13>::new(&KEY.into());
    let bare = best(&frames, |frame| open(&cipher, frame).len());
    row("bare AES-CCM open", bare, bare);
    let read =
        best(&frames, |frame| bthome::read(frame, ADDRESS, Some(&key)).unwrap().measurements.iter().count());
    row("BTHome read", read, bare);
    let watched = {
        let pass = || {
            let mut watch = SealWatch::new(ADDRESS, Some(key.clone()), Stored::default(), Limits::default());
            let mut presence = Presence::new(Nearness::default());
            let started = Instant::now();
            for (now_ms, data) in (0..).zip(&advertisements) {
                let (format, frame) = format::find(data).next().unwrap();
                black_box(watch.take(now_ms, format, frame).unwrap());
                presence.heard(now_ms, ADDRESS, -60);
            }
            FRAMES as f64 / started.elapsed().as_secs_f64()
        };
        (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
    };
    row("advertisement to watch", watched, bare);

    println!("\nfrom the advertisement on, without encryption");
    for (name, data) in [
        ("BTHome plain", "0201060f16d2fc400009016411002b003d0300".to_owned()),
        ("ELA MAG", "06ff5707320a00".to_owned()),
        ("Minew S4", "12ff3906a40163010001ff6745233123ac1234".to_owned()),
        ("Minew V3", "12ff3906ca030300050005ff0421643a7ac951".to_owned()),
        ("Teltonika EYE", "0eff9a0801b708b4120ccb0bffc767".to_owned()),
        ("Eddystone TLM", "1116aafe20000bb81a8000000102000003e8".to_owned()),
        ("iBeacon", "1aff4c00021500112233445566778899aabbccddeeff01234567fc".to_owned()),
    ] {
        let data = vec![hex::decode(&data).unwrap(); FRAMES];
        let speed = best(&data, |data| {
            let (format, frame) = format::find(data).next().unwrap();
            format::read(format, frame, ADDRESS, None).unwrap().measurements.iter().count()
        });
        println!("{name:<24}{speed:>12.0} a second");
    }
    let wrong = SealKey::new([0; 16]);
    let refused = best(&frames, |frame| {
        usize::from(format::read(Format::Bthome, frame, ADDRESS, Some(&wrong)).is_err())
    });
    row("\nrefused for its tag", refused, bare);
    assert!(watched > FRAMES_PER_S_MIN, "fewer than {FRAMES_PER_S_MIN} encrypted frames a second");
}

fn advertisement(service_data: &[u8]) -> Vec<u8> {
    let len = u8::try_from(service_data.len() + 3).unwrap();
    [&[2, 1, 6, len, 0x16], &UUID_ON_AIR[..], service_data].concat()
}

/// Device information, cipher text, counter, tag; the nonce is address, UUID, device information, counter.
fn open(cipher: &Ccm<Aes128, U4, U13>, frame: &[u8]) -> Vec<u8> {
    let (rest, tag) = frame.split_last_chunk::<4>().unwrap();
    let (rest, counter) = rest.split_last_chunk::<4>().unwrap();
    let (info, text) = rest.split_first().unwrap();
    let mut nonce = [0; 13];
    for (place, byte) in
        nonce.iter_mut().zip(ADDRESS.0.iter().chain(&UUID_ON_AIR).chain([info]).chain(counter))
    {
        *place = *byte;
    }
    cipher.decrypt(&nonce.into(), [text, tag].concat().as_slice()).unwrap()
}

/// Frames a second, in the best pass.
fn best(frames: &[Vec<u8>], mut each: impl FnMut(&[u8]) -> usize) -> f64 {
    let mut pass = || {
        let started = Instant::now();
        for frame in frames {
            black_box(each(black_box(frame)));
        }
        frames.len() as f64 / started.elapsed().as_secs_f64()
    };
    (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
}

fn row(name: &str, speed: f64, bare: f64) {
    println!("{name:<24}{speed:>12.0} a second  {:.2} of bare", speed / bare);
}
