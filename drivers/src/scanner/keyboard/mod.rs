//! A scanner that plays a keyboard, read from the kernel's event device and grabbed, so that its keystrokes reach nothing
//! else. A person may type on it, or on a keyboard in its place: that is told as typed.

pub mod keymap;
pub mod line;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evdev::raw_stream::{EventStream, RawDevice};
use evdev::{EventSummary, SynchronizationCode};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

pub use self::line::Typing;
use self::line::{Keyed, Line};
use super::ScannerEvent;
use super::gate::{Gate, SAME_WITHIN};
use crate::port::{RETRY_MAX, RETRY_MIN};

/// An open that takes longer is reported; it is tried again.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait where nothing is awaited but a key.
const IDLE: Duration = Duration::from_secs(3600);
/// The kernel's number for "no such device": it was unplugged.
const ENODEV: i32 = 19;
/// The kernel's number for "busy": another program has grabbed it.
const EBUSY: i32 = 16;

/// A scanner that plays a keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyboardScanner {
    /// Its event device by a path that stays the same, as `/dev/input/by-id/usb-…-event-kbd`.
    pub path: PathBuf,
    /// How it frames its codes.
    pub typing: Typing,
    /// How long the same code again counts as the same scan, from one reading to the next.
    pub same_within: Duration,
}

impl KeyboardScanner {
    /// A scanner at a path, with what is usual.
    pub fn new(path: PathBuf) -> Self {
        Self { path, typing: Typing::default(), same_within: SAME_WITHIN }
    }
}

/// Reads the scanner until nobody listens to `out` any more. It is let go when this ends.
pub async fn run(config: KeyboardScanner, out: mpsc::Sender<ScannerEvent>) {
    tokio::select! {
        () = out.closed() => {}
        () = keep_reading(&config, &out) => {}
    }
}

async fn keep_reading(config: &KeyboardScanner, out: &mpsc::Sender<ScannerEvent>) {
    let mut pause = RETRY_MIN;
    // The reason last told, so that a device which stays away is told once.
    let mut told = None;
    loop {
        let reason = match open(&config.path).await {
            Ok(stream) => {
                told = None;
                pause = RETRY_MIN;
                if out.send(ScannerEvent::Up).await.is_err() {
                    return;
                }
                match read(stream, config, out).await {
                    Ok(reason) => reason,
                    Err(Over) => return,
                }
            }
            Err(error) => in_words(&error),
        };
        if told.as_ref() != Some(&reason) {
            told = Some(reason.clone());
            if out.send(ScannerEvent::Down(reason)).await.is_err() {
                return;
            }
        }
        sleep_until(Instant::now() + pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// Nobody listens any more.
struct Over;

/// Opens and grabs it. What the kernel asks the device meanwhile can wait for it, so this happens on a thread for
/// blocking work.
async fn open(path: &Path) -> io::Result<EventStream> {
    let path = path.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        let mut device = RawDevice::open(path)?;
        device.grab()?;
        Ok::<_, io::Error>(device)
    });
    match timeout(OPEN_TIMEOUT, opening).await {
        Ok(Ok(device)) => device?.into_event_stream(),
        Ok(Err(_)) => Err(io::Error::other("opening it failed")),
        Err(_) => Err(io::Error::other("the device does not answer while it is opened")),
    }
}

/// Reads it until it goes; gives why it went.
async fn read(
    mut stream: EventStream,
    config: &KeyboardScanner,
    out: &mpsc::Sender<ScannerEvent>,
) -> Result<String, Over> {
    let mut gate = Gate::new(config.same_within);
    let mut line = Line::new(config.typing.clone());
    loop {
        let mut events = Vec::new();
        let mut tell = |keyed: Keyed| match keyed {
            Keyed::Scanned(found) => events.extend(gate.pass(found, Instant::now())),
            Keyed::Typed(scan) => events.push(ScannerEvent::Typed(scan)),
        };
        let deadline = line.deadline().unwrap_or_else(|| Instant::now() + IDLE);
        let gone = tokio::select! {
            biased;
            event = stream.next_event() => match event {
                Ok(event) => {
                    let (at, now) = (event.timestamp(), Instant::now());
                    match event.destructure() {
                        // 0 is up, 1 is down, 2 the repetition of a key that is held, which no code has.
                        EventSummary::Key(_, key, value @ (0 | 1)) => line.key(key, value == 1, at, now, &mut tell),
                        EventSummary::Synchronization(_, SynchronizationCode::SYN_DROPPED, _) => line.lost(),
                        _ => {}
                    }
                    None
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
                Err(error) => {
                    line.reset(&mut tell);
                    Some(in_words(&error))
                }
            },
            () = sleep_until(deadline) => {
                line.tick(Instant::now(), &mut tell);
                None
            }
        };
        for event in events {
            out.send(event).await.map_err(|_| Over)?;
        }
        if let Some(reason) = gone {
            return Ok(reason);
        }
    }
}

fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ENODEV) => "it was unplugged".to_owned(),
        Some(EBUSY) => "another program has taken it for itself".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_keyboard_that_is_not_there_is_told_once() {
        let (out, mut events) = mpsc::channel(8);
        let driver = tokio::spawn(run(KeyboardScanner::new("/dev/input/by-id/none".into()), out));
        let told = timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
        assert!(matches!(told, ScannerEvent::Down(_)), "{told:?}");
        let again = timeout(Duration::from_millis(300), events.recv()).await;
        assert!(again.is_err(), "told twice: {again:?}");
        drop(events);
        timeout(Duration::from_secs(10), driver).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_event_device_is_told_and_read_by_nobody() {
        let (out, mut events) = mpsc::channel(8);
        let driver = tokio::spawn(run(KeyboardScanner::new("/dev/null".into()), out));
        let told = timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
        assert!(matches!(told, ScannerEvent::Down(_)), "{told:?}");
        drop(events);
        timeout(Duration::from_secs(10), driver).await.unwrap().unwrap();
    }

    #[test]
    fn a_device_that_was_unplugged_is_said_in_words() {
        assert_eq!(in_words(&io::Error::from_raw_os_error(ENODEV)), "it was unplugged");
    }
}
