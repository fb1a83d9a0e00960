//! The board's driver on a board without pins.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use waypost_drivers::board::{
    self, Board, BoardError, BoardEvent, Button, Inputs, Lamps, MemoryBoard, Outputs, Show, Signal,
};

/// Longer than anything here takes on a slow machine.
const LONG: Duration = Duration::from_secs(30);

struct Bench {
    board: MemoryBoard,
    outputs: watch::Receiver<Outputs>,
    show: watch::Sender<Show>,
    events: mpsc::Receiver<BoardEvent>,
}

impl Bench {
    fn start(queue: usize) -> Self {
        let board = MemoryBoard::new();
        let (show, shown) = watch::channel(Show::default());
        let (out, events) = mpsc::channel(queue);
        board::start(board.clone(), shown, out).unwrap();
        Self { outputs: board.outputs(), board, show, events }
    }

    async fn up(queue: usize) -> Self {
        let mut bench = Self::start(queue);
        assert_eq!(bench.next().await, BoardEvent::Up);
        bench
    }

    async fn next(&mut self) -> BoardEvent {
        timeout(LONG, self.events.recv()).await.unwrap().unwrap()
    }

    async fn until(&mut self, what: impl FnMut(&Outputs) -> bool) -> Outputs {
        *timeout(LONG, self.outputs.wait_for(what)).await.unwrap().unwrap()
    }

    fn show(&self, signal: Signal, turn: u64) {
        self.show.send_replace(Show { signal, turn, hatch: None });
    }
}

#[tokio::test]
async fn a_new_verdict_cuts_the_one_before_it() {
    let mut bench = Bench::up(8).await;
    bench.show(Signal::Alarm, 1);
    bench.until(|outputs| outputs.signal == Signal::Alarm && outputs.buzzer).await;
    bench.show(Signal::Yes, 2);
    let green = Lamps { green: true, ..Lamps::default() };
    let first = bench.until(|outputs| outputs.signal == Signal::Yes).await;
    assert_eq!((first.lamps, first.buzzer), (green, true));
    let after = bench.until(|outputs| !outputs.buzzer).await;
    assert_eq!(after.signal, Signal::Yes, "and not the alarm's silence");
}

#[tokio::test]
async fn an_alarm_sounds_again_and_again_until_it_is_gone() {
    let mut bench = Bench::up(8).await;
    bench.show(Signal::Alarm, 1);
    for _ in 0..3 {
        bench.until(|outputs| outputs.buzzer).await;
        bench.until(|outputs| !outputs.buzzer).await;
    }
    bench.show(Signal::Rest, 2);
    let rest = bench.until(|outputs| outputs.signal == Signal::Rest).await;
    assert_eq!((rest.buzzer, rest.lamps), (false, Lamps::default()));
}

#[tokio::test]
async fn each_press_is_told_once() {
    let mut bench = Bench::up(8).await;
    for button in [Button::Yes, Button::Yes, Button::No, Button::Yes] {
        bench.board.press(button);
    }
    for button in [Button::Yes, Button::Yes, Button::No, Button::Yes] {
        assert_eq!(bench.next().await, BoardEvent::Pressed(button));
    }
}

#[tokio::test]
async fn the_lid_is_told_at_the_start_and_when_it_moves() {
    let board = MemoryBoard::new();
    board.lid(false);
    let (_show, shown) = watch::channel(Show::default());
    let (out, mut events) = mpsc::channel(8);
    board::start(board.clone(), shown, out).unwrap();
    assert_eq!(events.recv().await, Some(BoardEvent::Up));
    assert_eq!(events.recv().await, Some(BoardEvent::Lid { open: false }));
    board.lid(true);
    assert_eq!(events.recv().await, Some(BoardEvent::Lid { open: true }));
}

#[tokio::test]
async fn a_board_that_goes_away_is_told_once_and_plays_on_when_it_is_back() {
    let mut bench = Bench::up(8).await;
    bench.show(Signal::No, 1);
    bench.until(|outputs| outputs.lamps.red).await;
    bench.board.take_away(Some("the ribbon cable is out"));
    assert_eq!(bench.next().await, BoardEvent::Down("the ribbon cable is out".to_owned()));
    bench.show(Signal::Ask, 2);
    bench.board.take_away(None);
    assert_eq!(bench.next().await, BoardEvent::Up, "the same reason is not told twice");
    bench.until(|outputs| outputs.signal == Signal::Ask && outputs.lamps.amber).await;
}

#[tokio::test]
async fn a_hatch_is_released_once_a_turn_for_its_time_and_shut_by_an_alarm() {
    let mut bench = Bench::up(8).await;
    let short = Some(Duration::from_millis(50));
    bench.show.send_replace(Show { signal: Signal::Yes, turn: 1, hatch: short });
    bench.until(|outputs| outputs.hatch).await;
    bench.until(|outputs| !outputs.hatch).await;
    // The same answer drawn again, as the hub's word changes: nothing moves.
    bench.show.send_replace(Show { signal: Signal::Yes, turn: 1, hatch: short });
    bench.show.send_replace(Show { signal: Signal::Already, turn: 2, hatch: None });
    assert!(!bench.until(|outputs| outputs.signal == Signal::Already || outputs.hatch).await.hatch);
    bench.show.send_replace(Show { signal: Signal::Yes, turn: 3, hatch: Some(Duration::from_secs(50)) });
    bench.until(|outputs| outputs.hatch).await;
    bench.show(Signal::Alarm, 4);
    assert!(!bench.until(|outputs| outputs.signal == Signal::Alarm).await.hatch);
}

#[tokio::test]
async fn at_the_end_every_output_is_at_rest() {
    let mut bench = Bench::up(8).await;
    bench.show.send_replace(Show { signal: Signal::Alarm, turn: 1, hatch: None });
    bench.until(|outputs| outputs.buzzer).await;
    drop(bench.events);
    timeout(LONG, bench.outputs.wait_for(|outputs| *outputs == Outputs::default())).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_listener_that_does_not_keep_up_stops_no_pattern() {
    // Room for one piece of news, taken by `Up`, which nobody fetches.
    let mut bench = Bench::start(1);
    for _ in 0..8 {
        bench.board.press(Button::Yes);
    }
    bench.show(Signal::Yes, 1);
    bench.until(|outputs| outputs.signal == Signal::Yes && outputs.buzzer).await;
    bench.until(|outputs| outputs.signal == Signal::Yes && !outputs.buzzer).await;
    assert_eq!(bench.next().await, BoardEvent::Up);
    assert_eq!(bench.next().await, BoardEvent::Pressed(Button::Yes));
}

/// Fails every time it is opened.
struct NoBoard {
    tries: Arc<Mutex<u32>>,
}

impl Board for NoBoard {
    fn open(&mut self) -> Result<(), BoardError> {
        *self.tries.lock().unwrap() += 1;
        Err(BoardError::Away("no pins".to_owned()))
    }

    fn write(&mut self, _outputs: &Outputs) -> Result<(), BoardError> {
        panic!("it was never opened")
    }

    fn read(&mut self) -> Result<Inputs, BoardError> {
        panic!("it was never opened")
    }

    fn poll_every(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

#[tokio::test]
async fn a_board_that_was_never_there_is_tried_again_and_never_written_to() {
    let tries = Arc::new(Mutex::new(0));
    let (show, shown) = watch::channel(Show::default());
    let (out, mut events) = mpsc::channel(8);
    board::start(NoBoard { tries: Arc::clone(&tries) }, shown, out).unwrap();
    assert_eq!(events.recv().await, Some(BoardEvent::Down("no pins".to_owned())));
    let mut turn = 0;
    timeout(LONG, async {
        while *tries.lock().unwrap() < 3 {
            turn += 1;
            show.send_replace(Show { signal: Signal::Alarm, turn, hatch: None });
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(*tries.lock().unwrap() < turn as u32, "news does not make it try sooner");
}
