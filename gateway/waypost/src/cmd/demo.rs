//! `waypost demo`: a whole day of eight gateways in about a minute.

use std::{io::IsTerminal, io::Write, path::PathBuf, process::ExitCode};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::demo::{self, Options, Spoil};

/// Arguments of `waypost demo`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Repeats the day: all but times
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Keep everything there: `gateways/<id>/`, `hub/` and `keyed.jsonl`. Must be empty or missing
    #[arg(long)]
    dir: Option<PathBuf>,

    /// End after the day instead of staying up for a look
    #[arg(long)]
    exit: bool,

    /// Print the result as one JSON object on the last line
    #[arg(long)]
    json: bool,

    /// Spoil the central store before the count: the count must then say 1
    #[arg(long, value_enum, value_name = "WAY")]
    spoil: Option<Spoil>,

    /// Take the vans' positions from a receiver's recording of NMEA sentences
    #[arg(long, value_name = "FILE")]
    track: Option<PathBuf>,
}

const HELP: &str = "\
Nothing needs to be installed: broker, hub, gateways and their devices are in this binary. It listens on free ports of \
this machine only.

Examples:
  waypost demo                      play the day, then stay up with the pages open
  waypost demo --exit --json        play the day and print the result
  waypost demo --dir /tmp/day       keep journals and store for a look

Exit status: 0 if nothing was lost and nothing doubled, 1 otherwise.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match play(args) {
        Ok(code) => code,
        Err(error) => {
            super::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (dir, kept) = place(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let options = Options {
        seed: args.seed,
        dir: dir.clone(),
        spoil: args.spoil,
        stays: !args.exit,
        track: args.track.clone(),
    };
    let whole = runtime.block_on(async {
        let bar = progress_bar();
        let played = demo::play(&options, &|percent, what| {
            bar.set_position(percent);
            bar.set_message(what.to_owned());
        })
        .await;
        bar.finish_and_clear();
        let played = played?;
        if !args.json {
            say(&format!("{}\n", played.report.in_words()))?;
        }
        if !args.exit {
            if !args.json {
                say("\nThe gateways stay up. Open a page, and work a shift with its bench drawer:\n")?;
                for (name, address) in played.pages() {
                    say(&format!("  {address:<28} {name}\n"))?;
                }
                say("\nCtrl-C ends it.\n")?;
            } else {
                say(&format!("{}\n", serde_json::to_string(&played.report)?))?;
            }
            stop_asked().await?;
        }
        let report = played.report.clone();
        played.end().await;
        if args.json && args.exit {
            say(&format!("{}\n", serde_json::to_string(&report)?))?;
        }
        Ok::<_, Box<dyn std::error::Error>>(report.is_whole())
    });
    // Devices may still sit in a system call; nobody waits for them.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match (&whole, kept) {
        (Ok(_), false) => std::fs::remove_dir_all(&dir)?,
        (Err(_), false) => eprintln!("waypost: what was played lies in {}", dir.display()),
        _ => {}
    }
    Ok(if whole? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The directory, and whether it stays.
fn place(args: &Args) -> Result<(PathBuf, bool), Box<dyn std::error::Error>> {
    match &args.dir {
        Some(dir) => {
            if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(
                    format!("{} is not empty: choose another --dir, or empty it", dir.display()).into()
                );
            }
            std::fs::create_dir_all(dir)?;
            Ok((std::path::absolute(dir)?, true))
        }
        None => {
            let dir = std::env::temp_dir().join(format!("waypost-demo-{}", std::process::id()));
            std::fs::create_dir_all(&dir)?;
            Ok((dir, false))
        }
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(100);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Waits for Ctrl-C or SIGTERM.
async fn stop_asked() -> std::io::Result<()> {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = term.recv() => Ok(()),
    }
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
