//! What an SSI host makes of a decoder's bytes, as a table: bytes and times in; codes, flaws and answers out.
//!
//! Every packet with a right checksum is acknowledged, or the decoder sends it again; a packet that came before, by its
//! retransmission bit and its bytes, is acknowledged again and told once. A wrong checksum asks for the packet anew;
//! only if that does not come either is it a flaw.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::code_type;
use super::packet::{
    self, CHECKSUM_BYTES, HEADER_BYTES, NakCause, Opcode, PACKET_BYTES_MAX, Packet, Parsed, command, nak,
};
use crate::scanner::aim::split_aim;
use crate::scanner::assembler::CODE_BYTES_MAX;
use crate::scanner::{Assembled, Flaw, Scan, text};

/// How long the rest of a packet may take, and the next one of a message: the decoder's own patience is about this.
pub const REST_WITHIN: Duration = Duration::from_millis(500);
/// So often a packet is asked for again before it is a flaw. A decoder itself sends it three times.
const NAKS_MAX: u32 = 3;

/// What came of a decoder's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A code, or a flaw.
    Code(Assembled),
    /// To be sent to the decoder at once.
    Answer(Answer),
    /// The decoder took the host's packet.
    Taken,
    /// The decoder did not take the host's packet.
    NotTaken,
}

/// What a host answers to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was received.
    Ack,
    /// Send it again.
    Nak,
}

impl Answer {
    /// Its bytes for the line.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Ack => command(Opcode::ACK, false).to_vec(),
            Self::Nak => nak(NakCause::Resend).to_vec(),
        }
    }
}

/// Reads packets. Holds at most one packet and the code that it is a part of.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// What came of a code of several packets.
    code: Code,
    last_byte: Option<Instant>,
    /// The last packet of a code that was taken, by a keyed hash.
    taken: Option<u64>,
    hasher: RandomState,
    naks: u32,
    /// Bytes that were no packet since the last one.
    noise: usize,
}

#[derive(Debug, Default)]
struct Code {
    code_type: u8,
    bytes: Vec<u8>,
    /// Bytes of it, also those that were not kept.
    length: usize,
}

impl Reader {
    /// Takes bytes that came at `now`.
    pub fn push(&mut self, mut bytes: &[u8], now: Instant, heard: &mut impl FnMut(Heard)) {
        self.tick(now, heard);
        if !bytes.is_empty() {
            self.last_byte = Some(now);
        }
        while !bytes.is_empty() {
            let room = PACKET_BYTES_MAX.saturating_sub(self.buffer.len()).min(bytes.len());
            let (some, rest) = bytes.split_at(room);
            self.buffer.extend_from_slice(some);
            bytes = rest;
            self.read(heard);
        }
    }

    /// When [`Self::tick`] has something to do, if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        let waits = !self.buffer.is_empty() || self.code.length > 0 || self.noise > 0;
        self.last_byte.filter(|_| waits).map(|last| last + REST_WITHIN)
    }

    /// Drops what is half-read and overdue at `now`.
    pub fn tick(&mut self, now: Instant, heard: &mut impl FnMut(Heard)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.reset(heard);
        }
    }

    /// The device went away: what is half-read stays half.
    pub fn reset(&mut self, heard: &mut impl FnMut(Heard)) {
        let length = self.buffer.len() + self.code.length + self.noise;
        if length > 0 {
            let flaw = if self.naks > 0 {
                Flaw::Checksum
            } else if self.noise > 0 {
                Flaw::Malformed
            } else {
                Flaw::Half
            };
            heard(Heard::Code(Assembled::Unreadable { flaw, length }));
        }
        wipe(&mut self.buffer);
        self.forget_code();
        self.naks = 0;
        self.noise = 0;
    }

    /// Reads what packets the buffer holds. At its end there is room for at least a byte more.
    fn read(&mut self, heard: &mut impl FnMut(Heard)) {
        // Taken out, as a packet borrows from it.
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut at = 0;
        let mut asked = false;
        while let Some(rest) = buffer.get(at..).filter(|rest| !rest.is_empty()) {
            match packet::parse(rest) {
                Parsed::Packet(packet, length) => {
                    self.take(packet, heard);
                    at += length;
                }
                Parsed::Partial => break,
                Parsed::BadChecksum => {
                    // One of the bytes is wrong, the length perhaps: what follows is looked at byte by byte.
                    if !asked {
                        asked = true;
                        self.naks = self.naks.saturating_add(1);
                        if self.naks <= NAKS_MAX {
                            heard(Heard::Answer(Answer::Nak));
                        }
                    }
                    self.noise = self.noise.saturating_add(1);
                    at += 1;
                }
                Parsed::Noise => {
                    // A decoder that wakes up may send zeros.
                    if rest.first() != Some(&0) || self.noise > 0 {
                        self.noise = self.noise.saturating_add(1);
                    }
                    at += 1;
                }
            }
        }
        if let Some(done) = buffer.get_mut(..at) {
            done.fill(0);
        }
        buffer.drain(..at.min(buffer.len()));
        self.buffer = buffer;
    }

    fn take(&mut self, packet: Packet<'_>, heard: &mut impl FnMut(Heard)) {
        // What was noise before it has been sent anew, or never was a packet; a code in it was asked for again.
        self.noise = 0;
        match packet.opcode {
            Opcode::ACK => heard(Heard::Taken),
            Opcode::NAK => heard(Heard::NotTaken),
            Opcode::DECODE_DATA => {
                self.naks = 0;
                heard(Heard::Answer(Answer::Ack));
                self.decode_data(packet, heard);
            }
            _ => heard(Heard::Answer(Answer::Ack)),
        }
    }

    fn decode_data(&mut self, packet: Packet<'_>, heard: &mut impl FnMut(Heard)) {
        let hash = self.hasher.hash_one(packet.data);
        if packet.retransmitted && self.taken == Some(hash) {
            return;
        }
        self.taken = Some(hash);
        // For a message of several packets the type is repeated in each.
        let Some((&code_type, bytes)) = packet.data.split_first() else {
            let length = HEADER_BYTES + CHECKSUM_BYTES;
            heard(Heard::Code(Assembled::Unreadable { flaw: Flaw::Malformed, length }));
            return;
        };
        if self.code.length > 0 && self.code.code_type != code_type {
            heard(Heard::Code(Assembled::Unreadable { flaw: Flaw::Half, length: self.code.length }));
            self.forget_code();
        }
        self.code.code_type = code_type;
        self.code.length = self.code.length.saturating_add(bytes.len());
        if self.code.length <= CODE_BYTES_MAX {
            self.code.bytes.extend_from_slice(bytes);
        }
        if !packet.continues {
            heard(Heard::Code(self.code.whole()));
            self.forget_code();
        }
    }

    fn forget_code(&mut self) {
        wipe(&mut self.code.bytes);
        self.code.length = 0;
    }
}

impl Code {
    fn whole(&self) -> Assembled {
        let read = || {
            if self.length > CODE_BYTES_MAX {
                return Err(Flaw::TooLong);
            }
            // A decoder sends suffixes that it is set to send also in packets; AIM identifiers, too.
            let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
            let text = text(bytes.strip_suffix(b"\r").unwrap_or(bytes))?;
            let (told, text) = split_aim(text);
            if text.is_empty() {
                return Err(Flaw::Malformed);
            }
            let symbology = told.or_else(|| code_type::aim(self.code_type));
            Ok(Scan { text: text.to_owned(), symbology: symbology.map(str::to_owned) })
        };
        match read() {
            Ok(scan) => Assembled::Scan(scan),
            Err(flaw) => Assembled::Unreadable { flaw, length: self.length },
        }
    }
}

/// It may have been an identity number.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.fill(0);
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A packet of a decoder.
    fn packet(opcode: u8, status: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![u8::try_from(HEADER_BYTES + data.len()).unwrap(), opcode, 0, status];
        packet.extend(data);
        let sum = packet::checksum(&packet);
        packet.extend(sum.to_be_bytes());
        packet
    }

    fn data(status: u8, code_type: u8, text: &str) -> Vec<u8> {
        packet(0xf3, status, &[&[code_type], text.as_bytes()].concat())
    }

    fn scan(text: &str, symbology: &str) -> Heard {
        Heard::Code(Assembled::Scan(Scan { text: text.to_owned(), symbology: Some(symbology.to_owned()) }))
    }

    fn flaw(flaw: Flaw, length: usize) -> Heard {
        Heard::Code(Assembled::Unreadable { flaw, length })
    }

    const ACK: Heard = Heard::Answer(Answer::Ack);
    const NAK: Heard = Heard::Answer(Answer::Nak);

    fn hear(pieces: &[(u64, Vec<u8>)]) -> Vec<Heard> {
        let start = Instant::now();
        let mut reader = Reader::default();
        let mut out = Vec::new();
        for (ms, bytes) in pieces {
            reader.push(bytes, start + Duration::from_millis(*ms), &mut |heard| out.push(heard));
        }
        reader.reset(&mut |heard| out.push(heard));
        out
    }

    #[test]
    fn a_code_is_acknowledged_and_told_with_its_identifier() {
        assert_eq!(hear(&[(0, data(0, 0x0b, "4006381333931"))]), [ACK, scan("4006381333931", "]E0")]);
        assert_eq!(
            hear(&[(0, data(0, 0x03, "]C10100012345678905\x1d10A\r\n"))]),
            [ACK, scan("0100012345678905\x1d10A", "]C1")],
            "the decoder's own identifier says more than the type, and its suffix is no part of the code"
        );
    }

    #[test]
    fn a_packet_that_is_sent_again_is_acknowledged_again_and_told_once() {
        let pieces = [(0, data(0, 0x03, "T-1")), (900, data(1, 0x03, "T-1")), (1_800, data(1, 0x03, "T-1"))];
        assert_eq!(hear(&pieces), [ACK, scan("T-1", "]C0"), ACK, ACK]);
        let pieces = [(0, data(0, 0x03, "T-1")), (900, data(0, 0x03, "T-1"))];
        assert_eq!(hear(&pieces).len(), 4, "scanned twice is told twice");
    }

    #[test]
    fn a_broken_packet_is_asked_for_again_and_told_once_it_comes_right() {
        let mut broken = data(0, 0x03, "T-00000001");
        broken[8] ^= 0x40;
        assert_eq!(
            hear(&[(0, broken.clone()), (20, data(1, 0x03, "T-00000001"))]),
            [NAK, ACK, scan("T-00000001", "]C0")]
        );
        let out = hear(&[(0, broken.clone()), (20, broken.clone()), (40, broken.clone()), (60, broken)]);
        assert_eq!(out, [NAK, NAK, NAK, flaw(Flaw::Checksum, 4 * 17)]);
    }

    #[test]
    fn a_code_of_several_packets_is_one() {
        let (first, second) = ("A".repeat(250), "B".repeat(9));
        let whole = format!("{first}{second}");
        let pieces = [(0, data(2, 0x1c, &first)), (20, data(3, 0x1c, &first)), (40, data(0, 0x1c, &second))];
        assert_eq!(hear(&pieces), [ACK, ACK, ACK, scan(&whole, "]Q1")], "also where one is sent again");
        let late = [(0, data(2, 0x1c, &first)), (500, data(0, 0x1c, &second))];
        assert_eq!(hear(&late), [ACK, flaw(Flaw::Half, 250), ACK, scan(&second, "]Q1")]);
        let other = [(0, data(2, 0x1c, &first)), (20, data(0, 0x03, "T-1"))];
        assert_eq!(hear(&other), [ACK, ACK, flaw(Flaw::Half, 250), scan("T-1", "]C0")]);
    }

    #[test]
    fn a_code_without_end_costs_bounded_memory_and_is_refused() {
        let mut reader = Reader::default();
        let mut out = Vec::new();
        let start = Instant::now();
        for _ in 0..1_000 {
            reader.push(&data(2, 0x1c, &"A".repeat(250)), start, &mut |heard| out.push(heard));
        }
        assert!(reader.code.bytes.capacity() < 2 * CODE_BYTES_MAX);
        reader.push(&data(0, 0x1c, "A"), start, &mut |heard| out.push(heard));
        assert_eq!(out.last(), Some(&flaw(Flaw::TooLong, 250_001)));
    }

    #[test]
    fn half_a_packet_is_dropped_and_never_joined_to_the_next() {
        let half = data(0, 0x03, "T-00000001")[..9].to_vec();
        let pieces = [(0, half), (500, data(0, 0x03, "T-2"))];
        assert_eq!(hear(&pieces), [flaw(Flaw::Half, 9), ACK, scan("T-2", "]C0")]);
    }

    #[test]
    fn answers_to_the_host_and_events_are_no_codes() {
        assert_eq!(hear(&[(0, packet(0xd0, 0, &[]))]), [Heard::Taken]);
        assert_eq!(hear(&[(0, packet(0xd1, 0, &[1]))]), [Heard::NotTaken]);
        assert_eq!(hear(&[(0, [vec![0, 0], packet(0xf6, 0, &[3])].concat())]), [ACK], "after zeros, too");
    }

    #[test]
    fn an_empty_code_or_one_that_is_no_text_is_a_flaw() {
        assert_eq!(hear(&[(0, packet(0xf3, 0, &[]))]), [ACK, flaw(Flaw::Malformed, 6)]);
        assert_eq!(hear(&[(0, data(0, 0x03, ""))]), [ACK, flaw(Flaw::Malformed, 0)]);
        assert_eq!(hear(&[(0, packet(0xf3, 0, &[3, 0xff]))]), [ACK, flaw(Flaw::NotUtf8, 1)]);
        assert_eq!(hear(&[(0, b"hello".to_vec())]), [flaw(Flaw::Malformed, 5)]);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_grows(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..8)) {
            let mut reader = Reader::default();
            for bytes in pieces {
                reader.push(&bytes, Instant::now(), &mut |_| {});
                prop_assert!(reader.buffer.len() <= PACKET_BYTES_MAX);
            }
        }

        #[test]
        fn how_a_line_is_cut_does_not_change_its_codes(cuts in prop::collection::vec(1..30_usize, 0..20)) {
            let line = [data(0, 3, "T-1"), data(2, 28, "half "), data(0, 28, "whole"), data(0, 0x0f, "10A")].concat();
            let mut rest = line.as_slice();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                pieces.push((0, piece.to_vec()));
                rest = behind;
            }
            pieces.push((0, rest.to_vec()));
            prop_assert_eq!(hear(&pieces), hear(&[(0, line.clone())]));
        }
    }
}
