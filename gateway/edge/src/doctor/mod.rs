//! `waypost doctor`: is this gateway well, and what is to be done where it is not?
//!
//! One check a file, behind [`Check`]. Checks only read, and work beside a running gateway: none takes the journal's
//! lock, opens a device or makes a file. Each runs on a thread of its own with a time limit, so that a disk that hangs
//! is a finding and not a doctor that hangs.

mod acknowledgement;
mod broker;
mod campaign_keys;
mod certificate;
mod chain;
mod clock;
mod disk_room;
mod filters;
mod journal;
mod power;
mod temperature;
mod wear;

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use waypost_core::fact::WallTime;

use crate::{config::Config, device::root::Root, journal::Reader};

/// How long a check may take; the whole chain of a long journal may take longer.
const CHECK_MAX: Duration = Duration::from_secs(15);
/// How long the whole chain may take: ten million records on a slow card.
const FULL_MAX: Duration = Duration::from_secs(3600);

/// Who is examined.
#[derive(Debug)]
pub struct Patient {
    /// The gateway's configuration; none: only the machine is looked at.
    pub config: Option<Config>,
    /// Where `/sys`, `/proc` and `/run` are.
    pub root: Root,
    /// What the machine's clock says.
    pub now: WallTime,
    /// Look at the whole journal, not at its end only.
    pub full: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// There is nothing here to look at, or it cannot be seen from here.
    Skipped,
    /// As it should be.
    Ok,
    /// Work goes on; somebody should see to it.
    Warning,
    /// Something does not work, or soon will not.
    Failure,
}

/// What was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it came to.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(found: impl Into<String>) -> Self {
        Self { outcome: Outcome::Ok, found: found.into(), remedy: None }
    }

    /// Nothing to look at, and why.
    pub fn skipped(found: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, found: found.into(), remedy: None }
    }

    /// To be seen to.
    pub fn warning(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Does not work.
    pub fn failure(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failure, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn no_configuration() -> Self {
        Self::skipped("no configuration was given")
    }
}

/// One thing to look at.
pub trait Check: Send + Sync {
    /// A short name, for machines and for the table.
    fn id(&self) -> &'static str;
    /// What it looks at, in a few words.
    fn description(&self) -> &'static str;
    /// Looks. May block.
    fn run(&self, patient: &Patient) -> Finding;
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// The check's name.
    pub id: &'static str,
    /// What it looks at.
    pub description: &'static str,
    /// What it found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The checks of this crate, in the order in which they are shown.
pub fn checks() -> Vec<Arc<dyn Check>> {
    vec![
        Arc::new(clock::Clock),
        Arc::new(disk_room::DiskRoom),
        Arc::new(wear::Wear),
        Arc::new(journal::Journal),
        Arc::new(chain::Chain),
        Arc::new(certificate::Certificate),
        Arc::new(broker::Broker),
        Arc::new(acknowledgement::Acknowledgement),
        Arc::new(campaign_keys::CampaignKeys),
        Arc::new(filters::Filters),
        Arc::new(temperature::Temperature),
        Arc::new(power::Undervoltage),
    ]
}

/// Runs all checks at once, and gives what they found in their order.
pub fn examine(checks: &[Arc<dyn Check>], patient: &Arc<Patient>) -> Vec<Examined> {
    let begun: Vec<_> = checks.iter().map(|check| begin(Arc::clone(check), Arc::clone(patient))).collect();
    let patience = if patient.full { FULL_MAX } else { CHECK_MAX };
    let took = Instant::now();
    checks
        .iter()
        .zip(begun)
        .map(|(check, begun)| {
            let left = patience.saturating_sub(took.elapsed());
            let finding = begun.and_then(|answer| answer.recv_timeout(left).ok()).unwrap_or_else(|| {
                Finding::failure(
                    format!("the check did not come to its end within {} s", patience.as_secs()),
                    "a disk or device that hangs: look at `dmesg`, then restart the machine",
                )
            });
            Examined { id: check.id(), description: check.description(), finding }
        })
        .collect()
}

/// Begins a check on a thread of its own, which is left behind where it does not come back.
fn begin(check: Arc<dyn Check>, patient: Arc<Patient>) -> Option<mpsc::Receiver<Finding>> {
    let (tell, answer) = mpsc::sync_channel(1);
    let run = move || {
        // Nobody waits any more: then it is told to nobody.
        let _ = tell.send(check.run(&patient));
    };
    thread::Builder::new().name("doctor".to_owned()).spawn(run).ok()?;
    Some(answer)
}

/// The worst of all.
pub fn worst(examined: &[Examined]) -> Outcome {
    examined.iter().map(|one| one.finding.outcome).max().unwrap_or(Outcome::Skipped)
}

/// The journal of a patient, opened to read; else what to say.
fn reader(patient: &Patient) -> Result<Reader, Finding> {
    use crate::journal::JournalError;

    let Some(config) = &patient.config else { return Err(Finding::no_configuration()) };
    Reader::open(&config.data).map_err(|error| match error {
        JournalError::Missing { .. } => {
            Finding::skipped("there is no journal yet: the gateway has never run")
        }
        other => Finding::skipped(format!("the journal cannot be read: {}", causes(&other))),
    })
}

/// An error with its causes, in one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    crate::journal::in_one_line(error)
}

/// Milliseconds as a person would say them.
fn span(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    match (minutes / (48 * 60), minutes / 120) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / (24 * 60)),
    }
}
