//! `waypost soak`: power cuts without end, and a count of what they took.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::soak::{self, Failure, Options, Profile, Spoil, Tally};

/// Arguments of `waypost soak`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// How often power fails, at least
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    cuts: u64,

    /// Repeats the run, as far as threads allow
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Who works, and whose power fails
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Profile::Mixed)]
    profile: Profile,

    /// With --profile flip: pages whose bits flip, chosen by the seed; 0 for all
    #[arg(long, default_value_t = 60)]
    pages: u64,

    /// With --profile month: seconds that the month takes
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u64).range(10..))]
    seconds: u64,

    /// Build in a fault: the run must then find loss
    #[arg(long, value_enum, value_name = "WAY")]
    spoil: Option<Spoil>,

    /// Print the result as one JSON object on the last line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Journals and central store are real; their disks are in memory and lose at each cut any of what was not synced, tear \
some of it, and leave garbage behind. After every start all that was shown or acknowledged must be there, and at the \
end every record must be in the store once.

Examples:
  waypost soak                                        a thousand cuts
  waypost soak --cuts 15000 --json                    many, with the result for machines
  waypost soak --profile hub --seed 7                 only the hub's power fails
  waypost soak --cuts 100 --spoil=synchronous-off     journals that do not sync: must find loss
  waypost soak --cuts 100 --spoil=ack-before-commit   a hub that acknowledges too early: must find loss

  waypost soak --profile full                         a disk that is full at its nth write, for every n
  waypost soak --profile slow                         a disk that takes 200 ms for a sync
  waypost soak --profile flip --pages 0               a flipped bit in every page, and cut files
  waypost soak --profile month --seconds 60           51 days of a site in a minute

Exit status: 0 if nothing was lost, doubled or invented, 1 otherwise.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match play(args) {
        Ok(tally) if tally.is_whole() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            super::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args) -> Result<Tally, Failure> {
    let options = Options {
        cuts: args.cuts,
        seed: args.seed,
        profile: args.profile,
        spoil: args.spoil,
        pages: args.pages,
        seconds: args.seconds,
    };
    let root = std::env::temp_dir().join(format!("waypost-soak-{}", std::process::id()));
    std::fs::create_dir_all(&root)?;
    let bar = progress_bar(args.cuts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(soak::play(&options, &root, &|cuts| bar.set_position(cuts)));
    bar.finish_and_clear();
    std::fs::remove_dir_all(&root)?;
    let mut tally = played?;
    let words = tally.in_words();
    let mut out = std::io::stdout().lock();
    if args.json {
        // What was wrong is worth knowing beside the numbers.
        std::io::stderr().write_all(words.as_bytes())?;
        writeln!(out, "{}", serde_json::to_string(&tally)?)?;
    } else {
        out.write_all(words.as_bytes())?;
    }
    out.flush()?;
    Ok(tally)
}

fn progress_bar(cuts: u64) -> ProgressBar {
    let bar = ProgressBar::new(cuts);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cuts  {elapsed}  {eta} left") {
        bar.set_style(style);
    }
    bar
}
