//! A board: plays every signal, one after the other, and tells what is pressed.

use std::{io, time::Duration};

use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval_at},
};
use waypost_drivers::board::{BoardEvent, Show, Signal};
use waypost_edge::{config::Board, device};

use super::{Line, Teller};

/// Each signal is played for so long.
const TURN: Duration = Duration::from_secs(3);

/// Starts it. With `play` it goes through every signal, over and over; the hatch is never opened.
///
/// # Errors
/// The system has no thread to give.
pub fn start(config: &Board, play: bool, teller: Teller, tasks: &mut JoinSet<()>) -> io::Result<()> {
    let (show, shown) = watch::channel(Show::default());
    let mut events = device::board::listen(config, None, shown)?;
    tasks.spawn(async move {
        let mut turns = interval_at(Instant::now() + TURN / 6, TURN);
        let mut signals = Signal::ALL.into_iter().filter(|signal| *signal != Signal::Rest).cycle().zip(1..);
        let mut is_up = false;
        loop {
            let line = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        is_up = matches!(event, BoardEvent::Up) || (is_up && !matches!(event, BoardEvent::Down(_)));
                        line(event)
                    }
                    None => return,
                },
                _ = turns.tick(), if play && is_up => {
                    let Some((signal, turn)) = signals.next() else { return };
                    show.send_replace(Show { signal, turn, hatch: None });
                    Line { words: played(signal), json: json!({ "plays": signal }), works: false }
                }
            };
            if !teller.say(line).await {
                return;
            }
        }
    });
    Ok(())
}

fn line(event: BoardEvent) -> Line {
    match event {
        // That its pins could be had is all that a board without inputs can show.
        BoardEvent::Up => Line { works: true, ..Line::up() },
        BoardEvent::Down(reason) => Line::down(&reason),
        BoardEvent::Pressed(button) => Line {
            words: format!("the {} button was pressed", format!("{button:?}").to_lowercase()),
            json: json!({ "pressed": button }),
            works: true,
        },
        BoardEvent::Lid { open } => Line {
            words: format!("the lid is {}", if open { "open" } else { "closed" }),
            json: json!({ "lid_open": open }),
            works: true,
        },
    }
}

fn played(signal: Signal) -> String {
    let what = match signal {
        Signal::Rest => "all dark and silent",
        Signal::Busy => "amber, silent",
        Signal::Yes => "green, two short sounds: yes",
        Signal::Already => "green and amber by turns, one sound: it is so already",
        Signal::No => "red, five sounds: no",
        Signal::Ask => "amber flashing, short and long: a question",
        Signal::Alarm => "red and amber by turns, sound on and on: alarm",
    };
    format!("plays {what}")
}
