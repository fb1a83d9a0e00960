//! `waypost cert`: the gateway's certificate.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use waypost_edge::{
    clock::Clock,
    enrol::{Certificate, Enrolment, Granted, renew},
    identity::Identity,
    journal::is_in_use,
};

/// Arguments of `waypost cert`.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say which certificates there are, until when they hold, and when they are renewed
    #[command(after_help = SHOW_HELP)]
    Show(Where),
    /// Renew the certificate now
    #[command(after_help = RENEW_HELP)]
    Renew(Renew),
}

#[derive(clap::Args)]
struct Renew {
    #[command(flatten)]
    place: Where,

    /// Do nothing, and say so, where it is not time to renew or the gateway runs and does it by itself: for a timer
    #[arg(long)]
    if_due: bool,
}

#[derive(clap::Args)]
struct Where {
    /// The gateway's data directory
    dir: PathBuf,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

const SHOW_HELP: &str = "\
Example:
  waypost cert show /var/lib/waypost --json

Exit status: 0 if a certificate holds by this machine's clock, 1 if none does or the gateway is not enrolled.";

const RENEW_HELP: &str = "\
A gateway that runs renews by itself; this is for one that does not run. Stop it first. The renewed certificate goes \
into the slot that is not in use, and the gateway switches over once a connection with it came about. A certificate \
that has ended is renewed too, on proof of its key, unless the hub revoked it.

Exit status: 0 if it was renewed, or with --if-due had not to be; 1 if not.";

/// The gateway was never enrolled.
#[derive(Debug, thiserror::Error)]
#[error("{0} was not enrolled: `waypost enrol` does it")]
struct NotEnrolled(PathBuf);

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let outcome = match &args.command {
        Command::Show(place) => show(place),
        Command::Renew(Renew { place, if_due: false }) => renew_now(place),
        Command::Renew(Renew { place, if_due: true }) => renew_if_due(place),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            super::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn enrolment(place: &Where) -> Result<Enrolment, Box<dyn Error>> {
    Ok(Enrolment::read(&place.dir)?.ok_or_else(|| NotEnrolled(place.dir.clone()))?)
}

fn show(place: &Where) -> Result<bool, Box<dyn Error>> {
    let enrolment = enrolment(place)?;
    let now = Clock::system().now().at;
    let (ended, due) = (enrolment.has_ended(now), enrolment.is_due(now));
    let Granted { gateway, hub, root, broker, current, next, .. } = enrolment.granted();
    let mut out = io::stdout().lock();
    if place.json {
        let said = serde_json::json!({
            "gateway": gateway, "hub": hub, "root": root, "broker": format!("{}:{}", broker.host, broker.port),
            "current": current, "next": next, "ended": ended, "due": due,
        });
        writeln!(out, "{said}")?;
        return Ok(!ended);
    }
    let line = |name: &str, Certificate { slot, renew_from, ends }: &Certificate| {
        format!("  {name:<10}slot {slot:?}, renewed from {renew_from}, holds until {ends}")
    };
    writeln!(out, "{gateway}, enrolled at {hub}, broker {}:{}", broker.host, broker.port)?;
    writeln!(out, "{}", line("in use", &current))?;
    if let Some(next) = &next {
        writeln!(out, "{}", line("renewed", next))?;
    }
    if ended {
        writeln!(
            out,
            "  None holds by this machine's clock. Work at the counter goes on; it is renewed by itself once the hub is reached."
        )?;
    } else if due {
        writeln!(out, "  It is time to renew.")?;
    }
    Ok(!ended)
}

fn renew_if_due(place: &Where) -> Result<bool, Box<dyn Error>> {
    let why = if is_in_use(&place.dir) {
        "the gateway runs, and renews by itself"
    } else if !enrolment(place)?.is_due(Clock::system().now().at) {
        "it is not time to renew"
    } else {
        return renew_now(place);
    };
    let mut out = io::stdout().lock();
    if place.json {
        writeln!(out, "{}", serde_json::json!({ "nothing": why }))?;
    } else {
        writeln!(out, "Nothing was done: {why}.")?;
    }
    Ok(true)
}

fn renew_now(place: &Where) -> Result<bool, Box<dyn Error>> {
    let enrolment = enrolment(place)?;
    let identity = Identity::read(&place.dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let next = runtime.block_on(renew(&enrolment, &identity))?;
    let mut out = io::stdout().lock();
    if place.json {
        writeln!(out, "{}", serde_json::to_string(&next)?)?;
    } else {
        writeln!(out, "Renewed into slot {:?}; it holds until {}.", next.slot, next.ends)?;
    }
    Ok(true)
}
