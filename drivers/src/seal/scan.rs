//! Getting a controller to scan, and keeping it at it: the conversation without the line it runs over.
//!
//! Start: Reset, what the controller can do, the two event masks, scan off (not all controllers take a reset to mean
//! that), scan parameters, scan on; each waits for its answer.
//! A controller that is shared with other programs is neither reset nor masked: its scan is switched off and on.
//!
//! A scan that reports nothing may be dead (controllers do that after days), or nobody is near. The watchdog takes its
//! [`Mending`] steps, one after each silence; a whole round without a report doubles the silence that it waits for, up to
//! [`QUIET_MAX`], so that a quiet place costs nothing. Silence alone is no failure and never says `Down`.
//!
//! A failure (no answer, a refusal, a hardware error) is tried again after a pause that doubles up to [`RETRY_MAX`]; after
//! each [`REOPEN_AFTER`] in a row the line is opened anew.

use std::time::{Duration, Instant};

use super::hci::{Capabilities, Command, ControllerError, Event, ScanKind};

/// How long an answer may take.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// The first pause after a failure. It doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
pub const RETRY_MAX: Duration = Duration::from_secs(15);
/// After so many failures in a row the line is opened anew.
pub const REOPEN_AFTER: u32 = 3;
/// The longest silence that the watchdog waits for.
pub const QUIET_MAX: Duration = Duration::from_secs(300);

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this to the controller.
    Send(Command),
    /// It scans.
    Up,
    /// It does not, with the reason in words. Said once for each reason.
    Down(String),
    /// Something is done about a silence, or about failures.
    Mend(Mending),
    /// Close the line and open it anew.
    Reopen,
}

/// What the watchdog does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mending {
    /// The scan is switched off and on.
    RestartScan,
    /// The controller is reset, and set up anew.
    ResetController,
    /// The line is closed and opened. A kernel's adapter that is shared is switched off and on by that.
    ReopenLine,
}

/// A conversation with a controller.
#[derive(Debug)]
pub struct Scan {
    active: bool,
    silent_after: Duration,
    shared: bool,
    capabilities: Capabilities,
    /// The commands that are used, once the controller refused those that were to be expected.
    instead: Option<ScanKind>,
    phase: Phase,
    pause: Duration,
    failures: u32,
    quiet: Duration,
    mended: Option<Mending>,
    told: Option<Result<(), String>>,
}

#[derive(Debug)]
enum Phase {
    /// There is no line.
    Away,
    /// A command was sent and is to be answered; those behind it are to be sent yet.
    Asking { step: usize, script: Script, until: Instant },
    /// It scans; a report came last then, or the scan began.
    Scanning { heard: Instant },
    /// It failed; from then on it is tried again.
    Pausing { until: Instant },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Start,
    StartShared,
    Restart,
}

impl Scan {
    /// A conversation that has not begun. `active` asks advertisers for scan responses; a scan that reports nothing for
    /// `silent_after` is started again.
    #[must_use]
    pub fn new(active: bool, silent_after: Duration) -> Self {
        Self {
            active,
            silent_after,
            shared: false,
            capabilities: Capabilities::default(),
            instead: None,
            phase: Phase::Away,
            pause: RETRY_MIN,
            failures: 0,
            quiet: silent_after,
            mended: None,
            told: None,
        }
    }

    /// The line was opened; `shared` with other programs that use the controller too.
    pub fn line_up(&mut self, shared: bool, now: Instant) -> Vec<Action> {
        self.shared = shared;
        self.capabilities = Capabilities::default();
        self.instead = None;
        self.start(now)
    }

    /// The line is away; the port itself says why.
    pub fn line_down(&mut self) {
        self.phase = Phase::Away;
        self.told = None;
    }

    /// Reports are of now: not what a controller still had to say before it was reset.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        matches!(self.phase, Phase::Scanning { .. } | Phase::Asking { script: Script::Restart, .. })
    }

    /// An event came from the controller.
    pub fn event(&mut self, event: &Event, now: Instant) -> Vec<Action> {
        match (event, &mut self.phase) {
            (Event::Answer { opcode, result }, Phase::Asking { step, script, .. }) => {
                let (step, script) = (*step, *script);
                match self.command(script, step) {
                    Some(command) if command.opcode() == *opcode => {
                        self.answered(command, result.as_deref().map_err(|error| *error), script, step, now)
                    }
                    _ => Vec::new(),
                }
            }
            (Event::Reports(_), Phase::Scanning { heard }) => {
                *heard = now;
                (self.pause, self.failures) = (RETRY_MIN, 0);
                (self.quiet, self.mended) = (self.silent_after, None);
                Vec::new()
            }
            (Event::HardwareError(code), Phase::Asking { .. } | Phase::Scanning { .. }) => {
                self.fail(format!("the radio's hardware failed (0x{code:02X})"), now)
            }
            _ => Vec::new(),
        }
    }

    /// When [`Self::elapsed`] is to be called if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Away => None,
            Phase::Asking { until, .. } | Phase::Pausing { until } => Some(until),
            Phase::Scanning { heard } => Some(heard + self.quiet),
        }
    }

    /// Nothing happened until [`Self::deadline`].
    pub fn elapsed(&mut self, now: Instant) -> Vec<Action> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match self.phase {
            Phase::Away => Vec::new(),
            Phase::Asking { step, script, .. } => {
                let asked = self.command(script, step).map_or("a command", |command| command.opcode().name());
                self.fail(format!("the radio does not answer {asked}"), now)
            }
            Phase::Scanning { .. } => self.mend(now),
            Phase::Pausing { .. } if self.failures > 0 && self.failures.is_multiple_of(REOPEN_AFTER) => {
                // One more, so that the next pause is not taken for the same.
                self.failures = self.failures.saturating_add(1);
                self.reopen()
            }
            Phase::Pausing { .. } => self.start(now),
        }
    }

    fn command(&self, script: Script, step: usize) -> Option<Command> {
        let kind = self.instead.unwrap_or_else(|| self.capabilities.scan());
        let parameters = Command::SetScanParameters { kind, active: self.active };
        let (on, off) =
            (Command::SetScanEnable { kind, enable: true }, Command::SetScanEnable { kind, enable: false });
        let (commands, features) =
            (Command::ReadLocalSupportedCommands, Command::LeReadLocalSupportedFeatures);
        let (mask, le_mask) = (Command::SetEventMask, Command::LeSetEventMask);
        match script {
            Script::Start => {
                [Command::Reset, commands, features, mask, le_mask, off, parameters, on].get(step).copied()
            }
            Script::StartShared => [commands, features, off, parameters, on].get(step).copied(),
            Script::Restart => [off, parameters, on].get(step).copied(),
        }
    }

    fn answered(
        &mut self,
        command: Command,
        result: Result<&[u8], ControllerError>,
        script: Script,
        step: usize,
        now: Instant,
    ) -> Vec<Action> {
        match (result, command) {
            (Ok(returned), _) => {
                self.capabilities.note(command.opcode(), returned);
                self.ask(script, step + 1, now)
            }
            (Err(error), Command::SetScanParameters { kind, .. }) if self.is_other_sort(error) => {
                self.instead = Some(kind.other());
                self.ask(script, step, now)
            }
            (Err(_), command) if is_harmless(command) => self.ask(script, step + 1, now),
            (Err(error), command) => self.fail(format!("{}: {error}", command.opcode().name()), now),
        }
    }

    /// Whether this refusal means that the controller takes the other sort of scan commands; believed once. A controller
    /// that is not reset by us refuses the sort that nobody used since its reset.
    fn is_other_sort(&self, error: ControllerError) -> bool {
        let refused = error == ControllerError::UNKNOWN_COMMAND
            || (self.shared && error == ControllerError::COMMAND_DISALLOWED);
        refused && self.instead.is_none()
    }

    fn start(&mut self, now: Instant) -> Vec<Action> {
        self.ask(if self.shared { Script::StartShared } else { Script::Start }, 0, now)
    }

    fn ask(&mut self, script: Script, step: usize, now: Instant) -> Vec<Action> {
        if let Some(command) = self.command(script, step) {
            self.phase = Phase::Asking { step, script, until: now + ANSWER_TIMEOUT };
            return vec![Action::Send(command)];
        }
        self.phase = Phase::Scanning { heard: now };
        match self.told.replace(Ok(())) {
            Some(Ok(())) => Vec::new(),
            _ => vec![Action::Up],
        }
    }

    fn mend(&mut self, now: Instant) -> Vec<Action> {
        let step = match self.mended {
            None | Some(Mending::ReopenLine) => Mending::RestartScan,
            Some(Mending::RestartScan) if !self.shared => Mending::ResetController,
            Some(Mending::RestartScan | Mending::ResetController) => Mending::ReopenLine,
        };
        self.mended = Some(step);
        let mut actions = vec![Action::Mend(step)];
        actions.extend(match step {
            Mending::RestartScan => self.ask(Script::Restart, 0, now),
            Mending::ResetController => self.start(now),
            Mending::ReopenLine => {
                self.quiet = (self.quiet * 2).min(QUIET_MAX.max(self.silent_after));
                self.phase = Phase::Away;
                vec![Action::Reopen]
            }
        });
        actions
    }

    fn reopen(&mut self) -> Vec<Action> {
        self.phase = Phase::Away;
        vec![Action::Mend(Mending::ReopenLine), Action::Reopen]
    }

    fn fail(&mut self, reason: String, now: Instant) -> Vec<Action> {
        self.phase = Phase::Pausing { until: now + self.pause };
        self.pause = (self.pause * 2).min(RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        let news = Err(reason);
        if self.told.as_ref() == Some(&news) {
            return Vec::new();
        }
        let action = news.as_ref().err().map(|reason| Action::Down(reason.clone()));
        self.told = Some(news);
        action.into_iter().collect()
    }
}

/// What a controller may refuse without harm: to say what it can do, bits of the LE mask that an old one does not know,
/// and to switch off a scan that is off already.
fn is_harmless(command: Command) -> bool {
    matches!(
        command,
        Command::ReadLocalSupportedCommands
            | Command::LeReadLocalSupportedFeatures
            | Command::LeSetEventMask
            | Command::SetScanEnable { enable: false, .. }
    )
}
