//! The board: it shows what the panel shows, after the commit, and its buttons choose what the panel offers.
//!
//! The hatch opens for a verdict that gives something away and that wrote a record; once for each record, so that an
//! answer that is given again, also after a restart, opens nothing.
//!
//! An open lid stands on every panel until it is closed, and each move of it is logged. It is no record: custody of a box
//! rests on its seal, and whoever has the appliance open may have the switch too.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use waypost_drivers::board::{self, BoardEvent, Button, MemoryBoard, PinsBoard, Show, Signal};

use super::EVENTS_MAX;
use crate::{
    config::{Board, BoardKind},
    panel::{Panel, Tone},
    station::{ScanInput, StationHandle, engine::DeviceEvent},
};

/// What the panel calls it.
const BOARD: &str = "board";
/// Answers after which goods pass a hatch.
pub const GIVES: [&str; 4] = ["yes-served", "yes-tube-packed", "yes-handed-over", "yes-received"];
/// A press so soon after the choices changed was meant for those before.
const SETTLE: Duration = Duration::from_millis(250);
/// A station that does not take a choice for so long is not waited for: the operator presses again.
const CHOOSE_MAX: Duration = Duration::from_secs(1);

/// Starts the board. `drawn` is the one on the page, `last_record` the last record of before this start.
pub fn start(
    config: &Board,
    drawn: Option<&MemoryBoard>,
    last_record: u64,
    handle: &StationHandle,
    devices: &mpsc::Sender<DeviceEvent>,
    tasks: &mut JoinSet<()>,
) {
    let (show, shown) = watch::channel(Show::default());
    let devices = devices.clone();
    match listen(config, drawn, shown) {
        Ok(events) => {
            let follower = Follower { hatch: config.hatch, given: last_record };
            tasks.spawn(follow(follower, handle.panel(), show));
            tasks.spawn(pass_on(events, handle.clone(), devices));
        }
        Err(error) => {
            tasks.spawn(async move { no_thread(&error, &devices).await });
        }
    }
}

/// Starts the board's driver: what is done to it, until the receiver is dropped.
///
/// # Errors
/// The system has no thread to give.
pub fn listen(
    config: &Board,
    drawn: Option<&MemoryBoard>,
    shown: watch::Receiver<Show>,
) -> io::Result<mpsc::Receiver<BoardEvent>> {
    let (out, events) = mpsc::channel(EVENTS_MAX);
    match (config.kind, drawn) {
        (BoardKind::Pins(pins), _) => board::start(PinsBoard::new(pins), shown, out)?,
        (BoardKind::Page, drawn) => board::start(drawn.cloned().unwrap_or_default(), shown, out)?,
    }
    Ok(events)
}

async fn no_thread(error: &io::Error, devices: &mpsc::Sender<DeviceEvent>) {
    tracing::error!(device = BOARD, %error, "no thread for the board");
    // Where the station has ended too, nobody is left to be told.
    let _ = devices.send(DeviceEvent::Down(BOARD.to_owned())).await;
}

/// Shows every panel on the board.
async fn follow(mut follower: Follower, mut panels: watch::Receiver<Arc<Panel>>, show: watch::Sender<Show>) {
    loop {
        let shows = follower.show(&panels.borrow_and_update());
        show.send_if_modified(|before| std::mem::replace(before, shows) != shows);
        if panels.changed().await.is_err() {
            return;
        }
    }
}

/// From panels to what a board shows.
struct Follower {
    hatch: Option<Duration>,
    /// The last record that opened the hatch, or was written before this start.
    given: u64,
}

impl Follower {
    fn show(&mut self, panel: &Panel) -> Show {
        let signal = signal(panel.tone);
        let record = panel.records.map(|(first, _)| first).filter(|first| {
            panel.tone == Tone::Yes && GIVES.contains(&panel.main.key) && *first > self.given
        });
        self.given = record.unwrap_or(self.given);
        Show { signal, turn: panel.shown, hatch: self.hatch.filter(|_| record.is_some()) }
    }
}

fn signal(tone: Tone) -> Signal {
    match tone {
        Tone::Ready => Signal::Rest,
        Tone::Busy => Signal::Busy,
        Tone::Yes => Signal::Yes,
        Tone::No => Signal::No,
        Tone::Already => Signal::Already,
        Tone::Ask => Signal::Ask,
        Tone::Alarm => Signal::Alarm,
    }
}

async fn pass_on(
    mut events: mpsc::Receiver<BoardEvent>,
    handle: StationHandle,
    devices: mpsc::Sender<DeviceEvent>,
) {
    let mut panels = handle.panel();
    let mut codes = codes(&panels.borrow_and_update());
    let mut since = Instant::now();
    loop {
        let event = tokio::select! {
            biased;
            changed = panels.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = self::codes(&panels.borrow_and_update());
                if now != codes {
                    (codes, since) = (now, Instant::now());
                }
                continue;
            }
            event = events.recv() => match event {
                Some(event) => event,
                None => return,
            },
        };
        let news = match event {
            BoardEvent::Pressed(button) => {
                let [yes, no] = &codes;
                let code = if button == Button::Yes { yes } else { no };
                match code {
                    Some(code) if since.elapsed() >= SETTLE => choose(&handle, code).await,
                    Some(_) => tracing::info!(?button, "pressed while the choices changed: not taken"),
                    None => tracing::debug!(?button, "pressed where it chooses nothing"),
                }
                continue;
            }
            BoardEvent::Lid { open } => {
                // At the start a closed lid is no news.
                if open || handle.panel().borrow().status.lid_open {
                    tracing::warn!(open, "the lid was moved");
                }
                DeviceEvent::Lid { open }
            }
            BoardEvent::Up => DeviceEvent::Up(BOARD.to_owned()),
            BoardEvent::Down(reason) => {
                tracing::warn!(device = BOARD, reason, "a device is away");
                DeviceEvent::Down(BOARD.to_owned())
            }
        };
        if devices.send(news).await.is_err() {
            return;
        }
    }
}

/// What the yes button and the no button choose now.
fn codes(panel: &Panel) -> [Option<String>; 2] {
    let buttons = panel.buttons();
    [buttons.yes, buttons.no].map(|choice| choice.map(|choice| choice.code.clone()))
}

async fn choose(handle: &StationHandle, code: &str) {
    let input = ScanInput {
        text: code.to_owned(),
        symbology: None,
        document: None,
        source: BOARD.to_owned(),
        idempotency_key: None,
    };
    match timeout(CHOOSE_MAX, handle.tell(input)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a choice was not taken"),
        Err(_) => tracing::warn!("the station is too busy for a choice: press again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Language, Message, Status};

    fn panel(shown: u64, tone: Tone, main: &'static str, records: Option<(u64, u64)>) -> Panel {
        Panel {
            title: Message::default(),
            main: Message::new(main),
            tone,
            lines: Vec::new(),
            progress: None,
            choices: Vec::new(),
            status: Status::default(),
            records,
            verdict_us: None,
            hash_us: None,
            version: shown,
            shown,
            answered: shown,
        }
    }

    #[test]
    fn the_hatch_opens_once_for_each_record_that_gives_something_away() {
        let hatch = Some(Duration::from_secs(3));
        let mut follower = Follower { hatch, given: 100 };
        let mut opens = |panel: &Panel| follower.show(panel).hatch.is_some();
        assert!(
            !opens(&panel(1, Tone::Yes, "yes-served", Some((99, 100)))),
            "an answer of before the restart"
        );
        assert!(!opens(&panel(2, Tone::Yes, "yes-signed-in", Some((101, 101)))), "nothing is given");
        assert!(!opens(&panel(3, Tone::No, "yes-served", Some((102, 102)))), "a no");
        assert!(!opens(&panel(4, Tone::Yes, "yes-served", None)), "nothing was recorded");
        assert!(opens(&panel(5, Tone::Yes, "yes-served", Some((102, 103)))));
        assert!(!opens(&panel(5, Tone::Yes, "yes-served", Some((102, 103)))), "drawn again");
        assert!(!opens(&panel(6, Tone::Yes, "yes-served", Some((102, 103)))), "said again");
        assert!(opens(&panel(7, Tone::Yes, "yes-served", Some((104, 104)))));
    }

    #[test]
    fn answers_that_open_a_hatch_exist() {
        for key in GIVES {
            assert!(Language::En.knows(key), "{key}");
        }
    }

    #[test]
    fn every_tone_has_a_signal_of_its_own() {
        let mut seen: Vec<Signal> = Tone::ALL.into_iter().map(signal).collect();
        seen.dedup();
        assert_eq!(seen.len(), Signal::ALL.len());
        assert!(Signal::ALL.iter().all(|signal| seen.contains(signal)));
    }
}
