//! Which speed a receiver speaks at, found by listening: at a wrong one bytes come, but no sentence with a right
//! checksum.

use std::time::Duration;

use tokio::time::Instant;

/// The speeds that receivers leave their makers with, in bits a second; the most frequent first.
pub const BAUDS: [u32; 6] = [9_600, 115_200, 4_800, 38_400, 57_600, 19_200];

/// A speed is listened to for so long at least, so that a flood does not turn the search into a whirl.
const LISTEN_MIN: Duration = Duration::from_millis(250);
/// And so long at most while bytes come: receivers speak once a second.
const LISTEN_MAX: Duration = Duration::from_millis(2_500);
/// So many bytes at the right speed contain a whole sentence, as none is half as long …
const BURST_BYTES: usize = 256;
/// … once the line falls quiet after them for so long.
const BURST_QUIET: Duration = Duration::from_millis(100);
/// Without a pause so many are waited for: binary messages may stand between.
const FLOOD_BYTES: usize = 4_096;

/// The search for a receiver's speed.
#[derive(Debug)]
pub struct Search {
    /// The first of this round, as an index of [`BAUDS`].
    first: usize,
    /// Speeds of this round that were listened to in vain.
    in_vain: usize,
    /// The whole round was in vain once.
    all_in_vain: bool,
    since: Instant,
    last: Instant,
    bytes: usize,
}

impl Search {
    /// Begins with `baud`, or with the most frequent speed.
    pub fn new(baud: Option<u32>, now: Instant) -> Self {
        let first = BAUDS.iter().position(|one| Some(*one) == baud).unwrap_or_default();
        Self { first, in_vain: 0, all_in_vain: false, since: now, last: now, bytes: 0 }
    }

    /// The speed that is listened to.
    pub fn baud(&self) -> u32 {
        let index = (self.first + self.in_vain) % BAUDS.len();
        BAUDS.get(index).copied().unwrap_or(9_600)
    }

    /// The line is open at [`Self::baud`] from `now` on.
    pub fn listen(&mut self, now: Instant) {
        (self.since, self.last, self.bytes) = (now, now, 0);
    }

    /// Bytes came that hold no sentence.
    pub fn heard(&mut self, bytes: usize, now: Instant) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.last = now;
    }

    /// When this speed is given up if nothing more comes; none while nothing came, as silence says nothing.
    pub fn deadline(&self) -> Option<Instant> {
        let at_least = self.since + LISTEN_MIN;
        let ends = match self.bytes {
            0 => return None,
            FLOOD_BYTES.. => at_least,
            BURST_BYTES.. => self.last + BURST_QUIET,
            _ => self.since + LISTEN_MAX,
        };
        Some(ends.min(self.since + LISTEN_MAX).max(at_least))
    }

    /// This speed was in vain: goes on to the next, and gives it. Speeds are tried around and around.
    pub fn go_on(&mut self) -> u32 {
        self.in_vain += 1;
        self.all_in_vain |= self.in_vain >= BAUDS.len();
        self.in_vain %= BAUDS.len();
        self.baud()
    }

    /// Every speed was in vain at least once.
    pub fn all_in_vain(&self) -> bool {
        self.all_in_vain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_begins_with_the_last_speed_and_comes_by_all() {
        let mut search = Search::new(Some(38_400), Instant::now());
        let mut seen = vec![search.baud()];
        while seen.len() < BAUDS.len() {
            assert!(!search.all_in_vain());
            seen.push(search.go_on());
        }
        assert_eq!(seen.first(), Some(&38_400));
        assert!(BAUDS.iter().all(|baud| seen.contains(baud)));
        assert_eq!(search.go_on(), 38_400);
        assert!(search.all_in_vain());
    }

    #[test]
    fn silence_is_waited_for_and_a_flood_is_not_followed_by_a_whirl() {
        let begin = Instant::now();
        let mut search = Search::new(None, begin);
        assert_eq!(search.deadline(), None);
        search.heard(10, begin);
        assert_eq!(search.deadline(), Some(begin + LISTEN_MAX), "a few bytes may be the end of a sentence");
        search.heard(1_000_000, begin);
        assert_eq!(search.deadline(), Some(begin + LISTEN_MIN));
    }
}
