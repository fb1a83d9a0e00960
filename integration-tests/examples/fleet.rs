//! How a fleet comes back after the broker was away for all of it: how connections spread out, and whether the hub keeps
//! up. The last line is one JSON object.
//!
//!     cargo run --release -p waypost-integration-tests --example fleet -- [GATEWAYS] [RECORDS] [OUTAGE_S]

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement stops at the first thing that is wrong"
)]

use std::{env, time::Duration};

use serde_json::json;
use waypost_integration_tests::fleet::{self, Outage};

fn main() {
    let given = |at, default| env::args().nth(at).map_or(default, |text| text.parse().expect("a number"));
    let (gateways, records, outage_s) = (given(1, 600), given(2, 40), given(3, 60));
    let gateways_of = usize::try_from(gateways).expect("a number of gateways");
    let report = fleet::run(gateways_of, records, Duration::from_secs(outage_s));
    for (name, outage) in [("kick", &report.kick), ("outage", &report.outage)] {
        println!("{name}: connections in each second: {:?}", outage.connects);
    }
    let tenths = |number: f64| (number * 10.0).round() / 10.0;
    let told = |outage: &Outage| {
        json!({
            "busiest_second_percent": tenths(outage.busiest * 100.0),
            "spread_s": outage.connects.len(),
            "all_held_s": tenths(outage.all_held_s),
            "behind_last_s": tenths(outage.behind_last_s),
        })
    };
    println!(
        "{}",
        json!({
            "gateways": gateways, "records_each": records, "outage_s": outage_s,
            "kick": told(&report.kick), "outage": told(&report.outage), "hub_peak_kib": report.hub_peak_kib,
        })
    );
}
