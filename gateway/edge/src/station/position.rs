//! Where a vehicle is: fixes for the track, and the fence around it.

use waypost_core::{
    fact::id::FenceId,
    rule::{
        Ledger, LedgerError, RowKind,
        ledger::load,
        row::{FenceRow, ONLY, TripRow},
    },
};
use waypost_drivers::gnss::{Fix, Gate, Thinner};

/// Fences that are looked at.
const FENCES_MAX: usize = 256;
/// A vehicle has left a fence when it is so many metres beyond its radius: a standing receiver's fixes wander.
const LEFT_M: f64 = 50.0;
/// A receiver without a fix for so long has lost its position: what was left out of the track until then is closed.
const LOST_MS: u64 = 30_000;

/// Positions and what follows from them.
#[derive(Default)]
pub struct Position {
    gate: Gate,
    thinner: Thinner,
    last_fix_ms: u64,
    fences: Vec<(FenceId, FenceRow)>,
    inside: Option<FenceId>,
}

/// What follows from a fix.
#[derive(Debug, Default, PartialEq)]
pub struct Followed {
    /// A fix to be kept on the track, as JSON.
    pub keep: Option<String>,
    /// The fence around the vehicle is another one now, or none.
    pub fence: Option<Option<FenceId>>,
}

impl Position {
    /// Reads fences, and the one that the vehicle was in.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn read(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let trip: TripRow = load(ledger, ONLY)?.unwrap_or_default();
        self.inside = trip.fence.and_then(|fence| FenceId::new(fence).ok());
        self.read_fences(ledger)
    }

    /// Reads the fences: an order may have brought others.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn read_fences(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        self.fences.clear();
        for id in ledger.ids(RowKind::Fence, FENCES_MAX)? {
            if let (Some(row), Ok(fence)) = (load(ledger, &id)?, FenceId::new(id)) {
                self.fences.push((fence, row));
            }
        }
        Ok(())
    }

    /// Takes a fix that came at `now_ms` of the gateway's own clock.
    pub fn fix(&mut self, fix: Fix, now_ms: u64) -> Followed {
        if self.gate.admit(&fix, now_ms).is_err() {
            return Followed::default();
        }
        self.last_fix_ms = now_ms;
        let around = self.around(&fix);
        let fence = (around != self.inside).then(|| {
            self.inside.clone_from(&around);
            around
        });
        let keep = self.thinner.push(fix, now_ms).and_then(|fix| serde_json::to_string(&fix).ok());
        Followed { keep, fence }
    }

    /// The receiver does not know where it is, at `now_ms`. After a while gives the fix before that, for the track.
    pub fn no_fix(&mut self, now_ms: u64) -> Option<String> {
        if now_ms.saturating_sub(self.last_fix_ms) < LOST_MS { None } else { self.finish() }
    }

    /// The end of what was left out of the track so far, if it has one that was not kept.
    pub fn finish(&mut self) -> Option<String> {
        self.thinner.finish().and_then(|fix| serde_json::to_string(&fix).ok())
    }

    fn around(&self, fix: &Fix) -> Option<FenceId> {
        let distance = |row: &FenceRow| fix.distance_m(&at(row));
        let still = self.fences.iter().find(|(fence, _)| Some(fence) == self.inside.as_ref());
        if let Some((fence, row)) = still
            && distance(row) <= row.radius_m + LEFT_M
        {
            return Some(fence.clone());
        }
        self.fences.iter().find(|(_, row)| distance(row) <= row.radius_m).map(|(fence, _)| fence.clone())
    }
}

fn at(row: &FenceRow) -> Fix {
    Fix::at(row.lat, row.lon)
}
