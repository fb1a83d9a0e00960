//! A post office: a queue at the counter, numbers keyed by a clerk.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;
use waypost_core::fact::SiteKind;

use super::{at, person::Cast};
use crate::demo::{Failure, counter::Counter, world::ComesTo};

/// From when to when persons come.
const HOURS: (&str, &str) = ("08:40", "18:30");

/// Serves the queue of an office.
pub(super) async fn day(cast: Arc<Cast>, office: usize) -> Result<(), Failure> {
    let (gateway, _) = cast.nth(SiteKind::PostOffice, office)?;
    let counter = cast.at(gateway)?;
    let visits = cast.world.visits.get(office).map_or(&[][..], Vec::as_slice);
    let (from, until) = (at(HOURS.0), at(HOURS.1));
    let pause_ms = (until.as_millis() - from.as_millis()) / visits.len().max(1) as i64;
    let mut next = from;
    for visit in visits {
        cast.clock.until(next).await;
        next = next.plus_ms(pause_ms);
        serve(&cast, counter, &visit.number, visit.comes_to).await?;
    }
    Ok(())
}

/// One person, served at both offices while neither can ask the other.
pub(super) async fn twice(cast: &Cast) -> Result<(), Failure> {
    for office in 0..2 {
        let (gateway, _) = cast.nth(SiteKind::PostOffice, office)?;
        serve(cast, cast.at(gateway)?, &cast.world.twice, ComesTo::Packs).await?;
    }
    Ok(())
}

/// A clerk keys a number; the counter's page sends it.
async fn serve(cast: &Cast, counter: &Counter, number: &str, comes_to: ComesTo) -> Result<(), Failure> {
    let seen = counter.key(&json!({ "text": number })).await?;
    let wanted = match comes_to {
        ComesTo::Packs => "yes",
        ComesTo::Again | ComesTo::WrongDigit => "no",
    };
    if wanted == "no" {
        cast.tally.refused.fetch_add(1, Ordering::Relaxed);
    }
    super::person::expect(counter, "key a document number", wanted, &seen)
}
