//! The filters of claims that gateways keep: for each round of a campaign a base, and deltas since.
//!
//! Every [`Config::filters_every`](crate::config::Config) the tokens of the services that stand are read. Those that no
//! piece of the round holds yet make a new delta; where the deltas have become many or large, all tokens make a new
//! base. Then the list of pieces is signed with the time at which the tokens were read: a gateway calls that the filter's
//! age, also where nothing new came.
//!
//! A filter holds the services of all gateways, those of the one that asks too: its own ledger answers before the filter
//! is asked. A service that was taken back stays in until the next base; it costs a question, no refusal.
//!
//! Once a campaign is over its filters are cleared away from the broker: gateways drop theirs with the campaign's key, and
//! one that comes back late must not be sent them again.
//!
//! The version of a list is (epoch, time in milliseconds, and more than the one before, which is kept in the file
//! [`NUMBER_FILE`]): the store cannot say one, as it does not change when the filter's age does.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        WallTime,
        id::{CampaignId, RoundId},
    },
    filter::{self, FilterError},
    rule::{
        campaign_end,
        elsewhere::{FilterList, PieceEntry, filter_id},
        order::{CampaignTerms, Order, OrderDocument},
        order_check::PIECES_MAX,
    },
    wire::{
        enrolment::Lowest,
        keys::SignKey,
        order,
        part::{self, PART_BYTES_MAX},
        topic,
    },
};

use crate::{
    causes::Causes,
    ingest::orders::OrderBook,
    store::{meta::number, open::StoreError, sql, view::View},
};

/// The file within the hub's folder that holds the number of the latest lists.
const NUMBER_FILE: &str = "filters.number";

/// The kind of the orders that list pieces.
const FILTER: &str = "filter";

/// The kind that parts of pieces name.
const PIECE: &str = "piece";

/// Most deltas beside a base.
const DELTAS_MAX: usize = PIECES_MAX - 1;

/// Bits of a filter for each token, at most, where there are many.
const BITS_MAX: usize = 20;

/// Most tokens of one delta: a delta fits into one message.
const DELTA_TOKENS_MAX: usize = 25_000;

/// Deltas may together have so many tokens, and half of the base's, before a new base is made.
const DELTAS_TOKENS: usize = 2_000;

/// Why a filter cannot be made.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Sign(#[from] waypost_core::wire::sign::SignError),
}

/// What was published, so that only what changed is made again.
pub(crate) struct Filters {
    view: View,
    every: Duration,
    made_at: Option<Instant>,
    number_file: PathBuf,
    /// Number of the latest lists; none: not read yet.
    number: Option<u64>,
    rounds: BTreeMap<String, Made>,
}

/// The pieces of one round.
#[derive(Default)]
struct Made {
    /// The base, then the deltas.
    pieces: Vec<Piece>,
    /// The hub's commits that they cover.
    commits: u64,
    /// A hub before this one may have left deltas at the broker.
    cleared: bool,
}

struct Piece {
    bytes: Vec<u8>,
    entry: PieceEntry,
    tokens: usize,
}

impl Filters {
    /// Over a view of its own: others do not wait while tokens are read.
    pub(crate) fn new(view: View, dir: &Path, every: Duration) -> Self {
        let number_file = dir.join(NUMBER_FILE);
        Self { view, every, made_at: None, number_file, number: None, rounds: BTreeMap::new() }
    }

    /// Makes the filters of these campaigns anew where it is time, and lays them into the book. Blocks.
    pub(crate) fn renew(&mut self, book: &OrderBook, now: WallTime, key: &SignKey) {
        let campaigns = book.campaigns();
        if campaigns.is_empty() || self.made_at.is_some_and(|at| at.elapsed() < self.every) {
            return;
        }
        self.made_at = Some(Instant::now());
        let number = match self.next_number(now) {
            Ok(number) => number,
            Err(error) => {
                let file = self.number_file.display();
                tracing::error!(%error, %file, "the filters' number cannot be kept; none are made");
                return;
            }
        };
        for terms in campaigns.iter().filter(|terms| terms.elsewhere.is_some()) {
            for round in &terms.rounds {
                let made = if campaign_end::is_over(terms, now) {
                    self.clear_away(book, terms, &round.id)
                } else {
                    self.one_round(book, terms, &round.id, (now, number, key))
                };
                if let Err(error) = made {
                    let (campaign, round) = (&terms.id, &round.id);
                    tracing::error!(error = %Causes(&error), %campaign, %round, "a filter cannot be made");
                }
            }
        }
    }

    /// Kept before it is used: after a start no older list is made, also where the clock went back.
    fn next_number(&mut self, now: WallTime) -> io::Result<u64> {
        let last = match self.number {
            Some(last) => last,
            None => match fs::read_to_string(&self.number_file) {
                Ok(text) => text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            },
        };
        let number = u64::try_from(now.as_millis()).unwrap_or(0).max(last + 1);
        let new = self.number_file.with_extension("new");
        fs::write(&new, format!("{number}\n"))?;
        fs::rename(&new, &self.number_file)?;
        self.number = Some(number);
        Ok(number)
    }

    fn clear_away(
        &mut self,
        book: &OrderBook,
        terms: &CampaignTerms,
        round: &RoundId,
    ) -> Result<(), MakeError> {
        let id = filter_id(&terms.id, round);
        let parts = match self.rounds.get(&id) {
            Some(made) if made.is_gone() => return Ok(()),
            Some(made) if made.cleared => 0,
            // How many parts a hub before this one published is told by how many people were served.
            _ => base_parts(self.view.with(|db| Ok(standing(db, &terms.id, round)?.len()))?),
        };
        tracing::info!(filter = id, "the campaign is over: its filter is cleared away");
        book.clear(topic::order_to_all(FILTER, &id), 0);
        book.clear(topic::filter_piece(&id, 0), parts);
        clear_deltas(book, &id, 1..PIECES_MAX);
        self.rounds.insert(id, Made { cleared: true, ..Made::default() });
        Ok(())
    }

    fn one_round(
        &mut self,
        book: &OrderBook,
        terms: &CampaignTerms,
        round: &RoundId,
        (now, order_number, key): (WallTime, u64, &SignKey),
    ) -> Result<(), MakeError> {
        let id = filter_id(&terms.id, round);
        let before = self.rounds.get(&id).map(|made| made.commits);
        let (epoch, commits, tokens) = self.view.with(|db| {
            let moment = db.unchecked_transaction()?;
            let commits = number(&moment, "commits")?;
            let tokens =
                if before == Some(commits) { None } else { Some(standing(&moment, &terms.id, round)?) };
            Ok((number(&moment, "epoch")?, commits, tokens))
        })?;
        let made = self.rounds.entry(id.clone()).or_default();
        let had = if made.cleared { made.pieces.len() } else { PIECES_MAX };
        let first_new = match tokens {
            Some(tokens) => made.cover(tokens)?,
            None => made.pieces.len(),
        };
        made.commits = commits;
        made.cleared = true;
        let version = Lowest { kind: PIECE.to_owned(), id: id.clone(), epoch, number: order_number };
        let pieces = made.pieces.iter().zip(0..);
        for (piece, slot) in pieces.skip(first_new) {
            book.put_piece(topic::filter_piece(&id, slot), &piece.bytes, version.clone());
        }
        // What a base took up is cleared away.
        clear_deltas(book, &id, made.pieces.len()..had);
        let list = FilterList {
            campaign: terms.id.clone(),
            round: round.clone(),
            as_of: now,
            pieces: made.pieces.iter().map(|piece| piece.entry.clone()).collect(),
        };
        let document = OrderDocument {
            id,
            epoch,
            number: order_number,
            not_before: None,
            expires: None,
            to: Vec::new(),
            order: Order::Filter { list },
        };
        book.put(&document, &order::sign(&document, key)?);
        Ok(())
    }
}

impl Made {
    /// Nothing of the round is left at the broker: one that is published has a base at least.
    fn is_gone(&self) -> bool {
        self.cleared && self.pieces.is_empty()
    }

    /// Takes up the tokens that no piece holds yet. The first piece that is new.
    fn cover(&mut self, tokens: Vec<ClaimToken>) -> Result<usize, FilterError> {
        let mut new = Vec::new();
        for token in &tokens {
            let mut held = false;
            for piece in &self.pieces {
                held = held || filter::contains(&piece.bytes, *token)?;
            }
            if !held {
                new.push(*token);
            }
        }
        let base = self.pieces.first().map_or(0, |base| base.tokens);
        let in_deltas: usize = self.pieces.iter().skip(1).map(|delta| delta.tokens).sum();
        let anew = self.pieces.is_empty()
            || !new.is_empty()
                && (self.pieces.len() > DELTAS_MAX
                    || new.len() > DELTA_TOKENS_MAX
                    || in_deltas + new.len() > base / 2 + DELTAS_TOKENS);
        if anew {
            self.pieces = vec![Piece::of(tokens)?];
            return Ok(0);
        }
        let first_new = self.pieces.len();
        if !new.is_empty() {
            self.pieces.push(Piece::of(new)?);
        }
        Ok(first_new)
    }
}

impl Piece {
    fn of(tokens: Vec<ClaimToken>) -> Result<Self, FilterError> {
        let count = tokens.len();
        let bytes = filter::build(tokens)?;
        let entry = PieceEntry { digest: part::digest(&bytes), bytes: bytes.len() as u64 };
        Ok(Self { bytes, entry, tokens: count })
    }
}

/// Each delta goes in one message.
fn clear_deltas(book: &OrderBook, id: &str, slots: std::ops::Range<usize>) {
    for slot in slots {
        book.clear(topic::filter_piece(id, u32::try_from(slot).unwrap_or(u32::MAX)), 1);
    }
}

/// Messages of a base of so many tokens, at least, with a broker that takes messages of the ordinary length.
fn base_parts(tokens: usize) -> u32 {
    u32::try_from((tokens * BITS_MAX).div_ceil(8 * PART_BYTES_MAX)).unwrap_or(u32::MAX) + 1
}

/// Tokens of the services that stand.
fn standing(
    db: &rusqlite::Connection,
    campaign: &CampaignId,
    round: &RoundId,
) -> Result<Vec<ClaimToken>, StoreError> {
    let mut query = db.prepare_cached(sql::CLAIM_TOKENS)?;
    let names = (campaign.as_str(), round.as_str());
    let tokens = query.query_map(names, |row| Ok(ClaimToken(row.get(0)?)))?;
    Ok(tokens.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(count: u64) -> Vec<ClaimToken> {
        let token = |n: u64| {
            let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(spread).for_each(|(byte, spread)| *byte = spread);
            ClaimToken(bytes)
        };
        (0..count).map(token).collect()
    }

    #[test]
    fn what_is_new_makes_a_small_delta_and_what_is_much_a_new_base() {
        let mut made = Made::default();
        assert_eq!(made.cover(Vec::new()), Ok(0), "an empty base: nobody was served yet");
        assert_eq!(made.cover(Vec::new()), Ok(1), "nothing new, nothing made");
        assert_eq!(made.pieces.len(), 1);
        assert_eq!(made.cover(tokens(1_000)), Ok(1));
        assert_eq!(made.cover(tokens(1_900)), Ok(2));
        assert_eq!(made.pieces.len(), 3);
        assert_eq!(made.cover(tokens(10_000)), Ok(0), "more than the deltas may have");
        assert_eq!(made.pieces.len(), 1);
        let mut largest = 0;
        for count in (10_000..14_000).step_by(100) {
            made.cover(tokens(count)).unwrap();
            largest = largest.max(made.pieces.len());
            assert!(made.pieces.len() <= PIECES_MAX);
            let all = tokens(count);
            let holds =
                |token| made.pieces.iter().any(|piece| filter::contains(&piece.bytes, token).unwrap());
            assert!(all.into_iter().step_by(97).all(holds));
        }
        assert_eq!(largest, PIECES_MAX);
    }
}
