//! What of one stream may be sent next: a state machine without I/O.
//!
//! Numbers up to `held` are at the hub. From there on at most [`Pace::batches_max`] batches are under way. When the
//! connection is new, or `held` stands still for a time although something is under way, sending begins again after
//! `held`: neither broker nor client is trusted to have kept anything. The hub takes a repeat as a no-op.

use std::collections::VecDeque;

/// Most batches beyond `held`. With 1,024 lines each these are 16,384 records, at most 1 MiB. Half as many leave the hub
/// waiting for the next one in a drained backlog.
pub const BATCHES_MAX: usize = 16;

/// So many records waiting are sent at once; fewer wait for company, for [`Pace::gather_ms`].
pub const GATHER_RECORDS: u64 = 256;

/// After fruitless repeats the time to the next doubles up to so many times [`Pace::stall_ms`].
const STALL_FACTOR_MAX: u64 = 8;

/// How patient the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most batches beyond `held`: [`BATCHES_MAX`] in the ledger, whose chain shows a hole. One in the track: its
    /// numbers have gaps of their own, so that only the batch before can tell whether something is missing.
    pub batches_max: usize,
    /// Milliseconds that a few records wait for more to travel with them.
    pub gather_ms: u64,
    /// Milliseconds that `held` may stand still before everything after it is sent again.
    pub stall_ms: u64,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send a batch of the records after this number.
    Send {
        /// The last number sent; the batch begins behind it.
        after: u64,
    },
    /// Nothing before this time (milliseconds on the caller's clock), unless something happens.
    Wait {
        /// When to ask again; none: only when something happens.
        until_ms: Option<u64>,
    },
}

/// The window of one stream.
#[derive(Debug, Clone)]
pub struct Window {
    pace: Pace,
    /// The hub has everything up to here.
    held: u64,
    /// Sent up to here since the last start from `held`; never below `held`.
    sent: u64,
    /// Last numbers of the batches under way, in order, all above `held`.
    flying: VecDeque<u64>,
    /// When `held` last moved, or sending last began.
    moved_ms: u64,
    /// When the first record that now waits was seen.
    waiting_ms: Option<u64>,
    /// Repeats since `held` last moved or the hub last spoke.
    repeats: u32,
    /// All repeats so far.
    repeats_all: u64,
}

impl Window {
    /// A window that knows what the hub is known to hold.
    pub fn new(held: u64, pace: Pace) -> Self {
        Self {
            pace,
            held,
            sent: held,
            flying: VecDeque::new(),
            moved_ms: 0,
            waiting_ms: None,
            repeats: 0,
            repeats_all: 0,
        }
    }

    /// The hub has everything up to here.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// How often everything after `held` was sent again because it stood still.
    pub fn repeats(&self) -> u64 {
        self.repeats_all
    }

    /// A new connection: what was under way is forgotten.
    pub fn restart(&mut self) {
        self.flying.clear();
        self.sent = self.held;
        self.waiting_ms = None;
    }

    /// Asks what to do. `tail` is the last number in the journal. `jitter` (0 to 1,000) adds up to a half to the
    /// patience; the caller keeps it the same between repeats.
    pub fn next(&mut self, tail: u64, now_ms: u64, jitter: u32) -> Next {
        let stalls_ms = self.stalls_ms(jitter);
        if stalls_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.restart();
            self.repeats = self.repeats.saturating_add(1);
            self.repeats_all += 1;
            self.moved_ms = now_ms;
        }
        let waiting = tail.saturating_sub(self.sent);
        if waiting == 0 {
            self.waiting_ms = None;
        }
        if waiting == 0 || self.flying.len() >= self.pace.batches_max {
            return Next::Wait { until_ms: self.stalls_ms(jitter) };
        }
        let ready_ms = self.waiting_ms.get_or_insert(now_ms).saturating_add(self.pace.gather_ms);
        if waiting < GATHER_RECORDS && now_ms < ready_ms {
            let until_ms = self.stalls_ms(jitter).map_or(ready_ms, |stalls_ms| stalls_ms.min(ready_ms));
            return Next::Wait { until_ms: Some(until_ms) };
        }
        Next::Send { after: self.sent }
    }

    /// A batch was given to the client; `last` is its last number.
    pub fn sent(&mut self, last: u64, now_ms: u64) {
        if last <= self.sent {
            return;
        }
        if self.flying.is_empty() {
            self.moved_ms = now_ms;
        }
        self.flying.push_back(last);
        self.sent = last;
        self.waiting_ms = None;
    }

    /// The hub says, in the same epoch, that it holds everything up to `held`. Less than known before is an old message
    /// and changes nothing; the same shows that the hub is there, so that patience is short again.
    pub fn acked(&mut self, held: u64, now_ms: u64) {
        self.repeats = 0;
        if held <= self.held {
            return;
        }
        self.held = held;
        self.moved_ms = now_ms;
        while self.flying.front().is_some_and(|last| *last <= held) {
            self.flying.pop_front();
        }
        self.sent = self.sent.max(held);
    }

    /// The hub says, in a higher epoch, what it holds: more or less than before. Sending begins again from there.
    pub fn new_epoch(&mut self, held: u64, now_ms: u64) {
        self.held = held;
        self.repeats = 0;
        self.moved_ms = now_ms;
        self.restart();
    }

    /// When `held` will have stood still for too long; none where nothing is under way.
    fn stalls_ms(&self, jitter: u32) -> Option<u64> {
        if self.flying.is_empty() {
            return None;
        }
        let factor = 1_u64.checked_shl(self.repeats).unwrap_or(u64::MAX).min(STALL_FACTOR_MAX);
        let patience_ms = self.pace.stall_ms.saturating_mul(factor);
        let more_ms = patience_ms / 2 * u64::from(jitter.min(1000)) / 1000;
        Some(self.moved_ms.saturating_add(patience_ms).saturating_add(more_ms))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace { batches_max: BATCHES_MAX, gather_ms: 100, stall_ms: 10_000 };

    fn window(held: u64) -> Window {
        Window::new(held, PACE)
    }

    #[test]
    fn a_live_record_waits_for_company_and_a_crowd_does_not() {
        let mut window = window(5);
        assert_eq!(window.next(5, 0, 0), Next::Wait { until_ms: None });
        assert_eq!(window.next(6, 10, 0), Next::Wait { until_ms: Some(110) });
        assert_eq!(window.next(8, 60, 0), Next::Wait { until_ms: Some(110) });
        assert_eq!(window.next(8, 110, 0), Next::Send { after: 5 });
        window.sent(8, 110);
        assert_eq!(window.next(8 + GATHER_RECORDS, 111, 0), Next::Send { after: 8 });
    }

    #[test]
    fn nothing_is_sent_beyond_the_window() {
        let mut window = window(0);
        for batch in 0..BATCHES_MAX as u64 {
            assert_eq!(window.next(100_000, 0, 0), Next::Send { after: batch * 1000 });
            window.sent((batch + 1) * 1000, 0);
        }
        assert_eq!(window.next(100_000, 0, 0), Next::Wait { until_ms: Some(10_000) });
        window.acked(999, 1);
        assert!(
            matches!(window.next(100_000, 1, 0), Next::Wait { .. }),
            "a batch is held whole or not at all"
        );
        window.acked(1000, 2);
        assert_eq!(window.next(100_000, 2, 0), Next::Send { after: 1000 * BATCHES_MAX as u64 });
    }

    #[test]
    fn a_still_hub_is_sent_everything_again_ever_more_patiently() {
        let mut window = window(10);
        let mut now_ms = 0;
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let began_ms = now_ms;
            while window.next(500, now_ms, 0) != (Next::Send { after: 10 }) {
                now_ms += 100;
            }
            pauses.push(now_ms - began_ms);
            window.sent(500, now_ms);
        }
        assert_eq!(pauses, [0, 10_000, 20_000, 40_000, 80_000]);
        assert_eq!(window.repeats(), 4);
        // The hub speaks, though it holds no more than before: patience is short again.
        window.acked(10, now_ms);
        assert_eq!(window.next(500, now_ms + 10_000, 0), Next::Send { after: 10 });
    }

    #[test]
    fn jitter_adds_up_to_a_half_to_the_patience() {
        let mut window = window(0);
        window.sent(300, 0);
        assert_eq!(window.next(300, 0, 1000), Next::Wait { until_ms: Some(15_000) });
    }

    #[test]
    fn an_old_acknowledgement_changes_nothing_and_a_new_epoch_may_take_back() {
        let mut window = window(0);
        window.sent(300, 0);
        window.acked(300, 1);
        window.acked(200, 2);
        assert_eq!(window.held(), 300);
        window.new_epoch(200, 3);
        assert_eq!(window.held(), 200);
        assert_eq!(window.next(900, 3, 0), Next::Send { after: 200 });
    }

    #[test]
    fn a_new_connection_begins_behind_what_is_held() {
        let mut window = window(0);
        window.sent(300, 0);
        window.sent(600, 0);
        window.acked(300, 1);
        window.restart();
        assert_eq!(window.next(600, 2, 0), Next::Send { after: 300 });
    }

    #[test]
    fn an_acknowledgement_ahead_of_what_was_sent_skips_what_the_hub_has() {
        let mut window = window(0);
        window.acked(700, 0);
        assert_eq!(window.next(2000, 0, 0), Next::Send { after: 700 });
    }

    /// What can happen to a window.
    #[derive(Debug, Clone)]
    enum Event {
        /// The journal grows.
        Grow(u64),
        /// Time goes by.
        Wait(u64),
        /// The broker brings the oldest batch to the hub.
        Deliver,
        /// The broker drops the oldest batch.
        Drop,
        /// The hub's word reaches the gateway.
        Ack,
        /// The connection breaks; what is under way is gone.
        Break,
        /// The hub is put back from a copy.
        Restore(u64),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            (1..3000_u64).prop_map(Event::Grow),
            (1..20_000_u64).prop_map(Event::Wait),
            Just(Event::Deliver),
            Just(Event::Deliver),
            Just(Event::Drop),
            Just(Event::Ack),
            Just(Event::Ack),
            Just(Event::Break),
            (0..5000_u64).prop_map(Event::Restore),
        ];
        proptest::collection::vec(event, 0..80)
    }

    /// A gateway's window, a broker that may lose, and a hub that holds without holes.
    struct World {
        window: Window,
        tail: u64,
        now_ms: u64,
        broker: VecDeque<(u64, u64)>,
        hub: u64,
        restored: bool,
    }

    impl World {
        fn send_all(&mut self) {
            while let Next::Send { after } = self.window.next(self.tail, self.now_ms, 0) {
                let last = self.tail.min(after + 1024);
                assert!(after >= self.window.held() && last > after);
                self.window.sent(last, self.now_ms);
                self.broker.push_back((after, last));
                assert!(last - self.window.held() <= 1024 * (BATCHES_MAX as u64 + 1));
            }
        }

        fn deliver(&mut self) {
            if let Some((after, last)) = self.broker.pop_front()
                && after <= self.hub
            {
                self.hub = self.hub.max(last);
            }
        }

        fn ack(&mut self) {
            if self.restored {
                self.window.new_epoch(self.hub, self.now_ms);
            } else {
                self.window.acked(self.hub, self.now_ms);
            }
            self.restored = false;
        }
    }

    proptest! {
        #[test]
        fn whatever_is_lost_on_the_way_everything_arrives_in_the_end(events in events()) {
            let mut world = World {
                window: window(0),
                tail: 1,
                now_ms: 0,
                broker: VecDeque::new(),
                hub: 0,
                restored: false,
            };
            for event in events {
                match event {
                    Event::Grow(more) => world.tail += more,
                    Event::Wait(ms) => world.now_ms += ms,
                    Event::Deliver => world.deliver(),
                    Event::Drop => drop(world.broker.pop_front()),
                    Event::Ack => world.ack(),
                    Event::Break => {
                        world.broker.clear();
                        world.window.restart();
                    }
                    Event::Restore(hub) => {
                        world.restored |= hub < world.hub;
                        world.hub = world.hub.min(hub);
                    }
                }
                world.send_all();
                prop_assert!(world.window.held() <= world.tail);
                prop_assert!(world.window.flying.len() <= BATCHES_MAX);
            }
            // From here on nothing is lost: everything must arrive, in bounded time.
            for _ in 0..5_000 {
                world.send_all();
                world.deliver();
                world.ack();
                world.now_ms += 1000;
            }
            prop_assert_eq!((world.hub, world.window.held()), (world.tail, world.tail));
        }
    }
}
