//! A person's entry of a staff order, from badge and PIN. Neither is an argument: those stand in lists of processes and
//! in a shell's history.

use std::{
    error::Error,
    io::{self, BufRead, IsTerminal, Write},
    process::{Command, Stdio},
};

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use waypost_core::{
    code::{
        Badge, LabelKind, LabelKinds, Zeroizing,
        claim::ClaimParams,
        pin::{Hex, Pin, PinVerifier, SALT_LEN},
    },
    fact::{Role, id::OperatorId},
    rule::{
        order::StaffEntry,
        row::{PinRule, StaffRow},
    },
};

/// Longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 256;
/// Characters of a new badge's code after its prefix: 26 of 32 letters are 130 random bits.
const BADGE_LETTERS: usize = 26;
/// Letters and digits of new badges: none is taken for another.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Arguments of `waypost hub order person`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Pseudonym, as records will name the person
    #[arg(value_parser = operator, long, value_name = "ID")]
    operator: OperatorId,

    /// What the person may do
    #[arg(long, value_enum)]
    role: RoleName,

    /// Make a new badge: its code is printed once, to be put on the badge, and kept nowhere
    #[arg(long)]
    new_badge: bool,

    /// The badge alone lets the person in
    #[arg(long)]
    no_pin: bool,
}

const HELP: &str = "\
Reads the badge's code and the PIN (4 to 8 digits) from standard input, one a line, and prints the entry as JSON: put it \
into `people` of a staff order. The entry holds neither of them. A code that --new-badge makes goes to standard error.

Examples:
  waypost hub order person --operator s-7f3a --role staff --new-badge
  printf '%s\\n' \"$BADGE\" \"$PIN\" | waypost hub order person --operator s-0c21 --role supervisor

Exit status: 0 if it was made, 1 if not.";

/// Roles as on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    /// Counter and desk work
    Staff,
    /// Staff who may also confirm what needs two people
    Supervisor,
    /// Drives a vehicle
    Driver,
    /// Receives and opens boxes at a laboratory
    Laboratory,
    /// Installs and mends the appliance
    Maintainer,
}

/// Why no entry was made. Neither code nor PIN stands in it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("this is no badge's code: it begins with STAFF- and has 16 to 40 characters after that")]
    Badge,
    #[error("the two PINs are not the same")]
    Differ,
    #[error("standard input ended before the {0} was read")]
    Ended(&'static str),
}

/// Makes and prints the entry.
pub fn print(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut input = io::stdin().lock();
    let asked = io::stdin().is_terminal();
    let badge = if args.new_badge { new_badge()? } else { read_line(&mut input, "badge's code", asked)? };
    if LabelKinds::default().kind(&badge) != Some(LabelKind::Badge) {
        return Err(Trouble::Badge.into());
    }
    let code = Badge::new(&badge);
    let pin = if args.no_pin {
        PinRule::None
    } else {
        let keyed = read_line(&mut input, "PIN", asked)?;
        // What is not seen is keyed twice.
        if asked && *read_line(&mut input, "PIN again", asked)? != *keyed {
            return Err(Trouble::Differ.into());
        }
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        PinRule::Argon2id(PinVerifier::make(&code, &Pin::new(&keyed)?, salt, ClaimParams::default())?)
    };
    let role = match args.role {
        RoleName::Staff => Role::Staff,
        RoleName::Supervisor => Role::Supervisor,
        RoleName::Driver => Role::Driver,
        RoleName::Laboratory => Role::Laboratory,
        RoleName::Maintainer => Role::Maintainer,
    };
    let badge = Hex::<32>(Sha256::digest(code.expose().as_bytes()).into()).to_string();
    let entry = StaffEntry { badge, person: StaffRow { operator: args.operator.clone(), role, pin } };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&entry)?)?;
    if args.new_badge {
        writeln!(io::stderr().lock(), "Code of the badge, shown this once: {}", code.expose())?;
    }
    Ok(())
}

fn new_badge() -> Result<Zeroizing<String>, Box<dyn Error>> {
    let mut random = Zeroizing::new([0; BADGE_LETTERS]);
    getrandom::fill(random.as_mut_slice()).map_err(|error| error.to_string())?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    let mut code = Zeroizing::new(String::with_capacity(LINE_BYTES_MAX as usize));
    code.push_str("STAFF-");
    code.extend(random.iter().filter_map(letter));
    Ok(code)
}

/// A line of standard input, without its end. A terminal is asked for it and shows nothing of it.
fn read_line(
    input: &mut impl BufRead,
    what: &'static str,
    asked: bool,
) -> Result<Zeroizing<String>, Box<dyn Error>> {
    if asked {
        write!(io::stderr().lock(), "{what}: ")?;
        echo(false);
    }
    let mut line = Zeroizing::new(String::with_capacity(LINE_BYTES_MAX as usize));
    let read = io::Read::take(&mut *input, LINE_BYTES_MAX).read_line(&mut line);
    if asked {
        echo(true);
        writeln!(io::stderr().lock())?;
    }
    if read? == 0 {
        return Err(Trouble::Ended(what).into());
    }
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// Lets the terminal show what is keyed, or not. Where it cannot be told so, it shows it.
fn echo(on: bool) {
    let word = if on { "echo" } else { "-echo" };
    let _ = Command::new("stty").arg(word).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
}

/// A pseudonym of the right length.
fn operator(text: &str) -> Result<OperatorId, String> {
    OperatorId::new(text).map_err(|error| error.to_string())
}
