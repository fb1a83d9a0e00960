//! A small fleet loses its broker; the example `fleet` does the same with 600.

#![allow(clippy::print_stdout, reason = "a test tells what it measured")]

use std::time::Duration;

use waypost_integration_tests::{fleet, program};

const GATEWAYS: usize = 60;
/// Written by each while the broker is away.
const RECORDS: u64 = 20;
/// Longer than it takes until pauses are at their longest, 5 + 10 + 20 s at the most.
const OUTAGE: Duration = Duration::from_secs(36);
/// After a kick all come within 5 s. Of 60, chance puts a third into one of these seconds now and then.
const KICK_BUSIEST_MAX: f64 = 0.5;
/// After an outage they come within 30 s, most of them early.
const OUTAGE_BUSIEST_MAX: f64 = 0.3;

#[test]
fn gateways_that_lost_one_broker_do_not_come_back_in_step() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let report = fleet::run(GATEWAYS, RECORDS, OUTAGE);
    println!("{report:?}");
    assert!(report.kick.busiest <= KICK_BUSIEST_MAX, "{report:?}");
    assert!(report.outage.busiest <= OUTAGE_BUSIEST_MAX, "{report:?}");
    assert!(
        report.outage.connects.len() <= 36,
        "the longest pause is 30 s, and a busy machine adds some: {report:?}"
    );
}
