//! The bench's radio and seals, heard by the real reader over a real pseudo-terminal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use waypost_drivers::bench::{RadioModel, SharedSeal, Stall, VirtualRadio, VirtualSeal, VirtualTag};
use waypost_drivers::port::PortConfig;
use waypost_drivers::seal::hci::Opcode;
use waypost_drivers::seal::{
    Address, Condition, Format, Limits, Mending, ReaderConfig, Refusal, SealEvent, SealKey, SealWatch,
    Stored, format, reader,
};

/// Far more than anything here takes, even on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(30);
const MAC: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
const OTHER: Address = Address([0xAC, 0x23, 0x31, 0x23, 0x45, 0x67]);

fn key() -> SealKey {
    "231d39c1d7cc1ab1aee224cd096db932".parse().unwrap()
}

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("waypost-bench-{}-{name}", std::process::id())))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A gateway: the real reader, and a watch over one seal.
struct Gateway {
    events: mpsc::Receiver<SealEvent>,
    watch: SealWatch,
    refused: Vec<Refusal>,
    task: JoinHandle<()>,
}

impl Gateway {
    fn start(radio: &VirtualRadio, stored: Stored) -> Self {
        let port = PortConfig { path: radio.path().to_owned(), baud: 115_200 };
        Self::of(ReaderConfig { silent_after: Duration::from_millis(700), ..ReaderConfig::new(port) }, stored)
    }

    fn of(config: ReaderConfig, stored: Stored) -> Self {
        let (out, events) = mpsc::channel(64);
        let watch = SealWatch::new(MAC, Some(key()), stored, Limits::default());
        Self { events, watch, refused: Vec::new(), task: tokio::spawn(reader::run(config, out)) }
    }

    async fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self, &SealEvent) -> bool) {
        let wait = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let SealEvent::Advertisement { data, .. } = &event {
                    for (format, frame) in format::find(data) {
                        self.refused.extend(self.watch.take(0, format, frame).err());
                    }
                }
                if done(self, &event) {
                    return;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    async fn until_up(&mut self) {
        self.until("up", |_, event| *event == SealEvent::Up).await;
    }

    async fn until_down(&mut self) -> String {
        let mut reason = String::new();
        self.until("down", |_, event| match event {
            SealEvent::Down(why) => {
                reason.clone_from(why);
                true
            }
            _ => false,
        })
        .await;
        reason
    }

    async fn until_condition(&mut self, condition: Condition) {
        self.until("a condition", |me, _| me.watch.view(0).condition == condition).await;
    }

    async fn until_heard(&mut self) {
        self.until("a frame", |_, event| matches!(event, SealEvent::Advertisement { .. })).await;
    }

    fn counter(&self) -> u32 {
        self.watch.view(0).latest.counter.unwrap()
    }
}

fn seal() -> SharedSeal {
    VirtualSeal::new(MAC, key()).shared()
}

fn with(seal: &SharedSeal, change: impl FnOnce(&mut VirtualSeal)) {
    change(&mut seal.lock().unwrap());
}

#[tokio::test]
async fn a_seal_is_heard_closed_then_open_then_tampered_with() {
    let dir = Dir::new("states");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    let seal = seal();
    with(&seal, |seal| seal.counter = 999);
    radio.add(Arc::clone(&seal)).unwrap();
    let mut gateway = Gateway::start(&radio, Stored { counter: Some(999), event_count: None });
    gateway.until_up().await;
    gateway.until_condition(Condition::Closed).await;
    assert!(gateway.counter() >= 1000);
    with(&seal, VirtualSeal::open);
    gateway.until_condition(Condition::Open).await;
    assert_eq!(gateway.watch.view(0).latest.event_count, Some(1));
    with(&seal, VirtualSeal::close);
    gateway.until_condition(Condition::Closed).await;
    with(&seal, VirtualSeal::tamper);
    gateway.until_condition(Condition::Tampered).await;
    assert_eq!(gateway.refused, []);
}

#[tokio::test]
async fn a_radio_that_is_unplugged_comes_back_and_no_counter_goes_back() {
    let dir = Dir::new("unplug");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.add(seal()).unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    for _ in 0..3 {
        gateway.until_up().await;
        gateway.until_heard().await;
        radio.unplug();
        assert!(!radio.path().exists());
        gateway.until_down().await;
        radio.plug().unwrap();
    }
    gateway.until_up().await;
    gateway.until_heard().await;
    assert_eq!(gateway.refused, []);
    assert!(gateway.counter() >= 4);
}

#[tokio::test]
async fn a_gateway_that_is_killed_finds_the_radio_as_it_was_and_hears_nothing_old() {
    let dir = Dir::new("killed");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    let seal = seal();
    with(&seal, |seal| seal.set_interval(Duration::from_millis(20)));
    radio.add(Arc::clone(&seal)).unwrap();
    let mut first = Gateway::start(&radio, Stored::default());
    first.until_heard().await;
    let seen = first.counter();
    first.task.abort();
    drop(first);
    // The radio goes on to report to nobody.
    timeout(PATIENCE, async {
        while seal.lock().unwrap().counter < seen + 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let mut second = Gateway::start(&radio, Stored { counter: Some(seen), event_count: None });
    second.until_heard().await;
    assert!(second.counter() > seen + 20, "{} after {seen}", second.counter());
    assert_eq!((radio.resets(), second.refused.len()), (2, 0));
}

#[tokio::test]
async fn a_scan_that_falls_silent_is_started_again() {
    let dir = Dir::new("silent");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.add(seal()).unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    gateway.until_heard().await;
    radio.stall(Stall::UntilScan);
    let seen = gateway.counter();
    gateway.until("frames after a restart", |me, _| me.counter() > seen + 5).await;
    assert_eq!(radio.resets(), 1, "switching the scan off and on was enough");
    radio.stall(Stall::UntilReset);
    let seen = gateway.counter();
    gateway.until("frames after a reset", |me, _| me.counter() > seen + 5).await;
    assert_eq!(radio.resets(), 2);
}

#[tokio::test]
async fn a_radio_that_does_not_answer_is_down_until_it_does() {
    let dir = Dir::new("dead");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.add(seal()).unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    gateway.until_heard().await;
    radio.stall(Stall::Dead);
    let reason = gateway.until_down().await;
    assert!(reason.starts_with("the radio does not answer "), "{reason}");
    radio.stall(Stall::None);
    gateway.until_up().await;
    gateway.until_heard().await;
}

#[tokio::test]
async fn a_recorded_frame_that_is_sent_again_and_a_forged_one_are_refused() {
    let dir = Dir::new("replay");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    let seal = seal();
    let recorded = seal.lock().unwrap().next_frame();
    radio.add(Arc::clone(&seal)).unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    gateway.until_condition(Condition::Closed).await;
    with(&seal, VirtualSeal::open);
    gateway.until_condition(Condition::Open).await;
    radio.inject(MAC, -40, &recorded).unwrap();
    radio.inject(MAC, -40, &[0x40, 0x11, 0x00]).unwrap();
    radio.inject(MAC, -40, &[&recorded[..recorded.len() - 1], &[0]].concat()).unwrap();
    gateway.until("three refusals", |me, _| me.refused.len() >= 3).await;
    assert_eq!(gateway.refused, [Refusal::Replay, Refusal::Downgrade, Refusal::BadTag]);
    assert_eq!(gateway.watch.view(0).condition, Condition::Open);
}

#[tokio::test]
async fn tags_of_every_format_are_heard_through_the_radio_with_their_strength() {
    let dir = Dir::new("tags");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    gateway.until_up().await;
    for (rssi, format) in [
        (-41, Format::Ela),
        (-42, Format::Minew),
        (-43, Format::Teltonika),
        (-44, Format::Eddystone),
        (-45, Format::Ibeacon),
    ] {
        let mut tag = VirtualTag::new(OTHER, format);
        tag.open();
        radio.inject_data(OTHER, rssi, tag.advertisement()).unwrap();
        let heard = |event: &SealEvent| match event {
            SealEvent::Advertisement { address: OTHER, rssi: Some(strength), data } => {
                *strength == rssi && format::find(data).map(|(found, _)| found).eq([format])
            }
            _ => false,
        };
        gateway.until("the tag", |_, event| heard(event)).await;
    }
}

#[tokio::test]
async fn a_seal_moves_from_one_radio_to_another() {
    let dir = Dir::new("moves");
    let centre = VirtualRadio::new(&dir.0, "centre").unwrap();
    let van = VirtualRadio::new(&dir.0, "van").unwrap();
    centre.add(seal()).unwrap();
    let mut at_centre = Gateway::start(&centre, Stored::default());
    at_centre.until_condition(Condition::Closed).await;
    let seal = centre.remove(MAC).unwrap();
    assert!(centre.remove(MAC).is_none());
    let handed_over = at_centre.watch.view(0).latest;
    van.add(seal).unwrap();
    let mut in_van = Gateway::start(&van, handed_over);
    in_van.until_condition(Condition::Closed).await;
    assert!(in_van.watch.view(0).latest.counter > handed_over.counter);
}

/// As [`Gateway::start`], of a radio of this model.
fn radio_of(dir: &Dir, model: RadioModel) -> VirtualRadio {
    VirtualRadio::of_model(&dir.0, "radio", model).unwrap()
}

#[tokio::test]
async fn a_controller_with_extended_commands_only_is_heard_and_its_pieces_are_put_together() {
    for model in [RadioModel::ExtendedOnly, RadioModel::ExtendedUnsaid] {
        let dir = Dir::new(&format!("extended-{model:?}"));
        let radio = radio_of(&dir, model);
        let seal = seal();
        radio.add(Arc::clone(&seal)).unwrap();
        let mut gateway = Gateway::start(&radio, Stored::default());
        gateway.until_up().await;
        gateway.until_condition(Condition::Closed).await;
        with(&seal, VirtualSeal::open);
        gateway.until_condition(Condition::Open).await;
        radio.stall(Stall::UntilScan);
        let seen = gateway.counter();
        gateway.until("frames after a restart", |me, _| me.counter() > seen + 5).await;
        assert_eq!((radio.resets(), gateway.refused.len()), (1, 0));
    }
}

#[tokio::test]
async fn an_active_scan_is_one_and_a_passive_scan_is_none() {
    for active in [false, true] {
        let dir = Dir::new(&format!("active-{active}"));
        let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
        radio.add(seal()).unwrap();
        let port = PortConfig { path: radio.path().to_owned(), baud: 115_200 };
        let mut gateway = Gateway::of(ReaderConfig { active, ..ReaderConfig::new(port) }, Stored::default());
        gateway.until_heard().await;
        assert_eq!(radio.is_active(), active);
    }
}

#[tokio::test]
async fn a_controller_that_fails_or_refuses_is_named_and_comes_back() {
    let dir = Dir::new("fails");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.add(seal()).unwrap();
    let mut gateway = Gateway::start(&radio, Stored::default());
    gateway.until_heard().await;
    radio.refuse(Some((Opcode::LE_SET_SCAN_PARAMETERS, 0x0C)));
    radio.fail(0x42).unwrap();
    assert_eq!(gateway.until_down().await, "the radio's hardware failed (0x42)");
    assert_eq!(gateway.until_down().await, "LE Set Scan Parameters: Command Disallowed (0x0C)");
    radio.refuse(None);
    gateway.until_up().await;
    gateway.until_heard().await;
}

#[tokio::test]
async fn noise_on_the_line_costs_what_it_falls_among_and_no_more() {
    let dir = Dir::new("noise");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.add(seal()).unwrap();
    // With the patience of a real reader: a slow machine is no silence that the radio would be reset for.
    let port = PortConfig { path: radio.path().to_owned(), baud: 115_200 };
    let mut gateway = Gateway::of(ReaderConfig::new(port), Stored::default());
    gateway.until_heard().await;
    for noise in
        [&[0x04, 0x3E, 0xFF, 0x02][..], &[0xFF; 2_000], &[0x04; 1_000], &[0x04, 0x3E, 0x00], &[0x00; 500]]
    {
        let seen = gateway.counter();
        radio.send_raw(noise).unwrap();
        gateway.until("frames from behind the noise", |me, _| me.counter() > seen + 5).await;
    }
    assert_eq!((radio.resets(), gateway.refused.len()), (1, 0));
}

#[tokio::test]
async fn a_line_at_a_wrong_speed_is_told_as_such() {
    let dir = Dir::new("baud");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    radio.stall(Stall::Dead);
    let mut gateway = Gateway::start(&radio, Stored::default());
    assert_eq!(gateway.until_down().await, "the radio does not answer Reset");
    // What an answer of 115,200 baud looks like to a line of 9,600.
    for _ in 0..20 {
        radio.send_raw(&[0x00, 0x80, 0xF8, 0x00, 0xFE]).unwrap();
    }
    radio.refuse(Some((Opcode::RESET, 0x03)));
    radio.stall(Stall::None);
    let reason = gateway.until_down().await;
    assert!(reason.ends_with("bytes on its line make no sense, as with a wrong speed (baud)"), "{reason}");
}

#[tokio::test]
async fn a_quiet_radio_is_mended_step_by_step_and_is_never_down_for_it() {
    let dir = Dir::new("quiet");
    let radio = VirtualRadio::new(&dir.0, "radio").unwrap();
    let port = PortConfig { path: radio.path().to_owned(), baud: 115_200 };
    let silent_after = Duration::from_millis(100);
    let mut gateway =
        Gateway::of(ReaderConfig { silent_after, ..ReaderConfig::new(port) }, Stored::default());
    let mut told = Vec::new();
    gateway
        .until("two rounds", |_, event| {
            told.push(event.clone());
            told.len() == 7
        })
        .await;
    let round = [Mending::RestartScan, Mending::ResetController, Mending::ReopenLine].map(SealEvent::Mending);
    assert_eq!(told, [&[SealEvent::Up][..], &round, &round].concat());
    // Each round resets it once by itself, and once when the line is opened anew.
    assert!(radio.resets() >= 4, "{}", radio.resets());
    radio.add(seal()).unwrap();
    gateway.until_heard().await;
}
