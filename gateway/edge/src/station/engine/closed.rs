//! The station of a gateway whose journal does not open: it says why, and answers every reading with that. Nothing is
//! decided and nothing recorded.

use jiff::tz::TimeZone;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use waypost_core::{code::LabelKinds, fact::SiteKind};

use super::{
    super::{
        command::Command,
        handle::{READINGS_MAX, Reading, StationHandle},
        read::{self, Read},
        say,
        screen::{Frame, Screen},
        step::Scanned,
    },
    DEVICES_MAX, DeviceEvent, LOOK,
    display::{Display, Sources, Took},
    every, stopped,
};
use crate::{
    alive::Pulse,
    clock::Clock,
    panel::{JournalState, Language},
    sync::LinkState,
};

/// What it is made of.
pub struct ClosedParts {
    /// What people call the site.
    pub site_name: String,
    /// Its kind.
    pub kind: SiteKind,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// How labels look: the command that changes the language is one.
    pub labels: LabelKinds,
    /// The language at the start.
    pub language: Language,
    /// The clock.
    pub clock: Clock,
    /// Why the journal does not open.
    pub journal: JournalState,
    /// True when it is time to stop.
    pub stopping: watch::Receiver<bool>,
}

/// A closed station that runs.
pub struct ClosedStation {
    /// Takes readings, shows the panel.
    pub handle: StationHandle,
    /// Takes news of devices.
    pub devices: mpsc::Sender<DeviceEvent>,
    /// Beats with every turn of its loop, at least once a second.
    pub pulse: Pulse,
    /// Ready when it has ended.
    pub ended: JoinHandle<()>,
}

/// Starts it. It ends when `stopping` says so.
pub fn start_closed(parts: ClosedParts) -> ClosedStation {
    let (readings_in, readings) = mpsc::channel(READINGS_MAX);
    let (devices_in, devices) = mpsc::channel(DEVICES_MAX);
    let language = watch::Sender::new(parts.language);
    let link = LinkState::default();
    let (display, panel) =
        Display::new(parts.site_name.clone(), parts.kind, frame(), &sources(&parts, &link));
    let handle = StationHandle::new(readings_in, panel, language.clone());
    let pulse = Pulse::default();
    let mut closed = Closed { parts, display, language, link, pulse: pulse.clone() };
    closed.say(None);
    let ended = tokio::spawn(closed.run(readings, devices));
    ClosedStation { handle, devices: devices_in, pulse, ended }
}

struct Closed {
    parts: ClosedParts,
    display: Display,
    language: watch::Sender<Language>,
    /// There is none: no record could go up, and no order come into force.
    link: LinkState,
    pulse: Pulse,
}

impl Closed {
    async fn run(mut self, mut readings: mpsc::Receiver<Reading>, mut devices: mpsc::Receiver<DeviceEvent>) {
        let mut look = every(LOOK);
        let mut stopping = self.parts.stopping.clone();
        loop {
            self.pulse.beat();
            tokio::select! {
                () = stopped(&mut stopping) => return,
                Some(reading) = readings.recv() => self.answer(reading),
                Some(event) = devices.recv() => self.device(&event),
                _ = look.tick() => self.refresh(),
            }
        }
    }

    fn answer(&mut self, reading: Reading) {
        let symbology = reading.symbology.as_deref().and_then(|text| text.parse().ok());
        let read = read::read(&reading.text, symbology, reading.document.as_deref(), &self.parts.labels);
        if matches!(read, Read::Scanned(Scanned::Command(Command::Language))) {
            self.language.send_modify(|language| *language = language.next());
        }
        self.display.count_answer();
        self.say(Some(reading));
    }

    fn device(&mut self, event: &DeviceEvent) {
        if self.display.heard(event) {
            self.refresh();
        }
    }

    fn say(&mut self, reading: Option<Reading>) {
        let took = Took { verdict: reading.as_ref().map(|reading| reading.arrived.elapsed()), hash: None };
        let sources = sources(&self.parts, &self.link);
        let panel = self.display.show(say::stopped(self.parts.journal), frame(), &sources, took);
        if let Some(reply) = reading.and_then(|reading| reading.reply) {
            // A page that went away wants no answer.
            let _ = reply.send(panel);
        }
    }

    fn refresh(&mut self) {
        self.display.refresh(frame(), &sources(&self.parts, &self.link));
    }
}

fn frame() -> Frame {
    let Screen { main, .. } = say::failed();
    Frame::new("title-closed", main)
}

fn sources<'a>(parts: &'a ClosedParts, link: &'a LinkState) -> Sources<'a> {
    Sources {
        now: parts.clock.now(),
        zone: &parts.time_zone,
        unsynced: 0,
        link,
        person: None,
        journal: parts.journal,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{panel::Tone, station::ScanInput};

    const PATIENCE: Duration = Duration::from_secs(30);

    fn scan(text: &str) -> ScanInput {
        ScanInput {
            text: text.to_owned(),
            symbology: None,
            document: None,
            source: "console".to_owned(),
            idempotency_key: None,
        }
    }

    #[tokio::test]
    async fn every_reading_is_answered_with_why_the_journal_does_not_open() {
        let (stop, stopping) = watch::channel(false);
        let station = start_closed(ClosedParts {
            site_name: "Post office 1".to_owned(),
            kind: SiteKind::PostOffice,
            time_zone: TimeZone::UTC,
            labels: LabelKinds::default(),
            language: Language::En,
            clock: Clock::system(),
            journal: JournalState::ReadOnly,
            stopping,
        });
        let why = say::stopped(JournalState::ReadOnly);
        let shown = station.handle.panel().borrow().clone();
        assert_eq!((shown.tone, &shown.main, &shown.lines), (Tone::Alarm, &why.main, &why.lines));
        assert_eq!(shown.status.journal, JournalState::ReadOnly);
        for text in ["STAFF-7Q2M-0001", "A123456(3)", "CMD-YES", "what is this"] {
            let answer = station.handle.scan(scan(text)).await.unwrap();
            assert_eq!((answer.tone, &answer.lines), (Tone::Alarm, &why.lines), "{text}");
            assert_eq!(answer.records, None);
        }
        // Each is an answer of its own, so that the tone sounds.
        assert!(station.handle.panel().borrow().shown > shown.shown);
        station.handle.scan(scan("CMD-LANG")).await.unwrap();
        assert_eq!(*station.handle.language().borrow(), Language::ZhHk);
        station.devices.send(DeviceEvent::Down("scanner".to_owned())).await.unwrap();
        let mut panel = station.handle.panel();
        let named = panel.wait_for(|panel| panel.status.missing == ["scanner"]);
        tokio::time::timeout(PATIENCE, named).await.expect("a device that is away is named").unwrap();
        stop.send_replace(true);
        tokio::time::timeout(PATIENCE, station.ended).await.expect("it stops").unwrap();
    }
}
