//! Power cuts without end: real journals and a real central store on disks in memory whose power fails at random
//! writes and syncs, and an oracle that remembers what was shown and acknowledged.
//!
//! It runs in epochs. In each a few gateways and a hub begin from new, work, are cut and start again; what their
//! transport carries is lost, doubled and reordered. After every start the oracle looks whether each verdict that was
//! shown is in the journal, with the same number and the same line, whether the chain holds, and whether the store has
//! what it acknowledged. At an epoch's end everything is let through, and each record must be in the store once.
//!
//! What a seed repeats: the epochs, what is asked in which order, what the transport does, the disk's step at which
//! power fails and what is left after it. What it does not: which requests that came at once share a commit, as that
//! is the scheduler's choice; so the same step of the disk can fall on another record.

mod channel;
mod flaws;
mod flips;
mod gateway;
mod hub;
mod load;
mod month;
mod oracle;
mod tally;
mod world;

use std::{path::Path, time::Instant};

use clap::ValueEnum;
use waypost_powercut::Flaw;

use self::world::World;
pub use self::{gateway::Failure, tally::Tally};

/// Cuts after which all is counted and begins from new.
const CUTS_AN_EPOCH: u64 = 25;

/// Who works, and whose power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// A post office that serves claims, and the hub
    Counter,
    /// A testing centre that packs tubes, and the hub
    Centre,
    /// Both; only the hub's power fails
    Hub,
    /// Both and the hub; anybody's power fails
    Mixed,
    /// The disk is full from its nth write on, for every n
    Full,
    /// The disk takes no writes from its nth one on, for every n
    ReadOnly,
    /// Every sync takes 200 ms
    Slow,
    /// A bit flips in a page of file or log, or the file is cut: --pages of them, 0 for all
    Flip,
    /// A month and more of a site in --seconds
    Month,
}

impl Profile {
    /// Its faults are power cuts.
    fn cuts_power(self) -> bool {
        matches!(self, Self::Counter | Self::Centre | Self::Hub | Self::Mixed)
    }
}

/// A fault that the run must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spoil {
    /// The journals do not sync
    SynchronousOff,
    /// The hub acknowledges before it commits
    AckBeforeCommit,
}

/// What is asked of the run.
pub struct Options {
    pub cuts: u64,
    pub seed: u64,
    pub profile: Profile,
    pub spoil: Option<Spoil>,
    /// Pages whose bits flip; 0: all.
    pub pages: u64,
    /// Seconds that a month takes.
    pub seconds: u64,
}

/// Runs all cuts. `root` is an empty folder for the few files that do not lie on the disks in memory; `progress` hears
/// how many cuts are done.
pub async fn play(options: &Options, root: &Path, progress: &dyn Fn(u64)) -> Result<Tally, Failure> {
    waypost_powercut::register()?;
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut epoch = 0;
    match options.profile {
        Profile::Full => flaws::at_every_write(Flaw::Full, options.seed, root, &mut tally).await?,
        Profile::ReadOnly => flaws::at_every_write(Flaw::ReadOnly, options.seed, root, &mut tally).await?,
        Profile::Slow => flaws::slow(options.seed, root, &mut tally).await?,
        Profile::Flip => flips::play(options.pages, options.seed, root, &mut tally).await?,
        Profile::Month => month::play(options.seconds, options.seed, root, &mut tally).await?,
        _ => {}
    }
    let cuts = if options.profile.cuts_power() { options.cuts } else { 0 };
    while tally.cuts < cuts {
        epoch += 1;
        let folder = root.join(epoch.to_string());
        let now = CUTS_AN_EPOCH.min(cuts - tally.cuts);
        let mut world = World::new(&folder, options.profile, options.spoil, options.seed, epoch)?;
        world.run(now, &mut tally).await?;
        drop(world);
        std::fs::remove_dir_all(&folder)?;
        progress(tally.cuts.min(cuts));
    }
    tally.seconds = (began.elapsed().as_secs_f64() * 1e3).round() / 1e3;
    Ok(tally)
}
