//! Screens: they follow the panel, and nobody waits for them.
//!
//! A screen has a thread of its own, which draws and sends. This task hands it the latest panel, and watches it: a
//! screen that hangs is named on the panel like one that is unplugged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use waypost_drivers::screen::{self, Frame, HANG_MAX, ScreenEvent, Slot};

use super::EVENTS_MAX;
use crate::{
    config::Screen,
    panel::{Language, PAGE_TIME, Panel, draw, render},
    station::{StationHandle, engine::DeviceEvent},
};

/// How often is looked whether a screen hangs.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What a screen is to show.
type Shown = (Arc<Panel>, Language);

/// Starts its thread, and a task that hands it the panel.
pub fn start(
    config: &Screen,
    handle: &StationHandle,
    devices: &mpsc::Sender<DeviceEvent>,
    tasks: &mut JoinSet<()>,
) {
    let slot = Arc::new(Slot::new());
    let (out, events) = mpsc::channel(EVENTS_MAX);
    let (device, taken) = (config.device.clone(), Arc::clone(&slot));
    let mut drawing = Drawing::default();
    let work = move || {
        let draw = |shown: &Shown, size: (u32, u32)| drawing.draw(shown, size);
        screen::run(|| screen::Screen::open(&device), &taken, draw, &out);
    };
    if let Err(error) = std::thread::Builder::new().name("screen".to_owned()).spawn(work) {
        tracing::error!(device = config.name, %error, "a screen has no thread and stays dark");
    }
    let follow = Follow {
        name: config.name.clone(),
        own: config.language,
        panel: handle.panel(),
        language: handle.language().subscribe(),
        slot: Closing(slot),
        devices: devices.clone(),
    };
    tasks.spawn(follow.run(events));
}

/// Counts pages from the moment that an answer shows.
struct Drawing {
    answer: (u64, Language),
    since: Instant,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { answer: (u64::MAX, Language::default()), since: Instant::now() }
    }
}

impl Drawing {
    /// The picture, and when the next page is due.
    fn draw(&mut self, (panel, language): &Shown, (width, height): (u32, u32)) -> (Frame, Option<Duration>) {
        // What changes by itself, as the age of an acknowledgement does, does not turn back to the first page.
        let answer = (panel.shown, *language);
        if answer != self.answer {
            (self.answer, self.since) = (answer, Instant::now());
        }
        let shown_for = self.since.elapsed();
        let page = shown_for.as_millis() / PAGE_TIME.as_millis();
        let drawn = draw(&render(panel, *language), width, height, u32::try_from(page).unwrap_or(u32::MAX));
        let next = PAGE_TIME
            .saturating_sub(Duration::from_millis((shown_for.as_millis() % PAGE_TIME.as_millis()) as u64));
        (drawn.frame, (drawn.pages > 1).then_some(next))
    }
}

/// Ends the thread when the task that feeds it is gone.
struct Closing(Arc<Slot<Shown>>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Follow {
    name: String,
    own: Option<Language>,
    panel: watch::Receiver<Arc<Panel>>,
    language: watch::Receiver<Language>,
    slot: Closing,
    devices: mpsc::Sender<DeviceEvent>,
}

impl Follow {
    async fn run(mut self, mut events: mpsc::Receiver<ScreenEvent>) {
        let mut watch = interval(WATCH_EVERY);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // None: nothing is known yet, and nothing said.
        let (mut state, mut said) = (None, None);
        self.hand_over();
        loop {
            tokio::select! {
                changed = self.panel.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.hand_over();
                }
                changed = self.language.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.hand_over();
                }
                event = events.recv() => match event {
                    Some(event) => {
                        if let ScreenEvent::Down(reason) = &event {
                            tracing::warn!(device = self.name, reason, "a device is away");
                        }
                        state = Some(event);
                    }
                    None => return self.gone().await,
                },
                _ = watch.tick() => {}
            }
            let hangs = self.slot.0.busy_for() > HANG_MAX;
            let up = match &state {
                _ if hangs => Some(false),
                None => None,
                Some(event) => Some(*event == ScreenEvent::Up),
            };
            if up != said {
                if hangs {
                    tracing::warn!(
                        device = self.name,
                        "a screen does not take its picture; it is left alone until it does"
                    );
                }
                let news = match up {
                    Some(true) => DeviceEvent::Up(self.name.clone()),
                    _ => DeviceEvent::Down(self.name.clone()),
                };
                if self.devices.send(news).await.is_err() {
                    return;
                }
                said = up;
            }
        }
    }

    fn hand_over(&mut self) {
        let panel = Arc::clone(&self.panel.borrow_and_update());
        let language = *self.language.borrow_and_update();
        self.slot.0.put((panel, self.own.unwrap_or(language)));
    }

    /// The thread ended although nobody told it to, or never began.
    async fn gone(self) {
        // Where the station is gone too, nobody needs to know.
        let _ = self.devices.send(DeviceEvent::Down(self.name.clone())).await;
    }
}
