//! A testing centre: collect, pack, close, seal.

use std::sync::{Arc, atomic::Ordering};

use waypost_core::fact::{Fact, SiteKind};

use super::{CLOCK_FALLS_AFTER, person::Cast};
use crate::demo::{Failure, world::TUBES_A_BOX};

/// Half a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    Morning,
    Afternoon,
}

impl Session {
    /// From when to when tubes come in.
    fn hours(self) -> (&'static str, &'static str) {
        match self {
            Self::Morning => ("08:20", "11:20"),
            Self::Afternoon => ("14:40", "17:40"),
        }
    }
}

/// Tubes that a centre packs in the morning.
pub(super) fn tubes_of_the_morning(cast: &Cast, centre: usize) -> u64 {
    (cast.crates(centre, true).len() * TUBES_A_BOX) as u64
}

/// Packs and seals the boxes of a session.
pub(super) async fn session(cast: Arc<Cast>, centre: usize, session: Session) -> Result<(), Failure> {
    let (gateway, _) = cast.nth(SiteKind::TestingCentre, centre)?;
    let counter = cast.at(gateway)?;
    let is_morning = session == Session::Morning;
    let crates = cast.crates(centre, is_morning);
    let all = cast.world.tubes.get(centre).map_or(&[][..], Vec::as_slice);
    let split = usize::try_from(tubes_of_the_morning(&cast, centre)).unwrap_or(usize::MAX);
    let (first, second) = all.split_at(split.min(all.len()));
    let tubes = if is_morning { first } else { second };
    let (from, until) = session.hours();
    let (from, until) = (super::at(from), super::at(until));
    let pause_ms = (until.as_millis() - from.as_millis()) / tubes.len().max(1) as i64;
    let mut tube_at = from;
    let falls = centre == 0 && !is_morning;
    let (mut packed, mut dateless_since) = (0, None);

    for (one, tubes) in crates.iter().zip(tubes.chunks(TUBES_A_BOX)) {
        cast.until_yes(counter, &one.code, "begin a box").await?;
        for (number, tube) in tubes.iter().enumerate() {
            cast.clock.until(tube_at).await;
            tube_at = tube_at.plus_ms(pause_ms);
            // Every fourth person has booked.
            if number % 4 == 0 {
                let booking = format!("BK-{}", tube.trim_start_matches("T-"));
                cast.until_accepted(counter, &booking, "scan a booking").await?;
            }
            cast.until_accepted(counter, tube, "pack a tube").await?;
            packed += 1;
            if let Some(all) = cast.tally.packed.get(centre) {
                all.fetch_add(1, Ordering::Relaxed);
            }
            if falls && packed == CLOCK_FALLS_AFTER {
                dateless_since = Some(cast.recorded(gateway)?);
                // Somebody pulls the plug here, and nothing is scanned until it is back.
                cast.clock_fell.notified().await;
            }
        }
        if let Some(since) = dateless_since.take() {
            let found = |fact: &Fact| matches!(fact, Fact::ClockFound { .. });
            cast.until_recorded(gateway, since, "the date", found).await?;
        }
        cast.scan(counter, "CMD-CLOSE-BOX", "ask").await?;
        cast.until_yes(counter, "CMD-CHECK-ALL", "confirm the checklist").await?;
        cast.bench.carry(&one.seal, Some(gateway))?;
        cast.until_yes(counter, &one.seal, "seal a box").await?;
    }
    Ok(())
}
