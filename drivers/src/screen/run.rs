//! The thread of a screen: opens it, draws, sends, waits, and comes back when it was away.
//!
//! Whatever the bus does, nobody waits for this thread: it takes the latest value from a [`Slot`], and the slot tells
//! for how long it has been at work, so that a screen which hangs can be named.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Frame, Screen, ScreenError, Slot, slot::Taken};

/// Least time from one picture to the next: ten a second are more than anyone reads.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The first pause before a screen is opened again. It doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(250);
/// The longest pause before a screen is opened again.
pub const RETRY_MAX: Duration = Duration::from_secs(10);
/// A screen that was without power for a moment cannot say so: so often it is woken anew and gets the whole picture.
pub const RENEW_EVERY: Duration = Duration::from_secs(600);
/// At work without a pause for longer than this, a screen hangs.
pub const HANG_MAX: Duration = Duration::from_secs(10);

/// What happened at a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenEvent {
    /// It shows what it is given.
    Up,
    /// It does not, with the reason in words. Said once for each reason, not once for each try.
    Down(String),
}

/// Shows what comes through the slot until that is closed; then the screen goes dark. Blocks: give it a thread.
///
/// `draw` makes the picture of a value at a size, and says when the same value is to be drawn again, for what does not
/// fit at once. Events that nobody takes are left out, never waited for.
pub fn run<T>(
    mut open: impl FnMut() -> Result<Screen, ScreenError>,
    slot: &Arc<Slot<T>>,
    mut draw: impl FnMut(&T, (u32, u32)) -> (Frame, Option<Duration>),
    events: &mpsc::Sender<ScreenEvent>,
) {
    let mut latest: Option<T> = None;
    let mut pause = RETRY_MIN;
    let mut said = Said { events, last: None };
    loop {
        let end = open().and_then(|screen| show(screen, slot, &mut latest, &mut draw, &mut said));
        if said.last == Some(ScreenEvent::Up) {
            pause = RETRY_MIN;
        }
        match end {
            Ok(End::Closed) => return,
            Ok(End::Renew) => continue,
            Err(why) => said.say(ScreenEvent::Down(in_words(&why))),
        }
        if !slot.pause(pause) {
            return;
        }
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// Why a screen is no longer fed.
enum End {
    Closed,
    Renew,
}

fn show<T>(
    mut screen: Screen,
    slot: &Slot<T>,
    latest: &mut Option<T>,
    draw: &mut impl FnMut(&T, (u32, u32)) -> (Frame, Option<Duration>),
    said: &mut Said<'_>,
) -> Result<End, ScreenError> {
    let opened = Instant::now();
    loop {
        let mut again = None;
        if let Some(value) = latest.as_ref() {
            let (frame, next) = draw(value, screen.size());
            screen.show(frame)?;
            again = next;
            // Not before: what can be opened may still take no picture.
            said.say(ScreenEvent::Up);
        }
        if !slot.pause(INTERVAL_MIN) {
            return dark(screen, latest.as_ref(), draw);
        }
        let renew = RENEW_EVERY.saturating_sub(opened.elapsed());
        match slot.take(again.map_or(renew, |again| again.saturating_sub(INTERVAL_MIN).min(renew))) {
            Taken::New(value) => *latest = Some(value),
            Taken::Nothing if opened.elapsed() >= RENEW_EVERY => return Ok(End::Renew),
            Taken::Nothing => {}
            Taken::Closed => return dark(screen, latest.as_ref(), draw),
        }
    }
}

/// A verdict that stands on a screen when the gateway has stopped would be believed.
fn dark<T>(
    mut screen: Screen,
    latest: Option<&T>,
    draw: &mut impl FnMut(&T, (u32, u32)) -> (Frame, Option<Duration>),
) -> Result<End, ScreenError> {
    if let Some(value) = latest {
        let size = screen.size();
        let palette = draw(value, size).0.palette();
        screen.show(Frame::new(size.0, size.1, palette))?;
    }
    Ok(End::Closed)
}

/// What was said last, so that nothing is said twice.
struct Said<'a> {
    events: &'a mpsc::Sender<ScreenEvent>,
    last: Option<ScreenEvent>,
}

impl Said<'_> {
    fn say(&mut self, event: ScreenEvent) {
        // Said anew next time where nobody had room for it.
        if self.last.as_ref() != Some(&event) && self.events.try_send(event.clone()).is_ok() {
            self.last = Some(event);
        }
    }
}

/// An error with its causes.
fn in_words(error: &ScreenError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    words
}
