//! Random histories against a plain model in memory that knows nothing of rows, records or rules' code.
//!
//! The model says beforehand what the answer must be, and afterwards what the ledger must look like. Found failures
//! are kept in `rules_oracle.regressions` and tried first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: what is not as it should be ends the test"
)]

#[path = "oracle/centre.rs"]
mod centre;
#[path = "oracle/counter.rs"]
mod counter;
#[path = "oracle/dock.rs"]
mod dock;
#[path = "rules/world.rs"]
mod world;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, FileFailurePersistence},
};
use waypost_core::{
    fact::{Fact, SiteKind},
    rule::{Act, Decision, MemoryLedger, apply, take},
};

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    Already,
    No,
}

impl Answer {
    fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Grant(_) => Self::Yes,
            Decision::Already(_) => Self::Already,
            Decision::Refuse(_) => Self::No,
        }
    }

    /// Yes where all of it holds.
    fn yes_if(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// The records alone give the same ledger again; only orders need their content.
fn rebuilt_from_records(world: &world::World) {
    let mut ledger = MemoryLedger::default();
    let mut taken = world.taken.iter().peekable();
    let mut orders_after = |seq: u64, ledger: &mut MemoryLedger| {
        while let Some((_, act)) = taken.next_if(|(after, _)| *after <= seq) {
            take(&world.place(None), ledger, seq, act).unwrap();
        }
    };
    orders_after(0, &mut ledger);
    for noted in &world.journal {
        let mut place = world.place(noted.by.as_ref());
        (place.now, place.boot) = (noted.now, noted.boot);
        let act = if matches!(noted.fact, Fact::OrderApplied { .. }) { &noted.act } else { &Act::Tick };
        apply(&place, &mut ledger, noted.seq, &noted.fact, act).unwrap();
        orders_after(noted.seq, &mut ledger);
    }
    assert_eq!(ledger, world.ledger);
}

fn config() -> Config {
    let kept = FileFailurePersistence::WithSource("regressions");
    // 256 histories each, or as many as PROPTEST_CASES says.
    Config { failure_persistence: Some(Box::new(kept)), ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn histories_of_a_testing_centre_agree_with_the_oracle(steps in vec(centre::step(), 1..=80)) {
        let mut centre = centre::Centre::new();
        for step in &steps {
            centre.take(step);
        }
        rebuilt_from_records(&centre.world);
    }

    #[test]
    fn histories_of_a_post_office_agree_with_the_oracle(steps in vec(counter::step(), 1..=80)) {
        let mut counter = counter::Counter::new();
        for step in &steps {
            counter.take(step);
        }
        rebuilt_from_records(&counter.world);
    }

    #[test]
    fn histories_of_a_laboratorys_dock_agree_with_the_oracle(steps in vec(dock::step(), 1..=80)) {
        let mut dock = dock::Dock::new(SiteKind::Laboratory);
        for step in &steps {
            dock.take(step);
        }
        rebuilt_from_records(&dock.world);
    }

    #[test]
    fn histories_of_a_vehicle_agree_with_the_oracle(steps in vec(dock::step(), 1..=80)) {
        let mut dock = dock::Dock::new(SiteKind::Vehicle);
        for step in &steps {
            dock.take(step);
        }
        rebuilt_from_records(&dock.world);
    }
}
