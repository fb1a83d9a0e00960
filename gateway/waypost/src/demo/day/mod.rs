//! The day, phase by phase.

mod centre;
mod laboratory;
mod office;
mod person;
mod recording;
mod road;
mod van;
mod warehouse;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep;

use self::person::Cast;
use super::{Failure, stage::Stage, time::RATE, world};

/// What the day brought beside the records.
pub struct Events {
    /// Real seconds without a broker.
    pub outage_s: f64,
    /// Gateways killed and started again.
    pub restarts: u64,
    /// Claims refused at the counters.
    pub refused: u64,
}

/// Counts that the players share.
#[derive(Default)]
pub(super) struct Tally {
    refused: AtomicU64,
    /// Tubes that each centre has packed: what befalls them does so in the middle of a box.
    packed: [AtomicU64; 2],
}

impl Tally {
    /// Tubes that a centre has packed.
    fn packed(&self, centre: usize) -> u64 {
        self.packed.get(centre).map_or(0, |packed| packed.load(Ordering::Relaxed))
    }
}

/// When the broker goes away, and comes back.
const OUTAGE: (&str, &str) = ("14:20", "16:50");
/// Tubes that centre 1 packs in the outage before its plug is pulled and its clock falls back, and then before the broker may come back. By tubes,
/// not by the clock: the same tubes then have a date of 1970 however fast the machine is. Both lie within one box, which
/// is not sealed before the clock is found again: a box that is sealed without a date has no session to be due by.
pub(super) const CLOCK_FALLS_AFTER: u64 = 165;
const DATELESS_TUBES: u64 = 15;
/// The plug of centre 2 is pulled after so many tubes of the morning.
const PULLED_AFTER_TUBES: u64 = 150;
/// How long the pulled plug stays out.
const PLUG_OUT: Duration = Duration::from_millis(400);

/// Plays the day to its end: everything delivered, compared, and the shifts closed.
pub async fn play(
    mut stage: Stage,
    track: Option<&Path>,
    progress: &dyn Fn(u64, &str),
) -> Result<(Stage, Events), Failure> {
    let started = Instant::now();
    let cast = Arc::new(Cast::of(&stage, track)?);
    progress(3, "shifts begin, the warehouse sends tubes, boxes and masks");
    cast.shifts_begin().await?;
    warehouse::supply(&cast).await?;

    let offices = [0, 1].map(|office| tokio::spawn(office::day(Arc::clone(&cast), office)));
    let vans = tokio::spawn(road::positions(Arc::clone(&cast)));

    progress(12, "the centres collect and pack");
    let mornings = [0, 1]
        .map(|centre| tokio::spawn(centre::session(Arc::clone(&cast), centre, centre::Session::Morning)));
    let reached = || cast.tally.packed(1) >= PULLED_AFTER_TUBES;
    while !reached() && !mornings.iter().all(tokio::task::JoinHandle::is_finished) {
        sleep(Duration::from_millis(5)).await;
    }
    progress(22, "centre 2 loses its power in the middle of a box");
    stage.kill("centre-2").await;
    sleep(PLUG_OUT).await;
    stage.restart("centre-2").await?;
    for morning in mornings {
        morning.await.map_err(|_| Failure::Late("the morning's packing"))??;
    }

    progress(34, "the first collection goes to the laboratory");
    cast.until("11:40").await;
    let trips = [0, 1].map(|van| tokio::spawn(road::trip(Arc::clone(&cast), van, road::Trip::Midday)));
    for trip in trips {
        trip.await.map_err(|_| Failure::Late("the first trip"))??;
    }

    cast.until(OUTAGE.0).await;
    progress(48, "the broker is gone; everybody goes on");
    let outage = Instant::now();
    stage.broker.cut_off().await;
    let afternoons = [0, 1]
        .map(|centre| tokio::spawn(centre::session(Arc::clone(&cast), centre, centre::Session::Afternoon)));
    progress(55, "one person goes to both post offices");
    office::twice(&cast).await?;
    let morning = centre::tubes_of_the_morning(&cast, 0);
    cast.until_packed(0, morning + CLOCK_FALLS_AFTER).await?;
    progress(58, "centre 1 loses its power too, and wakes in 1970");
    stage.kill("centre-1").await;
    sleep(PLUG_OUT).await;
    stage.restart_in_1970("centre-1").await?;
    cast.clock_fell.notify_one();
    cast.until_packed(0, morning + CLOCK_FALLS_AFTER + DATELESS_TUBES).await?;
    cast.until(OUTAGE.1).await;
    let counted = stage.broker.plug_in().await;
    let outage_s = outage.elapsed().as_secs_f64();
    counted?;
    progress(68, "the broker is back");
    for afternoon in afternoons {
        afternoon.await.map_err(|_| Failure::Late("the afternoon's packing"))??;
    }

    progress(74, "the second collection goes to the laboratory, one box is opened on the road");
    let trips = [0, 1].map(|van| tokio::spawn(road::trip(Arc::clone(&cast), van, road::Trip::Evening)));
    for trip in trips {
        trip.await.map_err(|_| Failure::Late("the second trip"))??;
    }
    progress(82, "the laboratory compares tubes with manifests");
    laboratory::compare_all(&cast).await?;
    for office in offices {
        office.await.map_err(|_| Failure::Late("the post offices' queues"))??;
    }
    vans.abort();
    progress(94, "shifts end");
    cast.shifts_end().await?;
    tracing::info!(seconds = started.elapsed().as_secs_f64(), rate = RATE, "the day is played");
    let refused = cast.tally.refused.load(Ordering::Relaxed);
    Ok((stage, Events { outage_s, restarts: 2, refused }))
}

/// `13:10` of the day in Hong Kong, as wall time.
fn at(time: &str) -> waypost_core::fact::WallTime {
    format!("{}T{time}:00+08:00", world::DAY).parse().unwrap_or_default()
}
