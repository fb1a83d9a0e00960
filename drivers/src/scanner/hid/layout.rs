//! Where in a scanner's report is what.
//!
//! A layout comes from the device's own descriptor. Where that names no decoded data (older devices describe a bare
//! array), or where there is none, as in a recording, the quirk table has the layouts that are in use, told apart by
//! the report id.

use std::ops::Range;

use crate::scanner::Flaw;
use crate::scanner::aim::is_aim;

/// Where in a report is what, in bytes from its beginning, the id included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its first byte, where reports have ids.
    pub report_id: Option<u8>,
    /// Bytes of the whole report.
    pub report_bytes: usize,
    /// The byte that says how many bytes of the data count; without one, NULs at the end are padding.
    pub length: Option<usize>,
    /// The three bytes of the AIM identifier.
    pub symbology: [Option<usize>; 3],
    /// The data.
    pub data: Range<usize>,
    /// The bit, from the report's beginning, that says that more of the code follows in another report.
    pub continued: Option<usize>,
}

/// What one report carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Piece<'r> {
    /// The AIM identifier, if the device gave one.
    pub symbology: Option<&'r str>,
    /// The code, or a part of it.
    pub data: &'r [u8],
    /// More of it follows.
    pub continues: bool,
}

impl Layout {
    /// The 64-byte report that Access-IS, Honeywell, Zebra and others share: id 2.
    pub fn common() -> Self {
        Self {
            report_id: Some(2),
            report_bytes: 64,
            length: Some(1),
            symbology: [Some(2), Some(3), Some(4)],
            data: 5..61,
            continued: Some(63 * 8),
        }
    }

    /// Microscan's: id 1, a length, 62 bytes padded with NULs; no identifier and no continuation.
    pub fn bare() -> Self {
        Self {
            report_id: Some(1),
            report_bytes: 64,
            length: Some(1),
            symbology: [None; 3],
            data: 2..64,
            continued: None,
        }
    }

    /// The layouts of devices that do not describe theirs.
    pub fn quirks() -> [Self; 2] {
        [Self::common(), Self::bare()]
    }

    /// A report with this id (0: reports have none), of which nothing is known yet.
    pub(super) fn of_report(report_id: u8) -> Self {
        Self {
            report_id: (report_id != 0).then_some(report_id),
            report_bytes: 0,
            length: None,
            symbology: [None; 3],
            data: 0..0,
            continued: None,
        }
    }

    /// It carries codes.
    pub(super) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }

    /// It is the layout of this report.
    pub fn fits(&self, report: &[u8]) -> bool {
        self.report_id.is_none_or(|id| report.first() == Some(&id))
    }

    /// What a report carries.
    ///
    /// # Errors
    /// [`Flaw::Malformed`]: it is shorter than what it must hold, or its length goes beyond its data.
    pub fn read<'r>(&self, report: &'r [u8]) -> Result<Piece<'r>, Flaw> {
        let data = self.data_of(report)?;
        let continues = match self.continued {
            Some(bit) => report.get(bit / 8).ok_or(Flaw::Malformed)? >> (bit % 8) & 1 == 1,
            None => false,
        };
        Ok(Piece { symbology: self.symbology_of(report), data, continues })
    }

    fn data_of<'r>(&self, report: &'r [u8]) -> Result<&'r [u8], Flaw> {
        match self.length {
            Some(at) => {
                let length = usize::from(*report.get(at).ok_or(Flaw::Malformed)?);
                if length > self.data.len() {
                    return Err(Flaw::Malformed);
                }
                report.get(self.data.start..self.data.start + length).ok_or(Flaw::Malformed)
            }
            None => {
                let data =
                    report.get(self.data.start..self.data.end.min(report.len())).ok_or(Flaw::Malformed)?;
                let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                data.get(..end).ok_or(Flaw::Malformed)
            }
        }
    }

    /// Only where the three bytes stand together and are one: many devices send NULs or blanks where it is switched off.
    fn symbology_of<'r>(&self, report: &'r [u8]) -> Option<&'r str> {
        let [Some(first), Some(second), Some(third)] = self.symbology else { return None };
        if second != first + 1 || third != second + 1 {
            return None;
        }
        let text = std::str::from_utf8(report.get(first..=third)?).ok()?;
        is_aim(text).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(length: u8, symbology: &[u8; 3], data: &[u8], last: u8) -> [u8; 64] {
        let mut report = [0; 64];
        report[0] = 2;
        report[1] = length;
        report[2..5].copy_from_slice(symbology);
        report[5..5 + data.len()].copy_from_slice(data);
        report[63] = last;
        report
    }

    #[test]
    fn a_report_gives_identifier_data_and_whether_more_follows() {
        let report = common(4, b"]C1", b"10\x1dAxxxx", 1);
        let piece = Layout::common().read(&report).ok().unwrap();
        assert_eq!((piece.symbology, piece.data, piece.continues), (Some("]C1"), &b"10\x1dA"[..], true));
        let report = common(1, b"\0\0\0", b"A", 0xfe);
        let piece = Layout::common().read(&report).ok().unwrap();
        assert_eq!(
            (piece.symbology, piece.data, piece.continues),
            (None, &b"A"[..], false),
            "only bit 0 counts"
        );
    }

    #[test]
    fn a_length_beyond_the_data_or_the_report_is_refused() {
        assert!(Layout::common().read(&common(57, b"]C1", b"", 0)).is_err());
        assert!(Layout::common().read(&common(56, b"]C1", b"", 0)[..60]).is_err());
        assert!(
            Layout::common().read(&common(1, b"]C1", b"A", 0)[..63]).is_err(),
            "its last byte is missing"
        );
        assert!(Layout::common().read(&[]).is_err());
    }

    #[test]
    fn the_bare_layout_has_no_identifier_and_no_continuation() {
        let mut report = [0; 64];
        report[0] = 1;
        report[1] = 17;
        report[2..19].copy_from_slice(b"1_11_A]002374938\0");
        let piece = Layout::bare().read(&report).ok().unwrap();
        assert_eq!((piece.symbology, piece.data.len(), piece.continues), (None, 17, false));
        assert!(Layout::bare().fits(&report) && !Layout::common().fits(&report));
        let unsized_ = Layout { length: None, ..Layout::bare() };
        report[1] = b' ';
        assert_eq!(unsized_.read(&report).ok().unwrap().data, b"1_11_A]002374938", "padding is cut");
    }
}
