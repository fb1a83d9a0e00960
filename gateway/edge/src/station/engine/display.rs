//! From an answer to the panel: what stands on it beside the answer, and the line that always shows.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use tokio::sync::watch;
use waypost_core::fact::{ClockQuality, Moment, SiteKind};

use super::{
    super::screen::{Frame, Screen},
    DeviceEvent,
};
use crate::{
    panel::{JournalState, LINES_MAX, Panel, Status, Tone},
    sync::LinkState,
};

/// Longest part of a status that changes by itself: the age of an acknowledgement is told in steps of so many seconds.
const AGE_STEP_S: u64 = 5;

/// RFC 3339 in the site's own time.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%:z";

/// The live panel.
pub struct Display {
    site: String,
    station: &'static str,
    panel: watch::Sender<Arc<Panel>>,
    missing: BTreeSet<String>,
    noisy: BTreeSet<String>,
    lid_open: bool,
    shown: Screen,
    screens: u64,
    version: u64,
    answered: u64,
}

/// How long an answer took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// From reading to panel, without the claim's hash; none where nothing was asked.
    pub verdict: Option<Duration>,
    /// The claim's hash.
    pub hash: Option<Duration>,
}

/// What the status line is made of.
pub struct Sources<'a> {
    /// The clock.
    pub now: Moment,
    /// The site's time zone.
    pub zone: &'a TimeZone,
    /// Records not yet at the hub.
    pub unsynced: u64,
    /// The link to the hub.
    pub link: &'a LinkState,
    /// Who is signed in.
    pub person: Option<String>,
    /// How well the journal can be written.
    pub journal: JournalState,
}

impl Display {
    /// A panel with nothing on it but a prompt.
    pub fn new(
        site: String,
        kind: SiteKind,
        frame: Frame,
        sources: &Sources<'_>,
    ) -> (Self, watch::Receiver<Arc<Panel>>) {
        let (panel, receiver) = watch::channel(Arc::new(empty(&frame)));
        let shown = Screen::new(Tone::Ready, frame.prompt.clone());
        let missing = BTreeSet::new();
        let mut display = Self {
            site,
            station: station_name(kind),
            panel,
            missing,
            noisy: BTreeSet::new(),
            lid_open: false,
            shown,
            screens: 0,
            version: 0,
            answered: 0,
        };
        display.refresh(frame, sources);
        (display, receiver)
    }

    /// The panel that is shown next answers one more scan.
    pub fn count_answer(&mut self) {
        self.answered += 1;
    }

    /// Shows an answer, and gives its panel.
    pub fn show(&mut self, screen: Screen, frame: Frame, sources: &Sources<'_>, took: Took) -> Arc<Panel> {
        self.shown = screen;
        self.screens += 1;
        let panel = Arc::new(self.compose(frame, sources, took));
        self.panel.send_replace(Arc::clone(&panel));
        panel
    }

    /// Shows what changed by itself: the hub's word, a device, time that is left.
    pub fn refresh(&mut self, frame: Frame, sources: &Sources<'_>) {
        let before = Arc::clone(&self.panel.borrow());
        let took = Took {
            verdict: before.verdict_us.map(Duration::from_micros),
            hash: before.hash_us.map(Duration::from_micros),
        };
        if self.shown.tone == Tone::Ready {
            self.shown.main = frame.prompt.clone();
        }
        let mut panel = self.compose(frame, sources, took);
        // Time alone is no change: the page's own clock can run.
        let same_but_time =
            Status { time: before.status.time.clone(), ..panel.status.clone() } == before.status;
        let version = std::mem::replace(&mut panel.version, before.version);
        let same_minute = panel.status.time.get(..16) == before.status.time.get(..16);
        let status = std::mem::replace(&mut panel.status, before.status.clone());
        if same_but_time && same_minute && panel == *before {
            self.version = before.version;
            return;
        }
        panel.status = status;
        panel.version = version;
        self.panel.send_replace(Arc::new(panel));
    }

    /// Takes news of a device, where the status line tells it. True where that line changes.
    pub fn heard(&mut self, event: &DeviceEvent) -> bool {
        match event {
            DeviceEvent::Up(name) => self.device(name, false),
            DeviceEvent::Down(name) => self.device(name, true),
            DeviceEvent::Lid { open } => std::mem::replace(&mut self.lid_open, *open) != *open,
            DeviceEvent::Noise(name) => self.noisy.insert(name.to_owned()),
            DeviceEvent::Unreadable
            | DeviceEvent::Seal(_)
            | DeviceEvent::Gnss(_)
            | DeviceEvent::Printer(_) => false,
        }
    }

    /// A device is away, or is back. True where that is news.
    fn device(&mut self, name: &str, missing: bool) -> bool {
        let was_noisy = self.noisy.remove(name);
        was_noisy | if missing { self.missing.insert(name.to_owned()) } else { self.missing.remove(name) }
    }

    fn compose(&mut self, frame: Frame, sources: &Sources<'_>, took: Took) -> Panel {
        self.version += 1;
        let mut lines = self.shown.lines.clone();
        for line in frame.lines {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.truncate(LINES_MAX);
        Panel {
            title: frame.title,
            main: self.shown.main.clone(),
            tone: self.shown.tone,
            lines,
            progress: frame.progress,
            choices: frame.choices,
            status: self.status(sources),
            records: self.shown.records,
            verdict_us: took.verdict.map(micros),
            hash_us: took.hash.map(micros),
            version: self.version,
            shown: self.screens,
            answered: self.answered,
        }
    }

    fn status(&self, sources: &Sources<'_>) -> Status {
        let age_s = sources.link.last_ack.map(|at| sources.now.up_ms.saturating_sub(at) / 1000);
        Status {
            site: self.site.clone(),
            station: self.station.to_owned(),
            person: sources.person.clone(),
            unsynced: sources.unsynced,
            ack_age_s: age_s.map(|age| age / AGE_STEP_S * AGE_STEP_S),
            clock: clock_name(sources.now.clock).to_owned(),
            time: sources.now.at.timestamp().to_zoned(sources.zone.clone()).strftime(TIME_FORMAT).to_string(),
            online: sources.link.online,
            missing: self.missing.iter().cloned().collect(),
            noisy: self.noisy.iter().cloned().collect(),
            lid_open: self.lid_open,
            certificate_ended: sources.link.certificate_ended,
            journal: sources.journal,
        }
    }
}

fn empty(frame: &Frame) -> Panel {
    Panel {
        title: frame.title.clone(),
        main: frame.prompt.clone(),
        tone: Tone::Ready,
        lines: Vec::new(),
        progress: None,
        choices: Vec::new(),
        status: Status::default(),
        records: None,
        verdict_us: None,
        hash_us: None,
        version: 0,
        shown: 0,
        answered: 0,
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn clock_name(quality: ClockQuality) -> &'static str {
    match quality {
        ClockQuality::Unset => "unset",
        ClockQuality::Rtc => "rtc",
        ClockQuality::Ntp => "ntp",
        ClockQuality::Gnss => "gnss",
    }
}

fn station_name(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::TestingCentre => "testing_centre",
        SiteKind::PostOffice => "post_office",
        SiteKind::Vehicle => "vehicle",
        SiteKind::Laboratory => "laboratory",
        SiteKind::Warehouse => "warehouse",
    }
}
