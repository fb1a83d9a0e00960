//! A scripted attacker on the air (Bumble) against a gateway that has a sealed box: each attack is seen and raised, and
//! none of them clears anything.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use serde_json::Value;
use tempfile::TempDir;
use waypost_integration_tests::{
    bumble::{self, Advertising, AirPlan, Bumble, BumbleSeal},
    codes, export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders,
    wait::{SOON, until, until_true},
};

const ADDRESS: &str = "C0:5E:A1:00:00:01";
const KEY: &str = "231d39c1d7cc1ab1aee224cd096db901";
const SEAL: &str = "S-0001";
/// Milliseconds between two frames of the seal.
const INTERVAL_MS: u32 = 100;
/// What the order says of it: the attacker's machine may be slow, and its timers late.
const ORDERED_INTERVAL_MS: u32 = 115;
/// Frames that a counter may be away from its time, with room for a machine that is slow.
const LAG_FRAMES: u64 = 150;

/// A box that is sealed, and the air around it.
struct Attacked {
    air: Bumble,
    gateway: Gateway,
    box_code: String,
    _dir: TempDir,
}

impl Attacked {
    /// None without a Bluetooth stack to attack with.
    fn make(silent_after_s: u32, interval_ms: Option<u32>) -> Option<Self> {
        let python = bumble::python()?;
        let dir = tempfile::tempdir().unwrap();
        let seal =
            BumbleSeal { address: ADDRESS.to_owned(), key: KEY.to_owned(), advertising: Advertising::Legacy };
        let plan = AirPlan { legacy: false, interval_ms: INTERVAL_MS, telephones: 1, seals: vec![seal] };
        let air = Bumble::start(&python, dir.path(), &plan);
        let keys_dir = dir.path().join("keys");
        let keys = HubKeys::make(&keys_dir);
        let section =
            format!("[seal_reader]\nport = \"{}\"\nsilent_after_s = {silent_after_s}\n", air.pty().display());
        let plan = Plan::testing_centre("ctc-1").with(&section);
        let mut gateway = Gateway::make(dir.path(), plan, None, Some(&keys));
        let mut seals = orders::seals(&[(SEAL, ADDRESS, KEY)]);
        seals["order"]["seals"][0]["interval_ms"] = interval_ms.into();
        gateway.lay_orders(&keys_dir, &[orders::staff(), seals]);
        gateway.start();
        gateway.sign_in();
        let (console, box_code) = (gateway.console(), codes::box_code(1));
        console.yes(&box_code);
        console.yes(&codes::tube(1));
        console.scan("CMD-CLOSE-BOX");
        console.yes("CMD-CHECK-ALL");
        until("the box is sealed", SOON, || Some(console.scan(SEAL)).filter(|answer| answer.tone() == "yes"));
        let attacked = Self { air, gateway, box_code, _dir: dir };
        assert_eq!(attacked.alarms(), Vec::<(String, String)>::new());
        Some(attacked)
    }

    fn facts(&self) -> Vec<Value> {
        self.gateway.ledger().iter().map(|line| export::record(line)["fact"].clone()).collect()
    }

    /// Alarms on record: what, and about what.
    fn alarms(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let facts = self.facts();
        let alarms = facts.iter().filter(|fact| fact["kind"] == "alarm_raised");
        alarms.map(|fact| (text(&fact["alarm"]), text(&fact["subject"]))).collect()
    }

    fn until_alarm(&self, alarm: &str, subject: &str) {
        let wanted = (alarm.to_owned(), subject.to_owned());
        until_true(&format!("the alarm {alarm} is in the journal"), SOON, || self.alarms().contains(&wanted));
    }

    /// States that the seal was written down in, since the box was sealed.
    fn states(&self) -> Vec<String> {
        let facts = self.facts();
        let sealed = facts.iter().position(|fact| fact["kind"] == "box_sealed").unwrap();
        let heard = facts[sealed..].iter().filter(|fact| {
            fact["reading"]["seal"] == SEAL
                && (fact["kind"] == "seal_changed" || fact["kind"] == "seal_heard")
        });
        heard.map(|fact| fact["reading"]["state"].as_str().unwrap().to_owned()).collect()
    }

    fn count(&mut self, what: &str) -> u64 {
        self.air.tell(&format!("count {ADDRESS}"))[what].as_u64().unwrap()
    }

    /// Nothing of it makes the gateway hand the box over as if nothing had been.
    fn assert_not_cleared(&self) {
        let console = self.gateway.console();
        console.scan(&self.box_code);
        let answer = console.scan("V-001");
        assert_ne!(answer.tone(), "yes", "{}", answer.0);
        assert!(!self.facts().iter().any(|fact| fact["kind"] == "box_handed_over"));
    }
}

#[test]
fn recorded_frames_of_a_seal_are_refused_when_they_are_replayed_and_raise_an_alarm() {
    let Some(mut attacked) = Attacked::make(600, None) else { return };
    attacked.air.tell(&format!("record {ADDRESS} 20"));
    until_true("frames are recorded", SOON, || attacked.count("copies") == 20);
    attacked.air.tell(&format!("open {ADDRESS}"));
    attacked.until_alarm("seal_opened", &attacked.box_code);
    // Now the seal is kept from the radio, and its recording says closed.
    attacked.air.tell(&format!("shield {ADDRESS}"));
    attacked.air.tell(&format!("play {ADDRESS}"));
    attacked.until_alarm("seal_forged", SEAL);
    assert_eq!(attacked.states().last().unwrap(), "open");
    attacked.assert_not_cleared();
    attacked.gateway.stop();
}

#[test]
fn frames_that_are_held_back_and_played_later_leave_the_seals_clock_in_doubt() {
    let Some(mut attacked) = Attacked::make(600, Some(ORDERED_INTERVAL_MS)) else { return };
    attacked.air.tell(&format!("shield {ADDRESS}"));
    attacked.air.tell(&format!("record {ADDRESS} 30"));
    until_true("frames are recorded", SOON, || attacked.count("copies") == 30);
    attacked.air.tell(&format!("open {ADDRESS}"));
    let from = attacked.count("counter");
    until_true("time goes by behind the shield", SOON * 2, || attacked.count("counter") > from + LAG_FRAMES);
    // Authentic, closed, and newer than all that was heard; but late.
    attacked.air.tell(&format!("play {ADDRESS}"));
    attacked.until_alarm("seal_clock_in_doubt", &attacked.box_code);
    assert!(!attacked.states().iter().any(|state| state == "closed"), "{:?}", attacked.states());
    attacked.assert_not_cleared();
    // When the shield is gone the opening is heard as well.
    attacked.air.tell("stop");
    attacked.air.tell(&format!("unshield {ADDRESS}"));
    attacked.until_alarm("seal_opened", &attacked.box_code);
    attacked.gateway.stop();
}

#[test]
fn a_seal_that_is_opened_behind_a_shield_is_an_alarm_by_its_silence() {
    let Some(mut attacked) = Attacked::make(5, None) else { return };
    attacked.air.tell(&format!("shield {ADDRESS}"));
    attacked.air.tell(&format!("open {ADDRESS}"));
    attacked.until_alarm("seal_silent", &attacked.box_code);
    attacked.assert_not_cleared();
    // Closed again before the shield is taken away: its count of openings says so.
    attacked.air.tell(&format!("close {ADDRESS}"));
    attacked.air.tell(&format!("unshield {ADDRESS}"));
    attacked.until_alarm("seal_opened", &attacked.box_code);
    attacked.assert_not_cleared();
    attacked.gateway.stop();
}

#[test]
fn a_plain_frame_in_place_of_an_encrypted_one_clears_nothing_and_raises_an_alarm() {
    let Some(mut attacked) = Attacked::make(600, None) else { return };
    attacked.air.tell(&format!("open {ADDRESS}"));
    attacked.until_alarm("seal_opened", &attacked.box_code);
    attacked.air.tell(&format!("shield {ADDRESS}"));
    attacked.air.tell(&format!("plain {ADDRESS}"));
    attacked.until_alarm("seal_forged", SEAL);
    assert_eq!(attacked.states().last().unwrap(), "open");
    attacked.assert_not_cleared();
    attacked.gateway.stop();
}

#[test]
fn a_counter_that_jumps_leaves_the_seals_clock_in_doubt() {
    let Some(mut attacked) = Attacked::make(600, Some(ORDERED_INTERVAL_MS)) else { return };
    attacked.air.tell(&format!("jump {ADDRESS} 100000"));
    attacked.until_alarm("seal_clock_in_doubt", &attacked.box_code);
    let from = attacked.count("counter");
    until_true("frames that say closed go on", SOON, || attacked.count("counter") > from + 20);
    assert_eq!(attacked.states().last().unwrap(), "clock_in_doubt");
    attacked.assert_not_cleared();
    attacked.gateway.stop();
}
