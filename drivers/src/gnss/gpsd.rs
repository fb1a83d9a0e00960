//! A receiver that gpsd has: its reports over TCP, as fixes.
//!
//! gpsd(8) reads receivers of every make and answers in lines of JSON (gpsd_json(5)): `TPV` is where a receiver is,
//! `SKY` how good its satellites stand. What it says passes the same gates as a receiver's own sentences: no position
//! without a fix in two dimensions, none that is simulated or reckoned, none at 0,0. gpsd mends dates by its own clock;
//! they are passed on as it says them.

mod report;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use self::report::{Report, Reports};
use super::event::GnssEvent;

/// Where gpsd listens if nothing else is said.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:2947";
/// Longest line that is read; a `SKY` of every system at once has 10 KiB. The rest of a longer one is dropped.
pub const LINE_BYTES_MAX: usize = 32 * 1024;
/// The first pause before gpsd is asked again. It doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(100);
/// The longest pause before gpsd is asked again.
pub const RETRY_MAX: Duration = Duration::from_secs(5);
/// A connection that is not made within this time is not made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Without any word on a position for this long there is none.
const SILENCE: Duration = Duration::from_secs(5);
/// A connection without a byte for this long is asked for a sign of life, and is dead if none comes within it again.
const IDLE: Duration = Duration::from_secs(15);

/// To be told of every report of every receiver.
const WATCH: &[u8] = b"?WATCH={\"enable\":true,\"json\":true};\n";
/// The answer is a line in any case.
const SIGN_OF_LIFE: &[u8] = b"?VERSION;\n";

/// Reads the gpsd at `address` (`host:port`) until nobody listens to `out` any more. Where it has several receivers, the
/// first that knows where it is counts, and the next only after it fell silent.
pub async fn run(address: String, out: mpsc::Sender<GnssEvent>) {
    let mut pause = RETRY_MIN;
    let mut told: Option<String> = None;
    loop {
        let mut heard = false;
        let ended = tokio::select! {
            ended = session(&address, &out, &mut heard, &mut told) => ended,
            () = out.closed() => return,
        };
        let Ended::Because(reason) = ended else { return };
        // Only a gpsd that speaks makes the pause short again.
        pause = if heard { RETRY_MIN } else { (pause * 2).min(RETRY_MAX) };
        if told.as_ref() != Some(&reason) {
            told = Some(reason.clone());
            if out.send(GnssEvent::Down(reason)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = out.closed() => return,
        }
    }
}

/// Why a connection ended.
enum Ended {
    /// It is to be tried again.
    Because(String),
    /// Nobody listens.
    Unheard,
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Because(error.to_string())
    }
}

/// One connection, from its beginning to its end.
async fn session(
    address: &str,
    out: &mpsc::Sender<GnssEvent>,
    heard: &mut bool,
    told: &mut Option<String>,
) -> Ended {
    match speak(address, out, heard, told).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

async fn speak(
    address: &str,
    out: &mpsc::Sender<GnssEvent>,
    heard: &mut bool,
    told: &mut Option<String>,
) -> Result<std::convert::Infallible, Ended> {
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| Ended::Because("gpsd does not answer".to_owned()))??;
    let (reader, mut writer) = stream.into_split();
    writer.write_all(WATCH).await?;
    let mut lines = Lines { reader: BufReader::new(reader), line: Vec::new(), too_long: false };
    let mut reports = Reports::default();
    let mut is_up = false;
    let mut last_line = Instant::now();
    let mut last_word = Instant::now();
    let mut asked = false;
    loop {
        let idle_at = last_line + IDLE;
        let deadline = if is_up { idle_at.min(last_word + SILENCE) } else { idle_at };
        let line = match timeout_at(deadline, lines.next()).await {
            Ok(line) => line?,
            Err(_) => {
                let now = Instant::now();
                if is_up && now >= last_word + SILENCE {
                    send(out, GnssEvent::NoFix).await?;
                    last_word = now;
                }
                if now >= idle_at {
                    if asked {
                        return Err(Ended::Because("gpsd fell silent".to_owned()));
                    }
                    asked = true;
                    last_line = now;
                    writer.write_all(SIGN_OF_LIFE).await?;
                }
                continue;
            }
        };
        (last_line, asked, *heard) = (Instant::now(), false, true);
        let Some(report) = reports.read(line, last_line) else { continue };
        match report {
            Report::Receiver => {
                if !is_up {
                    is_up = true;
                    *told = None;
                    last_word = last_line;
                    send(out, GnssEvent::Up).await?;
                }
                continue;
            }
            Report::NoReceiver => {
                let reason = "gpsd has no receiver".to_owned();
                if std::mem::take(&mut is_up) || told.as_ref() != Some(&reason) {
                    *told = Some(reason.clone());
                    send(out, GnssEvent::Down(reason)).await?;
                }
                continue;
            }
            Report::Joined(joined) => {
                last_word = last_line;
                let mut events = Vec::new();
                if !is_up {
                    is_up = true;
                    *told = None;
                    events.push(GnssEvent::Up);
                }
                joined.tell(&mut events);
                for event in events {
                    send(out, event).await?;
                }
            }
        }
    }
}

async fn send(out: &mpsc::Sender<GnssEvent>, event: GnssEvent) -> Result<(), Ended> {
    out.send(event).await.map_err(|_| Ended::Unheard)
}

/// Lines of at most [`LINE_BYTES_MAX`] bytes.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    too_long: bool,
}

impl<R: tokio::io::AsyncRead + Unpin> Lines<R> {
    /// The next line. May be dropped at any time without losing bytes.
    async fn next(&mut self) -> Result<&[u8], Ended> {
        // A line is kept until the next is asked for.
        if self.line.last() == Some(&b'\n') {
            self.line.clear();
        }
        loop {
            let bytes = self.reader.fill_buf().await?;
            if bytes.is_empty() {
                return Err(Ended::Because("gpsd closed the connection".to_owned()));
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(bytes.len(), |end| end + 1);
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.too_long |= length > room;
            self.line.extend(bytes.iter().take(length.min(room)));
            self.reader.consume(length);
            if end.is_some() {
                if !std::mem::take(&mut self.too_long) {
                    return Ok(&self.line);
                }
                self.line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests;
