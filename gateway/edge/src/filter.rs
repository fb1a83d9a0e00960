//! The filters of claims at other offices, kept on the card and asked there.
//!
//! A filter is made of pieces (see [`waypost_core::filter`]), each a file in `<data>/filters/` named by its SHA-256. The
//! hub sends a piece in parts; they are put together in a file beside it and take its name once all are there and the
//! sum is right. A filter is asked only while the order that lists its pieces is in force and all of them are here, each
//! read through once since the start.
//!
//! To ask for a person three fingerprints of two bytes are read from each piece, at places that the token says. Nothing
//! of a piece stays in memory but what the kernel keeps of its file.
//!
//! With a campaign its filters end: their pieces are taken away, and what still comes of them is not kept.
//!
//! What is bounded: pieces that are being put together ([`JOINING_MAX`], [`JOINING_BYTES_MAX`]; the one begun first is
//! given up), lists that wait for pieces (`WAITING_MAX`), and with them the files: what no list names goes.

mod joining;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};
use waypost_core::{
    code::claim::ClaimToken,
    fact::{WallTime, id::CampaignId},
    filter::{FilterError, HEADER_BYTES, Shape},
    rule::{
        Ledger, LedgerError, RowKind,
        elsewhere::{FilterList, FilterRow, FilterSays, filter_id},
        ledger::load,
        order::CampaignTerms,
        row::{CampaignRow, OrderRow},
    },
    wire::part::{Part, PartHeader},
};

pub use self::joining::{JOINING_BYTES_MAX, JOINING_MAX};

use self::joining::Joinings;

/// The folder in the data directory.
pub const FILTERS_DIR: &str = "filters";

/// Filters that are in force at once: rounds of campaigns.
const FILTERS_MAX: usize = 64;

/// Campaigns that are looked through for those that ended.
const CAMPAIGNS_MAX: usize = 1_000;

/// Lists that wait for their pieces.
const WAITING_MAX: usize = 64;

/// Bytes that are read at once to check a piece.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a piece was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// The card.
    #[error("a piece of a filter cannot be written or read")]
    Io(#[from] io::Error),
    /// It cannot be a piece.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// All parts were there, and their sum is not the one that they name.
    #[error("the parts do not add up to the piece that they name")]
    Digest,
}

/// The filters of a gateway. Clones share them. Every call may read the card: not for the async threads.
#[derive(Clone)]
pub struct Filters {
    dir: PathBuf,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By id: `campaign.round`.
    in_force: BTreeMap<String, InForce>,
    /// Lists that are signed and newer, and lack pieces; with the message that they came in.
    waiting: BTreeMap<String, (FilterList, Vec<u8>)>,
    /// Pieces that are here and whole, by sum, with what they were sent for.
    here: BTreeMap<String, Here>,
    joining: Joinings,
    /// Filters of campaigns that ended, by id.
    over: BTreeSet<String>,
}

/// Which filter a piece was sent for, and from which version on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Here {
    id: String,
    version: (u64, u64),
}

struct InForce {
    list: FilterList,
    version: (u64, u64),
}

impl std::fmt::Debug for Filters {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Filters({})", self.dir.display())
    }
}

impl Filters {
    /// None yet: [`load`](Self::load) brings those in force.
    pub fn new(data: &Path) -> Self {
        Self { dir: data.join(FILTERS_DIR), inner: Arc::default() }
    }

    /// Takes up the filters that the ledger names, as far as their pieces are here whole, and clears away the rest.
    ///
    /// # Errors
    /// The ledger cannot be read. What is wrong with a file is told in the log; its filter is not asked then.
    pub fn load(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let mut over = BTreeSet::new();
        for id in ledger.ids(RowKind::Campaign, CAMPAIGNS_MAX)? {
            let row: Option<CampaignRow> = load(ledger, &id)?;
            over.extend(row.filter(|row| row.ended).iter().flat_map(|row| filter_ids(&row.terms)));
        }
        let mut found = Vec::new();
        for id in ledger.ids(RowKind::Filter, FILTERS_MAX)? {
            let Some(FilterRow { list, .. }) = load(ledger, &id)? else { continue };
            let version: OrderRow =
                load(ledger, &format!("filter/{id}"))?.unwrap_or(OrderRow { epoch: 0, number: 0 });
            found.push((id, list, (version.epoch, version.number)));
        }
        let mut inner = self.lock();
        inner.over = over;
        for (id, list, version) in found {
            for piece in &list.pieces {
                match self.check(&piece.digest) {
                    Ok(()) => {
                        inner.here.insert(piece.digest.clone(), Here { id: id.clone(), version });
                    }
                    Err(error) => tracing::warn!(id, %error, "a piece of a filter is not here"),
                }
            }
            inner.in_force.insert(id, InForce { list, version });
        }
        self.tidy(&mut inner);
        Ok(())
    }

    /// What the filters of a campaign say of a person. A filter of which something cannot be read says nothing.
    pub fn ask(&self, campaign: &CampaignId, claim: ClaimToken) -> Vec<FilterSays> {
        let inner = self.lock();
        let of_campaign = inner.in_force.values().filter(|one| one.list.campaign == *campaign);
        let said = of_campaign.filter_map(|one| {
            let FilterList { round, as_of, pieces, .. } = &one.list;
            let mut hit = false;
            for piece in pieces {
                if !inner.here.contains_key(&piece.digest) {
                    return None;
                }
                match self.probe(&piece.digest, claim) {
                    Ok(found) => hit |= found,
                    Err(error) => {
                        tracing::error!(%error, round = %round, "a filter cannot be asked");
                        return None;
                    }
                }
            }
            Some(FilterSays { round: round.clone(), as_of: *as_of, hit })
        });
        said.collect()
    }

    /// When the filter of a round was made that is asked; none where there is none.
    pub fn as_of(&self, id: &str) -> Option<WallTime> {
        let inner = self.lock();
        let InForce { list, .. } = inner.in_force.get(id)?;
        list.pieces.iter().all(|piece| inner.here.contains_key(&piece.digest)).then_some(list.as_of)
    }

    /// Takes a part of a piece whose signature holds. The messages of lists that have all their pieces now: they can be
    /// taken.
    ///
    /// # Errors
    /// The card, or a piece that cannot be.
    ///
    /// Parts and lists are given one after the other, by one task.
    pub fn take(&self, part: &Part) -> Result<Vec<Vec<u8>>, PieceError> {
        let PartHeader { id, digest, .. } = &part.header;
        let version = part.header.version();
        let mut inner = self.lock();
        let replaced = inner.in_force.get(id).is_some_and(|one| {
            one.version > version && !one.list.pieces.iter().any(|piece| piece.digest == *digest)
        });
        if inner.here.contains_key(digest) || replaced || inner.over.contains(id) {
            return Ok(Vec::new());
        }
        if !inner.joining.take(&self.dir, part)? {
            return Ok(Vec::new());
        }
        let joined = inner.joining.finish(digest);
        // Nobody at a counter waits for a slow card meanwhile.
        drop(inner);
        // Checked under its first name, so that no file of that sum is ever anything else.
        let checked = sum_and_shape(&joined, digest);
        if let Err(error) = checked {
            let _gone_already = fs::remove_file(&joined);
            return Err(error);
        }
        File::open(&joined)?.sync_data()?;
        fs::rename(&joined, self.dir.join(digest))?;
        let mut inner = self.lock();
        inner.here.insert(digest.clone(), Here { id: id.clone(), version });
        let Inner { waiting, here, .. } = &*inner;
        let is_whole = |list: &FilterList| list.pieces.iter().all(|piece| here.contains_key(&piece.digest));
        let ready = waiting.values().filter(|(list, _)| is_whole(list));
        Ok(ready.map(|(_, message)| message.clone()).collect())
    }

    /// Can this list come into force? Where pieces are missing it waits for them, in place of an older one. One that is
    /// older than the one in force waits for nothing, nor does one of a campaign that ended: the rule refuses it.
    pub fn is_whole(&self, list: &FilterList, version: (u64, u64), message: &[u8]) -> bool {
        let mut inner = self.lock();
        let id = list.id();
        let is_older = inner.in_force.get(&id).is_some_and(|one| one.version > version);
        if is_older
            || inner.over.contains(&id)
            || list.pieces.iter().all(|piece| inner.here.contains_key(&piece.digest))
        {
            return true;
        }
        if inner.waiting.get(&id).is_none_or(|(waits, _)| waits.as_of <= list.as_of)
            && (inner.waiting.contains_key(&id) || inner.waiting.len() < WAITING_MAX)
        {
            inner.waiting.insert(id, (list.clone(), message.to_vec()));
        }
        false
    }

    /// A list came into force.
    pub fn bring_into_force(&self, list: FilterList, version: (u64, u64)) {
        let mut inner = self.lock();
        let id = list.id();
        if inner.over.contains(&id) || inner.in_force.get(&id).is_some_and(|one| one.version > version) {
            return;
        }
        if inner.waiting.get(&id).is_some_and(|(waits, _)| waits.as_of <= list.as_of) {
            inner.waiting.remove(&id);
        }
        inner.in_force.insert(id, InForce { list, version });
        self.tidy(&mut inner);
    }

    /// A campaign ended: its filters are asked no more, and their files go.
    pub fn end(&self, terms: &CampaignTerms) {
        let mut inner = self.lock();
        for id in filter_ids(terms) {
            inner.in_force.remove(&id);
            inner.waiting.remove(&id);
            inner.here.retain(|_, piece| piece.id != id);
            inner.joining.give_up_all_of(&id);
            inner.over.insert(id);
        }
        self.tidy(&mut inner);
    }

    /// Deletes what no list names: pieces of versions that were replaced, files that nobody knows.
    fn tidy(&self, inner: &mut Inner) {
        let Inner { in_force, waiting, here, joining, .. } = inner;
        let lists = in_force.values().map(|one| &one.list).chain(waiting.values().map(|(list, _)| list));
        let named: BTreeSet<String> =
            lists.flat_map(|list| list.pieces.iter().map(|piece| piece.digest.clone())).collect();
        // A newer list may be on its way behind its pieces.
        here.retain(|digest, piece| {
            named.contains(digest) || in_force.get(&piece.id).is_none_or(|one| piece.version > one.version)
        });
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for entry in entries.filter_map(Result::ok) {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !here.contains_key(&name) && !joining.is_file(&name) {
                // What cannot be deleted now is tried again with the next list.
                let _later = fs::remove_file(entry.path());
            }
        }
    }

    fn check(&self, digest: &str) -> Result<(), PieceError> {
        sum_and_shape(&self.dir.join(digest), digest)
    }

    fn probe(&self, digest: &str, claim: ClaimToken) -> Result<bool, PieceError> {
        let file = File::open(self.dir.join(digest))?;
        let shape = shape(&file)?;
        if shape.tokens() == 0 {
            return Ok(false);
        }
        let probe = shape.probe(claim);
        let mut read = [[0; 2]; 3];
        for (two, at) in read.iter_mut().zip(probe.at) {
            file.read_exact_at(two, at)?;
        }
        Ok(probe.hits(read))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The filters of a campaign, one a round.
fn filter_ids(terms: &CampaignTerms) -> impl Iterator<Item = String> {
    terms.rounds.iter().map(|round| filter_id(&terms.id, &round.id))
}

fn shape(file: &File) -> Result<Shape, PieceError> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    Ok(Shape::read(&header, file.metadata()?.len())?)
}

/// Reads a piece through: it has the sum that names it, and every place that it can be asked at.
fn sum_and_shape(path: &Path, digest: &str) -> Result<(), PieceError> {
    let mut file = File::open(path)?;
    let mut sum = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        sum.update(chunk.get(..read).unwrap_or_default());
    }
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if sum != digest {
        return Err(PieceError::Digest);
    }
    shape(&file).map(|_| ())
}

#[cfg(test)]
mod tests;
