use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::sentence::checksum;
use super::super::{Fix, GnssEvent};
use super::{ReceiverConfig, run};
use crate::bench::VirtualReceiver;

/// A receiver on a line, and the driver that listens to it.
struct Bench {
    receiver: VirtualReceiver,
    events: mpsc::Receiver<GnssEvent>,
    driver: JoinHandle<()>,
}

impl Bench {
    async fn start(name: &str, baud: Option<u32>) -> Self {
        let dir = std::env::temp_dir().join(format!("waypost-receiver-{}", std::process::id()));
        let receiver = VirtualReceiver::new(&dir, name).unwrap();
        let (out, events) = mpsc::channel(8);
        let driver = tokio::spawn(run(ReceiverConfig { path: receiver.path().to_owned(), baud }, out));
        let mut bench = Self { receiver, events, driver };
        assert_eq!(bench.next().await, GnssEvent::Up);
        bench
    }

    async fn next(&mut self) -> GnssEvent {
        timeout(Duration::from_secs(20), self.events.recv()).await.unwrap().unwrap()
    }

    /// The next event that `wanted` takes; the receiver speaks on at `baud` while it is waited for.
    async fn speak_until(&mut self, baud: u32, mut wanted: impl FnMut(&GnssEvent) -> bool) -> GnssEvent {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        let mut second = 0;
        while tokio::time::Instant::now() < deadline {
            second += 1;
            // Five sentences are a burst.
            let burst: String = (0..5).map(|_| rmc(second % 60)).collect();
            self.receiver.send_at(baud, burst.as_bytes()).unwrap();
            while let Ok(Some(event)) = timeout(Duration::from_millis(150), self.events.recv()).await {
                if wanted(&event) {
                    return event;
                }
            }
        }
        panic!("what was waited for did not come");
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn rmc(second: u32) -> String {
    let body = format!("GPRMC,1356{second:02}.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,,A");
    format!("${body}*{:02X}\r\n", checksum(&body))
}

#[tokio::test]
async fn a_receiver_that_is_plugged_in_again_goes_on_with_fixes() {
    let mut bench = Bench::start("again", Some(9_600)).await;
    for second in 10..13 {
        // The end of a sentence that began before, and a half of one: unplugged, it is not joined to what follows.
        let line = format!("00,N,E*12\r\n{}$GPRMC,1356", rmc(second));
        bench.receiver.send_raw(line.as_bytes()).unwrap();
        let told: Timestamp = format!("2009-12-05T13:56:{second}Z").parse().unwrap();
        assert_eq!(bench.next().await, GnssEvent::Time(told));
        assert!(matches!(bench.next().await, GnssEvent::Fix(Fix { speed_mps: Some(5.144), .. })));
        bench.receiver.unplug();
        assert!(matches!(bench.next().await, GnssEvent::Down(_)));
        bench.receiver.plug().unwrap();
        while bench.next().await != GnssEvent::Up {}
    }
}

#[tokio::test]
async fn the_speed_is_found_by_listening_and_found_again_after_the_receiver_was_exchanged() {
    let mut bench = Bench::start("speed", None).await;
    let is_found = |event: &GnssEvent| matches!(event, GnssEvent::Baud(_));
    assert_eq!(bench.speak_until(38_400, is_found).await, GnssEvent::Baud(38_400));
    let is_fix = |event: &GnssEvent| matches!(event, GnssEvent::Fix(_));
    bench.speak_until(38_400, is_fix).await;
    bench.receiver.unplug();
    while !matches!(bench.next().await, GnssEvent::Down(_)) {}
    bench.receiver.plug().unwrap();
    while bench.next().await != GnssEvent::Up {}
    assert_eq!(bench.speak_until(4_800, is_found).await, GnssEvent::Baud(4_800));
    bench.speak_until(4_800, is_fix).await;
}

#[tokio::test]
async fn a_receiver_whose_speed_is_changed_while_it_runs_is_found_again() {
    let mut bench = Bench::start("change", None).await;
    let is_found = |event: &GnssEvent| matches!(event, GnssEvent::Baud(_));
    assert_eq!(bench.speak_until(9_600, is_found).await, GnssEvent::Baud(9_600));
    assert_eq!(bench.speak_until(57_600, is_found).await, GnssEvent::Baud(57_600));
}

#[tokio::test]
async fn a_wrong_speed_is_named_once_and_taken_back_when_sentences_come() {
    let mut bench = Bench::start("wrong", Some(9_600)).await;
    let told = bench.speak_until(115_200, |event| matches!(event, GnssEvent::NoSentence { .. })).await;
    assert_eq!(told, GnssEvent::NoSentence { baud: Some(9_600) });
    let again = |event: &GnssEvent| {
        assert!(!matches!(event, GnssEvent::NoSentence { .. }), "said once");
        *event == GnssEvent::Up
    };
    bench.speak_until(9_600, again).await;
    bench.speak_until(9_600, |event| matches!(event, GnssEvent::Fix(_))).await;
}

#[tokio::test]
async fn noise_at_every_speed_is_told_and_a_fix_comes_when_it_ends() {
    let mut bench = Bench::start("noise", None).await;
    let mut state = 0x2545_f491_u32;
    let mut noise = vec![0; 4096];
    loop {
        for byte in &mut noise {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            *byte = state as u8;
        }
        // What the line cannot hold is lost, as on a real one.
        let _ = bench.receiver.send_raw(&noise);
        match timeout(Duration::from_millis(1), bench.events.recv()).await {
            Ok(Some(GnssEvent::NoSentence { baud })) => break assert_eq!(baud, None),
            Ok(Some(GnssEvent::NoFix)) | Err(_) => {}
            Ok(other) => panic!("noise is {other:?}"),
        }
    }
    bench.speak_until(19_200, |event| matches!(event, GnssEvent::Fix(_))).await;
}
