//! Plays what is to be shown on a board, and tells what is done to it.
//!
//! What is to be shown is a state, so the latest one counts and there is nothing to queue. News waits in the channel of
//! whoever listens, and before it in a queue of [`NEWS_MAX`]: a press that finds no room is dropped, and the operator
//! presses again.

use std::{
    collections::VecDeque,
    io, thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use super::{
    Board, BoardError, Button, Inputs, Outputs,
    button::{BUTTON_STILL, Contact, LID_STILL},
    pattern::{self, Signal},
};

/// The first pause before a board is opened again. It doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(500);
/// The longest pause before a board is opened again.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// Longest time for which a hatch is released.
pub const HATCH_MAX: Duration = Duration::from_secs(60);
/// News that may wait here while the listener's queue is full.
pub const NEWS_MAX: usize = 16;

/// What a board is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Show {
    /// The kind of answer.
    pub signal: Signal,
    /// Another number is another answer: it is played from its beginning, and cuts the one before it.
    pub turn: u64,
    /// Release the hatch for so long, at most [`HATCH_MAX`]; once for each turn. An alarm shuts it at once.
    pub hatch: Option<Duration>,
}

/// What happened at a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoardEvent {
    /// It works.
    Up,
    /// It does not, with the reason in words. Said once for each reason.
    Down(String),
    /// A button was pressed.
    Pressed(Button),
    /// The lid stands open, or is closed again. Told at the start too, where there is a switch.
    Lid {
        /// It stands open.
        open: bool,
    },
}

/// Runs a board on a thread of its own, named `board`, until nobody listens to `out` or nobody can show anything.
///
/// # Errors
/// The system has no thread to give, or no timer.
pub fn start(
    board: impl Board + 'static,
    shown: watch::Receiver<Show>,
    out: mpsc::Sender<BoardEvent>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new()
        .name("board".to_owned())
        .spawn(move || runtime.block_on(run(board, shown, out)))?;
    Ok(())
}

/// Runs a board until nobody listens to `out` or nobody can show anything. At the end every output is at rest.
///
/// What it calls on the board may block: it is made for a thread of its own, which [`start`] gives it.
pub async fn run(board: impl Board, shown: watch::Receiver<Show>, out: mpsc::Sender<BoardEvent>) {
    let now = now();
    let mut driver = Driver {
        board,
        player: Player { show: Show::default(), began: now, hatch_until: None },
        hands: Hands::default(),
        news: VecDeque::new(),
        state: State::Away { retry_at: now, pause: RETRY_MIN },
        reported: None,
    };
    driver.run(shown, &out).await;
}

struct Driver<B> {
    board: B,
    player: Player,
    hands: Hands,
    news: VecDeque<BoardEvent>,
    state: State,
    /// The reason last told, so that a board which stays away is told once.
    reported: Option<String>,
}

enum State {
    Away { retry_at: Instant, pause: Duration },
    Open { written: Option<Outputs>, read_at: Option<Instant> },
}

impl<B: Board> Driver<B> {
    async fn run(&mut self, mut shown: watch::Receiver<Show>, out: &mpsc::Sender<BoardEvent>) {
        self.player.take(*shown.borrow_and_update(), now());
        loop {
            let wake_at = self.turn(now());
            let news = self.news.front().cloned();
            tokio::select! {
                biased;
                () = out.closed() => break,
                changed = shown.changed() => match changed {
                    Ok(()) => self.player.take(*shown.borrow_and_update(), now()),
                    Err(_) => break,
                },
                permit = out.reserve(), if news.is_some() => match (permit, news) {
                    (Ok(permit), Some(news)) => {
                        permit.send(news);
                        self.news.pop_front();
                    }
                    _ => break,
                },
                () = sleep_until(wake_at.into()) => {}
            }
        }
        // Where the board is away there is nothing to put to rest.
        if matches!(self.state, State::Open { .. }) {
            let _ = self.board.write(&Outputs::default());
        }
    }

    /// Does what is due, and says when something is due again.
    fn turn(&mut self, now: Instant) -> Instant {
        let done = match &mut self.state {
            State::Away { retry_at, .. } if now < *retry_at => return *retry_at,
            State::Away { .. } => match self.board.open() {
                Ok(()) => {
                    self.hands = Hands::default();
                    self.state = State::Open { written: None, read_at: self.board.poll_every().map(|_| now) };
                    self.reported = None;
                    self.tell(BoardEvent::Up);
                    return now;
                }
                Err(error) => Err(error),
            },
            State::Open { written, read_at } => {
                let (outputs, change_at) = self.player.at(now);
                let write = match written {
                    Some(before) if *before == outputs => Ok(()),
                    _ => self.board.write(&outputs),
                };
                *written = Some(outputs);
                write.and_then(|()| {
                    let read = match read_at {
                        Some(at) if *at <= now => {
                            *read_at = self.board.poll_every().map(|pause| now + pause);
                            Some(self.board.read()?)
                        }
                        _ => None,
                    };
                    Ok((read, read_at.map_or(change_at, |at| at.min(change_at))))
                })
            }
        };
        match done {
            Ok((read, wake_at)) => {
                if let Some(inputs) = read {
                    let hands = &mut self.hands;
                    let news: Vec<_> = hands.take(inputs, now).collect();
                    news.into_iter().for_each(|event| self.tell(event));
                }
                wake_at
            }
            Err(error) => self.lost(&error, now),
        }
    }

    /// The board is away: when it is tried again.
    fn lost(&mut self, error: &BoardError, now: Instant) -> Instant {
        let pause = match self.state {
            State::Away { pause, .. } => pause,
            State::Open { .. } => RETRY_MIN,
        };
        let retry_at = now + pause;
        self.state = State::Away { retry_at, pause: (pause * 2).min(RETRY_MAX) };
        let reason = words(error);
        if self.reported.as_ref() != Some(&reason) {
            self.reported = Some(reason.clone());
            self.tell(BoardEvent::Down(reason));
        }
        retry_at
    }

    fn tell(&mut self, event: BoardEvent) {
        if self.news.len() < NEWS_MAX {
            self.news.push_back(event);
        } else if !matches!(event, BoardEvent::Pressed(_)) {
            // A state goes before a press that nobody took up.
            self.news.pop_back();
            self.news.push_back(event);
        }
    }
}

/// What is being played.
struct Player {
    show: Show,
    began: Instant,
    hatch_until: Option<Instant>,
}

impl Player {
    fn take(&mut self, show: Show, now: Instant) {
        if show.turn == self.show.turn && show.signal == self.show.signal {
            return;
        }
        if let Some(time) = show.hatch
            && show.turn != self.show.turn
        {
            self.hatch_until = Some(now + time.min(HATCH_MAX));
        }
        if show.signal == Signal::Alarm {
            self.hatch_until = None;
        }
        self.show = show;
        self.began = now;
    }

    /// What stands on the outputs now, and until when.
    fn at(&mut self, now: Instant) -> (Outputs, Instant) {
        self.hatch_until = self.hatch_until.filter(|until| now < *until);
        let moment = pattern::at(self.show.signal, now.saturating_duration_since(self.began));
        let outputs = Outputs {
            lamps: moment.lamps,
            buzzer: moment.buzzer,
            hatch: self.hatch_until.is_some(),
            signal: self.show.signal,
        };
        let until = now + moment.holds;
        (outputs, self.hatch_until.map_or(until, |hatch| hatch.min(until)))
    }
}

/// What is done to the board, without bouncing.
struct Hands {
    yes: Contact,
    no: Contact,
    lid: Contact,
    lid_told: bool,
}

impl Default for Hands {
    fn default() -> Self {
        let button = Contact::new(BUTTON_STILL);
        Self { yes: button.clone(), no: button, lid: Contact::new(LID_STILL), lid_told: false }
    }
}

impl Hands {
    fn take(&mut self, inputs: Inputs, now: Instant) -> impl Iterator<Item = BoardEvent> {
        let yes = self.yes.sample(inputs.yes, now) == Some(true);
        let no = self.no.sample(inputs.no, now) == Some(true);
        let lid = inputs.lid_open.and_then(|open| {
            let changed = self.lid.sample(open, now);
            // The first level is no change, but it is news.
            if std::mem::replace(&mut self.lid_told, true) { changed } else { Some(open) }
        });
        let pressed = |button: Button, is: bool| is.then_some(BoardEvent::Pressed(button));
        let lid = lid.map(|open| BoardEvent::Lid { open });
        [pressed(Button::Yes, yes), pressed(Button::No, no), lid].into_iter().flatten()
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// An error with its causes, in one line.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}
