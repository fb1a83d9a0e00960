//! `waypost manual`: manual pages and completions, from the definition of the command line. For the packages alone: no
//! shipped binary has it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate_to};

/// Arguments of `waypost manual`.
#[derive(clap::Args)]
pub struct Args {
    /// Where to write man/ and completions/
    dir: PathBuf,

    /// Those of `waypost-hub`, in place of those of `waypost`
    #[cfg(feature = "hub")]
    #[arg(long)]
    hub: bool,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    #[cfg(feature = "hub")]
    let command = if args.hub { super::HubCli::command() } else { gateway() };
    #[cfg(not(feature = "hub"))]
    let command = gateway();
    match write(command, &args.dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The command line as the gateway's package has it, whatever else this build can do.
fn gateway() -> Command {
    let all = super::Cli::command();
    let shipped =
        all.get_subcommands().filter(|it| !it.is_hide_set() && !NOT_SHIPPED.contains(&it.get_name()));
    let (about, version) = (all.get_about().cloned(), env!("CARGO_PKG_VERSION"));
    let command = Command::new("waypost").version(version).subcommand_required(true);
    command.about(about.unwrap_or_default()).subcommands(shipped.cloned())
}

/// Subcommands of features that the gateway's package is built without.
const NOT_SHIPPED: [&str; 3] = ["hub", "demo", "soak"];

fn write(command: Command, dir: &Path) -> io::Result<()> {
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    let mut command = command.disable_help_subcommand(true);
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, &name, &completions)?;
    }
    command.build();
    page(&command, &name, &man)
}

/// The page of a command, and one for each below it: `waypost-journal-verify(1)`.
fn page(command: &Command, name: &str, dir: &Path) -> io::Result<()> {
    let titled = command.clone().bin_name(name.replace('-', " ")).display_name(name.to_owned());
    let mut page = Vec::new();
    clap_mangen::Man::new(titled).title(name.to_uppercase()).render(&mut page)?;
    fs::write(dir.join(format!("{name}.1")), page)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        self::page(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(())
}
