//! News of devices: what is away or back, seals that were heard, what the sky said.

use waypost_core::{
    fact::{ClockQuality, SiteKind, WallTime},
    rule::Act,
};
use waypost_drivers::{gnss::GnssEvent, seal::SealEvent};

use super::{
    super::{read, satellite_time},
    DeviceEvent, Engine,
    display::Took,
};

impl Engine {
    pub(super) async fn device(&mut self, event: DeviceEvent) {
        if self.display.heard(&event) {
            self.refresh();
        }
        match event {
            DeviceEvent::Printer(news) => {
                if self.papers.news(news) {
                    self.refresh();
                }
            }
            DeviceEvent::Unreadable => {
                self.show(read::unreadable(), Took::default());
            }
            DeviceEvent::Seal(SealEvent::Advertisement { address, rssi, data }) => {
                let now_ms = self.real_ms();
                for act in self.seals.heard(now_ms, rssi, address, &data) {
                    self.note(act);
                }
            }
            DeviceEvent::Gnss(GnssEvent::Time(time)) => self.satellite_time(time),
            DeviceEvent::Gnss(GnssEvent::NoFix) => {
                if let Some(last) = self.position.no_fix(self.parts.clock.now().up_ms) {
                    self.parts.writer.note_fix(last).await;
                }
            }
            DeviceEvent::Gnss(GnssEvent::Fix(mut fix)) if self.parts.local.kind == SiteKind::Vehicle => {
                let now = self.parts.clock.now();
                let rate = self.parts.clock.rate();
                fix.time = fix.time.and_then(|told| satellite_time::on_track(told, now, self.floor(), rate));
                let followed = self.position.fix(fix, now.up_ms);
                if let Some(fix) = followed.keep {
                    self.parts.writer.note_fix(fix).await;
                }
                if let Some(fence) = followed.fence {
                    self.note(Act::AtFence { fence });
                }
            }
            DeviceEvent::Up(_)
            | DeviceEvent::Down(_)
            | DeviceEvent::Lid { .. }
            | DeviceEvent::Noise(_)
            | DeviceEvent::Seal(_)
            | DeviceEvent::Gnss(_) => {}
        }
    }

    /// The latest time that is past for certain, the hub's word included.
    fn floor(&self) -> Option<WallTime> {
        self.parts.clock.floor().max(self.parts.writer.tail().held.map(|ack| ack.time))
    }

    fn satellite_time(&mut self, told: jiff::Timestamp) {
        let floor = self.floor();
        let clock = &self.parts.clock;
        let set = self.satellite_time.told(told, clock.now(), floor, clock.rate());
        let Some((told, offset_ms)) = set else { return };
        if clock.set(offset_ms, ClockQuality::Gnss) {
            tracing::info!(time = %told, "the clock is set by satellite");
            let boot = self.parts.opened.boot;
            self.note(Act::FindClock { boot, offset_ms, quality: ClockQuality::Gnss });
        }
    }

    pub(super) fn watch_seals(&mut self) {
        let secrets = self.parts.secrets.borrow().clone();
        if let Err(error) = self.seals.watch(secrets.seals.values(), &self.parts.reader) {
            tracing::error!(%error, "the seals of the order cannot be watched");
        }
    }
}
