//! The satellite receiver: at its port, through gpsd, or gpsd while the port is silent.

use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use waypost_drivers::gnss::{self, GnssEvent, gpsd};

use super::EVENTS_MAX;
use crate::{config::Receiver, station::engine::DeviceEvent};

/// What the panel calls it.
const RECEIVER: &str = "receiver";
/// What the panel calls the second source where there are two.
const GPSD: &str = "gpsd";

/// Starts the receiver.
pub fn start(config: &Receiver, devices: &mpsc::Sender<DeviceEvent>, tasks: &mut JoinSet<()>) {
    let mut sources = Sources::start(config, tasks);
    let devices = devices.clone();
    tasks.spawn(async move {
        while let Some((name, event)) = sources.next().await {
            if let Some(news) = news(name, event)
                && devices.send(news).await.is_err()
            {
                return;
            }
        }
    });
}

/// Starts the receiver's driver: what it says, until `tasks` is dropped.
pub fn listen(config: &Receiver, tasks: &mut JoinSet<()>) -> mpsc::Receiver<GnssEvent> {
    let mut sources = Sources::start(config, tasks);
    let (out, events) = mpsc::channel(EVENTS_MAX);
    tasks.spawn(async move {
        while let Some((_, event)) = sources.next().await {
            if out.send(event).await.is_err() {
                return;
            }
        }
    });
    events
}

/// The places that fixes come from: a port, gpsd, or both.
struct Sources {
    line: Option<mpsc::Receiver<GnssEvent>>,
    gpsd: Option<mpsc::Receiver<GnssEvent>>,
    /// When the port gave its last fix.
    line_spoke: Option<Instant>,
    gpsd_name: &'static str,
}

impl Sources {
    fn start(config: &Receiver, tasks: &mut JoinSet<()>) -> Self {
        let line = config.line.clone().map(|line| {
            let (out, events) = mpsc::channel(EVENTS_MAX);
            tasks.spawn(gnss::run(line, out));
            events
        });
        let gpsd = config.gpsd.clone().map(|address| {
            let (out, events) = mpsc::channel(EVENTS_MAX);
            tasks.spawn(gpsd::run(address, out));
            events
        });
        let gpsd_name = if line.is_some() { GPSD } else { RECEIVER };
        Self { line, gpsd, line_spoke: None, gpsd_name }
    }

    /// The next event, with the name of its source. While the port gives fixes, nothing of gpsd's but its coming and
    /// going; while gpsd may have a fix, that the port has none is no news.
    async fn next(&mut self) -> Option<(&'static str, GnssEvent)> {
        loop {
            let (name, event) = tokio::select! {
                Some(event) = recv(&mut self.line) => (RECEIVER, event),
                Some(event) = recv(&mut self.gpsd) => (self.gpsd_name, event),
                else => return None,
            };
            let holds = self.line_spoke.is_some_and(|at| at.elapsed() < Receiver::FIRST_SOURCE_HOLDS);
            let is_line = name == RECEIVER && self.line.is_some();
            match &event {
                GnssEvent::Fix(_) if is_line => self.line_spoke = Some(Instant::now()),
                GnssEvent::NoFix if is_line && self.gpsd.is_some() => continue,
                GnssEvent::Fix(_) | GnssEvent::Time(_) | GnssEvent::NoFix if !is_line && holds => continue,
                _ => {}
            }
            return Some((name, event));
        }
    }
}

/// The next event of a source that there is.
async fn recv(source: &mut Option<mpsc::Receiver<GnssEvent>>) -> Option<GnssEvent> {
    match source {
        Some(events) => events.recv().await,
        None => None,
    }
}

fn news(name: &'static str, event: GnssEvent) -> Option<DeviceEvent> {
    Some(match event {
        GnssEvent::Up => DeviceEvent::Up(name.to_owned()),
        GnssEvent::Down(reason) => {
            tracing::warn!(device = name, reason, "a device is away");
            DeviceEvent::Down(name.to_owned())
        }
        GnssEvent::Baud(baud) => {
            tracing::info!(device = name, baud, "its speed was found by listening");
            return None;
        }
        GnssEvent::NoSentence { baud } => {
            tracing::warn!(device = name, baud, "bytes come, but no sentence: is baud right?");
            DeviceEvent::Noise(name.to_owned())
        }
        other => DeviceEvent::Gnss(other),
    })
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::Sender;
    use waypost_drivers::gnss::Fix;

    use super::*;

    fn sources() -> (Sources, Sender<GnssEvent>, Sender<GnssEvent>) {
        let (line_in, line) = mpsc::channel(8);
        let (gpsd_in, gpsd) = mpsc::channel(8);
        let sources = Sources { line: Some(line), gpsd: Some(gpsd), line_spoke: None, gpsd_name: GPSD };
        (sources, line_in, gpsd_in)
    }

    #[tokio::test]
    async fn gpsd_is_heard_while_the_port_is_silent_and_only_then() {
        let (mut sources, line, gpsd) = sources();
        let fix = |lat| GnssEvent::Fix(Fix::at(lat, 1.0));
        gpsd.send(fix(1.0)).await.unwrap();
        assert_eq!(sources.next().await, Some((GPSD, fix(1.0))));
        line.send(fix(2.0)).await.unwrap();
        assert_eq!(sources.next().await, Some((RECEIVER, fix(2.0))));
        gpsd.send(fix(3.0)).await.unwrap();
        gpsd.send(GnssEvent::Down("away".to_owned())).await.unwrap();
        assert_eq!(sources.next().await, Some((GPSD, GnssEvent::Down("away".to_owned()))));
        // As long ago as the port's last word counts.
        sources.line_spoke = Instant::now().checked_sub(Receiver::FIRST_SOURCE_HOLDS);
        line.send(GnssEvent::NoFix).await.unwrap();
        gpsd.send(fix(4.0)).await.unwrap();
        assert_eq!(sources.next().await, Some((GPSD, fix(4.0))));
    }
}
