//! A radio at its line: the seals' advertisements as they come.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::adapter::{Adapter, Channel};
use super::address::Address;
use super::assembly::Assembly;
use super::format;
use super::h4::Deframer;
use super::hci::{Event, Report};
use super::line::Line;
use super::scan::{Action, Mending, Scan};
use super::socket::{HciSocket, Way};
use crate::port::{Port, PortConfig, PortEvent};

/// A scan that has reported nothing at all for so long is started again.
pub const SILENT_AFTER: Duration = Duration::from_secs(10);
/// So many bytes that fit nowhere, on a line whose controller does not answer, point to a wrong speed.
const NOISE_BYTES: u64 = 16;

/// Where a radio is and how it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderConfig {
    /// What it is connected to.
    pub source: Source,
    /// Ask each advertiser for a scan response. Seals need none, and it costs them power.
    pub active: bool,
    /// A scan that has reported nothing at all, from anybody, for so long is started again; see [`SILENT_AFTER`].
    pub silent_after: Duration,
}

/// What a radio is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A controller on a serial line.
    Serial(PortConfig),
    /// A controller that the kernel knows, such as a Pi's own.
    Adapter(Adapter, Channel),
    /// The same, held by a process of its own that listens at this path; see [`super::relay`].
    Relay(PathBuf),
}

impl ReaderConfig {
    /// A passive scan at this port.
    #[must_use]
    pub fn new(port: PortConfig) -> Self {
        Self::of(Source::Serial(port))
    }

    /// A passive scan of this source.
    #[must_use]
    pub fn of(source: Source) -> Self {
        Self { source, active: false, silent_after: SILENT_AFTER }
    }
}

/// What a radio says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealEvent {
    /// It scans.
    Up,
    /// It does not, with the reason in words. What is known of the seals grows old from here.
    Down(String),
    /// It has been silent for long, or failed several times, and this is done about it. No failure by itself: perhaps
    /// nobody is near.
    Mending(Mending),
    /// A frame was heard in a format of seals or beacons; what telephones send is left out. Repeats come too;
    /// [`super::watch`] tells them apart.
    Advertisement {
        /// Who sent it, by the air. An address inside the frame goes before it.
        address: Address,
        /// How strong it was, in dBm; nothing where the controller does not know.
        rssi: Option<i8>,
        /// The AD structures; [`super::ad`] finds in them what a format needs.
        data: Vec<u8>,
    },
}

/// Drives the radio until nobody listens to `out` any more.
///
/// `out` has a bound: while it is full, advertisements are dropped (a radio loses them by the dozen anyway, and seals
/// repeat themselves), but all other events wait for room. Needs a Tokio runtime with its I/O and time drivers.
pub async fn run(config: ReaderConfig, out: mpsc::Sender<SealEvent>) {
    let scan = Scan::new(config.active, config.silent_after);
    match config.source {
        Source::Serial(port) => drive(Port::open(port), scan, out).await,
        Source::Adapter(adapter, channel) => {
            drive(HciSocket::new(Way::Kernel(adapter, channel)), scan, out).await
        }
        Source::Relay(path) => drive(HciSocket::new(Way::Relay(path)), scan, out).await,
    }
}

async fn drive<L: Line>(mut line: L, scan: Scan, out: mpsc::Sender<SealEvent>) {
    let mut radio =
        Radio { scan, deframer: Deframer::default(), assembly: Assembly::default(), noise: 0, lost: 0 };
    loop {
        let deadline = radio.scan.deadline().map(Instant::from_std);
        let (mut opened, mut actions) = (false, Vec::new());
        tokio::select! {
            event = line.next() => match event {
                PortEvent::Up => opened = true,
                PortEvent::Down(reason) => {
                    radio.scan.line_down();
                    actions.push(Action::Down(reason));
                }
                PortEvent::Bytes(bytes) => actions = radio.bytes(bytes, L::PACKETS, &out),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                actions = radio.scan.elapsed(now());
            }
            () = out.closed() => return,
        }
        if opened {
            radio.clear();
            actions = radio.scan.line_up(line.is_shared(), now());
        }
        for action in actions {
            let news = match action {
                Action::Up => SealEvent::Up,
                Action::Down(reason) => SealEvent::Down(radio.explained(reason)),
                Action::Mend(mending) => SealEvent::Mending(mending),
                Action::Send(command) => {
                    // A line that fails here closes, and says so as its next event.
                    let _ = line.write(&command.packet()).await;
                    continue;
                }
                Action::Reopen => {
                    line.reopen();
                    continue;
                }
            };
            if out.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// A controller, from its bytes to what they mean.
struct Radio {
    scan: Scan,
    deframer: Deframer,
    assembly: Assembly,
    /// Bytes that fitted nowhere until the line was opened last.
    noise: u64,
    /// Advertisements that found no room.
    lost: u64,
}

impl Radio {
    fn clear(&mut self) {
        self.deframer.clear();
        self.assembly.clear();
        self.noise = self.deframer.dropped();
    }

    fn bytes(&mut self, bytes: &[u8], packet: bool, out: &mpsc::Sender<SealEvent>) -> Vec<Action> {
        if packet {
            // A packet that was cut off takes nothing from the next.
            self.deframer.clear();
        }
        let mut actions = Vec::new();
        for event in self.deframer.push(bytes) {
            actions.extend(self.scan.event(&event, now()));
            if let Event::Reports(reports) = event
                && self.scan.is_listening()
            {
                self.deliver(reports, out);
            }
        }
        actions
    }

    /// Passes on what may be of a seal; what finds no room is counted.
    fn deliver(&mut self, reports: Vec<Report>, out: &mpsc::Sender<SealEvent>) {
        for report in reports {
            let whole = self.assembly.take(report, now());
            let Some(Report { address, rssi, data, .. }) =
                whole.filter(|it| format::find(&it.data).next().is_some())
            else {
                continue;
            };
            if out.try_send(SealEvent::Advertisement { address, rssi, data }).is_err() {
                if self.lost == 0 {
                    tracing::warn!("advertisements are dropped: what they are for does not keep up");
                }
                self.lost = self.lost.saturating_add(1);
            }
        }
    }

    /// A reason, with what the bytes on the line let suspect.
    fn explained(&self, reason: String) -> String {
        let noise = self.deframer.dropped().saturating_sub(self.noise);
        if noise < NOISE_BYTES {
            return reason;
        }
        format!("{reason}; {noise} bytes on its line make no sense, as with a wrong speed (baud)")
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::port::WriteError;
    use crate::seal::{Format, hex};

    /// What a controller answered to each packet, recorded from Bumble 0.0.236 as the kernel's socket hands it on: one
    /// packet a read.
    const RECORDED: [(&str, &str); 8] = [
        ("01030c00", "040e0401030c00"),
        (
            "01021000",
            "040e44010210002000800300c000000000e4000000a822000000000000040000f7ffff7f00000030f0f9ff01008004002000000000000000000000000000000000000000000000",
        ),
        ("01032000", "040e0c01032000ff79010000000000"),
        ("01010c08ffffffffff1f0020", "040e0401010c00"),
        ("010120081f10000000000000", "040e0401012000"),
        ("01422006000000000000", "040e0401422000"),
        ("0141200800000100a000a000", "040e0401412000"),
        ("01422006010000000000", "040e0401422000"),
    ];
    const REPORT: &str = "043e320d01010000a5808fe6485401010000ce000000000000000000180201041416d2fc415942906920750802e8030000ad89b592";

    /// A line that answers as recorded, and then brings these packets.
    struct Recorded {
        shared: bool,
        up: bool,
        waiting: VecDeque<Vec<u8>>,
        then: Vec<Vec<u8>>,
        packet: Vec<u8>,
        written: Arc<Mutex<Vec<String>>>,
    }

    impl Recorded {
        fn new(shared: bool, then: &[Vec<u8>]) -> (Self, Arc<Mutex<Vec<String>>>) {
            let written = Arc::<Mutex<Vec<String>>>::default();
            let (waiting, packet) = (VecDeque::new(), Vec::new());
            let line = Self {
                shared,
                up: false,
                waiting,
                then: then.to_vec(),
                packet,
                written: Arc::clone(&written),
            };
            (line, written)
        }
    }

    impl Line for Recorded {
        const PACKETS: bool = true;

        fn is_shared(&self) -> bool {
            self.shared
        }

        async fn next(&mut self) -> PortEvent<'_> {
            if !std::mem::replace(&mut self.up, true) {
                return PortEvent::Up;
            }
            match self.waiting.pop_front() {
                Some(packet) => {
                    self.packet = packet;
                    PortEvent::Bytes(&self.packet)
                }
                None => std::future::pending().await,
            }
        }

        async fn write(&mut self, packet: &[u8]) -> Result<(), WriteError> {
            let packet = hex::encode(packet);
            let answer = RECORDED.iter().find(|(command, _)| *command == packet).unwrap().1;
            self.waiting.push_back(hex::decode(answer).unwrap());
            if packet == RECORDED[7].0 {
                self.waiting.extend(self.then.drain(..));
            }
            self.written.lock().unwrap().push(packet);
            Ok(())
        }

        fn reopen(&mut self) {
            self.up = false;
        }
    }

    fn start(line: Recorded) -> mpsc::Receiver<SealEvent> {
        let (out, events) = mpsc::channel(8);
        tokio::spawn(drive(line, Scan::new(false, SILENT_AFTER), out));
        events
    }

    fn is_the_seal(event: Option<SealEvent>) -> bool {
        let Some(SealEvent::Advertisement { address, rssi, data }) = event else { return false };
        let service_data = hex::decode("415942906920750802e8030000ad89b592").unwrap();
        (address.to_string().as_str(), rssi) == ("54:48:E6:8F:80:A5", Some(-50))
            && format::find(&data).eq([(Format::Bthome, service_data.as_slice())])
    }

    #[tokio::test]
    async fn a_recorded_session_through_the_kernels_socket_is_heard_alone_and_shared() {
        for (shared, commands) in [(false, vec![0, 1, 2, 3, 4, 5, 6, 7]), (true, vec![1, 2, 5, 6, 7])] {
            let report = hex::decode(REPORT).unwrap();
            let (line, written) = Recorded::new(shared, &[report]);
            let mut events = start(line);
            assert_eq!(events.recv().await, Some(SealEvent::Up));
            assert!(is_the_seal(events.recv().await));
            let wanted: Vec<_> = commands.iter().map(|at| RECORDED[*at].0.to_owned()).collect();
            assert_eq!(*written.lock().unwrap(), wanted);
        }
    }

    #[tokio::test]
    async fn a_packet_that_was_cut_off_takes_nothing_from_the_next() {
        let report = hex::decode(REPORT).unwrap();
        let (line, _) = Recorded::new(false, &[report[..20].to_vec(), report]);
        let mut events = start(line);
        assert_eq!(events.recv().await, Some(SealEvent::Up));
        assert!(is_the_seal(events.recv().await));
    }
}
