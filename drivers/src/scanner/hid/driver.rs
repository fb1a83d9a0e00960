//! The scanner's own thread: what the USB library does can wait for the device, and must hold up nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io, thread};

use rusb::{Context, Device, DeviceHandle, Hotplug, HotplugBuilder, Registration, UsbContext as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::find::{Found, SYSFS_DEVICES, find};
use super::joiner::Joiner;
use crate::port::{RETRY_MAX, RETRY_MIN};
use crate::scanner::gate::{Gate, SAME_WITHIN};
use crate::scanner::{Assembled, ScannerEvent};

/// How long one call into the USB library waits: the thread notices within this time that it is to end.
const CALL_MAX: Duration = Duration::from_millis(250);
/// How long the end of the driver waits until the interface is handed back to the kernel's driver. A thread that takes
/// longer is left behind.
const HAND_BACK_MAX: Duration = Duration::from_secs(1);
/// A device that stalls or overflows so often in a row, without a report between, is opened anew.
const STALLS_MAX: u32 = 3;
/// How long the kernel may take to notice that a device is gone whose wire failed.
const NOTICED_WITHIN: Duration = Duration::from_millis(500);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);
const UNPLUGGED: &str = "it was unplugged";

/// A scanner in HID point-of-sale mode: which of those on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HidPosScanner {
    /// Its serial number; none: any.
    pub serial: Option<String>,
    /// Its place, as `1-1.2`; none: any.
    pub usb_port: Option<String>,
    /// How long the same code again counts as the same scan, from one reading to the next.
    pub same_within: Duration,
}

impl Default for HidPosScanner {
    /// The first that is free.
    fn default() -> Self {
        Self { serial: None, usb_port: None, same_within: SAME_WITHIN }
    }
}

/// Reads the scanner until nobody listens to `out` any more, or this is dropped. Then it is handed back to the kernel's
/// driver, for which the end waits up to a second.
pub async fn run(config: HidPosScanner, out: mpsc::Sender<ScannerEvent>) {
    let ending = Arc::new(AtomicBool::new(false));
    // Its other end is dropped when the thread ends, however it does.
    let (running, ended) = std::sync::mpsc::sync_channel::<()>(0);
    let thread =
        Thread { config, out: out.clone(), ending: Arc::clone(&ending), told: None, pause: RETRY_MIN };
    let started = thread::Builder::new().name("hid-pos".to_owned()).spawn(move || {
        thread.run();
        drop(running);
    });
    match started {
        Ok(_) => {
            let _end = End { ending, ended };
            out.closed().await;
        }
        Err(error) => {
            let _ = out.send(ScannerEvent::Down(format!("no thread for it: {error}"))).await;
            out.closed().await;
        }
    }
}

/// Ends the thread, and waits until it has handed the scanner back.
struct End {
    ending: Arc<AtomicBool>,
    ended: std::sync::mpsc::Receiver<()>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        // Both ends of it are fine: it ended, or it is left behind.
        let _ = self.ended.recv_timeout(HAND_BACK_MAX);
    }
}

struct Thread {
    config: HidPosScanner,
    out: mpsc::Sender<ScannerEvent>,
    ending: Arc<AtomicBool>,
    /// The reason last told, so that a device which stays away is told once.
    told: Option<String>,
    pause: Duration,
}

/// Nobody listens any more.
struct Over;

impl Thread {
    fn run(mut self) {
        while !self.is_over() {
            let reason = match self.attempt() {
                Ok(reason) => reason,
                Err(Over) => return,
            };
            if self.told.as_ref() != Some(&reason) {
                self.told = Some(reason.clone());
                if self.out.blocking_send(ScannerEvent::Down(reason)).is_err() {
                    return;
                }
            }
            self.wait();
        }
    }

    fn is_over(&self) -> bool {
        self.ending.load(Ordering::Relaxed) || self.out.is_closed()
    }

    /// Finds, opens and reads a scanner; gives why there is none any more.
    fn attempt(&mut self) -> Result<String, Over> {
        // A new context each time: it lists the bus anew, and does not hang on news from the kernel that never came.
        let context = match Context::new() {
            Ok(context) => context,
            Err(error) => return Ok(format!("USB cannot be used: {error}")),
        };
        let found = match find(&context) {
            Ok(found) => found,
            Err(error) => return Ok(format!("USB cannot be listed: {error}")),
        };
        let mut reason = self.missing();
        for found in found.into_iter().filter(|found| self.wants(found)) {
            let usb_port = found.identity.usb_port.clone();
            match Opened::open(found) {
                Ok(opened) => return self.read(opened),
                Err(error) => {
                    reason = format!("the scanner at USB port {usb_port} cannot be opened: {error}")
                }
            }
        }
        Ok(reason)
    }

    fn wants(&self, found: &Found) -> bool {
        let HidPosScanner { serial, usb_port, .. } = &self.config;
        serial.as_ref().is_none_or(|serial| found.identity.serial.as_ref() == Some(serial))
            && usb_port.as_ref().is_none_or(|port| *port == found.identity.usb_port)
    }

    fn missing(&self) -> String {
        let mut reason = "no scanner in HID point-of-sale mode is plugged in".to_owned();
        if let Some(serial) = &self.config.serial {
            reason.push_str(&format!(" with the serial number {serial}"));
        }
        if let Some(port) = &self.config.usb_port {
            reason.push_str(&format!(" at USB port {port}"));
        }
        reason
    }

    /// Reads it until it goes; gives why it went.
    fn read(&mut self, opened: Opened) -> Result<String, Over> {
        let identity = &opened.found.identity;
        tracing::info!(
            usb_port = identity.usb_port,
            serial = identity.serial,
            product = identity.product,
            vendor = format_args!("{:04x}", identity.ids.0),
            "a scanner is opened"
        );
        self.told = None;
        self.send(ScannerEvent::Up)?;
        let mut joiner = Joiner::new(opened.found.description.layouts.clone());
        let mut gate = Gate::new(self.config.same_within);
        let mut report = vec![0; opened.report_bytes()];
        let mut stalls = 0;
        loop {
            if self.is_over() {
                return Err(Over);
            }
            let mut events = Vec::new();
            let now = Instant::now();
            let wait = joiner.deadline().map_or(CALL_MAX, |deadline| {
                CALL_MAX.min(deadline.saturating_duration_since(now)).max(Duration::from_millis(1))
            });
            let read = opened.handle.read_interrupt(opened.found.endpoint, &mut report, wait);
            let now = Instant::now();
            let mut tell = |found: Assembled| events.extend(gate.pass(found, now));
            let gone = match read {
                Ok(length) => {
                    stalls = 0;
                    self.pause = RETRY_MIN;
                    let bytes = report.get_mut(..length).unwrap_or_default();
                    joiner.push(bytes, now, &mut tell);
                    // It may have been an identity number.
                    bytes.fill(0);
                    None
                }
                Err(rusb::Error::Timeout | rusb::Error::Interrupted) => {
                    joiner.tick(now, &mut tell);
                    None
                }
                Err(rusb::Error::Pipe | rusb::Error::Overflow) if stalls < STALLS_MAX => {
                    stalls += 1;
                    joiner.reset(&mut tell);
                    // Where this fails, too, the next read says so.
                    let _ = opened.handle.clear_halt(opened.found.endpoint);
                    None
                }
                Err(rusb::Error::NoDevice) => Some(UNPLUGGED.to_owned()),
                // A device that is pulled out may fail with an error of the wire before the kernel has noticed.
                Err(_) if is_gone(&opened.number_file(), opened.found.device.address()) => {
                    Some(UNPLUGGED.to_owned())
                }
                Err(error) => Some(error.to_string()),
            };
            if gone.is_some() {
                joiner.reset(&mut tell);
            }
            for event in events {
                self.send(event)?;
            }
            if let Some(reason) = gone {
                return Ok(reason);
            }
        }
    }

    /// At the bound of the queue this waits, and the device with it: it is asked for no report.
    fn send(&self, event: ScannerEvent) -> Result<(), Over> {
        self.out.blocking_send(event).map_err(|_| Over)
    }

    /// Waits a growing pause, or until something is plugged in.
    fn wait(&mut self) {
        let until = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(RETRY_MAX);
        let watch = Watch::start();
        while !self.is_over() && Instant::now() < until {
            let rest = until.saturating_duration_since(Instant::now()).min(CALL_MAX);
            match &watch {
                Ok(watch) if watch.arrived.load(Ordering::Relaxed) => {
                    // It was there a moment ago and may not be ready, so the next pauses are short again.
                    self.pause = RETRY_MIN;
                    return;
                }
                Ok(watch) if watch.context.handle_events(Some(rest)).is_ok() => {}
                _ => thread::park_timeout(rest),
            }
        }
    }
}

/// Hears of what is plugged in.
struct Watch {
    context: Context,
    arrived: Arc<AtomicBool>,
    _registration: Registration<Context>,
}

impl Watch {
    fn start() -> rusb::Result<Self> {
        let context = Context::new()?;
        let arrived = Arc::new(AtomicBool::new(false));
        let registration =
            HotplugBuilder::new().register(context.clone(), Box::new(Arrival(Arc::clone(&arrived))))?;
        Ok(Self { context, arrived, _registration: registration })
    }
}

struct Arrival(Arc<AtomicBool>);

impl Hotplug<Context> for Arrival {
    fn device_arrived(&mut self, _: Device<Context>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn device_left(&mut self, _: Device<Context>) {}
}

/// Waits a moment for the kernel to notice that the device of this number is gone, or is another one.
fn is_gone(number_file: &Path, number: u8) -> bool {
    let until = Instant::now() + NOTICED_WITHIN;
    loop {
        let there = fs::read_to_string(number_file).ok().and_then(|text| text.trim().parse::<u8>().ok());
        if there != Some(number) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        thread::park_timeout(LOOK);
    }
}

/// A scanner of which the interface is ours. Dropped, the interface is the kernel's.
struct Opened {
    found: Found,
    handle: DeviceHandle<Context>,
}

impl Opened {
    fn open(found: Found) -> Result<Self, rusb::Error> {
        let handle = found.device.open()?;
        if handle.kernel_driver_active(found.interface).unwrap_or(false) {
            handle.detach_kernel_driver(found.interface)?;
        }
        let opened = Self { found, handle };
        // If this fails, what was detached goes back.
        opened.handle.claim_interface(opened.found.interface)?;
        Ok(opened)
    }

    /// Where the kernel says the number of the device at this port.
    fn number_file(&self) -> PathBuf {
        Path::new(SYSFS_DEVICES).join(&self.found.identity.usb_port).join("devnum")
    }

    /// Room for the longest report, in whole packets.
    fn report_bytes(&self) -> usize {
        let packet = self.found.packet_bytes.max(1);
        self.found.description.report_bytes_max.max(packet).next_multiple_of(packet)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // A device that was unplugged can do neither, and needs neither. It is handed back also where no driver had it:
        // a gateway that was killed before this one handed nothing back.
        let _ = self.handle.release_interface(self.found.interface);
        let _ = self.handle.attach_kernel_driver(self.found.interface);
    }
}

/// What is on the bus now, for whoever installs it.
///
/// This waits for devices: it belongs on a thread for blocking work.
///
/// # Errors
/// USB cannot be used here.
pub fn list() -> io::Result<Vec<super::find::Identity>> {
    let found = Context::new().and_then(|context| find(&context)).map_err(io::Error::other)?;
    Ok(found.into_iter().map(|found| found.identity).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_device_whose_wire_failed_is_gone_once_the_kernel_lists_it_no_more_or_another_in_its_place() {
        let file = std::env::temp_dir().join(format!("waypost-devnum-{}", std::process::id()));
        fs::write(&file, "7\n").unwrap();
        assert!(!is_gone(&file, 7));
        assert!(is_gone(&file, 6));
        let later = {
            let file = file.clone();
            thread::spawn(move || fs::remove_file(file))
        };
        assert!(is_gone(&file, 7));
        later.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_scanner_that_is_not_there_is_told_once_and_the_thread_ends_with_its_listener() {
        let (out, mut events) = mpsc::channel(8);
        let config = HidPosScanner { serial: Some("no such number".to_owned()), ..HidPosScanner::default() };
        let driver = tokio::spawn(run(config, out));
        let told = timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
        assert!(matches!(told, ScannerEvent::Down(_)), "{told:?}");
        let again = timeout(Duration::from_millis(400), events.recv()).await;
        assert!(again.is_err(), "told twice: {again:?}");
        drop(events);
        timeout(PATIENCE, driver).await.unwrap().unwrap();
    }
}
