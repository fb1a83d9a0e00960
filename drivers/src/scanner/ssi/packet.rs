//! Packets of the Simple Serial Interface (Zebra, "SSI Programmer's Guide" 72E-40451): length, opcode, source, status,
//! data, checksum.
//!
//! The length counts all but the checksum; the checksum is the two's complement of the sum of all bytes before it, high
//! byte first. So a packet is 6 to 257 bytes.

/// Bytes of a packet without data and checksum: length, opcode, source, status.
pub const HEADER_BYTES: usize = 4;
/// Bytes of the checksum.
pub const CHECKSUM_BYTES: usize = 2;
/// Longest packet, checksum included.
pub const PACKET_BYTES_MAX: usize = 255 + CHECKSUM_BYTES;

/// The source byte of a host.
const HOST: u8 = 4;
/// The source byte of a decoder.
const DECODER: u8 = 0;
/// Status bit 0: sent before, and not acknowledged.
const RETRANSMIT: u8 = 0b01;
/// Status bit 1: more packets of the same message follow.
const CONTINUES: u8 = 0b10;

/// What a packet is for. Others are kept by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// The packet before was received.
    pub const ACK: Self = Self(0xd0);
    /// The packet before was not received, with a cause.
    pub const NAK: Self = Self(0xd1);
    /// A code that was read: its type, its bytes.
    pub const DECODE_DATA: Self = Self(0xf3);
    /// The scanner may read.
    pub const SCAN_ENABLE: Self = Self(0xe9);

    /// Opcodes that a decoder sends: of the rest of a stream nothing else can be the start of a packet.
    fn is_a_decoders(self) -> bool {
        matches!(
            self.0,
            // Management, revision, capabilities, image and video data, parameters, ACK and NAK, decode data, events.
            0x80 | 0xa4 | 0xb1 | 0xb2 | 0xb4 | 0xb5 | 0xc6 | 0xd0 | 0xd1 | 0xd4 | 0xf3 | 0xf6
        )
    }
}

/// Why a packet is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NakCause {
    /// The checksum is wrong: send it again.
    Resend = 1,
}

/// A packet with a right checksum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub opcode: Opcode,
    /// It was sent before.
    pub retransmitted: bool,
    /// More of the same message follows.
    pub continues: bool,
    /// What stands between status and checksum.
    pub data: &'a [u8],
}

/// What the beginning of a stream is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A packet, and how many bytes it takes.
    Packet(Packet<'a>, usize),
    /// The beginning of one: more bytes are needed.
    Partial,
    /// A packet by its header, of which the checksum is wrong.
    BadChecksum,
    /// No packet begins here.
    Noise,
}

/// Reads the packet that `bytes` begin with.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(length) = bytes.first().map(|length| usize::from(*length)) else { return Parsed::Partial };
    if length < HEADER_BYTES {
        return Parsed::Noise;
    }
    if bytes.get(1).is_some_and(|opcode| !Opcode(*opcode).is_a_decoders())
        || bytes.get(2).is_some_and(|source| *source != DECODER)
    {
        return Parsed::Noise;
    }
    let whole = length + CHECKSUM_BYTES;
    let (Some(message), Some(&[high, low])) = (bytes.get(..length), bytes.get(length..whole)) else {
        return Parsed::Partial;
    };
    if checksum(message) != u16::from_be_bytes([high, low]) {
        return Parsed::BadChecksum;
    }
    let &[_, opcode, _, status, ref data @ ..] = message else { return Parsed::Noise };
    let packet = Packet {
        opcode: Opcode(opcode),
        retransmitted: status & RETRANSMIT != 0,
        continues: status & CONTINUES != 0,
        data,
    };
    Parsed::Packet(packet, whole)
}

/// A packet without data from the host.
pub fn command(opcode: Opcode, retransmitted: bool) -> [u8; HEADER_BYTES + CHECKSUM_BYTES] {
    let length = 4;
    let status = u8::from(retransmitted);
    let [high, low] = checksum(&[length, opcode.0, HOST, status]).to_be_bytes();
    [length, opcode.0, HOST, status, high, low]
}

/// Says that the packet before was not received.
pub fn nak(cause: NakCause) -> [u8; HEADER_BYTES + 1 + CHECKSUM_BYTES] {
    let (length, cause) = (5, cause as u8);
    let [high, low] = checksum(&[length, Opcode::NAK.0, HOST, 0, cause]).to_be_bytes();
    [length, Opcode::NAK.0, HOST, 0, cause, high, low]
}

/// The two's complement of the sum.
pub fn checksum(message: &[u8]) -> u16 {
    message.iter().fold(0_u16, |sum, byte| sum.wrapping_sub(u16::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_packets_are_those_of_the_guide() {
        // 04 D0 04 00 FF 28 is the acknowledgement in every trace of the protocol.
        assert_eq!(command(Opcode::ACK, false), [0x04, 0xd0, 0x04, 0x00, 0xff, 0x28]);
        assert_eq!(command(Opcode::SCAN_ENABLE, false), [0x04, 0xe9, 0x04, 0x00, 0xff, 0x0f]);
        assert_eq!(command(Opcode::SCAN_ENABLE, true), [0x04, 0xe9, 0x04, 0x01, 0xff, 0x0e]);
        assert_eq!(nak(NakCause::Resend), [0x05, 0xd1, 0x04, 0x00, 0x01, 0xff, 0x25]);
    }

    #[test]
    fn a_packet_is_read_once_it_is_whole_and_right() {
        let packet = [0x07, 0xf3, 0x00, 0x01, 0x0b, b'A', b'B', 0xfe, 0x77];
        for end in 0..packet.len() {
            assert!(matches!(parse(&packet[..end]), Parsed::Partial), "{end} bytes");
        }
        let Parsed::Packet(read, 9) = parse(&packet) else { panic!("not read") };
        assert!(read.opcode == Opcode::DECODE_DATA && read.retransmitted && !read.continues);
        assert_eq!(read.data, [0x0b, b'A', b'B']);
        let mut wrong = packet;
        wrong[5] ^= 1;
        assert!(matches!(parse(&wrong), Parsed::BadChecksum));
        for noise in [&[0x03, 0xf3][..], &[0x00], &[0x07, 0x41], &[0x07, 0xf3, 0x04]] {
            assert!(matches!(parse(noise), Parsed::Noise));
        }
    }
}
