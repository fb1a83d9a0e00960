//! A satellite receiver: where it is, and whether it knows.

use serde_json::json;
use tokio::task::JoinSet;
use waypost_drivers::gnss::{Fix, GnssEvent};
use waypost_edge::{config::Receiver, device};

use super::{Line, Teller};

/// Starts it.
pub fn start(config: &Receiver, teller: Teller, tasks: &mut JoinSet<()>) {
    let mut events = device::receiver::listen(config, tasks);
    tasks.spawn(async move {
        let mut lost = false;
        while let Some(event) = events.recv().await {
            // That there is no position is said again and again; once is enough here.
            let again = lost && matches!(event, GnssEvent::NoFix);
            lost = matches!(event, GnssEvent::NoFix) || (lost && matches!(event, GnssEvent::Time(_)));
            if let Some(line) = line(event).filter(|_| !again)
                && !teller.say(line).await
            {
                return;
            }
        }
    });
}

fn line(event: GnssEvent) -> Option<Line> {
    Some(match event {
        GnssEvent::Up => Line::up(),
        GnssEvent::Down(reason) => Line::down(&reason),
        GnssEvent::NoFix => Line {
            words: "no position yet: give it a view of the sky, and a few minutes".to_owned(),
            json: json!({ "fix": null }),
            works: false,
        },
        GnssEvent::Fix(fix) => Line { words: words(&fix), json: json!({ "fix": fix }), works: true },
        GnssEvent::Baud(baud) => Line {
            words: format!("it speaks at {baud} bits a second: baud = {baud}"),
            json: json!({ "baud": baud }),
            works: false,
        },
        GnssEvent::NoSentence { baud } => Line {
            words: match baud {
                Some(baud) => format!(
                    "bytes come, but no sentence at {baud} bits a second: leave baud out, and it is found"
                ),
                None => "bytes come, but no sentence at any speed: is this a receiver that speaks NMEA?"
                    .to_owned(),
            },
            json: json!({ "no_sentence": true, "baud": baud }),
            works: false,
        },
        // It stands in the fix that follows.
        GnssEvent::Time(_) => return None,
    })
}

fn words(fix: &Fix) -> String {
    let mut words = format!("at {:.5}, {:.5}", fix.lat, fix.lon);
    if let Some(speed) = fix.speed_mps {
        words.push_str(&format!(", {:.1} km/h", speed * 3.6));
    }
    if let Some(satellites) = fix.satellites {
        words.push_str(&format!(", {satellites} satellites"));
    }
    match fix.time {
        Some(time) => words.push_str(&format!(", its time {time}")),
        None => words.push_str(", without a date"),
    }
    words
}
