//! Long advertisements, which controllers report in pieces, put together again.
//!
//! Bounded: of at most [`ADVERTISERS_MAX`] at a time, each of at most [`DATA_MAX`] bytes; beyond, the oldest is forgotten. A
//! piece that was lost is never made up for: pieces older than [`PIECES_WITHIN`] are not joined to new ones.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::hci::{Report, Rest};

/// Most advertisements that are begun and not ended.
pub const ADVERTISERS_MAX: usize = 16;
/// The longest data of an extended advertisement (Vol 4, Part E, §7.8.57).
pub const DATA_MAX: usize = 1650;
/// Within this time all pieces of one advertisement come: a controller reports them as it hears them, some
/// milliseconds apart.
pub const PIECES_WITHIN: Duration = Duration::from_millis(500);

/// Advertisements that are begun.
#[derive(Debug, Default)]
pub struct Assembly {
    /// The oldest first.
    begun: VecDeque<(Instant, Report)>,
}

impl Assembly {
    /// Takes a report that came at `now`, and returns the whole advertisement if this completes it. What the controller
    /// lost a part of, and what grows longer than any advertisement, is dropped.
    pub fn take(&mut self, report: Report, now: Instant) -> Option<Report> {
        let of_same = |begun: &Report| {
            (begun.address, begun.set, begun.response) == (report.address, report.set, report.response)
        };
        let place = self.begun.iter().position(|(_, begun)| of_same(begun));
        let (since, whole) = match place.and_then(|place| self.begun.remove(place)) {
            Some((since, begun)) if now.saturating_duration_since(since) <= PIECES_WITHIN => {
                (since, joined(begun, report))
            }
            _ => (now, report),
        };
        match whole.rest {
            _ if whole.data.len() > DATA_MAX => None,
            Rest::Nothing => Some(whole),
            Rest::Lost => None,
            Rest::Follows => {
                if self.begun.len() >= ADVERTISERS_MAX {
                    self.begun.pop_front();
                }
                self.begun.push_back((since, whole));
                None
            }
        }
    }

    /// Forgets what is begun: the line was opened anew.
    pub fn clear(&mut self) {
        self.begun.clear();
    }
}

fn joined(mut begun: Report, piece: Report) -> Report {
    begun.data.extend(piece.data);
    Report { data: begun.data, ..piece }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Address;

    fn piece(last: u8, data: &[u8], rest: Rest) -> Report {
        let address = Address([1, 2, 3, 4, 5, last]);
        Report { address, rssi: Some(-60), data: data.to_vec(), set: Some(1), response: false, rest }
    }

    #[test]
    fn pieces_of_two_senders_are_put_together_each_in_its_order() {
        let now = Instant::now();
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(piece(1, &[1], Rest::Follows), now), None);
        assert_eq!(assembly.take(piece(2, &[7], Rest::Follows), now), None);
        assert_eq!(assembly.take(piece(1, &[2], Rest::Follows), now), None);
        assert_eq!(assembly.take(piece(2, &[8], Rest::Nothing), now), Some(piece(2, &[7, 8], Rest::Nothing)));
        assert_eq!(
            assembly.take(piece(1, &[3], Rest::Nothing), now),
            Some(piece(1, &[1, 2, 3], Rest::Nothing))
        );
        assert_eq!(assembly.take(piece(1, &[4], Rest::Nothing), now), Some(piece(1, &[4], Rest::Nothing)));
    }

    #[test]
    fn what_was_lost_or_comes_late_is_not_joined() {
        let now = Instant::now();
        let mut assembly = Assembly::default();
        assembly.take(piece(1, &[1], Rest::Follows), now);
        assert_eq!(assembly.take(piece(1, &[2], Rest::Lost), now), None);
        assert_eq!(assembly.take(piece(1, &[3], Rest::Nothing), now), Some(piece(1, &[3], Rest::Nothing)));
        assembly.take(piece(1, &[1], Rest::Follows), now);
        let late = now + PIECES_WITHIN * 2;
        assert_eq!(assembly.take(piece(1, &[4], Rest::Nothing), late), Some(piece(1, &[4], Rest::Nothing)));
    }

    #[test]
    fn beginnings_without_end_are_bounded_in_number_and_length() {
        let now = Instant::now();
        let mut assembly = Assembly::default();
        for sender in 0..=u8::MAX {
            for _ in 0..20 {
                assert_eq!(assembly.take(piece(sender, &[0; 229], Rest::Follows), now), None);
            }
        }
        assert!(assembly.begun.len() <= ADVERTISERS_MAX);
        assert!(assembly.begun.iter().all(|(_, report)| report.data.len() <= DATA_MAX));
    }
}
