//! What everybody does: sign in, scan until it is done, go on after a power cut.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, Notify},
    time::sleep,
};
use waypost_core::{
    fact::{Fact, Record, SiteKind, Stream},
    rule::row::Manifest,
};
use waypost_edge::journal::{JournalError, Reader};

use super::{Tally, at, van::Van};
use crate::demo::{
    Failure,
    bench::Bench,
    counter::{Counter, NoAnswer},
    stage::{Stage, gateway_dir},
    time::DayClock,
    witness::Seen,
    world::{Crate, World},
};

/// Most times that a scan is repeated: after a power cut, or until a radio has heard a seal.
const REPEATS_MAX: u32 = 60;
/// Pause before a scan is repeated: the same code within 300 ms is one scan.
pub(super) const REPEAT_AFTER: Duration = Duration::from_millis(400);

/// Looks at a journal until what must come about is late, and the pause between two.
const LOOKS_MAX: u32 = 300;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Records that are looked at in one look.
const LINES_MAX: usize = 256;
const LINES_BYTES_MAX: usize = 1 << 20;

/// All players with what they share.
pub(super) struct Cast {
    pub(super) world: Arc<World>,
    pub(super) bench: Arc<Bench>,
    pub(super) clock: DayClock,
    pub(super) tally: Tally,
    /// The gateway whose clock falls is back.
    pub(super) clock_fell: Notify,
    /// Only one vehicle unloads at a time.
    pub(super) dock: Mutex<()>,
    /// Where the vehicles are.
    pub(super) vans: [Van; 2],
    /// Positions from a recording, if one is played.
    pub(super) track: Vec<(f64, f64)>,
    /// Where the gateways keep their journals.
    dir: PathBuf,
    counters: BTreeMap<&'static str, Arc<Counter>>,
}

impl Cast {
    pub(super) fn of(stage: &Stage, track: Option<&Path>) -> Result<Self, Failure> {
        let mut counters = BTreeMap::new();
        for site in &stage.world.sites {
            counters.insert(site.gateway, stage.counter(site.gateway)?);
        }
        Ok(Self {
            world: Arc::clone(&stage.world),
            bench: Arc::clone(&stage.bench),
            clock: stage.clock,
            tally: Tally::default(),
            clock_fell: Notify::new(),
            dock: Mutex::new(()),
            vans: Van::both(&stage.world),
            dir: stage.dir.clone(),
            track: track.map(super::recording::positions).transpose()?.unwrap_or_default(),
            counters,
        })
    }

    /// The counter of a gateway.
    pub(super) fn at(&self, gateway: &str) -> Result<&Counter, Failure> {
        self.counters.get(gateway).map(Arc::as_ref).ok_or_else(|| Failure::Unknown(gateway.to_owned()))
    }

    /// Waits for a time of the day.
    pub(super) async fn until(&self, time: &str) {
        self.clock.until(at(time)).await;
    }

    /// The boxes of a centre in one session: the first half in the morning, the rest in the afternoon.
    pub(super) fn crates(&self, centre: usize, is_morning: bool) -> &[Crate] {
        let all = self.world.crates.get(centre).map_or(&[][..], Vec::as_slice);
        let (first, second) = all.split_at(all.len() / 2);
        if is_morning { first } else { second }
    }

    /// Everybody scans their badge.
    pub(super) async fn shifts_begin(&self) -> Result<(), Failure> {
        for site in &self.world.sites {
            self.sign_in(self.at(site.gateway)?, &site.badges[0]).await?;
        }
        Ok(())
    }

    /// Scans a badge until it is known: the staff order comes from the hub, and a gateway that was never connected knows
    /// nobody. Where the clock is not confirmed yet the panel asks for the day.
    async fn sign_in(&self, counter: &Counter, badge: &str) -> Result<(), Failure> {
        let mut last = Seen::default();
        for _ in 0..REPEATS_MAX {
            last = self.until_accepted(counter, badge, "sign in").await?;
            if last.tone == "ask" {
                last = counter.scan("CMD-DAY").await?;
            }
            if matches!(last.tone.as_str(), "yes" | "already") {
                return Ok(());
            }
            sleep(REPEAT_AFTER).await;
        }
        Err(astray(counter, "sign in", "yes", last))
    }

    /// Everybody closes their shift.
    pub(super) async fn shifts_end(&self) -> Result<(), Failure> {
        for site in &self.world.sites {
            let counter = self.at(site.gateway)?;
            self.until_accepted(counter, "CMD-CLOSE-SHIFT", "close the shift").await?;
        }
        Ok(())
    }

    /// Scans until something is recorded, or is so already, or a question comes. A gateway that went away is waited for, and what it
    /// did before it went shows in the answer to the same scan.
    pub(super) async fn until_accepted(
        &self,
        counter: &Counter,
        code: &str,
        step: &str,
    ) -> Result<Seen, Failure> {
        let mut last = None;
        for _ in 0..REPEATS_MAX {
            match counter.scan(code).await {
                Ok(seen) if matches!(seen.tone.as_str(), "already" | "ask") || seen.records.is_some() => {
                    return Ok(seen);
                }
                Ok(seen) => last = Some(seen),
                Err(NoAnswer::TimedOut(gateway)) => return Err(NoAnswer::TimedOut(gateway).into()),
                Err(NoAnswer::Gone(_) | NoAnswer::Scanner(..)) => {
                    if counter.until(|seen| seen.status.missing.is_empty()).await.is_none() {
                        return Err(Failure::Late("a gateway's return"));
                    }
                }
            }
            sleep(REPEAT_AFTER).await;
        }
        Err(astray(counter, step, "yes", last.unwrap_or_default()))
    }

    /// Scans until the answer is yes; a question or a no is tried again, for a radio may not have heard a seal yet.
    pub(super) async fn until_yes(&self, counter: &Counter, code: &str, step: &str) -> Result<Seen, Failure> {
        let mut last = Seen::default();
        for _ in 0..REPEATS_MAX {
            last = self.until_accepted(counter, code, step).await?;
            if last.tone != "ask" {
                return Ok(last);
            }
            sleep(REPEAT_AFTER).await;
        }
        Err(astray(counter, step, "yes", last))
    }

    /// Scans once; the answer must have that tone.
    pub(super) async fn scan(
        &self,
        counter: &Counter,
        code: &str,
        wanted: &'static str,
    ) -> Result<Seen, Failure> {
        let seen = counter.scan(code).await?;
        expect(counter, code, wanted, &seen)?;
        Ok(seen)
    }

    /// Waits until a centre has packed so many tubes.
    pub(super) async fn until_packed(&self, centre: usize, tubes: u64) -> Result<(), Failure> {
        for _ in 0..LOOKS_MAX {
            if self.tally.packed(centre) >= tubes {
                return Ok(());
            }
            sleep(LOOK_INTERVAL).await;
        }
        Err(Failure::Late("the packing of the afternoon"))
    }

    /// Waits until a gateway has recorded such a fact after its `after`th record.
    pub(super) async fn until_recorded(
        &self,
        gateway: &str,
        after: u64,
        what: &'static str,
        fits: impl Fn(&Fact) -> bool,
    ) -> Result<(), Failure> {
        let found = |reader: &Reader| {
            let lines = reader.lines(Stream::Ledger, after, LINES_MAX, LINES_BYTES_MAX)?;
            let records = lines.iter().filter_map(|line| Record::from_line(&line.line).ok());
            Ok(records.into_iter().any(|record| fits(&record.fact)))
        };
        self.until_kept(gateway, what, found).await
    }

    /// Waits until a gateway has the manifests of boxes: before that it could only be told what is on them.
    pub(super) async fn until_listed(&self, gateway: &str, crates: &[Crate]) -> Result<(), Failure> {
        let listed = |reader: &Reader| {
            for one in crates {
                if reader.row::<Manifest>(&one.id).map_err(JournalError::from)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        self.until_kept(gateway, "the manifests", listed).await
    }

    /// How many records a gateway has.
    pub(super) fn recorded(&self, gateway: &str) -> Result<u64, Failure> {
        let reader = Reader::open(&gateway_dir(&self.dir, gateway));
        reader
            .and_then(|reader| reader.last(Stream::Ledger))
            .map_err(|error| Failure::Count(error.to_string()))
    }

    async fn until_kept(
        &self,
        gateway: &str,
        what: &'static str,
        holds: impl Fn(&Reader) -> Result<bool, JournalError>,
    ) -> Result<(), Failure> {
        let dir = gateway_dir(&self.dir, gateway);
        for _ in 0..LOOKS_MAX {
            let held = Reader::open(&dir).and_then(|reader| holds(&reader));
            if held.map_err(|error| Failure::Count(error.to_string()))? {
                return Ok(());
            }
            sleep(LOOK_INTERVAL).await;
        }
        Err(Failure::Late(what))
    }

    /// The vehicle of that number, 0 or 1: its gateway and its code.
    pub(super) fn vehicle(&self, number: usize) -> Result<(&'static str, &'static str), Failure> {
        self.nth(SiteKind::Vehicle, number)
    }

    /// The gateway and the code of a kind's nth site.
    pub(super) fn nth(&self, kind: SiteKind, number: usize) -> Result<(&'static str, &'static str), Failure> {
        let site = self.world.sites.iter().filter(|site| site.kind == kind).nth(number);
        site.map(|site| (site.gateway, site.code))
            .ok_or_else(|| Failure::Unknown(format!("{kind:?} {number}")))
    }
}

/// The answer must have that tone.
pub(super) fn expect(
    counter: &Counter,
    step: &str,
    wanted: &'static str,
    seen: &Seen,
) -> Result<(), Failure> {
    if seen.tone == wanted { Ok(()) } else { Err(astray(counter, step, wanted, seen.clone())) }
}

fn astray(counter: &Counter, step: &str, wanted: &'static str, seen: Seen) -> Failure {
    let main = [vec![seen.main], seen.lines].concat().join(" / ");
    Failure::Astray { gateway: counter.name.clone(), step: step.to_owned(), wanted, tone: seen.tone, main }
}
