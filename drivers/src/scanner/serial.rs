//! A scanner on a serial line, or on USB as one (CDC-ACM).

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::assembler::{Assembler, Framing};
use super::gate::Gate;
use super::{Assembled, ScannerEvent};
use crate::port::{Port, PortConfig, PortEvent};

/// How long to wait where nothing is awaited but the port.
const IDLE: Duration = Duration::from_secs(3600);

/// A serial scanner: where it is and how it frames its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialScanner {
    /// Where it is.
    pub port: PortConfig,
    /// How it marks its codes.
    pub framing: Framing,
}

/// Reads the scanner until nobody listens to `out` any more.
///
/// While `out` is full nothing is read, so a device that floods is held up by the kernel's buffer.
pub async fn run(config: SerialScanner, out: mpsc::Sender<ScannerEvent>) {
    let mut port = Port::open(config.port);
    let mut gate = Gate::new(config.framing.same_within);
    let mut assembler = Assembler::new(config.framing);
    loop {
        let mut events = Vec::new();
        let deadline = assembler.deadline().unwrap_or_else(|| Instant::now() + IDLE);
        let mut tell = |found: Assembled| events.extend(gate.pass(found, Instant::now()));
        tokio::select! {
            // Bytes that are there go before the time-out for them.
            biased;
            () = out.closed() => return,
            event = port.next() => match event {
                PortEvent::Bytes(bytes) => assembler.push(bytes, Instant::now(), &mut tell),
                PortEvent::Up => {
                    assembler.reset(&mut tell);
                    gate.open_anew();
                    events.push(ScannerEvent::Up);
                }
                PortEvent::Down(reason) => {
                    assembler.reset(&mut tell);
                    events.push(ScannerEvent::Down(reason));
                }
            },
            () = sleep_until(deadline) => assembler.tick(Instant::now(), &mut tell),
        }
        for event in events {
            if out.send(event).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::{Flaw, Scan};
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::timeout;
    use tokio_serial::{SerialPort as _, SerialStream};

    async fn next(events: &mut mpsc::Receiver<ScannerEvent>) -> ScannerEvent {
        timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn codes_come_through_a_pseudo_terminal_and_half_a_code_is_reported() {
        let (mut device, slave) = SerialStream::pair().unwrap();
        let port = PortConfig { path: slave.name().unwrap().into(), baud: 9600 };
        let (out, mut events) = mpsc::channel(8);
        let driver = tokio::spawn(run(SerialScanner { port, framing: Framing::default() }, out));
        assert_eq!(next(&mut events).await, ScannerEvent::Up);
        device.write_all(b"]C1ABC\x1dD\r\n").await.unwrap();
        let scan = Scan { text: "ABC\x1dD".to_owned(), symbology: Some("]C1".to_owned()) };
        assert_eq!(next(&mut events).await, ScannerEvent::Scan(scan));
        device.write_all(b"half").await.unwrap();
        assert_eq!(next(&mut events).await, ScannerEvent::Unreadable { flaw: Flaw::Half, length: 4 });
        drop((device, slave));
        assert!(matches!(next(&mut events).await, ScannerEvent::Down(_)));
        drop(events);
        timeout(Duration::from_secs(10), driver).await.unwrap().unwrap();
    }
}
