//! Printers that run out of paper, lose their cable or say nothing: what is printed once stays printed once.

#![allow(clippy::unwrap_used, reason = "a test stops at the first wrong thing")]

use std::time::Duration;

use tokio::{sync::mpsc, time::timeout};
use waypost_drivers::{
    bench::{Paper, VirtualPrinter},
    port::PortConfig,
    printer::{
        Bitmap, Dialect, JOBS_MAX, Job, Place, Printer, PrinterConfig, PrinterEvent, QueueFull, Trouble, zpl,
    },
};

const SOON: Duration = Duration::from_secs(20);

fn config(place: Place, dialect: Dialect) -> PrinterConfig {
    PrinterConfig { place, dialect, answers: true, job_age_max: Duration::from_secs(60) }
}

fn tcp(printer: &VirtualPrinter) -> Place {
    Place::Tcp(printer.address())
}

/// Rows that differ, so that a label is long and every strip is its own.
fn picture(height: u32) -> Bitmap {
    let mut picture = Bitmap::new(384, height).unwrap();
    for y in 0..height {
        picture.fill(y * 7 % 300, y, 1 + y % 60, 1);
        picture.fill(y * 13 % 350, y, 3, 1);
    }
    picture
}

struct Running {
    printer: Printer,
    events: mpsc::Receiver<PrinterEvent>,
}

impl Running {
    fn start(config: PrinterConfig) -> Self {
        let (out, events) = mpsc::channel(64);
        Self { printer: Printer::start(config, out).unwrap(), events }
    }

    fn print(&self, id: u64, height: u32) {
        self.printer.print(Job { id, picture: picture(height) }).unwrap();
    }

    async fn next(&mut self) -> PrinterEvent {
        timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    async fn until(&mut self, wanted: &PrinterEvent) -> Vec<PrinterEvent> {
        let mut before = Vec::new();
        loop {
            let event = self.next().await;
            if event == *wanted {
                return before;
            }
            before.push(event);
        }
    }
}

fn bands(paper: &Paper) -> usize {
    paper.bytes.windows(3).filter(|window| window == b"\x1dv0").count()
}

#[tokio::test]
async fn a_label_printer_without_labels_is_told_and_prints_when_it_has_some() {
    let device = VirtualPrinter::tcp(Dialect::Zpl).await.unwrap();
    let mut running = Running::start(config(tcp(&device), Dialect::Zpl));
    assert_eq!(running.next().await, PrinterEvent::Up);
    running.print(1, 200);
    assert_eq!(running.next().await, PrinterEvent::Printed(1));
    device.load(1);
    running.print(2, 200);
    running.print(3, 200);
    // The last label came out; that the next one has none may be told before.
    let mut news = [running.next().await, running.next().await];
    news.sort_by_key(|event| *event != PrinterEvent::Printed(2));
    assert_eq!(news, [PrinterEvent::Printed(2), PrinterEvent::Trouble(Some(Trouble::PaperOut))]);
    device.cover(true);
    assert_eq!(running.next().await, PrinterEvent::Trouble(Some(Trouble::CoverOpen)));
    device.load(100);
    device.cover(false);
    assert_eq!(running.next().await, PrinterEvent::Trouble(None));
    assert_eq!(running.next().await, PrinterEvent::Printed(3));
    let expected = [zpl::label(&picture(200)), zpl::END.to_vec()].concat();
    let papers = device.papers();
    assert_eq!(papers.len(), 3);
    assert!(papers.iter().all(|paper| expected.starts_with(&paper.bytes)));
}

#[tokio::test]
async fn a_label_that_was_cut_off_is_printed_once_when_the_line_is_back() {
    let device = VirtualPrinter::tcp(Dialect::Zpl).await.unwrap();
    let mut running = Running::start(config(tcp(&device), Dialect::Zpl));
    assert_eq!(running.next().await, PrinterEvent::Up);
    // In the middle of the label.
    device.cut_after(4_000);
    running.print(7, 900);
    let news = running.until(&PrinterEvent::Printed(7)).await;
    assert!(!news.contains(&PrinterEvent::Unsure(7)), "{news:?}");
    assert_eq!(device.papers().len(), 1);
}

#[tokio::test]
async fn a_receipt_that_was_cut_off_is_told_and_not_printed_again_by_itself() {
    let device = VirtualPrinter::tcp(Dialect::EscPos).await.unwrap();
    let mut running = Running::start(config(tcp(&device), Dialect::EscPos));
    assert_eq!(running.next().await, PrinterEvent::Up);
    device.cut_after(7_000);
    running.print(1, 400);
    let news = running.until(&PrinterEvent::Unsure(1)).await;
    assert!(matches!(news.as_slice(), [PrinterEvent::Down(_)]), "{news:?}");
    running.print(2, 400);
    running.until(&PrinterEvent::Printed(2)).await;
    let papers = device.papers();
    let came_out: Vec<_> = papers.iter().map(|paper| (paper.whole, bands(paper))).collect();
    assert_eq!(papers.len(), 2, "the rest of the first, and the second");
    assert!(!came_out[0].0 && came_out[0].1 < 9, "{came_out:?}");
    assert_eq!(came_out[1], (true, 9));
}

#[tokio::test]
async fn a_receipt_goes_on_where_the_paper_ended() {
    let device = VirtualPrinter::tcp(Dialect::EscPos).await.unwrap();
    let mut running = Running::start(config(tcp(&device), Dialect::EscPos));
    assert_eq!(running.next().await, PrinterEvent::Up);
    device.load(100);
    running.print(1, 400);
    assert_eq!(running.next().await, PrinterEvent::Trouble(Some(Trouble::PaperOut)));
    assert!(device.papers().is_empty());
    device.load(10_000);
    let news = running.until(&PrinterEvent::Printed(1)).await;
    assert!(news.iter().all(|event| *event == PrinterEvent::Trouble(None)), "{news:?}");
    let papers = device.papers();
    assert_eq!((papers.len(), papers[0].whole, bands(&papers[0])), (1, true, 9));
}

#[tokio::test]
async fn a_printer_on_a_serial_line_comes_back_when_its_cable_does() {
    let dir = std::env::temp_dir().join(format!("waypost-printer-{}", std::process::id()));
    let device = VirtualPrinter::serial(Dialect::EscPos, &dir, "receipts").unwrap();
    let place = Place::Serial(PortConfig { path: device.path(), baud: 115_200 });
    let mut running = Running::start(config(place, Dialect::EscPos));
    assert_eq!(running.next().await, PrinterEvent::Up);
    running.print(1, 100);
    running.until(&PrinterEvent::Printed(1)).await;
    device.unplug();
    assert!(matches!(running.next().await, PrinterEvent::Down(_)));
    running.print(2, 100);
    device.plug().await.unwrap();
    running.until(&PrinterEvent::Printed(2)).await;
    assert_eq!(device.papers().iter().filter(|paper| paper.whole).count(), 2);
    drop(device);
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_job_that_waited_too_long_is_dropped_with_a_word_and_a_full_queue_says_so() {
    let device = VirtualPrinter::tcp(Dialect::Zpl).await.unwrap();
    device.load(0);
    let age = Duration::from_secs(2);
    let mut running =
        Running::start(PrinterConfig { job_age_max: age, ..config(tcp(&device), Dialect::Zpl) });
    assert_eq!(running.next().await, PrinterEvent::Up);
    let taken = (0..)
        .take_while(|id| running.printer.print(Job { id: *id, picture: picture(8) }) != Err(QueueFull))
        .count();
    assert!((JOBS_MAX..=JOBS_MAX + 1).contains(&taken), "{taken}");
    for id in 0..taken as u64 {
        running.until(&PrinterEvent::Dropped(id)).await;
    }
    device.load(5);
    running.until(&PrinterEvent::Trouble(None)).await;
    running.print(99, 8);
    running.until(&PrinterEvent::Printed(99)).await;
    assert_eq!(device.papers().len(), 1, "what was dropped does not come out later");
}

#[tokio::test]
async fn a_printer_that_answers_nothing_counts_as_away_unless_that_is_its_way() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::Tcp(listener.local_addr().unwrap().to_string());
    let swallow = tokio::spawn(async move {
        let mut got = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            got += tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap_or(0);
        }
        got
    });
    let mut asked = Running::start(config(place.clone(), Dialect::EscPos));
    let PrinterEvent::Down(why) = asked.next().await else { panic!("it cannot be up") };
    assert_eq!(why, "the printer does not answer");
    drop(asked);
    let mut mute = Running::start(PrinterConfig { answers: false, ..config(place, Dialect::EscPos) });
    mute.print(1, 100);
    mute.until(&PrinterEvent::Printed(1)).await;
    swallow.abort();
}
