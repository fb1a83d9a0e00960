//! A station as a state machine without I/O: readings and answers go in, questions and panels come out.

use std::sync::Arc;

use waypost_core::{
    code::pin::Pin,
    fact::{AlarmKind, ClockQuality, Fact, ShiftCounts, SiteKind},
    rule::{
        Act, Already, Ledger, LedgerError, Refusal,
        ledger::load,
        row::{PinRule, StaffRow},
    },
};

use super::{
    command::Command,
    counter::Counter,
    due, elsewhere,
    hand_out::{HandOut, HandOuts},
    laboratory::Laboratory,
    pin_entry::{PinEntry, Presented, badge_of},
    post_office::PostOffice,
    read::Read,
    say,
    screen::{Frame, Screen},
    step::{Around, Asked, HashJob, Hashed, Local, Outcome, Scanned, Step},
    stock::StockDesk,
    testing_centre::TestingCentre,
    vehicle::Vehicle,
    warehouse::Warehouse,
    workplace::Workplace,
};
use crate::panel::{Message, Tone};

/// A station.
pub struct Station {
    local: Arc<Local>,
    counter: Counter,
    stock: StockDesk,
    work: Box<dyn Workplace>,
    /// A badge that waits for the operator to confirm the day, as the clock cannot be believed.
    day_wanted: Option<Presented>,
    /// The badge that a question under way rests on.
    presented: Option<Presented>,
    pin: Option<PinEntry>,
    /// The badge of who was signed in just now.
    signed_in: Option<Presented>,
    unlock: Unlock,
    hand_outs: HandOuts,
}

/// A badge that is locked after too many wrong PINs, by its hash.
#[derive(Debug, Default, PartialEq, Eq)]
enum Unlock {
    #[default]
    None,
    /// It was scanned just now.
    Offered(String),
    /// The next badge is a supervisor's.
    Begun(String),
}

impl Station {
    /// A station that goes on where the ledger says it stopped.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn new(local: Arc<Local>, ledger: &dyn Ledger) -> Result<Self, LedgerError> {
        let work: Box<dyn Workplace> = match local.kind {
            SiteKind::TestingCentre => Box::new(TestingCentre::new(local.box_tubes_max)),
            SiteKind::PostOffice => Box::new(PostOffice::default()),
            SiteKind::Vehicle => Box::new(Vehicle::default()),
            SiteKind::Laboratory => Box::new(Laboratory::default()),
            SiteKind::Warehouse => Box::new(Warehouse),
        };
        let counter = Counter::load(ledger)?;
        Ok(Self {
            local,
            counter,
            stock: StockDesk::default(),
            work,
            day_wanted: None,
            presented: None,
            pin: None,
            signed_in: None,
            unlock: Unlock::None,
            hand_outs: HandOuts::default(),
        })
    }

    /// What it remembers of its counter.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Takes a reading.
    pub fn on_read(&mut self, read: Read, around: &Around<'_>) -> Step {
        match read {
            Read::Refused(screen) => Step::Show(screen),
            Read::Badge(presented) => self.badge(presented, around),
            Read::Pin(pin) => self.pin_typed(pin),
            Read::Scanned(scanned) => self.scanned(&scanned, around),
        }
    }

    fn badge(&mut self, presented: Presented, around: &Around<'_>) -> Step {
        self.pin = None;
        let hash = presented.hash.clone();
        if let Unlock::Begun(locked) = &self.unlock {
            let act = Act::UnlockPin { badge: locked.clone(), approval: hash, pin: None };
            self.presented = Some(presented);
            return act.into();
        }
        self.unlock = Unlock::None;
        if let Some(step) = self.work.badge(&hash, &self.counter, around) {
            self.presented = Some(presented);
            return step;
        }
        let day = around.now.at.day(&self.local.time_zone);
        if self.counter.day.is_none() && around.now.clock <= ClockQuality::Rtc {
            self.day_wanted = Some(presented);
            let screen = Screen::ask(Message::new("ask-day").text("day", day));
            return Step::Show(screen.line(Message::new("next-other-day-key")));
        }
        self.presented = Some(presented);
        Act::SignIn { badge: hash, day, pin: None }.into()
    }

    /// The badge of who was signed in by the last answer, given once.
    pub fn take_signed_in(&mut self) -> Option<Presented> {
        self.signed_in.take()
    }

    /// Are digits a PIN now?
    pub fn wants_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// Nobody went on keying it. True where one was begun.
    pub fn leave_pin(&mut self) -> bool {
        let unlocking = matches!(self.unlock, Unlock::Begun(_));
        self.unlock = Unlock::None;
        self.pin.take().is_some() || unlocking
    }

    fn pin_typed(&mut self, pin: Option<Pin>) -> Step {
        match (&mut self.pin, pin) {
            (Some(entry), Some(pin)) => entry.with(pin),
            _ => Step::Show(Screen::no(Message::new("no-pin-length")).line(Message::new("next-pin"))),
        }
    }

    /// Asks for the PIN of the badge that a question rests on.
    fn ask_pin(&mut self, act: &Act, ledger: &dyn Ledger) -> Result<Option<Screen>, LedgerError> {
        let hash = badge_of(act).unwrap_or_default();
        let Some(Presented { badge, .. }) = self.presented.take().filter(|one| one.hash == hash) else {
            return Ok(None);
        };
        let Some(StaffRow { pin: PinRule::Argon2id(verifier), .. }) = load(ledger, hash)? else {
            return Ok(None);
        };
        let entry = PinEntry::new(badge, verifier, act.clone());
        let screen = entry.screen();
        self.pin = Some(entry);
        Ok(Some(screen))
    }

    /// What the writer said to a question that rests on a badge and a PIN.
    fn of_pin(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        ledger: &dyn Ledger,
    ) -> Result<Option<Screen>, LedgerError> {
        let locked = match outcome {
            Outcome::Refused(Refusal::NeedsPin) => return self.ask_pin(&asked.act, ledger),
            Outcome::Refused(Refusal::PinLocked { .. }) => true,
            Outcome::Granted { facts, .. } => {
                facts.iter().any(|fact| matches!(fact, Fact::PinRefused { locked_ms: 1.., .. }))
            }
            _ => false,
        };
        // What it rested on is known now, whatever came of it.
        let Some(hash) = badge_of(&asked.act) else { return Ok(None) };
        let (presented, entry) = (self.presented.take(), self.pin.take());
        if let (Act::SignIn { .. }, true) = (&asked.act, is_let_in(outcome)) {
            let keyed = entry.map(|entry| Presented { hash: hash.to_owned(), badge: entry.badge().clone() });
            self.signed_in = presented.filter(|one| one.hash == hash).or(keyed);
        }
        if let (true, Act::SignIn { .. }) = (locked, &asked.act) {
            self.unlock = Unlock::Offered(hash.to_owned());
        }
        let Outcome::Granted { facts, .. } = outcome else { return Ok(None) };
        Ok(facts.iter().find_map(|fact| match fact {
            Fact::PinRefused { attempts, locked_ms, .. } => Some(say::pin_refused(*attempts, *locked_ms)),
            Fact::PinUnlocked { operator, .. } => {
                self.unlock = Unlock::None;
                let main = Message::new("yes-pin-unlocked").text("person", operator);
                Some(Screen::yes(main).line(Message::new("next-badge-again")))
            }
            _ => None,
        }))
    }

    /// A claim of before a power cut: the operator is asked whether the packs were handed over.
    pub fn ask_hand_out(&mut self, one: HandOut) {
        self.hand_outs.push(one);
    }

    /// The question that waits for an operator, where one does.
    pub fn hand_out_screen(&self) -> Option<Screen> {
        self.hand_outs.screen()
    }

    fn scanned(&mut self, scanned: &Scanned, around: &Around<'_>) -> Step {
        match scanned {
            Scanned::Command(Command::Language) => return Step::Language,
            Scanned::Command(Command::Cancel) => {
                self.clear();
                let frame = self.frame(around);
                return Step::Show(Screen::new(Tone::Ready, frame.prompt));
            }
            Scanned::Command(Command::ConfirmDay) => {
                return self.confirm_day(around.now.at.day(&self.local.time_zone));
            }
            Scanned::Command(Command::Day(day)) => return self.confirm_day(day.clone()),
            Scanned::Command(Command::Pin(key)) => {
                return match &mut self.pin {
                    Some(entry) => entry.key(*key),
                    None => no_pin_wanted(),
                };
            }
            Scanned::Command(Command::Unlock) => return self.begin_unlock(),
            _ if self.pin.is_some() => {
                return Step::Show(Screen::no(Message::new("scan-not-now")).line(Message::new("next-pin")));
            }
            _ => {}
        }
        if self.counter.operator.is_none() {
            return Step::Show(say::refused(&Refusal::NotSignedIn, &Act::Tick, &self.local));
        }
        if *scanned == Scanned::Command(Command::CloseShift) {
            return Act::CloseShift { unsynced: around.unsynced }.into();
        }
        if let Scanned::Command(Command::Handed(handed)) = scanned {
            return match self.hand_outs.answer(*handed) {
                Some(act) => act.into(),
                None => {
                    Step::Show(Screen::no(Message::new("scan-not-now")).line(Message::new("next-scan-other")))
                }
            };
        }
        if *scanned == Scanned::Command(Command::Reprint) {
            return Act::Reprint.into();
        }
        if let (SiteKind::Warehouse, Scanned::Place(site)) = (self.local.kind, scanned) {
            return self.stock.give_to(site.clone());
        }
        if let Some(step) = self.stock.scan(scanned, &self.local) {
            return step;
        }
        match self.work.scan(scanned, &self.counter, around) {
            Some(step) => {
                self.stock.clear();
                step
            }
            None => {
                Step::Show(Screen::no(Message::new("scan-not-now")).line(Message::new("next-scan-other")))
            }
        }
    }

    fn confirm_day(&mut self, day: String) -> Step {
        match self.day_wanted.take() {
            Some(presented) => {
                let badge = presented.hash.clone();
                self.presented = Some(presented);
                Act::SignIn { badge, day, pin: None }.into()
            }
            None => Step::Show(
                Screen::no(Message::new("scan-no-day-wanted")).line(Message::new("next-scan-badge")),
            ),
        }
    }

    fn clear(&mut self) {
        self.stock.clear();
        self.work.clear();
        self.day_wanted = None;
        self.presented = None;
        self.pin = None;
        self.unlock = Unlock::None;
    }

    fn begin_unlock(&mut self) -> Step {
        let Unlock::Offered(locked) = std::mem::take(&mut self.unlock) else {
            return Step::Show(
                Screen::no(Message::new("scan-not-now")).line(Message::new("next-scan-badge")),
            );
        };
        self.unlock = Unlock::Begun(locked);
        Step::Show(Screen::ask(Message::new("ask-unlock-supervisor")))
    }

    /// Goes on with a claim whose tokens are made.
    pub fn on_hashed(&mut self, job: &HashJob, hashed: Hashed) -> Step {
        self.work.hashed(job, hashed).unwrap_or_else(|| {
            Step::Show(Screen::no(Message::new("scan-not-now")).line(Message::new("next-scan-other")))
        })
    }

    /// Takes an answer of the writer: the panel of that question.
    pub fn on_answer(&mut self, asked: &Asked, outcome: &Outcome, around: &Around<'_>) -> Screen {
        if self.take_up(outcome, around).is_err() {
            return say::failed();
        }
        let Ok(of_pin) = self.of_pin(asked, outcome, around.ledger) else { return say::failed() };
        // Each of them takes the answer up, whoever has the words.
        let of_hand_out = self.hand_outs.answered(&asked.act, outcome, around.local);
        let of_stock = self.stock.answered(asked, outcome, around);
        let of_work = self.work.answered(asked, outcome, &self.counter, around);
        let mut screen = match outcome {
            Outcome::Failed => say::failed(),
            _ if of_pin.is_some() => of_pin.unwrap_or_else(say::failed),
            Outcome::Granted { facts, .. } => of_work
                .or(of_hand_out)
                .or(of_stock)
                .or_else(|| self.of_shift(facts))
                .unwrap_or_else(|| Screen::yes(Message::new("yes-noted"))),
            Outcome::Already(already) => of_work.unwrap_or_else(|| say::already(already, &asked.act)),
            Outcome::Refused(refusal) => {
                of_work.unwrap_or_else(|| say::refused(refusal, &asked.act, &self.local))
            }
        };
        if let Outcome::Refused(Refusal::AlreadyServed { seq, .. }) = outcome
            && self.hand_outs.holds(*seq)
        {
            screen.lines.insert(0, Message::new("line-handed-open"));
        }
        if let Some(masked) = &asked.masked {
            screen.lines.insert(0, Message::new("line-document").text("masked", masked));
        }
        if let Outcome::Granted { records, facts, repeated } = outcome {
            screen.records = *records;
            screen.lines.extend(facts.iter().filter_map(alarm).map(|(key, subject)| {
                Message::new("line-alarm-sent").message("alarm", Message::new(key).text("subject", subject))
            }));
            if *repeated {
                screen.lines.insert(0, Message::new("line-repeated"));
            }
        }
        screen
    }

    /// What an answer changed. The first answer again changed nothing now: what it did is in the ledger.
    fn take_up(&mut self, outcome: &Outcome, around: &Around<'_>) -> Result<(), LedgerError> {
        match outcome {
            Outcome::Granted { repeated: true, .. } => self.counter = Counter::load(around.ledger)?,
            Outcome::Granted { facts, .. } => self.counter.absorb(facts, around.ledger)?,
            Outcome::Already(_) | Outcome::Refused(_) | Outcome::Failed => {}
        }
        Ok(())
    }

    /// Takes up what the gateway noted by itself; a panel where a person must look.
    pub fn on_noted(&mut self, outcome: &Outcome, around: &Around<'_>) -> Option<Screen> {
        let Outcome::Granted { facts, records, .. } = outcome else {
            return (*outcome == Outcome::Failed).then(say::failed);
        };
        let absorbed =
            self.counter.absorb(facts, around.ledger).and_then(|()| self.counter.read_due(around.ledger));
        if absorbed.is_err() {
            return Some(say::failed());
        }
        for fact in facts {
            self.work.happened(fact, around);
        }
        if facts.iter().any(|fact| matches!(fact, Fact::SessionEnded { .. })) {
            self.clear();
            let screen = Screen::new(Tone::Ready, Message::new("ask-badge"));
            return Some(screen.line(Message::new("line-session-ended")));
        }
        let (key, subject) = facts.iter().find_map(alarm)?;
        let mut screen = Screen::new(Tone::Alarm, Message::new(key).text("subject", subject));
        screen.lines.push(Message::new("next-alarm"));
        screen.records = *records;
        Some(screen)
    }

    fn of_shift(&mut self, facts: &[Fact]) -> Option<Screen> {
        facts.iter().find_map(|fact| match fact {
            Fact::ShiftOpened { role, day } => {
                self.day_wanted = None;
                let main = Message::new("yes-shift-opened").text("person", self.person());
                Some(Screen::yes(main.message("role", say::role(*role)).text("day", day)))
            }
            Fact::SignedIn { role } => {
                let main = Message::new("yes-signed-in").text("person", self.person());
                Some(Screen::yes(main.message("role", say::role(*role))))
            }
            Fact::PaperReprinted { number, .. } => {
                Some(Screen::yes(Message::new("yes-reprint").number("number", *number)))
            }
            Fact::ShiftClosed { counts, unsynced } => {
                self.clear();
                let mut screen = Screen::yes(Message::new("yes-shift-closed"));
                screen.lines.push(Message::new("line-unsynced").number("count", *unsynced));
                screen.lines.extend(count_lines(counts));
                Some(screen)
            }
            _ => None,
        })
    }

    fn person(&self) -> &str {
        self.counter.operator.as_ref().map_or("", |operator| operator.as_str())
    }

    /// What stands on the panel whatever the last answer was.
    pub fn frame(&self, around: &Around<'_>) -> Frame {
        let mut frame = if self.day_wanted.is_some() {
            let day = around.now.at.day(&self.local.time_zone);
            Frame::new("title-sign-in", Message::new("ask-day").text("day", day))
                .choice("CMD-DAY", "choice-day")
                .choice("CMD-CANCEL", "choice-cancel")
        } else if let Some(entry) = &self.pin {
            entry.frame()
        } else if let Unlock::Begun(_) = self.unlock {
            Frame::new("title-unlock", Message::new("ask-unlock-supervisor"))
                .choice("CMD-CANCEL", "choice-cancel")
        } else if self.counter.operator.is_none() {
            let mut frame = Frame::new("title-sign-in", Message::new("ask-badge"));
            frame.lines.extend(self.hand_outs.line());
            frame
        } else if self.stock.is_active() {
            self.stock.frame(&self.local)
        } else {
            let asking = if self.work.is_begun() { None } else { self.hand_outs.frame(&self.local) };
            asking.unwrap_or_else(|| self.work.frame(&self.counter))
        };
        if let (Unlock::Offered(_), None) = (&self.unlock, &self.pin) {
            frame = frame.choice("CMD-UNLOCK", "choice-unlock");
        }
        if self.local.kind == SiteKind::PostOffice {
            // A ledger that cannot be read stops the next question; the frame only says less.
            let age = elsewhere::line(&self.counter, around.ledger, around.now);
            frame.lines.extend(age.ok().flatten());
        }
        frame.lines.extend(due::line(self.counter.due.iter(), around.now.at));
        frame
    }
}

/// Is the person whose badge was scanned signed in now?
fn is_let_in(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Granted { facts, .. } => {
            facts.iter().any(|fact| matches!(fact, Fact::ShiftOpened { .. } | Fact::SignedIn { .. }))
        }
        Outcome::Already(already) => *already == Already::SignedIn,
        Outcome::Refused(_) | Outcome::Failed => false,
    }
}

fn no_pin_wanted() -> Step {
    Step::Show(Screen::no(Message::new("scan-not-now")).line(Message::new("next-scan-badge")))
}

/// The lines of a closed shift: only what was done.
fn count_lines(counts: &ShiftCounts) -> impl Iterator<Item = Message> {
    [
        ("line-count-collected", counts.tubes_collected),
        ("line-count-packed", counts.tubes_packed),
        ("line-count-sealed", counts.boxes_sealed),
        ("line-count-handed-over", counts.boxes_handed_over),
        ("line-count-boxes-received", counts.boxes_received),
        ("line-count-tubes-received", counts.tubes_received),
        ("line-count-claims", counts.claims_served),
        ("line-count-packs", counts.packs),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(key, count)| Message::new(key).number("count", count))
}

/// The words of an alarm and what it is about.
fn alarm(fact: &Fact) -> Option<(&'static str, &str)> {
    let Fact::AlarmRaised { alarm, subject } = fact else { return None };
    let key = match alarm {
        AlarmKind::SealOpened => "alarm-seal-opened",
        AlarmKind::SealTampered => "alarm-seal-tampered",
        AlarmKind::SealSilent => "alarm-seal-silent",
        AlarmKind::SealForged => "alarm-seal-forged",
        AlarmKind::SealClockInDoubt => "alarm-seal-clock-in-doubt",
        AlarmKind::SealBatteryLow => "alarm-seal-battery-low",
        AlarmKind::SealRestarted => "alarm-seal-restarted",
        AlarmKind::ReceivedUnderException => "alarm-received-under-exception",
        AlarmKind::DeliveryDueSoon => "alarm-delivery-due-soon",
        AlarmKind::DeliveryLate => "alarm-delivery-late",
        AlarmKind::TubesDisagree => "alarm-tubes-disagree",
        AlarmKind::StockVariance => "alarm-stock-variance",
        AlarmKind::StockLow => "alarm-stock-low",
        AlarmKind::JournalStopped => "alarm-journal-stopped",
        AlarmKind::DiskLow => "alarm-disk-low",
        AlarmKind::DiskCritical => "alarm-disk-critical",
        AlarmKind::JournalDamaged => "alarm-journal-damaged",
        AlarmKind::MessageRefused => "alarm-message-refused",
    };
    Some((key, subject))
}
