//! Brings back what is readable of a damaged journal.
//!
//! What it promises:
//!
//! - The damaged files are never changed: they are set aside in `quarantine/<number>/` before anything else.
//! - A record is brought back only if its link in the chain proves it. What was seen and is not proven is reported.
//! - The damaged journal is not continued: a new one follows, whose first record names it. What was brought back of the
//!   old one lies in `old/<journal>/` and is sent under the old id; its holes are declared as lost.
//! - A power cut at any point loses nothing: the same call goes on, from the files that were set aside.
//!
//! `pages` sees records in raw pages, `proof` holds them against the chain, `read` asks SQLite for the rest, and `rebuild`
//! writes a clean file.

mod pages;
mod proof;
mod read;
mod rebuild;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use uuid::Uuid;
use waypost_core::{
    fact::{Link, id::GatewayId},
    rule,
};

pub use super::salvaged::{LostRange, Salvaged};

use self::{
    pages::Pages,
    proof::{Proof, SeenStore},
    rebuild::{Rebuild, Rebuilt},
};
use super::{
    chain,
    config::Rules,
    database::{FILE, Lock},
    error::JournalError,
    held, quarantine, renew, witness,
};

/// The directory for work, within that of the files set aside.
const WORK_DIR: &str = "work";

/// Whose journal it is, and what follows it.
#[derive(Debug, Clone)]
pub struct Salvage {
    /// The data directory.
    pub dir: PathBuf,
    /// The gateway, from its identity.
    pub gateway: GatewayId,
    /// The damaged journal, from the identity.
    pub journal: Uuid,
    /// The id of the journal that follows.
    pub new: Uuid,
}

/// Brings back what is readable and begins a new journal; `name_it` writes the new id into the identity.
///
/// Blocks on the disk, which needs room for the journal three times.
///
/// # Errors
/// A gateway runs on that directory, nothing of a journal is there, or the disk cannot be written. Nothing that was
/// there is gone then.
pub fn salvage<E>(
    order: &Salvage,
    name_it: impl FnOnce(Uuid) -> Result<(), E>,
) -> Result<Result<Salvaged, E>, JournalError> {
    let rules = Rules { author: rule::author, decide: rule::decide, apply: rule::apply };
    salvage_with(order, rules, name_it)
}

pub(super) fn salvage_with<E>(
    order: &Salvage,
    rules: Rules,
    name_it: impl FnOnce(Uuid) -> Result<(), E>,
) -> Result<Result<Salvaged, E>, JournalError> {
    if renew::is_begun(&order.dir)? {
        // It was interrupted after its report.
        return Ok(match renew::finish(&order.dir, name_it)? {
            Ok(()) => Ok(quarantine::last_report(&order.dir)?),
            Err(error) => Err(error),
        });
    }
    let aside = {
        let _lock = Lock::take(&order.dir)?;
        quarantine::set_aside(&order.dir, order.journal)?
    };
    let work = aside.join(WORK_DIR);
    let io = |source| JournalError::Io { path: work.clone(), source };
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    quarantine::make_dir(&work).map_err(io)?;
    let salvaged = bring_back(order, rules, &aside, &work)?;
    quarantine::report(&aside, &salvaged)?;
    let rebuilt = work.join("new");
    if let Err(error) = renew::renew_salvaged(
        &order.dir,
        renew::Salvaged {
            old: order.journal,
            new: order.new,
            last: salvaged.last,
            link: salvaged.link,
            rebuilt: &rebuilt,
            damaged: &aside,
        },
        name_it,
    )? {
        return Ok(Err(error));
    }
    // What is left there are copies.
    let _ = fs::remove_dir_all(&work);
    Ok(Ok(salvaged))
}

fn bring_back(order: &Salvage, rules: Rules, aside: &Path, work: &Path) -> Result<Salvaged, JournalError> {
    let (file, log) = (aside.join(FILE), aside.join(format!("{FILE}-wal")));
    let io = |source| JournalError::Io { path: file.clone(), source };
    let seen = SeenStore::make(&work.join("seen.db"))?;
    let pages = Pages::open(&file, &log).map_err(io)?;
    let mut failed = None;
    let read = pages.each(|found| {
        seen.add(&found).map_err(|error| {
            failed = Some(error);
            io::Error::other("what was found could not be kept")
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(io)?;
    let damaged = copy_opened(&file, &log, work);
    let boundary = damaged.as_ref().and_then(|damaged| chain::boundary(damaged).ok().flatten());
    let begin = boundary.map_or((0, Link::START), |boundary| (boundary.seq, boundary.link));
    let Proof { proven, unproven, lost, last } = seen.prove(begin)?;
    let held = damaged.as_ref().and_then(|damaged| held::stored(damaged).ok().flatten());
    let mut proof = Proof { proven, unproven, lost, last };
    let lost_tail =
        witness::read(&order.dir).filter(|seen| seen.journal == order.journal && seen.seq > proof.last.0);
    if let Some(seen) = lost_tail {
        let first = proof.last.0 + 1;
        // A range of which only the beginning is known is the same one.
        proof.lost.retain(|range| range.after.is_some());
        proof.lost.push(LostRange { first, last: seen.seq, before: proof.last.1, after: Some(seen.link) });
    }
    let new = work.join("new");
    quarantine::make_dir(&new).map_err(io)?;
    let rebuild = Rebuild {
        gateway: &order.gateway,
        journal: order.journal,
        rules,
        seen: &seen,
        proof: &proof,
        begin,
        damaged: damaged.as_ref(),
        lost_tail,
    };
    let Rebuilt { rows, rows_bad, unapplied } = rebuild.write(&new)?;
    Ok(Salvaged {
        journal: order.journal,
        new: order.new,
        quarantine: aside.to_owned(),
        read: seen.count()?,
        proven: proof.proven,
        last: proof.last.0,
        link: proof.last.1.unwrap_or(Link::START),
        unproven: proof.unproven,
        lost: proof.lost,
        held: held.map(|held| held.held),
        rows,
        rows_bad,
        unapplied,
    })
}

/// A copy that SQLite may work on; none where it does not take it for a database.
fn copy_opened(file: &Path, log: &Path, work: &Path) -> Option<Connection> {
    let copy = work.join("copy.db");
    fs::copy(file, &copy).ok()?;
    // Without a log there is none to copy.
    let _ = fs::copy(log, work.join("copy.db-wal"));
    let connection = Connection::open(&copy).ok()?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).ok()?;
    Some(connection)
}
