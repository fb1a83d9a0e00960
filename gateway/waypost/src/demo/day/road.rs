//! The road: a van takes sealed boxes at a centre and brings them to the laboratory.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::sleep;
use waypost_core::fact::{Fact, SealState, SiteKind};

use super::person::{Cast, REPEAT_AFTER};
use crate::demo::{Failure, counter::Counter, world::Crate};

/// A trip of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trip {
    Midday,
    Evening,
}

/// Until a radio has heard every seal around it: a few of their intervals.
const SEALS_HEARD: Duration = Duration::from_millis(1_500);
/// How often box and seal are scanned until a radio has heard the seal.
const LOOKS_MAX: u32 = 60;
/// How often they are scanned before an exception is accepted.
const LOOKS: u32 = 2;
/// Between two positions.
const POSITION_INTERVAL: Duration = Duration::from_millis(100);

/// Takes the boxes of one centre to the laboratory. Van 1 serves centre 1, van 2 centre 2.
pub(super) async fn trip(cast: Arc<Cast>, number: usize, trip: Trip) -> Result<(), Failure> {
    let crates = cast.crates(number, trip == Trip::Midday);
    drive(&cast, number, SiteKind::TestingCentre, number).await?;
    load(&cast, number, crates).await?;
    let opened = (trip == Trip::Evening && number == 1).then(|| crates.last()).flatten();
    if let Some(one) = opened {
        open_on_the_road(&cast, number, one).await?;
    }
    drive(&cast, number, SiteKind::Laboratory, 0).await?;
    unload(&cast, number, crates, opened).await
}

/// Drives to a site.
async fn drive(cast: &Cast, van: usize, kind: SiteKind, number: usize) -> Result<(), Failure> {
    let (gateway, _) = cast.nth(kind, number)?;
    let place = cast.world.site(gateway).map(|site| site.place).unwrap_or_default();
    let Some(van) = cast.vans.get(van) else { return Err(Failure::Unknown(format!("van {van}"))) };
    van.leave_for(place);
    while !van.has_arrived() {
        sleep(POSITION_INTERVAL).await;
    }
    Ok(())
}

/// Both sides scan: the centre gives, the van takes.
async fn load(cast: &Cast, number: usize, crates: &[Crate]) -> Result<(), Failure> {
    let (centre, centre_code) = cast.nth(SiteKind::TestingCentre, number)?;
    let (van, van_code) = cast.vehicle(number)?;
    let (gives, takes) = (cast.at(centre)?, cast.at(van)?);
    gives.scan(van_code).await?;
    for one in crates {
        cast.until_yes(gives, &one.code, "hand a box to the van").await?;
    }
    for one in crates {
        cast.bench.carry(&one.seal, Some(van))?;
    }
    cast.until_listed(van, crates).await?;
    sleep(SEALS_HEARD).await;
    takes.scan(centre_code).await?;
    for one in crates {
        pass(cast, takes, one).await?;
    }
    Ok(())
}

/// Takes or gives a box, once its seal is heard; where the panel asks, the seal is scanned.
async fn pass(cast: &Cast, counter: &Counter, one: &Crate) -> Result<(), Failure> {
    if looked_at(cast, counter, one, LOOKS_MAX).await? { Ok(()) } else { Err(Failure::Late("a seal")) }
}

/// Takes or gives a box that was opened: what is wrong and stays wrong is accepted under exception.
async fn pass_opened(cast: &Cast, counter: &Counter, one: &Crate) -> Result<(), Failure> {
    if !looked_at(cast, counter, one, LOOKS).await? {
        cast.until_accepted(counter, "CMD-EXCEPTION", "pass a box on under exception").await?;
    }
    Ok(())
}

/// Scans box and seal up to so many times; true once the box has passed.
async fn looked_at(cast: &Cast, counter: &Counter, one: &Crate, looks: u32) -> Result<bool, Failure> {
    for _ in 0..looks {
        for code in [&one.code, &one.seal] {
            let seen = cast.until_accepted(counter, code, "pass a box on").await?;
            if seen.tone != "ask" {
                return Ok(true);
            }
            sleep(REPEAT_AFTER).await;
        }
    }
    Ok(false)
}

/// Somebody opens a box and closes it again; the van hears both.
async fn open_on_the_road(cast: &Cast, number: usize, one: &Crate) -> Result<(), Failure> {
    let (van, _) = cast.vehicle(number)?;
    let seal = cast.bench.seal(&one.seal);
    let seal = seal.ok_or_else(|| Failure::Unknown("the seal of the last box".to_owned()))?;
    for (open, state) in [(true, SealState::Open), (false, SealState::Closed)] {
        let before = cast.recorded(van)?;
        {
            let mut seal = seal.lock().unwrap_or_else(PoisonError::into_inner);
            if open { seal.open() } else { seal.close() }
        }
        let heard = |fact: &Fact| matches!(fact, Fact::SealChanged { reading, .. } if reading.state == state);
        cast.until_recorded(van, before, "the seal's change on the road", heard).await?;
    }
    Ok(())
}

/// The van gives, the laboratory takes; one van at a time stands at the dock.
async fn unload(cast: &Cast, number: usize, crates: &[Crate], opened: Option<&Crate>) -> Result<(), Failure> {
    let (van, van_code) = cast.vehicle(number)?;
    let (laboratory, laboratory_code) = cast.nth(SiteKind::Laboratory, 0)?;
    let (gives, takes) = (cast.at(van)?, cast.at(laboratory)?);
    let _dock = cast.dock.lock().await;
    gives.scan("CMD-HANDOVER").await?;
    gives.scan(laboratory_code).await?;
    hand(cast, gives, crates, opened).await?;
    for one in crates {
        cast.bench.carry(&one.seal, Some(laboratory))?;
    }
    cast.until_listed(laboratory, crates).await?;
    sleep(SEALS_HEARD).await;
    takes.scan("CMD-RECEIVE").await?;
    takes.scan(van_code).await?;
    hand(cast, takes, crates, opened).await
}

async fn hand(
    cast: &Cast,
    counter: &Counter,
    crates: &[Crate],
    opened: Option<&Crate>,
) -> Result<(), Failure> {
    for one in crates {
        if opened.is_some_and(|opened| opened.id == one.id) {
            pass_opened(cast, counter, one).await?;
        } else {
            pass(cast, counter, one).await?;
        }
    }
    Ok(())
}

/// Tells the vans' receivers where they are, for ever.
pub(super) async fn positions(cast: Arc<Cast>) {
    for step in 0_usize.. {
        for (number, van) in cast.vans.iter().enumerate() {
            let Ok((gateway, _)) = cast.vehicle(number) else { return };
            let own = van.next();
            let at = cast.track.get(step % cast.track.len().max(1)).copied().unwrap_or(own);
            cast.bench.position(gateway, at, 12.0, 0.0, cast.clock.now());
        }
        sleep(POSITION_INTERVAL).await;
    }
}
