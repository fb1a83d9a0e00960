//! Disks that are full, read-only or slow: what was answered with yes is there, and work goes on once they heal.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use waypost_core::fact::{SiteKind, Stream};
use waypost_edge::journal::{Health, Reader};
use waypost_powercut::{Dice, Flaw, register};

use super::{
    gateway::{Failure, Gateway},
    tally::Tally,
};

/// Rounds of work in which the disk's flaw is to strike.
const ROUNDS: u32 = 30;
/// People who ask at once.
const AT_ONCE: u64 = 3;
/// More writes than these rounds ever do.
const WRITES_MAX: u64 = 100_000;
/// A sync of the slow disk.
const SLOW: Duration = Duration::from_millis(200);
/// Rounds of work on it.
const SLOW_ROUNDS: u32 = 40;

/// For every n: the disk fails from its nth write on, in the middle of the work and at a start.
pub async fn at_every_write(flaw: Flaw, seed: u64, root: &Path, tally: &mut Tally) -> Result<(), Failure> {
    register()?;
    let (mut faults, mut slowest) = (0.0, Duration::ZERO);
    for at_start in [false, true] {
        for number in 0..WRITES_MAX {
            let kind = if number % 2 == 0 { SiteKind::PostOffice } else { SiteKind::TestingCentre };
            let folder = root.join(format!("{at_start}-{number}"));
            let dice = Dice::new(seed, number);
            let mut gateway = Gateway::new(&folder, kind, u128::from(number) + 1, false, dice)?;
            gateway.start(tally).await?;
            if at_start {
                gateway.work(AT_ONCE, tally).await?;
                gateway.stop().await;
            }
            gateway.disk().fails(flaw, number);
            let began =
                if at_start { start(&mut gateway, tally).await? } else { work(&mut gateway, tally).await? };
            let struck = gateway.disk().refused() > 0;
            if began.is_none() && gateway.unsure() > 0 {
                tally.lose(1, || format!("write {number}: a disk that healed, and no verdict"));
            }
            slowest = slowest.max(began.unwrap_or_default());
            // The rest of the work, and a start on what is there.
            gateway.work(AT_ONCE, tally).await?;
            let left = gateway.unsure() as u64;
            tally.lose(left, || {
                format!("write {number}: {left} requests have no answer on a disk that is well")
            });
            gateway.read(tally)?;
            gateway.stop().await;
            gateway.start(tally).await?;
            gateway.stop().await;
            std::fs::remove_dir_all(&folder)?;
            if !struck {
                break;
            }
            faults += 1.0;
        }
    }
    tally.more.insert("faults", faults);
    tally.more.insert("recovered_ms_max", millis(slowest));
    Ok(())
}

/// Works until the disk fails and a little on, heals it, and gives the time until the journal goes on.
async fn work(gateway: &mut Gateway, tally: &mut Tally) -> Result<Option<Duration>, Failure> {
    for _ in 0..ROUNDS {
        gateway.work(AT_ONCE, tally).await?;
        if gateway.disk().refused() > 0 {
            break;
        }
    }
    // Some more, which must not be answered with yes.
    gateway.work(AT_ONCE, tally).await?;
    gateway.disk().heals();
    let began = Instant::now();
    if let Some(writer) = gateway.writer() {
        writer.try_again().await?;
    }
    gateway.work(AT_ONCE, tally).await?;
    let well = gateway.writer().is_some_and(|writer| writer.health() == Health::Well);
    Ok(well.then(|| began.elapsed()))
}

/// Starts on the failing disk, heals it, and starts again where that came to nothing.
async fn start(gateway: &mut Gateway, tally: &mut Tally) -> Result<Option<Duration>, Failure> {
    let started = gateway.start(tally).await;
    gateway.disk().heals();
    let began = Instant::now();
    if started.is_err() {
        gateway.stop().await;
        gateway.start(tally).await?;
    }
    if let Some(writer) = gateway.writer() {
        writer.try_again().await?;
    }
    Ok(Some(began.elapsed()))
}

/// Every sync takes 200 ms: verdicts are right and late, and who only reads does not wait.
pub async fn slow(seed: u64, root: &Path, tally: &mut Tally) -> Result<(), Failure> {
    register()?;
    let mut verdicts = Vec::new();
    let mut reads = Vec::new();
    let dice = Dice::new(seed, 0);
    let mut gateway = Gateway::new(&root.join("slow"), SiteKind::PostOffice, 1, false, dice)?;
    gateway.start(tally).await?;
    gateway.disk().slow(SLOW);
    let reader = Reader::open(gateway.dir())?;
    for _ in 0..SLOW_ROUNDS {
        let began = Instant::now();
        let reads_on = async {
            // While the sync is under way.
            tokio::time::sleep(SLOW / 4).await;
            let reader = reader.clone();
            let asked = Instant::now();
            let read =
                tokio::task::spawn_blocking(move || reader.lines(Stream::Ledger, 0, 64, usize::MAX)).await;
            (asked.elapsed(), read)
        };
        let (worked, (took, read)) = tokio::join!(gateway.work(AT_ONCE, tally), reads_on);
        worked?;
        read??;
        verdicts.push(began.elapsed());
        reads.push(took);
    }
    gateway.disk().slow(Duration::ZERO);
    gateway.read(tally)?;
    gateway.stop().await;
    gateway.start(tally).await?;
    gateway.stop().await;
    for (what, times) in [("verdict_ms", &mut verdicts), ("read_ms", &mut reads)] {
        times.sort_unstable();
        let most = times.last().copied().unwrap_or_default();
        let (half_name, most_name) = match what {
            "verdict_ms" => ("verdict_ms_half", "verdict_ms_max"),
            _ => ("read_ms_half", "read_ms_max"),
        };
        tally.more.insert(half_name, millis(times.get(times.len() / 2).copied().unwrap_or_default()));
        tally.more.insert(most_name, millis(most));
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}
