//! Wall clocks that are years off, step, run backwards, or cross a leap day: gateways with certificates, a broker that
//! asks for them, and the hub. Order, chain and claims hold, no certificate and no key ends by a clock that nothing
//! confirmed, nothing is pruned, and the hub shows when things were.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::fs;

use serde_json::Value;
use waypost_core::fact::WallTime;
use waypost_integration_tests::{
    codes,
    console::Console,
    enrolled::{Enrolled, assert_done},
    export,
    gateway::{Gateway, Plan},
    orders, program,
    wait::{PATIENT, SOON, until, until_true},
    wall::{self, Wall},
};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const TEN_YEARS_MS: i64 = 3_652 * DAY_MS;
/// The hub's word may be this long on its way to a gateway of a busy machine.
const ON_THE_WAY_MS: i64 = 60 * SECOND_MS;

/// A testing centre and a post office on a machine with one wall clock, a hub and a broker that know the time.
struct Site {
    world: Enrolled,
    wall: Wall,
    tubes: Vec<Packed>,
    people: u32,
}

/// A tube, and between which two right times it was packed.
struct Packed {
    code: String,
    began: WallTime,
    ended: WallTime,
}

impl Site {
    /// Enrolled and stocked by a clock that is so far off.
    fn make(wall: Wall, off_ms: i64) -> Self {
        // By the clock of a gateway that is ten years ahead its keys would be gone, and its records old.
        let mut campaign = orders::campaign();
        let terms = &mut campaign["order"]["terms"];
        let in_five_years = wall::now().plus_ms(TEN_YEARS_MS / 2).day(&jiff::tz::TimeZone::UTC);
        terms["rounds"][0]["until"] = in_five_years.clone().into();
        terms["disputes_until"] = in_five_years.into();
        let more = "[journal]\nretention_days = 1\n";
        let plans = [Plan::testing_centre("ct-1").with(more), Plan::post_office("po-1").with(more)];
        let mut world = Enrolled::make(&plans, &[orders::staff(), campaign], None);
        wall.set_off(off_ms);
        for gateway in &mut world.gateways {
            gateway.wall = Some(wall.clone());
        }
        world.hub.start();
        (0..2).for_each(|at| assert_done(&world.enrol(at)));
        world.renew_acl();
        world.gateways.iter_mut().for_each(Gateway::start);
        let mut site = Self { world, wall, tubes: Vec::new(), people: 0 };
        site.sign_in();
        site.office().scan("CMD-STOCK-IN");
        site.office().scan("CMD-ITEM-PACKS");
        site.office().yes("QTY-500");
        site.centre().yes(&codes::box_code(1));
        until("the campaign is in force", SOON, || {
            (site.office().scan(&codes::hkid(0)).tone() == "yes").then_some(())
        });
        site.people = 1;
        site.work();
        site
    }

    fn centre(&self) -> Console {
        self.world.gateways[0].console()
    }

    fn office(&self) -> Console {
        self.world.gateways[1].console()
    }

    /// On the day that it is, whatever the clock proposes.
    fn sign_in(&self) {
        let today = wall::now().day(&jiff::tz::TimeZone::get("Asia/Hong_Kong").unwrap());
        for gateway in &self.world.gateways {
            gateway.sign_in_with(&format!("CMD-DAY-{today}"));
        }
    }

    /// A tube is packed, a person is served, and nobody who was served before is served again.
    fn work(&mut self) {
        let code = codes::tube(1 + self.tubes.len() as u64);
        let began = wall::now();
        self.centre().yes(&code);
        self.tubes.push(Packed { code, began, ended: wall::now() });
        self.office().yes(&codes::hkid(self.people));
        self.people += 1;
        for person in 0..self.people {
            let answer = self.office().scan(&codes::hkid(person));
            assert_eq!(answer.tone(), "no", "person {person} was served before: {}", answer.0);
        }
    }

    /// Stops the broker and starts the gateways anew: they know no time but what their machine says.
    fn wake_offline(&mut self, off_ms: i64) {
        self.world.broker.stop();
        self.world.gateways.iter_mut().for_each(Gateway::stop);
        self.wall.set_off(off_ms);
        self.world.gateways.iter_mut().for_each(Gateway::start);
        for gateway in &self.world.gateways {
            assert_eq!(gateway.console().panel().0["status"]["clock"], "unset");
        }
        self.sign_in();
    }

    /// The broker comes back, and with it the hub's word.
    fn come_online(&mut self) {
        self.world.broker.resume();
        self.is_set_right();
        self.world.settle();
        self.nothing_is_gone();
        self.the_hub_shows_when_it_was();
    }

    /// Waits until the clocks of both are confirmed, and looks what they show.
    fn is_set_right(&self) {
        for gateway in &self.world.gateways {
            let panel = until("the clock is confirmed", PATIENT, || {
                let panel = gateway.console().panel();
                let status = &panel.0["status"];
                (status["online"] == true && status["clock"] == "ntp").then_some(panel)
            });
            assert_eq!(panel.0["status"]["certificate_ended"], false);
        }
    }

    /// Every record since the first is there, in one row; keys and certificates are those of the first day.
    fn nothing_is_gone(&self) {
        for gateway in &self.world.gateways {
            let numbers: Vec<u64> = gateway.ledger().iter().map(|line| export::seq(line)).collect();
            let all: Vec<u64> = (1..=numbers.len() as u64).collect();
            assert_eq!(numbers, all, "{}: numbers without a gap, from the first on", gateway.plan.id);
            let granted = enrolment(gateway);
            assert_eq!(granted["current"]["slot"], "a", "{granted}");
            assert!(granted["next"].is_null(), "renewed by a clock that nobody confirmed: {granted}");
        }
        let store = self.world.hub.store();
        let destroyed = store.iter().filter(|(_, line)| line.contains("campaign_keys_destroyed"));
        assert_eq!(destroyed.count(), 0);
        let served = store.iter().filter(|(_, line)| line.contains("\"claim_served\""));
        assert_eq!(served.count(), self.people as usize, "one claim a person");
    }

    /// The hub knows of every tube when it was packed, whatever the clock said.
    fn the_hub_shows_when_it_was(&self) {
        let mut before = None;
        for tube in &self.tubes {
            let at = until("the hub knows when it was", PATIENT, || self.packed_at(&tube.code));
            let (from, to) = (tube.began.plus_ms(-ON_THE_WAY_MS), tube.ended.plus_ms(ON_THE_WAY_MS));
            assert!(from <= at && at <= to, "{}: shown as {at}, and it was {}", tube.code, tube.began);
            assert!(before.is_none_or(|before| before <= at.plus_ms(ON_THE_WAY_MS)), "{}", tube.code);
            before = Some(at);
        }
    }

    /// When a tube was packed, where the hub is sure of it.
    fn packed_at(&self, code: &str) -> Option<WallTime> {
        let trail = self.world.hub.trace(code);
        let step = trail.iter().find(|step| step["what"] == "tube_packed" && step["time_sure"] == true)?;
        Some(step["time"].as_str().unwrap().parse().unwrap())
    }
}

fn enrolment(gateway: &Gateway) -> Value {
    serde_json::from_str(&fs::read_to_string(gateway.data().join("enrolment.json")).unwrap()).unwrap()
}

fn last_record(gateway: &Gateway) -> Value {
    export::record(gateway.ledger().last().unwrap())
}

fn at(record: &Value) -> WallTime {
    record["at"].as_str().unwrap().parse().unwrap()
}

fn wall() -> Option<(tempfile::TempDir, Wall)> {
    if !program::has(&["mosquitto"]) {
        return None;
    }
    let dir = tempfile::Builder::new().prefix("waypost-test-").tempdir().unwrap();
    let wall = Wall::make(dir.path())?;
    Some((dir, wall))
}

#[test]
fn gateways_that_wake_in_another_decade_work_on_and_are_set_right() {
    let Some((_dir, wall)) = wall() else { return };
    let in_1970 = -wall::now().as_millis() + 30 * SECOND_MS;
    // Also when it is enrolled nobody has told it the time yet.
    let mut site = Site::make(wall, in_1970);
    site.is_set_right();
    site.the_hub_shows_when_it_was();
    for off_ms in [in_1970, TEN_YEARS_MS, -TEN_YEARS_MS] {
        site.wake_offline(off_ms);
        site.work();
        for gateway in &site.world.gateways {
            let record = last_record(gateway);
            assert_eq!(record["clock"], "unset", "{record}");
            let off = at(&record).as_millis() - wall::now().as_millis() - off_ms;
            assert!(off.abs() < ON_THE_WAY_MS, "it says what its clock says: {record}");
            assert_eq!(gateway.console().panel().0["status"]["certificate_ended"], false);
        }
        site.come_online();
        site.work();
    }
    site.world.settle();
    site.nothing_is_gone();
    site.the_hub_shows_when_it_was();
}

#[test]
fn a_clock_that_steps_or_runs_backwards_moves_no_record_and_ends_nothing() {
    let Some((_dir, wall)) = wall() else { return };
    let mut site = Site::make(wall, 0);
    site.is_set_right();

    // While it is confirmed: the machine's clock has no say, neither over records nor over certificates.
    for off_ms in [TEN_YEARS_MS, -TEN_YEARS_MS, 0] {
        site.wall.set_off(off_ms);
        site.work();
        for gateway in &site.world.gateways {
            let record = last_record(gateway);
            assert_eq!(record["clock"], "ntp", "{record}");
            assert!((at(&record).as_millis() - wall::now().as_millis()).abs() < ON_THE_WAY_MS, "{record}");
        }
        site.world.broker.stop();
        until_true("both are offline", SOON, || {
            site.world.gateways.iter().all(|gateway| gateway.console().panel().0["status"]["online"] == false)
        });
        site.come_online();
    }

    // While nothing confirmed it: it goes where it can be, and no further.
    site.wake_offline(0);
    for off_ms in [TEN_YEARS_MS, -TEN_YEARS_MS] {
        site.wall.set_off(off_ms);
        site.work();
        for gateway in &site.world.gateways {
            let record = last_record(gateway);
            assert_eq!(record["clock"], "unset", "{record}");
            let off = at(&record).as_millis() - wall::now().as_millis();
            assert!(off.abs() < ON_THE_WAY_MS, "a step to what cannot be was followed: {record}");
            assert_eq!(gateway.console().panel().0["status"]["certificate_ended"], false);
        }
    }
    site.come_online();

    // It runs backwards, from two days ahead to before what is past for certain.
    site.wake_offline(2 * DAY_MS);
    let floors: Vec<WallTime> = site.world.gateways.iter().map(confirmed_last).collect();
    for hours in (-8..48).rev().step_by(4) {
        site.wall.set_off(hours * HOUR_MS);
        site.work();
        for (gateway, floor) in site.world.gateways.iter().zip(&floors) {
            let record = last_record(gateway);
            assert!(at(&record) >= *floor, "before {floor}: {record}");
        }
    }
    site.come_online();
    site.nothing_is_gone();
}

/// The time of the last record of a clock that was confirmed.
fn confirmed_last(gateway: &Gateway) -> WallTime {
    let records = gateway.ledger().into_iter().map(|line| export::record(&line));
    records.filter(|record| record["clock"] == "ntp").map(|record| at(&record)).max().unwrap()
}
