//! The demonstration: a whole day of eight gateways in about a minute, with what a day brings.
//!
//! A warehouse, two testing centres, two vehicles, a laboratory and two post offices, each a process of its own, work
//! through real drivers on virtual devices. In the middle of it the broker goes away for a while, a gateway is killed,
//! another's clock falls back to 1970, a person is served at two offices that cannot reach each other, and a box is
//! opened on the road. At the end everything is counted.

mod bench;
mod broker;
mod count;
mod counter;
mod day;
mod dice;
mod probe;
mod process;
mod report;
mod serve;
mod sheet;
mod stage;
mod time;
mod witness;
mod world;

use std::path::{Path, PathBuf};

pub use count::Spoil;
pub use report::Report;

use self::{probe::Probe, stage::Stage, world::World};

/// What is asked of the demonstration.
pub struct Options {
    /// Repeats all but times.
    pub seed: u64,
    /// Where everything is kept.
    pub dir: PathBuf,
    /// Spoils the central store before the count, to show that the count sees it.
    pub spoil: Option<Spoil>,
    /// It stays up afterwards, for a look: every clock then runs as fast as the one on the wall.
    pub stays: bool,
    /// Positions from a receiver's recording instead of the bench's own.
    pub track: Option<PathBuf>,
}

/// Why the demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A virtual device.
    #[error("the bench failed")]
    Bench(#[from] waypost_drivers::bench::BenchError),
    /// The embedded broker.
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    /// A process.
    #[error(transparent)]
    Process(#[from] process::ProcessError),
    /// A scan without an answer.
    #[error(transparent)]
    NoAnswer(#[from] counter::NoAnswer),
    /// A panel that did not say what it must.
    #[error("{gateway}: after «{step}» the panel should say {wanted}, and says {tone}: {main}")]
    Astray {
        /// Which gateway.
        gateway: String,
        /// What was done.
        step: String,
        /// What was expected.
        wanted: &'static str,
        /// The tone of the answer.
        tone: String,
        /// Its words.
        main: String,
    },
    /// Something did not come about in time.
    #[error("{0} did not come about in time")]
    Late(&'static str),
    /// A file.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A command of this binary.
    #[error("waypost {command} failed: {why}")]
    Command {
        /// Which.
        command: String,
        /// Its words.
        why: String,
    },
    /// A gateway that the day does not have.
    #[error("the day has no gateway {0}")]
    Unknown(String),
    /// The central store or a journal cannot be read for the count.
    #[error("cannot count: {0}")]
    Count(String),
}

/// A played day whose gateways still stand.
pub struct Played {
    /// What it came to.
    pub report: Report,
    stage: Stage,
    served: serve::Serving,
}

/// Plays the day. `progress` is told how far it is, from 0 to 100, and what happens.
pub async fn play(options: &Options, progress: &dyn Fn(u64, &str)) -> Result<Played, Failure> {
    let world = World::new(options.seed);
    write_keyed(&options.dir, &world)?;
    progress(1, "switching everything on");
    let served = serve::Serving::bind().await?;
    let stage = Stage::set(&options.dir, world, served.address()).await?;
    served.open(&stage);
    let probe =
        Probe::start(&options.dir).map_err(|source| Failure::File { path: options.dir.clone(), source })?;
    let (mut stage, events) = day::play(stage, options.track.as_deref(), progress).await?;
    progress(96, "counting");
    let report = count::count(&stage, options, &events, probe.finish()).await?;
    if options.stays {
        serve::slow_down(&stage).await;
        stage.slow_hub_down().await?;
    }
    progress(100, "done");
    Ok(Played { report, stage, served })
}

impl Played {
    /// Where a person can look and work: name and address of each page, the central one first.
    pub fn pages(&self) -> Vec<(String, String)> {
        let mut pages = vec![("Control room".to_owned(), format!("http://{}/", self.stage.hub_address))];
        pages
            .extend(self.stage.addresses().map(|(site, at)| (site.name.to_owned(), format!("http://{at}/"))));
        pages
    }

    /// Stops everything.
    pub async fn end(self) {
        self.served.close();
        self.stage.strike().await;
    }
}

/// Every invented document number, for whoever searches the files for a leak.
fn write_keyed(dir: &Path, world: &World) -> Result<(), Failure> {
    let path = dir.join("keyed.jsonl");
    let mut lines: String = world.keyed().map(|number| format!("{{\"number\":\"{number}\"}}\n")).collect();
    let twice = world.twice.split('(').next().unwrap_or_default();
    lines.push_str(&format!("{{\"number\":\"{twice}\"}}\n"));
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&path, lines))
        .map_err(|source| Failure::File { path, source })
}
