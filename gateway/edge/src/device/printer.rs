//! Printers: what is due after a commit is drawn, handed to a printer, and the panel hears how it goes. Nobody waits.

use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
};
use waypost_drivers::printer::{Job, Printer, PrinterEvent};

use super::EVENTS_MAX;
use crate::{
    config::PrinterSettings,
    print::{self, PaperOrder, Papers},
    station::engine::{DeviceEvent, Needs, PaperNews, PrinterNews},
};

/// Starts the printers' drivers, and what draws for them.
pub fn start(
    printers: &[PrinterSettings],
    papers: Papers,
    orders: mpsc::Receiver<PaperOrder>,
    devices: &mpsc::Sender<DeviceEvent>,
    tasks: &mut JoinSet<()>,
) {
    let mut running = Vec::new();
    for settings in printers {
        let (out, events) = mpsc::channel(EVENTS_MAX);
        match Printer::start(settings.driver.clone(), out) {
            Ok(printer) => running.push((settings.clone(), printer)),
            Err(error) => tracing::error!(device = settings.name, %error, "no thread for the printer"),
        }
        tasks.spawn(pass_on(settings.name.clone(), events, devices.clone()));
    }
    tasks.spawn(hand_out(running, papers, orders, devices.clone()));
}

/// Draws what is ordered, one after the other, and gives it to the first printer that prints such papers.
async fn hand_out(
    printers: Vec<(PrinterSettings, Printer)>,
    papers: Papers,
    mut orders: mpsc::Receiver<PaperOrder>,
    devices: mpsc::Sender<DeviceEvent>,
) {
    while let Some(order) = orders.recv().await {
        let record = order.record;
        let Some((name, news)) = hand_over(&printers, &papers, order).await else { continue };
        let news = PrinterNews { printer: name, paper: Some((record, news)), needs: None };
        if devices.send(DeviceEvent::Printer(news)).await.is_err() {
            return;
        }
    }
}

/// News where the paper is not on its way.
async fn hand_over(
    printers: &[(PrinterSettings, Printer)],
    papers: &Papers,
    order: PaperOrder,
) -> Option<(String, PaperNews)> {
    let (record, language, is_reprint) = (order.record, order.language, order.reprint > 0);
    let papers = papers.clone();
    // The journal is read there, and a picture takes some milliseconds.
    let sheet = match spawn_blocking(move || papers.sheet(&order)).await {
        Ok(Ok(sheet)) => sheet,
        Ok(Err(error)) => {
            tracing::warn!(record, %error, "no paper");
            return is_reprint.then(|| (String::new(), PaperNews::NoPaper));
        }
        Err(_) => return None,
    };
    let kind = sheet.document.kind();
    let Some((settings, printer)) = printers.iter().find(|(settings, _)| settings.prints.contains(&kind))
    else {
        // That nothing prints labels here is as it should be, unless a person asks.
        return is_reprint.then(|| (String::new(), PaperNews::NoPrinter));
    };
    let media = settings.media;
    match spawn_blocking(move || print::draw(&sheet, media, language)).await {
        Ok(Ok(picture)) => match printer.print(Job { id: record, picture }) {
            Ok(()) => None,
            Err(full) => {
                tracing::warn!(device = settings.name, seq = record, %full, "a paper is not printed");
                Some((settings.name.clone(), PaperNews::QueueFull))
            }
        },
        Ok(Err(error)) => {
            tracing::warn!(device = settings.name, seq = record, %error, "a paper cannot be drawn");
            Some((settings.name.clone(), PaperNews::TooSmall))
        }
        Err(_) => None,
    }
}

async fn pass_on(name: String, mut events: mpsc::Receiver<PrinterEvent>, devices: mpsc::Sender<DeviceEvent>) {
    while let Some(event) = events.recv().await {
        let paper =
            |record, news| PrinterNews { printer: name.clone(), paper: Some((record, news)), needs: None };
        let needs = |needs| PrinterNews { printer: name.clone(), paper: None, needs: Some(needs) };
        let (presence, news) = match event {
            PrinterEvent::Up => (Some(DeviceEvent::Up(name.clone())), needs(None)),
            PrinterEvent::Down(reason) => {
                tracing::warn!(device = name, reason, "a device is away");
                (Some(DeviceEvent::Down(name.clone())), needs(Some(Needs::Away)))
            }
            PrinterEvent::Trouble(trouble) => {
                if let Some(trouble) = trouble {
                    tracing::warn!(device = name, ?trouble, "a printer needs a hand");
                }
                (None, needs(trouble.map(Needs::Hand)))
            }
            PrinterEvent::Printed(record) => (None, paper(record, PaperNews::Printed)),
            PrinterEvent::Unsure(record) => (None, paper(record, PaperNews::Unsure)),
            PrinterEvent::Dropped(record) => (None, paper(record, PaperNews::Dropped)),
        };
        for news in presence.into_iter().chain([DeviceEvent::Printer(news)]) {
            if devices.send(news).await.is_err() {
                return;
            }
        }
    }
}
