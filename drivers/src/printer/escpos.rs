//! ESC/POS (Epson's command reference): a receipt as strips of one picture, a cut, and the printer's own word of how it
//! is.
//!
//! Text goes as a picture: which code pages of Chinese a receipt printer has differs from model to model, and printers
//! sold elsewhere have none. Each strip is one `GS v 0`, followed by `GS r 1`, which the printer answers in its turn: so
//! no more than one strip is ever under way, and the last answer means that all was printed.
//!
//! `DLE EOT` is answered at once and so must not stand in a picture by chance: drawing makes a dot wider
//! where it does.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use super::{
    Bitmap,
    link::Link,
    status::{Status, Trouble},
};

/// Rows of a strip: about 3.5 KB at 576 dots, less than any printer's buffer.
pub const STRIP_ROWS: u32 = 48;
/// `ESC @`: as after switching on.
pub const RESET: &[u8] = b"\x1b@";
/// `GS r 1`: answered when all before it is done.
pub const ASK_DONE: &[u8] = b"\x1dr\x01";
/// Four lines on, so that the text is past the knife, and `GS V 1`: a cut that leaves a hinge.
pub const END: &[u8] = b"\x1bd\x04\x1dV\x01";
/// Bytes that may wait to be asked for; the oldest go first.
const INBOX_MAX: usize = 64;

const DLE: u8 = 0x10;
const EOT: u8 = 0x04;

/// The strips of a receipt, from the top.
pub fn strips(picture: &Bitmap) -> Vec<Vec<u8>> {
    let starts = (0..picture.height()).step_by(STRIP_ROWS as usize);
    starts.map(|row| strip(picture, row, (row + STRIP_ROWS).min(picture.height()))).collect()
}

fn strip(picture: &Bitmap, from: u32, until: u32) -> Vec<u8> {
    let low_high = |number: u32| [(number & 0xFF) as u8, (number >> 8 & 0xFF) as u8];
    let mut out = b"\x1dv0\x00".to_vec();
    out.extend(low_high(picture.row_bytes() as u32));
    out.extend(low_high(until - from));
    let mut dots = picture.band(from, until).to_vec();
    without_commands(&mut dots);
    out.extend(dots);
    out
}

/// Makes one dot wider wherever dots read as a command that is carried out at once: `DLE EOT`, `DLE ENQ`, `DLE DC4`.
fn without_commands(dots: &mut [u8]) {
    const NEXT_DOT: u8 = 0x08;
    for at in 1..dots.len() {
        if let Some([DLE, second @ (0x04 | 0x05 | 0x14)]) = dots.get_mut(at - 1..=at) {
            *second |= NEXT_DOT;
        }
    }
}

/// Bytes that end a strip which was cut off on an earlier connection, and reset what came after: white dots, which mean
/// nothing where no strip is under way.
pub fn recovery(row_bytes_max: usize) -> Vec<u8> {
    let mut bytes = vec![0; row_bytes_max * STRIP_ROWS as usize];
    bytes.extend_from_slice(RESET);
    bytes
}

/// Bytes from the printer that nobody has asked for yet: answers of two kinds come as they please.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: VecDeque<u8>,
}

impl Inbox {
    /// Asks how the printer is; none where it does not answer within `wait`.
    ///
    /// # Errors
    /// The link is broken.
    pub fn ask(&mut self, link: &mut dyn Link, wait: Duration) -> io::Result<Option<Status>> {
        let mut said = [0; 3];
        for (said, question) in said.iter_mut().zip([2, 3, 4]) {
            // An answer that comes too late is no answer to this question.
            self.bytes.retain(|byte| !is_realtime(*byte));
            if link.send(&[DLE, EOT, question], wait)? < 3 {
                return Ok(Some(Status { trouble: Some(Trouble::Busy), busy: true }));
            }
            match self.first(link, wait, is_realtime)? {
                Some(byte) => *said = byte,
                None => return Ok(None),
            }
        }
        Ok(Some(read(said)))
    }

    /// Waits for the answer to [`ASK_DONE`]. False where it does not come within `wait`.
    ///
    /// # Errors
    /// The link is broken.
    pub fn is_done(&mut self, link: &mut dyn Link, wait: Duration) -> io::Result<bool> {
        Ok(self.first(link, wait, is_paper_sensor)?.is_some())
    }

    /// The first byte of that kind; others wait.
    fn first(
        &mut self,
        link: &mut dyn Link,
        wait: Duration,
        is_it: fn(u8) -> bool,
    ) -> io::Result<Option<u8>> {
        let until = Instant::now() + wait;
        loop {
            if let Some(at) = self.bytes.iter().position(|byte| is_it(*byte)) {
                return Ok(self.bytes.remove(at));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let mut buffer = [0; INBOX_MAX];
            let length = link.receive(&mut buffer, left)?;
            self.bytes.extend(buffer.iter().take(length));
            let surplus = self.bytes.len().saturating_sub(INBOX_MAX);
            self.bytes.drain(..surplus);
        }
    }
}

/// Answers to `DLE EOT` have bits 1 and 4 set, 0 and 7 clear.
fn is_realtime(byte: u8) -> bool {
    byte & 0b1001_0011 == 0b0001_0010
}

/// Answers to `GS r` have bits 4 and 7 clear.
fn is_paper_sensor(byte: u8) -> bool {
    byte & 0b1001_0000 == 0
}

/// Reads the answers to `DLE EOT` 2, 3 and 4: why it is offline, its errors, its paper.
pub fn read([offline, errors, paper]: [u8; 3]) -> Status {
    let trouble = if offline & 0x04 != 0 {
        Some(Trouble::CoverOpen)
    } else if paper & 0x60 != 0 || offline & 0x20 != 0 {
        Some(Trouble::PaperOut)
    } else if errors & 0x08 != 0 {
        Some(Trouble::Cutter)
    } else if errors & 0x40 != 0 {
        Some(Trouble::Temperature)
    } else if errors & 0x20 != 0 || offline & 0x40 != 0 {
        Some(Trouble::Error)
    } else if offline & 0x08 != 0 {
        Some(Trouble::Paused)
    } else if paper & 0x0C != 0 {
        Some(Trouble::PaperLow)
    } else {
        None
    };
    Status { trouble, busy: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_strips_that_follow_each_other() {
        let mut picture = Bitmap::new(17, STRIP_ROWS + 2).unwrap();
        picture.set(16, STRIP_ROWS);
        let strips = strips(&picture);
        assert_eq!(strips.len(), 2);
        assert_eq!(strips[0].len(), 8 + 3 * STRIP_ROWS as usize);
        assert_eq!(strips[1], b"\x1dv0\x00\x03\x00\x02\x00\x00\x00\x80\x00\x00\x00");
    }

    #[test]
    fn no_picture_holds_a_command_that_is_carried_out_at_once() {
        let mut dots = [0x10, 0x04, 0x01, 0x10, 0x10, 0x14, 0x08, 0x10, 0x05, 0x10];
        without_commands(&mut dots);
        assert_eq!(dots, [0x10, 0x0C, 0x01, 0x10, 0x10, 0x1C, 0x08, 0x10, 0x0D, 0x10]);
    }

    #[test]
    fn an_answer_says_what_is_wrong() {
        for (said, trouble) in [
            ([0x12, 0x12, 0x12], None),
            ([0x16, 0x12, 0x12], Some(Trouble::CoverOpen)),
            ([0x32, 0x12, 0x72], Some(Trouble::PaperOut)),
            ([0x12, 0x12, 0x72], Some(Trouble::PaperOut)),
            ([0x52, 0x1A, 0x12], Some(Trouble::Cutter)),
            ([0x52, 0x52, 0x12], Some(Trouble::Temperature)),
            ([0x52, 0x32, 0x12], Some(Trouble::Error)),
            ([0x1A, 0x12, 0x12], Some(Trouble::Paused)),
            ([0x12, 0x12, 0x1E], Some(Trouble::PaperLow)),
        ] {
            assert_eq!(read(said).trouble, trouble, "{said:02x?}");
            assert!(said.into_iter().all(is_realtime));
        }
    }
}
