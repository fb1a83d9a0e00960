//! A radio: each seal that it hears, when what it says changes, and now and then again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;
use waypost_drivers::seal::{Address, Format, Refusal, SealEvent, format};
use waypost_edge::{config::SealReader, device};

use super::{Line, Teller};

/// The same again is told after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// Senders that are told apart; beyond it the list begins anew.
const SENDERS_MAX: usize = 512;
/// Frames of one advertisement that are read.
const FRAMES_MAX: usize = 4;

/// Starts it.
pub fn start(config: &SealReader, teller: Teller, tasks: &mut JoinSet<()>) {
    let mut events = device::seal_reader::listen(config, tasks);
    tasks.spawn(async move {
        let mut told = Told::default();
        while let Some(event) = events.recv().await {
            for line in told.lines(event, tokio::time::Instant::now().into_std()) {
                if !teller.say(line).await {
                    return;
                }
            }
        }
    });
}

/// What was told of each sender, and when.
#[derive(Default)]
struct Told(HashMap<(Address, Format), (String, Instant)>);

impl Told {
    fn lines(&mut self, event: SealEvent, now: Instant) -> Vec<Line> {
        match event {
            SealEvent::Up => vec![Line::up()],
            SealEvent::Down(reason) => vec![Line::down(&reason)],
            SealEvent::Mending(step) => vec![Line {
                words: format!("nothing is heard: {step:?}"),
                json: json!({ "mending": format!("{step:?}") }),
                works: false,
            }],
            SealEvent::Advertisement { address, rssi, data } => format::find(&data)
                .take(FRAMES_MAX)
                .filter_map(|(format, frame)| self.frame(address, rssi, format, frame, now))
                .collect(),
        }
    }

    /// One frame, if it is news.
    fn frame(
        &mut self,
        address: Address,
        rssi: Option<i8>,
        format: Format,
        frame: &[u8],
        now: Instant,
    ) -> Option<Line> {
        let (said, json) = match format::read(format, frame, address, None) {
            Ok(read) => {
                let battery = read.battery_percent.map(|percent| format!(", battery {percent} %"));
                (
                    format!("{:?}{}", read.state, battery.unwrap_or_default()).to_lowercase(),
                    json!({ "frame": read }),
                )
            }
            // Its counter changes with every frame; that it is there is all that can be told.
            Err(refusal @ Refusal::KeyNeeded) => (
                "encrypted: its key comes with a signed order".to_owned(),
                json!({ "refused": refusal.to_string() }),
            ),
            Err(refusal) => (format!("not read: {refusal}"), json!({ "refused": refusal.to_string() })),
        };
        let key = (address, format);
        if self
            .0
            .get(&key)
            .is_some_and(|(before, at)| *before == said && now.saturating_duration_since(*at) < AGAIN)
        {
            return None;
        }
        if self.0.len() >= SENDERS_MAX {
            self.0.clear();
        }
        self.0.insert(key, (said.clone(), now));
        let strength = rssi.map_or_else(|| "strength not known".to_owned(), |dbm| format!("{dbm} dBm"));
        let mut object = json!({ "seal": address.to_string(), "format": format, "rssi": rssi });
        if let (Some(object), Some(more)) = (object.as_object_mut(), json.as_object()) {
            object.extend(more.clone());
        }
        let name = format!("{format:?}").to_lowercase();
        Some(Line { words: format!("{address}, {strength}, {name}: {said}"), json: object, works: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advertisement(frame: &[u8]) -> SealEvent {
        let mut data = vec![u8::try_from(frame.len() + 3).unwrap(), 0x16, 0xd2, 0xfc];
        data.extend_from_slice(frame);
        SealEvent::Advertisement { address: "54:48:E6:8F:80:A5".parse().unwrap(), rssi: Some(-60), data }
    }

    #[test]
    fn a_seal_is_told_when_it_changes_and_else_only_now_and_then() {
        let start = Instant::now();
        let mut told = Told::default();
        let mut words = |frame: &[u8], after_ms| {
            let lines = told.lines(advertisement(frame), start + Duration::from_millis(after_ms));
            lines.into_iter().map(|line| line.words).collect::<Vec<_>>()
        };
        let closed = "54:48:E6:8F:80:A5, -60 dBm, bthome: closed";
        assert_eq!(words(&[0x40, 0x11, 0x00], 0), [closed]);
        assert!(words(&[0x40, 0x11, 0x00], 400).is_empty());
        assert_eq!(words(&[0x40, 0x11, 0x01], 800), ["54:48:E6:8F:80:A5, -60 dBm, bthome: open"]);
        assert!(words(&[0x40, 0x11, 0x01], 5_700).is_empty());
        assert_eq!(words(&[0x40, 0x11, 0x01], 5_800).len(), 1);
        let encrypted =
            [0x41, 0xe2, 0xe3, 0x59, 0x78, 0xb4, 0x60, 0x62, 0x7c, 0xe9, 0x03, 0, 0, 0x4b, 0xa4, 6, 0x50];
        assert!(words(&encrypted, 6_000).first().unwrap().contains("its key comes with a signed order"));
    }
}
