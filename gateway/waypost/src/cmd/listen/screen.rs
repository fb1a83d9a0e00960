//! A screen: shows a test card.

use std::{io, sync::Arc};

use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};
use waypost_drivers::screen::{self, ScreenEvent, Slot};
use waypost_edge::{config::Screen, panel::test_card};

use super::{Line, Teller};

/// News that may wait.
const EVENTS_MAX: usize = 16;

/// Starts it with a test card.
///
/// # Errors
/// The system has no thread to give.
pub fn start(config: &Screen, teller: Teller, tasks: &mut JoinSet<()>) -> io::Result<()> {
    let (out, mut events) = mpsc::channel(EVENTS_MAX);
    let slot = Arc::new(Slot::new());
    slot.put(());
    let (device, taken) = (config.device.clone(), Arc::clone(&slot));
    std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
        let draw = |(): &(), (width, height): (u32, u32)| (test_card(width, height), None);
        screen::run(|| screen::Screen::open(&device), &taken, draw, &out);
    })?;
    let shown = Shown(slot);
    tasks.spawn(async move {
        // The screen goes dark when nobody looks on any more.
        let _shown = shown;
        while let Some(event) = events.recv().await {
            let line = match event {
                ScreenEvent::Up => Line {
                    words: "it shows the test card: is the frame whole, and are the words in both languages right?"
                        .to_owned(),
                    json: json!({ "up": true, "shows": "test card" }),
                    works: true,
                },
                ScreenEvent::Down(reason) => Line::down(&reason),
            };
            if !teller.say(line).await {
                return;
            }
        }
    });
    Ok(())
}

/// Ends the thread.
struct Shown(Arc<Slot<()>>);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.close();
    }
}
