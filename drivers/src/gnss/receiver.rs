//! A receiver at its port: fixes as they come.
//!
//! A fix goes out when the next moment begins or the line falls quiet. Where no speed is configured it is found by
//! listening, again after each time that the receiver was plugged in, and when sentences turn to noise. A port that
//! gives bytes and no sentence is told as such, since a wrong speed looks like a broken receiver.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::baud::Search;
use super::decoder::Decoder;
use super::event::GnssEvent;
use super::joiner::Joiner;
use crate::port::{Port, PortConfig, PortEvent};

/// A line that is quiet for this long has ended its burst. A sentence at 4,800 baud has no gaps of this length.
const QUIET: Duration = Duration::from_millis(120);
/// Without any word on a position for this long there is none, whatever else the line carries.
const SILENCE: Duration = Duration::from_secs(5);
/// Bytes without a sentence for this long, and so many of them, are noise: the speed is wrong, or was changed.
const NOISE: Duration = Duration::from_secs(3);
/// See [`NOISE`].
const NOISE_BYTES: usize = 512;

/// Where a receiver is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// A path that stays the same when the receiver is plugged in again.
    pub path: PathBuf,
    /// Bits a second; none: found among [`super::baud::BAUDS`].
    pub baud: Option<u32>,
}

/// Reads the receiver at `config` until nobody listens to `out` any more.
pub async fn run(config: ReceiverConfig, out: mpsc::Sender<GnssEvent>) {
    let mut line = Line::new(config.baud, Instant::now());
    let mut port = Port::open(PortConfig { path: config.path, baud: line.baud() });
    loop {
        let mut events = Vec::new();
        tokio::select! {
            event = port.next() => match event {
                PortEvent::Up => line.up(Instant::now(), &mut events),
                PortEvent::Down(reason) => {
                    line.down(Instant::now(), reason, &mut events);
                    port.set_baud(line.baud());
                }
                PortEvent::Bytes(bytes) => line.bytes(bytes, Instant::now(), &mut events),
            },
            () = sleep_until(line.deadline()), if line.is_up => {
                if let Some(baud) = line.elapsed(Instant::now(), &mut events) {
                    port.set_baud(baud);
                }
            }
            () = out.closed() => return,
        }
        for event in events {
            if out.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// What is known of the line.
struct Line {
    configured: Option<u32>,
    /// The speed at which sentences came.
    found: Option<u32>,
    /// How the speed is found; none while it is known.
    search: Option<Search>,
    /// The speed was changed, and the line is not open yet.
    switching: bool,
    is_up: bool,
    decoder: Decoder,
    joiner: Joiner,
    /// When bytes, a sentence and a word on the position came last.
    last_bytes: Instant,
    last_sentence: Instant,
    last_word: Instant,
    /// Bytes since the last sentence.
    noise_bytes: usize,
    told_noise: bool,
}

impl Line {
    fn new(configured: Option<u32>, now: Instant) -> Self {
        Self {
            configured,
            found: None,
            search: configured.is_none().then(|| Search::new(None, now)),
            switching: false,
            is_up: false,
            decoder: Decoder::default(),
            joiner: Joiner::default(),
            last_bytes: now,
            last_sentence: now,
            last_word: now,
            noise_bytes: 0,
            told_noise: false,
        }
    }

    /// The speed to open the port with.
    fn baud(&self) -> u32 {
        let searched = || self.search.as_ref().map(Search::baud);
        self.configured.or_else(searched).or(self.found).unwrap_or(9_600)
    }

    fn up(&mut self, now: Instant, events: &mut Vec<GnssEvent>) {
        self.forget(now);
        if let Some(search) = &mut self.search {
            search.listen(now);
        }
        self.is_up = true;
        if !std::mem::take(&mut self.switching) {
            self.last_word = now;
            self.told_noise = false;
            events.push(GnssEvent::Up);
        }
    }

    fn down(&mut self, now: Instant, reason: String, events: &mut Vec<GnssEvent>) {
        self.forget(now);
        self.is_up = false;
        if let Some(search) = &mut self.search
            && self.switching
        {
            // This speed the line cannot have.
            search.go_on();
        } else if self.configured.is_none() {
            // Another receiver may be plugged in at this place.
            self.search = Some(Search::new(self.found, now));
        }
        self.switching = false;
        events.push(GnssEvent::Down(reason));
    }

    fn bytes(&mut self, bytes: &[u8], now: Instant, events: &mut Vec<GnssEvent>) {
        self.last_bytes = now;
        let sentences = self.decoder.sentences();
        let told = events.len();
        let joiner = &mut self.joiner;
        self.decoder.listen(bytes, &mut |said| {
            if let Some(joined) = joiner.push(said) {
                joined.tell(events);
            }
        });
        if events.len() > told {
            self.last_word = now;
        }
        if self.decoder.sentences() == sentences {
            self.noise_bytes = self.noise_bytes.saturating_add(bytes.len());
            if let Some(search) = &mut self.search {
                search.heard(bytes.len(), now);
            }
            return;
        }
        self.last_sentence = now;
        self.noise_bytes = 0;
        let mut news = Vec::new();
        if std::mem::take(&mut self.told_noise) {
            news.push(GnssEvent::Up);
        }
        if let Some(search) = self.search.take() {
            self.found = Some(search.baud());
            news.push(GnssEvent::Baud(search.baud()));
        }
        events.splice(told..told, news);
    }

    /// When something is to be done though no byte came.
    fn deadline(&self) -> Instant {
        let burst = if self.joiner.is_empty() { self.last_word + SILENCE } else { self.last_bytes + QUIET };
        let speed = match &self.search {
            Some(search) => search.deadline(),
            None => (self.noise_bytes >= NOISE_BYTES && !self.told_noise).then(|| self.last_sentence + NOISE),
        };
        speed.map_or(burst, |speed| speed.min(burst))
    }

    /// The deadline has passed; gives the speed to go on with, if that is to be another.
    fn elapsed(&mut self, now: Instant, events: &mut Vec<GnssEvent>) -> Option<u32> {
        if now >= self.last_bytes + QUIET
            && let Some(joined) = self.joiner.flush()
        {
            joined.tell(events);
            self.last_word = now;
        } else if now >= self.last_word + SILENCE {
            events.push(GnssEvent::NoFix);
            self.last_word = now;
        }
        let in_vain = match &mut self.search {
            Some(search) => search.deadline().is_some_and(|deadline| now >= deadline),
            None => self.noise_bytes >= NOISE_BYTES && now >= self.last_sentence + NOISE,
        };
        if !in_vain {
            return None;
        }
        if self.configured.is_some() {
            self.tell_noise(events);
            return None;
        }
        let search = self.search.get_or_insert_with(|| Search::new(self.found, now));
        let baud = search.go_on();
        let hopeless = search.all_in_vain();
        if hopeless {
            self.tell_noise(events);
        }
        self.is_up = false;
        self.switching = true;
        Some(baud)
    }

    fn tell_noise(&mut self, events: &mut Vec<GnssEvent>) {
        if !std::mem::replace(&mut self.told_noise, true) {
            events.push(GnssEvent::NoSentence { baud: self.configured });
        }
    }

    /// What was read before is not joined to what follows.
    fn forget(&mut self, now: Instant) {
        self.decoder = Decoder::default();
        self.joiner = Joiner::default();
        self.noise_bytes = 0;
        (self.last_bytes, self.last_sentence) = (now, now);
    }
}

#[cfg(test)]
#[path = "receiver/tests.rs"]
mod tests;
