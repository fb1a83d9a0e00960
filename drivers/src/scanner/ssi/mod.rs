//! A scanner that speaks Zebra's Simple Serial Interface: packets with a checksum, each acknowledged.
//!
//! Opened, it is woken (one zero byte, as without the RTS/CTS lines the first byte after a sleep is lost) and told that
//! it may read. A scanner that is set to plain serial answers neither: that is said in the log, with what to do.

pub mod code_type;
pub mod packet;
pub mod reader;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::packet::{Opcode, command};
use self::reader::{Heard, Reader};
use super::ScannerEvent;
use super::gate::{Gate, SAME_WITHIN};
use crate::port::{Port, PortConfig, PortEvent};

/// The byte that wakes a decoder.
const WAKEUP: u8 = 0x00;
/// How long a decoder takes to wake up.
const WAKE: Duration = Duration::from_millis(50);
/// How long a decoder takes to answer a packet.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// So often a packet is sent to a decoder that does not answer, before it is let be.
const TRIES: u32 = 3;
/// How long to wait where nothing is awaited but the port.
const IDLE: Duration = Duration::from_secs(3600);

/// An SSI scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsiScanner {
    /// Where it is.
    pub port: PortConfig,
    /// How long the same code again counts as the same scan, from one reading to the next.
    pub same_within: Duration,
}

impl SsiScanner {
    /// A scanner at a port, with what is usual.
    pub fn new(port: PortConfig) -> Self {
        Self { port, same_within: SAME_WITHIN }
    }
}

/// Telling a scanner that it may read, until it has understood.
struct Greeting {
    tries: u32,
    next: Option<Instant>,
}

impl Greeting {
    fn due(&self, now: Instant) -> bool {
        self.next.is_some_and(|next| next <= now)
    }
}

/// Reads the scanner until nobody listens to `out` any more.
pub async fn run(config: SsiScanner, out: mpsc::Sender<ScannerEvent>) {
    let mut port = Port::open(config.port);
    let mut gate = Gate::new(config.same_within);
    let mut reader = Reader::default();
    let mut greeting = Greeting { tries: 0, next: None };
    loop {
        let mut events = Vec::new();
        let mut answers = Vec::new();
        let mut heard_of_greeting = None;
        let mut tell = |heard: Heard| match heard {
            Heard::Code(found) => events.extend(gate.pass(found, Instant::now())),
            Heard::Answer(answer) => answers.extend(answer.bytes()),
            Heard::Taken => heard_of_greeting = Some(true),
            Heard::NotTaken => heard_of_greeting = Some(false),
        };
        let wake = [reader.deadline(), greeting.next].into_iter().flatten().min();
        tokio::select! {
            biased;
            () = out.closed() => return,
            event = port.next() => match event {
                PortEvent::Bytes(bytes) => reader.push(bytes, Instant::now(), &mut tell),
                PortEvent::Up => {
                    reader.reset(&mut tell);
                    gate.open_anew();
                    events.push(ScannerEvent::Up);
                    answers.push(WAKEUP);
                    greeting = Greeting { tries: 0, next: Some(Instant::now() + WAKE) };
                }
                PortEvent::Down(reason) => {
                    reader.reset(&mut tell);
                    events.push(ScannerEvent::Down(reason));
                    greeting.next = None;
                }
            },
            () = sleep_until(wake.unwrap_or_else(|| Instant::now() + IDLE)) => reader.tick(Instant::now(), &mut tell),
        }
        match heard_of_greeting {
            Some(true) => greeting.next = None,
            // It asks for it again.
            Some(false) if greeting.next.is_some() => greeting.next = Some(Instant::now()),
            _ => {}
        }
        if greeting.due(Instant::now()) {
            answers.extend(greet(&mut greeting));
        }
        // An acknowledgement goes before the code is passed on, so that a busy gateway is no reason to send it again.
        // A write that fails closes the port, which says so itself.
        if !answers.is_empty() {
            let _ = port.write(&answers).await;
        }
        for event in events {
            if out.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// The next try to tell the scanner that it may read.
fn greet(greeting: &mut Greeting) -> Vec<u8> {
    if greeting.tries == TRIES {
        greeting.next = None;
        tracing::warn!(
            "a scanner does not answer in SSI; if its codes do not come, set it to SSI, or write kind = \"serial\""
        );
        return Vec::new();
    }
    let packet = command(Opcode::SCAN_ENABLE, greeting.tries > 0);
    greeting.tries += 1;
    greeting.next = Some(Instant::now() + ANSWER_WITHIN);
    packet.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::{Flaw, Scan};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;
    use tokio_serial::{SerialPort as _, SerialStream};

    const ACK: [u8; 6] = [0x04, 0xd0, 0x04, 0x00, 0xff, 0x28];
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn next(events: &mut mpsc::Receiver<ScannerEvent>) -> ScannerEvent {
        timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
    }

    async fn expect(device: &mut SerialStream, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        timeout(PATIENCE, device.read_exact(&mut got)).await.unwrap().unwrap();
        assert_eq!(got, bytes);
    }

    #[tokio::test]
    async fn a_scanner_is_woken_and_enabled_and_its_codes_are_acknowledged_and_told_once() {
        let (mut device, slave) = SerialStream::pair().unwrap();
        let port = PortConfig { path: slave.name().unwrap().into(), baud: 9600 };
        let (out, mut events) = mpsc::channel(8);
        let driver = tokio::spawn(run(SsiScanner::new(port), out));
        assert_eq!(next(&mut events).await, ScannerEvent::Up);
        expect(&mut device, &[0x00, 0x04, 0xe9, 0x04, 0x00, 0xff, 0x0f]).await;
        // It did not hear that, so it is told again, as a repetition; then it takes it.
        expect(&mut device, &[0x04, 0xe9, 0x04, 0x01, 0xff, 0x0e]).await;
        device.write_all(&[0x04, 0xd0, 0x00, 0x00, 0xff, 0x2c]).await.unwrap();

        let code = [0x08, 0xf3, 0x00, 0x00, 0x0b, b'1', b'2', b'3', 0xfe, 0x64];
        device.write_all(&code).await.unwrap();
        expect(&mut device, &ACK).await;
        let scan = Scan { text: "123".to_owned(), symbology: Some("]E0".to_owned()) };
        assert_eq!(next(&mut events).await, ScannerEvent::Scan(scan));
        let again = [0x08, 0xf3, 0x00, 0x01, 0x0b, b'1', b'2', b'3', 0xfe, 0x63];
        device.write_all(&again).await.unwrap();
        expect(&mut device, &ACK).await;
        device.write_all(&code[..5]).await.unwrap();
        let half = ScannerEvent::Unreadable { flaw: Flaw::Half, length: 5 };
        assert_eq!(next(&mut events).await, half, "and nothing of the repetition before it");
        drop((device, slave));
        assert!(matches!(next(&mut events).await, ScannerEvent::Down(_)));
        drop(events);
        timeout(PATIENCE, driver).await.unwrap().unwrap();
    }
}
