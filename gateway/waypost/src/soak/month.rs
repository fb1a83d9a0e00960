//! A month and more of a site in little time: its clock runs fast, its people come as often as the disk allows, the hub
//! acknowledges, and what is old is pruned. Memory stays flat, files stay bounded, counters do not wrap.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use waypost_core::fact::{Link, SiteKind, Stream};
use waypost_edge::{
    clock::Clock,
    journal::{
        self, Acknowledged, JournalConfig, Opened, Reader, Request, RequestId, Upkeep, Verdict, Writer,
    },
};
use waypost_powercut::Dice;

use super::{
    gateway::Failure,
    load::{Load, NOON},
    tally::Tally,
};

/// Days that pass: so many that milliseconds since the start outgrow 32 bits.
const DAYS: u64 = 51;
const DAY_MS: i64 = 86_400_000;
/// Days that a record is kept once the hub has it.
const KEPT_DAYS: i64 = 7;
/// People who ask at once.
const AT_ONCE: usize = 8;
/// Rounds of them a day, at least.
const ROUNDS_MIN: u32 = 20;
/// Most positions that are kept; one comes with each round.
const TRACK_MAX: u64 = 1_000;
/// Most that memory may grow after the first third, in KiB.
const GROWTH_KIB_MAX: u64 = 6 * 1024;
/// Most bytes of the log.
const LOG_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// The site and what is counted.
struct Site<'a> {
    dir: &'a Path,
    load: Load,
    kind: SiteKind,
    rate: f64,
    began: Instant,
    requests: u64,
    shown: u64,
    /// The hub's time and how far its word went, day by day.
    held: Vec<(i64, u64)>,
}

/// Lets a month pass in so many seconds.
pub async fn play(seconds: u64, seed: u64, root: &Path, tally: &mut Tally) -> Result<(), Failure> {
    let rate = DAYS as f64 * 86_400.0 / seconds as f64;
    let dir = root.join("month");
    let kind = SiteKind::TestingCentre;
    let mut site = Site {
        dir: &dir,
        load: Load::new(kind, Dice::new(seed, 7)),
        kind,
        rate,
        began: Instant::now(),
        requests: 0,
        shown: 0,
        held: Vec::new(),
    };
    let day = Duration::from_secs_f64(seconds as f64 / DAYS as f64);
    let (mut early_kib, mut most_kib, mut log_most, mut pruned_most, mut boots) = (0, 0, 0, 0, 0);
    // One long life first, so that its milliseconds outgrow 32 bits; then starts.
    let (mut writer, mut opened) = site.open()?;
    site.set_up(&writer).await?;
    for number in 1..=DAYS {
        let until = site.began + day.mul_f64(number as f64);
        let mut rounds = 0;
        while rounds < ROUNDS_MIN || Instant::now() < until {
            site.work(&writer, opened.boot, tally).await?;
            rounds += 1;
        }
        site.acknowledge(&writer).await?;
        let upkeep = Upkeep { dir: dir.clone(), keep_ms: KEPT_DAYS * DAY_MS, every: day };
        pruned_most = upkeep.look(&writer).await?.map_or(pruned_most, |(through, _)| through);
        log_most = log_most.max(length(&dir.join("journal.db-wal")));
        let kib = resident_kib()?;
        if number <= DAYS / 3 {
            early_kib = kib.max(early_kib);
        }
        most_kib = kib.max(most_kib);
        boots = opened.boot;
        if number == DAYS - 1 {
            writer.stop().await;
            (writer, opened) = site.open()?;
        }
    }
    site.finish(&writer, tally)?;
    writer.stop().await;
    let up_ms = DAYS as f64 * DAY_MS as f64;
    tally.lose(u64::from(up_ms <= f64::from(u32::MAX)), || {
        "the month is too short for its counters".to_owned()
    });
    let grown = most_kib.saturating_sub(early_kib);
    tally.lose(u64::from(grown > GROWTH_KIB_MAX), || format!("memory grew by {grown} KiB"));
    tally.lose(u64::from(log_most > LOG_BYTES_MAX), || format!("the log grew to {log_most} bytes"));
    tally.lose(u64::from(pruned_most == 0), || "nothing was ever pruned".to_owned());
    for (what, count) in [
        ("days", DAYS),
        ("starts", u64::from(boots)),
        ("resident_kib", most_kib),
        ("resident_grown_kib", grown),
        ("journal_bytes", length(&dir.join("journal.db"))),
        ("log_bytes_max", log_most),
        ("pruned", pruned_most),
    ] {
        tally.more.insert(what, count as f64);
    }
    Ok(())
}

impl Site<'_> {
    fn open(&self) -> Result<(Writer, Opened), Failure> {
        let passed_ms = self.began.elapsed().as_secs_f64() * 1000.0 * self.rate;
        let config = JournalConfig {
            dir: self.dir.to_owned(),
            gateway: waypost_core::fact::id::GatewayId::new("ctc-1")?,
            site: waypost_core::fact::id::SiteId::new("SITE-CTC-1")?,
            kind: self.kind,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: Clock::simulated(NOON.plus_ms(passed_ms as i64), self.rate),
            track_max: TRACK_MAX,
            journal: uuid::Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0031),
        };
        Ok(journal::open(config)?)
    }

    async fn set_up(&mut self, writer: &Writer) -> Result<(), Failure> {
        for (number, act) in self.load.setup()?.into_iter().enumerate() {
            let id = RequestId::new(format!("month/setup/{number}"))?;
            writer.ask(Request { id, by: None, act }).await;
        }
        Ok(())
    }

    /// Some people at once, and a position.
    async fn work(&mut self, writer: &Writer, boot: u32, tally: &mut Tally) -> Result<(), Failure> {
        let mut asked = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            self.requests += 1;
            let id = RequestId::new(format!("month/{boot}/{}", self.requests))?;
            asked.extend(self.load.next().map(|act| Request { id, by: None, act }));
        }
        let ids: Vec<_> = asked.iter().map(|request| request.id.clone()).collect();
        let verdicts = futures_util::future::join_all(asked.into_iter().map(|one| writer.ask(one))).await;
        for (id, verdict) in ids.into_iter().zip(verdicts) {
            tally.verdicts += 1;
            match verdict {
                Verdict::Failed(failure) => tally.lose(1, || format!("no verdict: {failure}")),
                Verdict::Granted { last, .. } if last > 0 => {
                    self.shown = self.shown.max(last);
                    writer.shown(id).await;
                }
                _ => {}
            }
        }
        writer.note_fix("{\"lat\":22.3,\"lon\":114.1}".to_owned()).await;
        Ok(())
    }

    /// The hub has everything, and a second copy of it.
    async fn acknowledge(&mut self, writer: &Writer) -> Result<(), Failure> {
        let (last, link) = writer.last();
        let passed_ms = self.began.elapsed().as_secs_f64() * 1000.0 * self.rate;
        let ack = Acknowledged {
            epoch: 1,
            time: NOON.plus_ms(passed_ms as i64),
            journal: uuid::Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0031),
            held: last,
            safe: last,
            link,
            track_held: writer.tail().track_last,
        };
        writer.acknowledged(ack).await?;
        self.held.push((ack.time.as_millis(), last));
        Ok(())
    }

    /// All that was shown and is not pruned is there, in one chain.
    fn finish(&self, writer: &Writer, tally: &mut Tally) -> Result<(), Failure> {
        let reader = Reader::open(self.dir)?;
        let found = journal::verify(&reader, |_, _| ())?;
        if !found.is_whole() || found.last < self.shown {
            tally.lose(1, || format!("the journal is not whole: {found:?}"));
        }
        tally.records += writer.last().0;
        let kept = found.last - found.after;
        let track = reader.lines(Stream::Track, 0, usize::MAX >> 1, usize::MAX)?.len() as u64;
        // What the hub has for seven days is gone, and nothing younger is. It is looked at once a day, and a mark of the
        // hub's time is as old as the oldest record before it.
        let now = self.held.last().map_or(0, |(time, _)| *time);
        let older_than = |days: i64| {
            let old = self.held.iter().filter(|(time, _)| now - time >= days * DAY_MS);
            found.last - old.map(|(_, last)| *last).max().unwrap_or(0)
        };
        let (least, most) = (older_than(KEPT_DAYS), older_than(KEPT_DAYS + 2));
        tally.lose(u64::from(kept > most), || format!("{kept} records are kept, at most {most} should be"));
        tally
            .lose(u64::from(kept < least), || format!("{kept} records are kept, at least {least} should be"));
        tally.lose(u64::from(track > TRACK_MAX), || format!("{track} positions are kept"));
        tally.lose(u64::from(found.link == Link::START), || "there is no chain".to_owned());
        tally.more.insert("records", found.last as f64);
        tally.more.insert("records_kept", kept as f64);
        Ok(())
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Memory of this process that is in use, in KiB.
fn resident_kib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0))
}
