//! How good a receiver's positions are: what GSA sentences say of the satellites in use.
//!
//! One sentence speaks of one satellite system (the older ones) or of one among several (`GN`, since NMEA 4.1 with the
//! system's number), so those of one moment are taken together: a position rests on all of them.

use super::position::number;
use super::sentence::Fields;

/// Fields of a GSA: mode, fix, twelve satellites, three dilutions; NMEA 4.1 adds the system.
const FIELDS: std::ops::RangeInclusive<usize> = 17..=18;
/// Where the satellites stand.
const SATELLITES: std::ops::RangeInclusive<usize> = 3..=14;

/// What one GSA sentence says, or several of one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dilution {
    /// The receiver has a position, in two dimensions at least.
    pub fixed: bool,
    /// Horizontal dilution of precision.
    pub hdop: Option<f64>,
    /// Satellites in use.
    pub satellites: u8,
}

impl Dilution {
    /// This and what another sentence of the same moment says.
    pub fn and(self, other: Self) -> Self {
        Self {
            fixed: self.fixed || other.fixed,
            hdop: match (self.hdop, other.hdop) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
            satellites: self.satellites.saturating_add(other.satellites),
        }
    }
}

/// Reads the fields of a GSA sentence; none where it has too few, or does not say whether there is a position.
pub fn read(fields: &Fields<'_>) -> Option<Dilution> {
    if !FIELDS.contains(&fields.count()) {
        return None;
    }
    let fixed = match fields.get(2) {
        "1" => false,
        "2" | "3" => true,
        _ => return None,
    };
    let satellites = SATELLITES.filter(|index| !fields.get(*index).is_empty()).count();
    Some(Dilution {
        fixed,
        hdop: number(fields.get(16)),
        satellites: u8::try_from(satellites).unwrap_or(u8::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gnss::sentence::{Framer, checksum};

    fn gsa(fields: &str) -> Option<Dilution> {
        let body = format!("GNGSA,{fields}");
        let mut framer = Framer::default();
        let mut out = None;
        framer.push(format!("${body}*{:02X}", checksum(&body)).as_bytes(), &mut |sentence, whole| {
            assert_eq!(whole, Ok(()));
            out = read(&sentence.fields());
        });
        out
    }

    #[test]
    fn satellites_of_several_systems_are_counted_together() {
        let gps = gsa("A,3,01,02,03,04,,,,,,,,,1.9,1.2,1.5,1").unwrap();
        let glonass = gsa("A,3,65,66,,,,,,,,,,,1.9,1.2,1.5,2").unwrap();
        assert_eq!(gps.and(glonass), Dilution { fixed: true, hdop: Some(1.2), satellites: 6 });
    }

    #[test]
    fn a_receiver_without_a_position_says_so_and_a_damaged_sentence_says_nothing() {
        assert_eq!(gsa("A,1,,,,,,,,,,,,,,,"), Some(Dilution { fixed: false, hdop: None, satellites: 0 }));
        assert_eq!(gsa("A,,,,,,,,,,,,,,,,"), None);
        assert_eq!(gsa("A,3,01,02,1.9,1.2,1.5"), None);
        assert_eq!(gsa("A,3,01,02,03,,,,,,,,,,nan,nan,nan").unwrap().hdop, None);
    }
}
