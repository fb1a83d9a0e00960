//! Eddystone: its telemetry frame says how long a beacon has run, and so that it was started anew.
//!
//! Service data of UUID 0xFEAA. Telemetry (TLM) is 20, a version, the battery's voltage in millivolts (0: not said),
//! the temperature with 8 bits behind the point (8000: not said), a count of advertisements and the time since the
//! start in tenths of a second, all most significant byte first. It names nobody: it belongs to whoever sent it.
//! Sources: github.com/google/eddystone, `eddystone-tlm`, `eddystone-eid` and `eddystone-uid` (Apache-2.0).
//!
//! A seal whose battery was taken out for a moment, or that was replaced by another with its address, gives itself
//! away by its time since the start. Nothing here is authenticated: it may raise an alarm and never clears one.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::address::Address;
use super::frame::{Format, Refusal, SealFrame, Uptime};
use super::measure::{Measurement, Value};

/// Length of plain telemetry in bytes.
pub const TLM_LEN: usize = 14;
/// Length of encrypted telemetry in bytes.
pub const TLM_ENCRYPTED_LEN: usize = 18;

const UID: u8 = 0x00;
const TLM: u8 = 0x20;
const EID: u8 = 0x30;
const TLM_PLAIN: u8 = 0x00;
const TLM_ENCRYPTED: u8 = 0x01;
const NO_TEMPERATURE: [u8; 2] = [0x80, 0x00];

/// What telemetry may lie back, in tenths of a second, before a beacon has been started anew: two radios may deliver
/// what they heard in another order.
pub const DISORDER_TENTHS_S: u32 = 20;

/// The last telemetry of one beacon.
#[derive(Debug, Clone, Copy, Default)]
pub struct Life {
    last: Option<Uptime>,
}

impl Life {
    /// Takes what it says now, and says whether it was started anew since: its time and its count begin again
    /// together, so either that lies back says so.
    pub fn is_restarted(&mut self, now: Uptime) -> bool {
        let back = self.last.is_some_and(|last| {
            now.tenths_s.saturating_add(DISORDER_TENTHS_S) < last.tenths_s
                || now.advertisements < last.advertisements && now.tenths_s >= last.tenths_s
        });
        let older = self.last.is_some_and(|last| now.tenths_s < last.tenths_s);
        if back || !older {
            self.last = Some(now);
        }
        back
    }
}

/// Reads service data of UUID 0xFEAA, from the frame's type on: telemetry, and the two kinds that name a beacon.
///
/// # Errors
///
/// [`Refusal::TooShort`], [`Refusal::BadLength`], [`Refusal::BadVersion`], [`Refusal::UnknownFrame`] (a URL), and
/// [`Refusal::KeyNeeded`] for encrypted telemetry.
pub fn read(data: &[u8], address: Address) -> Result<SealFrame, Refusal> {
    let mut frame = SealFrame::plain(Format::Eddystone, address);
    let mut say = |id, name, value| frame.measurements.push(Measurement { id, name, value });
    match data {
        [TLM, TLM_PLAIN, v0, v1, t0, t1, a0, a1, a2, a3, s0, s1, s2, s3] => {
            let millivolts = u16::from_be_bytes([*v0, *v1]);
            if millivolts != 0 {
                say(TLM, "voltage", Value::Decimal(f64::from(millivolts) / 1_000.0));
            }
            let temperature = [*t0, *t1];
            if temperature != NO_TEMPERATURE {
                let degrees = f64::from(i16::from_be_bytes(temperature)) / 256.0;
                say(TLM, "temperature", Value::Decimal(degrees));
            }
            let uptime = Uptime {
                advertisements: u32::from_be_bytes([*a0, *a1, *a2, *a3]),
                tenths_s: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
            };
            say(TLM, "advertisements", Value::Whole(uptime.advertisements.into()));
            say(TLM, "uptime_s", Value::Decimal(f64::from(uptime.tenths_s) / 10.0));
            frame.uptime = Some(uptime);
            Ok(frame)
        }
        [TLM, TLM_PLAIN, rest @ ..] => Err(wrong_length(rest.len() + 2, TLM_LEN)),
        [TLM, TLM_ENCRYPTED, rest @ ..] if rest.len() + 2 == TLM_ENCRYPTED_LEN => Err(Refusal::KeyNeeded),
        [TLM, TLM_ENCRYPTED, rest @ ..] => Err(wrong_length(rest.len() + 2, TLM_ENCRYPTED_LEN)),
        [TLM, _, ..] => Err(Refusal::BadVersion),
        // Strength at no distance, ten bytes of namespace, six of instance; two more are reserved.
        [UID, _, id @ ..] if id.len() >= 16 => {
            let (namespace, instance) = id.split_at(10);
            say(UID, "namespace", Value::Raw(namespace.to_vec()));
            say(UID, "instance", Value::Raw(instance.get(..6).unwrap_or_default().to_vec()));
            Ok(frame)
        }
        [EID, _, id @ ..] if id.len() == 8 => {
            say(EID, "eid", Value::Raw(id.to_vec()));
            Ok(frame)
        }
        [] | [TLM | UID | EID, ..] => Err(Refusal::TooShort),
        _ => Err(Refusal::UnknownFrame),
    }
}

/// The identifier that a beacon with this identity key sends `seconds` after its clock began, where it takes a new
/// one every `2^exponent` seconds (0 to 15).
///
/// Two steps of AES-128: a temporary key for 65,536 seconds, from it the identifier for its turn.
#[must_use]
pub fn ephemeral_id(identity_key: &[u8; 16], exponent: u8, seconds: u32) -> [u8; 8] {
    let [high0, high1, ..] = seconds.to_be_bytes();
    let temporary = encrypt(identity_key, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, high0, high1]);
    let turn = seconds.checked_shr(exponent.into()).and_then(|turn| turn.checked_shl(exponent.into()));
    let [a, b, c, d] = turn.unwrap_or_default().to_be_bytes();
    let [e0, e1, e2, e3, e4, e5, e6, e7, ..] =
        encrypt(&temporary, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, exponent, a, b, c, d]);
    [e0, e1, e2, e3, e4, e5, e6, e7]
}

fn encrypt(key: &[u8; 16], block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes128::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

fn wrong_length(len: usize, wanted: usize) -> Refusal {
    if len < wanted { Refusal::TooShort } else { Refusal::BadLength }
}
