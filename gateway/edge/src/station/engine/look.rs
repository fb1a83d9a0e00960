//! What changes by itself, looked at once a second: the journal's health, a PIN or a session that nobody goes on with,
//! seals that fell silent.

use waypost_core::{fact::SiteKind, rule::Act};

use super::{
    super::{say, screen::Screen},
    Engine, PIN_WAIT,
    display::Took,
    millis,
};
use crate::{
    journal::{Health, JournalFailure, Room, Writer},
    panel::{JournalState, Tone},
};

impl Engine {
    /// Looks at what changes by itself.
    pub(super) fn look(&mut self) {
        self.look_at_journal();
        self.end_what_nobody_goes_on_with();
        for act in self.seals.silent(self.real_ms()) {
            self.note(act);
        }
        if self.parts.local.kind == SiteKind::Vehicle
            && let Err(error) = self.position.read_fences(&self.parts.reader)
        {
            tracing::error!(%error, "the fences cannot be read");
        }
        self.refresh();
    }

    /// A journal that stops, and one that goes on again, is a page of its own.
    fn look_at_journal(&mut self) {
        let now = journal_state(&self.parts.writer);
        let before = std::mem::replace(&mut self.journal, now);
        if now == before {
            return;
        }
        let screen = if now.is_stopped() {
            say::stopped(now)
        } else if before.is_stopped() {
            Screen::new(Tone::Ready, self.frame().prompt)
        } else if now > before {
            say::disk_news(now)
        } else {
            return;
        };
        self.show(screen, Took::default());
    }

    fn end_what_nobody_goes_on_with(&mut self) {
        if self.last_read.elapsed() >= PIN_WAIT && self.station.leave_pin() {
            let frame = self.frame();
            self.show(Screen::new(Tone::Ready, frame.prompt), Took::default());
        }
        let up_ms = self.parts.clock.now().up_ms;
        let idle = up_ms.saturating_sub(self.last_up_ms) >= millis(self.parts.local.session_idle);
        // What the gateway notes by itself does not count: on a slow disk something of that is always under way.
        let at_rest = self.answering == 0 && self.hashing == 0 && self.at_hub.is_empty() && !self.in_order;
        if idle && at_rest && self.station.counter().operator.is_some() {
            self.last_up_ms = up_ms;
            self.note(Act::EndSession);
        }
    }

    pub(super) fn real_ms(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

/// How well the journal can be written now.
pub fn journal_state(writer: &Writer) -> JournalState {
    let condition = writer.condition();
    match writer.health() {
        Health::Stopped(JournalFailure::Full) => JournalState::Full,
        Health::Stopped(JournalFailure::ReadOnly) => JournalState::ReadOnly,
        Health::Stopped(JournalFailure::Damaged { .. }) => JournalState::Damaged,
        Health::Stopped(_) => JournalState::Failed,
        Health::Well if condition.damage.is_some() => JournalState::Flawed,
        Health::Well => match condition.room {
            Room::Ok => JournalState::Well,
            Room::Low => JournalState::Low,
            Room::Critical => JournalState::Critical,
        },
    }
}
