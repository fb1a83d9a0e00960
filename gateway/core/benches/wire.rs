//! The wire: bytes a record, and how fast batches are made and opened. `cargo bench -p waypost-core --bench wire`.
//!
//! The records are those of a mixed day: packing at a testing centre, claims at a post office, seals, stock, positions
//! of a vehicle. What varies in life varies here: serials, times, claims; claims are 16 random bytes, as real ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first thing that is wrong, and prints"
)]

use std::time::Instant;

use uuid::Uuid;
use waypost_core::{
    fact::{Link, Stream},
    wire::{
        batch::{Batch, LINES_MAX, LineIn, Packer},
        keys::{Seed, SignKey},
        sign::BATCH_BYTES_MAX,
    },
};

/// Records of each mix.
const RECORDS: u64 = 100_000;

/// A small generator (splitmix64), so that each run sees the same records.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// Counts up time and serials, and writes lines.
struct Day {
    noise: Noise,
    seq: u64,
    up_ms: u64,
    tube: u64,
    box_number: u64,
}

impl Day {
    fn new() -> Self {
        Self { noise: Noise(7), seq: 0, up_ms: 5000, tube: 40_000, box_number: 100 }
    }

    fn line(&mut self, by: &str, fact: &str) -> String {
        self.seq += 1;
        self.up_ms += 200 + self.noise.below(6000);
        let at = waypost_core::fact::WallTime(1_599_091_200_000).plus_ms(self.up_ms as i64);
        format!(
            r#"{{"seq":{},"boot":17,"up_ms":{},"at":"{at}","clock":"gnss",{by}"fact":{{{fact}}}}}"#,
            self.seq, self.up_ms
        )
    }

    /// A testing centre: a tube is collected and packed; a box of 50 is closed, sealed, handed over.
    fn testing_centre(&mut self) -> String {
        let (tube, box_number) = (self.tube, self.box_number);
        let by = r#""by":"s-7f3a","#;
        match self.seq % 103 {
            100 => self.line(by, &format!(r#""kind":"box_closed","box":"8003012345678901{box_number:06}","tubes":50,"checklist":{{"absorbent":true,"secondary_closed":true,"mark_legible":true,"outside_clean":true}}"#)),
            101 => {
                let (counter, seal) = (self.noise.below(1 << 24), self.noise.below(200));
                self.line(by, &format!(r#""kind":"box_sealed","box":"8003012345678901{box_number:06}","reading":{{"seal":"SEAL-{seal:05}","state":"closed","authentic":true,"counter":{counter},"event_count":3}},"tubes":50,"due":"2020-09-03T07:00:00.000Z""#))
            }
            102 => {
                self.box_number += 1;
                self.line(by, &format!(r#""kind":"box_handed_over","box":"8003012345678901{box_number:06}","to":"SITE-VAN1""#))
            }
            even if even % 2 == 0 => {
                self.tube += 1 + self.noise.below(3);
                let tube = self.tube;
                let booking = self.noise.below(100_000_000);
                self.line(by, &format!(r#""kind":"tube_collected","tube":"T-{tube:08}","booking":"BK-{booking:08}""#))
            }
            _ => self.line(by, &format!(r#""kind":"tube_packed","tube":"T-{tube:08}","box":"8003012345678901{box_number:06}""#)),
        }
    }

    /// A post office: claims, and the stock that they take.
    fn post_office(&mut self) -> String {
        let by = r#""by":"s-0c21","#;
        if self.seq.is_multiple_of(2) {
            let claim = format!("{:016x}{:016x}", self.noise.next(), self.noise.next());
            let packs = 1 + self.noise.below(2);
            self.line(by, &format!(r#""kind":"claim_served","campaign":"masks-2020-10","round":"r1","claim":"{claim}","packs":{packs}"#))
        } else {
            let packs = 1 + self.noise.below(2);
            self.line(
                by,
                &format!(r#""kind":"stock_moved","item":"packs","quantity":-{packs},"reason":"used""#),
            )
        }
    }

    /// A vehicle on its way.
    fn position(&mut self) -> String {
        self.seq += 1;
        self.up_ms += 5000 + self.noise.below(20_000);
        let at = waypost_core::fact::WallTime(1_599_091_200_000).plus_ms(self.up_ms as i64);
        let (lat, lon) = (22_300_000 + self.noise.below(90_000), 114_100_000 + self.noise.below(150_000));
        let (speed, course) = (self.noise.below(250), self.noise.below(3600));
        format!(
            r#"{{"seq":{},"boot":17,"up_ms":{},"at":"{at}","clock":"gnss","fix":{{"lat":{:.6},"lon":{:.6},"speed_mps":{:.1},"course_deg":{:.1},"quality":"gnss"}}}}"#,
            self.seq,
            self.up_ms,
            lat as f64 / 1e6,
            lon as f64 / 1e6,
            speed as f64 / 10.0,
            course as f64 / 10.0
        )
    }
}

fn measure(name: &str, stream: Stream, lines: &[(u64, String, Link)], per_batch: usize) {
    let key = SignKey::new("ctc-kwai-chung", &Seed::from_bytes([7; 32])).unwrap();
    let journal = Uuid::from_bytes([3; 16]);
    let mut packer = Packer::new().unwrap();
    let refs: Vec<_> =
        lines.iter().map(|(seq, line, link)| LineIn { seq: *seq, line, link: *link }).collect();

    let began = Instant::now();
    let mut batches = Vec::new();
    let (mut rest, mut before) = (refs.as_slice(), Link::START);
    while !rest.is_empty() {
        let some = &rest[..rest.len().min(per_batch)];
        let packed = packer.pack(&key, journal, stream, before, some, BATCH_BYTES_MAX).unwrap();
        before = rest[packed.taken - 1].link;
        rest = &rest[packed.taken..];
        batches.push(packed.bytes);
    }
    let made_s = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let mut opened = 0;
    for bytes in &batches {
        let batch = Batch::open(bytes, |_| Some(key.public())).unwrap();
        if stream == Stream::Ledger {
            batch.links().unwrap();
        }
        opened += batch.lines().count();
    }
    let opened_s = began.elapsed().as_secs_f64();
    assert_eq!(opened, lines.len());

    let records = lines.len() as f64;
    let plain: usize = lines.iter().map(|(_, line, _)| line.len()).sum();
    let wire: usize = batches.iter().map(Vec::len).sum();
    println!(
        "{name:<32} {:>6.1} bytes/record on the wire ({:>5.1} plain), {:>5} batches, pack {:>8.0} records/s, open and link {:>8.0} records/s",
        wire as f64 / records,
        plain as f64 / records,
        batches.len(),
        records / made_s,
        records / opened_s
    );
}

fn chain(mut line: impl FnMut() -> String) -> Vec<(u64, String, Link)> {
    let mut link = Link::START;
    (1..=RECORDS)
        .map(|seq| {
            let line = line();
            link = link.after(line.as_bytes());
            (seq, line, link)
        })
        .collect()
}

fn main() {
    let mut day = Day::new();
    let centre = chain(|| day.testing_centre());
    let mut day = Day::new();
    let office = chain(|| day.post_office());
    let mut day = Day::new();
    let mixed = chain(|| if day.noise.below(2) == 0 { day.testing_centre() } else { day.post_office() });
    let mut day = Day::new();
    let track: Vec<_> =
        chain(|| day.position()).into_iter().map(|(n, line, _)| (n, line, Link::START)).collect();

    measure("testing centre, backlog", Stream::Ledger, &centre, LINES_MAX);
    measure("post office, backlog", Stream::Ledger, &office, LINES_MAX);
    measure("mixed, backlog", Stream::Ledger, &mixed, LINES_MAX);
    measure("mixed, 64 a batch", Stream::Ledger, &mixed[..20_000], 64);
    measure("mixed, live: 4 a batch", Stream::Ledger, &mixed[..2_000], 4);
    measure("positions, backlog", Stream::Track, &track, LINES_MAX);
}
