//! Screens on recording buses: what goes out, how much of it, and that a screen which was away gets all of it again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    convert::Infallible,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use embedded_hal::{
    delay::DelayNs,
    digital::{self, OutputPin},
    i2c::{self, I2c},
    spi::{self, Operation, SpiDevice},
};
use mipidsi::models::{ILI9341Rgb565, ST7789};
use tokio::sync::mpsc;
use waypost_drivers::screen::{
    self, CHUNK_BYTES, COLOURS, Colours, Frame, Framebuffer, Paint, Palette, Screen, ScreenConfig,
    ScreenError, ScreenEvent, Slot, SpiWiring, Ssd1306Screen, TftModel, TftScreen, Turn,
};

const PALETTE: Palette = {
    let mut palette = [[0; 3]; COLOURS];
    palette[1] = [0xFF; 3];
    palette[2] = [0xFF, 0x80, 0x08];
    palette
};

/// What went over a bus.
#[derive(Clone, Default)]
struct Bus {
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
    /// The level of the wire that tells commands from data, at each write.
    data: Arc<Mutex<Vec<bool>>>,
    level: Arc<AtomicBool>,
    away: Arc<AtomicBool>,
}

impl Bus {
    fn take(&self) -> Vec<Vec<u8>> {
        self.data.lock().unwrap().clear();
        std::mem::take(&mut self.writes.lock().unwrap())
    }

    fn record(&self, bytes: &[u8]) -> Result<(), Away> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Away);
        }
        self.writes.lock().unwrap().push(bytes.to_vec());
        self.data.lock().unwrap().push(self.level.load(Ordering::Relaxed));
        Ok(())
    }
}

fn bytes(writes: &[Vec<u8>]) -> u64 {
    writes.iter().map(|write| write.len() as u64).sum()
}

/// Nobody acknowledges.
#[derive(Debug)]
struct Away;

impl i2c::Error for Away {
    fn kind(&self) -> i2c::ErrorKind {
        i2c::ErrorKind::Other
    }
}

impl spi::Error for Away {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl i2c::ErrorType for Bus {
    type Error = Away;
}

impl I2c for Bus {
    fn transaction(&mut self, _address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), Away> {
        for operation in operations {
            if let i2c::Operation::Write(bytes) = operation {
                self.record(bytes)?;
            }
        }
        Ok(())
    }
}

impl spi::ErrorType for Bus {
    type Error = Away;
}

impl SpiDevice for Bus {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Away> {
        for operation in operations {
            if let Operation::Write(bytes) = operation {
                self.record(bytes)?;
            }
        }
        Ok(())
    }
}

/// The wire that tells commands from data.
struct Wire(Bus);

impl digital::ErrorType for Wire {
    type Error = Infallible;
}

impl OutputPin for Wire {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.level.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.level.store(true, Ordering::Relaxed);
        Ok(())
    }
}

struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _ns: u32) {}
}

fn wiring(model: TftModel, turn: Turn) -> SpiWiring {
    SpiWiring {
        model,
        bus: 0,
        select: 0,
        speed_hz: 16_000_000,
        dc: 25,
        reset: None,
        backlight: None,
        turn,
        colours: Colours::Bgr,
        invert: false,
    }
}

fn tft(bus: &Bus, turn: Turn) -> Screen {
    let wiring = wiring(TftModel::Ili9341, turn);
    let dc = Wire(bus.clone());
    let none = None::<Wire>;
    let target =
        TftScreen::start(ILI9341Rgb565, bus.clone(), dc, none, Box::new(()), &wiring, &mut NoDelay).unwrap();
    bus.take();
    Screen::new(Box::new(target))
}

fn oled(bus: &Bus) -> Screen {
    let target = Ssd1306Screen::start(bus.clone(), 0x3C, Turn::Deg0).unwrap();
    bus.take();
    Screen::new(Box::new(target))
}

#[test]
fn an_oled_gets_all_its_pages_once_and_then_the_columns_that_changed() {
    let bus = Bus::default();
    let mut screen = oled(&bus);
    let mut frame = Frame::new(128, 64, &PALETTE);
    frame.block(0, 0, 1, 3, Paint(1));
    let sent = screen.show(frame.clone()).unwrap();
    let writes = bus.take();
    assert_eq!(sent.bytes, bytes(&writes), "what is told is what went out");
    let data: Vec<u8> =
        writes.iter().filter(|write| write[0] == 0x40).flat_map(|write| write[1..].to_vec()).collect();
    assert_eq!((data.len(), data[0], data[1]), (1024, 0b111, 0), "eight pages, the uppermost dot lowest");

    assert_eq!(screen.show(frame.clone()).unwrap().bytes, 0);
    assert!(bus.take().is_empty(), "the same picture sends nothing");

    frame.block(16, 20, 8, 16, Paint(1));
    let sent = screen.show(frame).unwrap();
    let writes = bus.take();
    assert_eq!(sent.bytes, bytes(&writes));
    // One letter touches three pages, eight columns each.
    assert_eq!(writes.iter().filter(|write| write[0] == 0x40).count(), 3);
    assert_eq!(sent.bytes, 3 * (8 + 1 + 8));
}

#[test]
fn an_oled_that_answered_nothing_gets_the_whole_picture_again() {
    let bus = Bus::default();
    let mut screen = oled(&bus);
    let mut frame = Frame::new(128, 64, &PALETTE);
    let whole = screen.show(frame.clone()).unwrap().bytes;
    frame.block(0, 0, 8, 8, Paint(1));
    bus.away.store(true, Ordering::Relaxed);
    assert!(matches!(screen.show(frame.clone()), Err(ScreenError::Silent { .. })));
    bus.away.store(false, Ordering::Relaxed);
    assert_eq!(screen.show(frame).unwrap().bytes, whole);
    assert!(
        Ssd1306Screen::start(Bus { away: Arc::new(true.into()), ..Bus::default() }, 0x3C, Turn::Deg180)
            .is_err()
    );
}

#[test]
fn a_tft_gets_rectangles_in_transfers_that_spidev_takes() {
    let bus = Bus::default();
    let mut screen = tft(&bus, Turn::Deg0);
    assert_eq!(screen.size(), (320, 240));
    let mut frame = Frame::new(320, 240, &PALETTE);
    let sent = screen.show(frame.clone()).unwrap();
    let writes = bus.take();
    assert_eq!(sent.bytes, bytes(&writes));
    assert_eq!(sent.bytes, 11 + 2 * 320 * 240);
    assert!(writes.iter().all(|write| !write.is_empty() && write.len() <= CHUNK_BYTES));

    frame.block(10, 20, 4, 2, Paint(2));
    let sent = screen.show(frame).unwrap();
    let data = bus.data.lock().unwrap().clone();
    let writes = bus.take();
    let columns = vec![vec![0x2A], vec![0, 10, 0, 13], vec![0x2B], vec![0, 20, 0, 21], vec![0x2C]];
    // FF 80 08 is 11111 100000 00001 in RGB565, high byte first.
    let pixels = [0xFC, 0x01].repeat(8);
    assert_eq!(writes, [columns, vec![pixels]].concat());
    assert_eq!(
        data,
        [false, true, false, true, false, true],
        "commands with the wire low, data with it high"
    );
    assert_eq!((sent.bytes, sent.areas), (11 + 16, 1));
}

#[test]
fn a_tft_that_hangs_upright_is_narrow_and_high() {
    assert_eq!(tft(&Bus::default(), Turn::Deg90).size(), (240, 320));
    let bus = Bus::default();
    let (wiring, dc, reset) = (wiring(TftModel::St7789, Turn::Deg180), Wire(bus.clone()), Wire(bus.clone()));
    let target = TftScreen::start(ST7789, bus.clone(), dc, Some(reset), Box::new(()), &wiring, &mut NoDelay);
    let mut screen = Screen::new(Box::new(target.unwrap()));
    assert_eq!(screen.size(), (320, 240));
    bus.away.store(true, Ordering::Relaxed);
    assert!(matches!(screen.show(Frame::new(320, 240, &PALETTE)), Err(ScreenError::Silent { .. })));
}

/// A folder as the kernel's, and a file in place of the device.
fn kernel(folder: &Path, size: &str, bits: &str, stride: &str, bytes: usize) {
    fs::write(folder.join("virtual_size"), format!("{size}\n")).unwrap();
    fs::write(folder.join("bits_per_pixel"), format!("{bits}\n")).unwrap();
    fs::write(folder.join("stride"), format!("{stride}\n")).unwrap();
    fs::write(folder.join("fb"), vec![0xEE; bytes]).unwrap();
}

#[test]
fn a_framebuffer_of_sixteen_bits_gets_changed_rows_at_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // A driver with a wider row than the picture, and a second picture below.
    kernel(folder, "4,6", "16", "10", 60);
    fs::write(folder.join("modes"), "U:4x3p-60\n").unwrap();
    let target = Framebuffer::open(&folder.join("fb"), folder, Turn::Deg0).unwrap();
    let mut screen = Screen::new(Box::new(target));
    assert_eq!(screen.size(), (4, 3));
    let mut frame = Frame::new(4, 3, &PALETTE);
    assert_eq!(screen.show(frame.clone()).unwrap().bytes, 24);
    frame.block(1, 2, 2, 1, Paint(2));
    assert_eq!(screen.show(frame).unwrap().bytes, 4, "two dots of two bytes");
    let shown = fs::read(folder.join("fb")).unwrap();
    let dot = 0xFC01_u16.to_ne_bytes();
    assert_eq!(shown[20..28], [&[0, 0][..], &dot, &dot, &[0, 0]].concat());
    assert_eq!(shown[8..10], [0xEE, 0xEE], "what lies beyond the row is not touched");
    assert!(shown[28..].iter().all(|byte| *byte == 0xEE), "nor what is never seen");
}

#[test]
fn a_framebuffer_of_thirty_two_bits_can_hang_turned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kernel(folder, "3,2", "32", "12", 24);
    let target = Framebuffer::open(&folder.join("fb"), folder, Turn::Deg90).unwrap();
    let mut screen = Screen::new(Box::new(target));
    assert_eq!(screen.size(), (2, 3), "as it is drawn");
    let mut frame = Frame::new(2, 3, &PALETTE);
    screen.show(frame.clone()).unwrap();
    frame.block(0, 0, 1, 1, Paint(2));
    assert_eq!(screen.show(frame).unwrap().bytes, 8, "with a dot of the next row");
    let shown = fs::read(folder.join("fb")).unwrap();
    let upper_right = u32::from_ne_bytes(shown[8..12].try_into().unwrap());
    assert_eq!(upper_right, 0x00FF_8008);
}

#[test]
fn no_write_to_a_framebuffer_ends_with_the_only_row_that_it_touches() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (width, height) = (64, 40);
    kernel(folder, "64,40", "16", "128", 64 * 40 * 2);
    let target = Framebuffer::open(&folder.join("fb"), folder, Turn::Deg0).unwrap();
    let mut screen = Screen::new(Box::new(target));
    let mut frame = Frame::new(width, height, &PALETTE);
    assert_eq!(screen.show(frame.clone()).unwrap().bytes, 64 * 40 * 2, "all of it, each dot once");
    let mut changed = |x, y, w, h, bytes| {
        frame.block(x, y, w, h, Paint(2));
        assert_eq!(screen.show(frame.clone()).unwrap().bytes, bytes, "{w} × {h} at {x}, {y}");
        let shown = fs::read(folder.join("fb")).unwrap();
        let wanted = (0..height).flat_map(|y| frame.span(y, 0, width)).flat_map(|place| {
            let [red, green, blue] = frame.rgb(*place).map(u16::from);
            (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).to_ne_bytes()
        });
        assert!(shown.into_iter().eq(wanted), "{w} × {h} at {x}, {y}");
    };
    // A row ends a dot later, the last one begins a dot earlier; away from the edge nothing is added.
    changed(0, 5, 64, 1, 64 * 2 + 2);
    changed(60, 20, 4, 1, 4 * 2 + 2);
    changed(0, 39, 64, 1, 64 * 2 + 2);
    changed(10, 30, 4, 1, 4 * 2);
    // A block to the edge is whole rows but for the beginning of its first.
    changed(48, 33, 16, 2, (16 + 64) * 2);
}

#[test]
fn a_framebuffer_that_cannot_be_written_says_which_file_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let open = || Framebuffer::open(&folder.join("fb"), folder, Turn::Deg0).err().unwrap().to_string();
    assert!(open().contains("virtual_size"));
    for (size, bits, stride, named) in [
        ("0,0", "16", "8", "virtual_size"),
        ("9999999,3", "16", "8", "virtual_size"),
        ("four", "16", "8", "virtual_size"),
        ("4,3", "24", "12", "bits_per_pixel"),
        ("4,3", "16", "7", "stride"),
        ("4,3", "16", "-1", "stride"),
    ] {
        kernel(folder, size, bits, stride, 24);
        assert!(open().contains(named), "{size} {bits} {stride}: {}", open());
    }
    kernel(folder, "4,3", "16", "8", 24);
    fs::remove_file(folder.join("fb")).unwrap();
    assert!(open().contains("fb: opening failed"));
}

#[test]
fn a_png_file_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panel.png");
    let config = ScreenConfig::Png { path: path.clone(), width: 5, height: 3 };
    let mut screen = Screen::open(&config).unwrap();
    let mut frame = Frame::new(5, 3, &PALETTE);
    frame.block(4, 2, 1, 1, Paint(2));
    assert_eq!(screen.show(frame.clone()).unwrap().bytes, fs::metadata(&path).unwrap().len());
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(&path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut rows = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rows).unwrap();
    assert_eq!(rows, [0, 0, 0, 0, 0, 0, 0, 0, 0x20]);
    fs::remove_file(&path).unwrap();
    screen.show(frame).unwrap();
    assert!(!path.exists(), "the same picture is not written again");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left beside it");
}

/// A screen that blocks as long as a test wants.
struct Slow {
    shown: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    gate: std::sync::mpsc::Receiver<()>,
}

impl screen::Target for Slow {
    fn size(&self) -> (u32, u32) {
        (8, 8)
    }

    fn send(&mut self, frame: &Frame, areas: &[screen::Area]) -> Result<u64, ScreenError> {
        // A gate that is gone lets everything through.
        let _ = self.gate.recv();
        if self.fails.load(Ordering::Relaxed) {
            return Err(ScreenError::Silent { device: "screen", why: "unplugged".to_owned() });
        }
        self.shown.store(usize::from(frame.row(0)[0]), Ordering::Relaxed);
        Ok(areas.iter().map(|area| u64::from(area.dots())).sum())
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let (_wait, never) = std::sync::mpsc::sync_channel::<()>(1);
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
    panic!("{what}");
}

#[test]
fn a_screen_that_hangs_delays_nobody_and_then_shows_the_latest() {
    let slot = Arc::new(Slot::new());
    let (events_in, mut events) = mpsc::channel(8);
    let (open_gate, gate) = std::sync::mpsc::sync_channel(0);
    let (shown, fails) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let target = Slow { shown: Arc::clone(&shown), fails, gate };
    let thread = {
        let slot = Arc::clone(&slot);
        let mut target = Some(target);
        std::thread::spawn(move || {
            let open = || Ok(Screen::new(Box::new(target.take().unwrap())));
            let draw = |value: &u8, (width, height): (u32, u32)| {
                let mut frame = Frame::new(width, height, &PALETTE);
                frame.block(0, 0, width, height, Paint(*value));
                (frame, None)
            };
            screen::run(open, &slot, draw, &events_in);
        })
    };
    slot.put(1);
    until("it hangs", || slot.busy_for() > Duration::from_millis(50));
    for value in 2..=9 {
        slot.put(value);
    }
    assert_eq!(shown.load(Ordering::Relaxed), 0);
    open_gate.send(()).unwrap();
    assert_eq!(events.blocking_recv(), Some(ScreenEvent::Up));
    open_gate.send(()).unwrap();
    until("the latest shows, what was between does not", || shown.load(Ordering::Relaxed) == 9);
    drop(open_gate);
    slot.close();
    thread.join().unwrap();
    assert_eq!(shown.load(Ordering::Relaxed), 0, "dark at the end");
}

#[test]
fn a_screen_that_was_away_is_opened_again_and_said_once() {
    let slot = Arc::new(Slot::new());
    let (events_in, mut events) = mpsc::channel(8);
    let (shown, fails) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let opened = Arc::new(AtomicUsize::new(0));
    let thread = {
        let (slot, shown, fails, opened) = (slot.clone(), shown.clone(), fails.clone(), opened.clone());
        std::thread::spawn(move || {
            let open = || {
                opened.fetch_add(1, Ordering::Relaxed);
                let (_, gate) = std::sync::mpsc::sync_channel(0);
                let target = Slow { shown: shown.clone(), fails: fails.clone(), gate };
                Ok(Screen::new(Box::new(target)))
            };
            let draw = |value: &u8, (width, height): (u32, u32)| {
                let mut frame = Frame::new(width, height, &PALETTE);
                frame.block(0, 0, width, height, Paint(*value));
                (frame, None)
            };
            screen::run(open, &slot, draw, &events_in);
        })
    };
    slot.put(7);
    assert!(
        matches!(events.blocking_recv(), Some(ScreenEvent::Down(reason)) if reason.contains("unplugged"))
    );
    until("it is tried again", || opened.load(Ordering::Relaxed) > 2);
    fails.store(false, Ordering::Relaxed);
    assert_eq!(events.blocking_recv(), Some(ScreenEvent::Up), "the same reason is said once");
    assert_eq!(shown.load(Ordering::Relaxed), 7, "with what stood there before");
    slot.close();
    thread.join().unwrap();
}
