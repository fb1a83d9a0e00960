//! The keys of campaigns: the pair that each comes to, the badge that it may wait for, and its end; with the keys go the
//! order and the filters.
//!
//! A campaign with an end for disputes gives its key only to a pair that this gateway made for it. Its order, when it
//! comes first, has nothing for this gateway: the pair is made then, its public half goes to the hub as a record, and the
//! order comes again with the key encrypted to it.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use waypost_core::{
    fact::{ClockQuality, WallTime, id::CampaignId},
    rule::{
        Act, Ledger as _, LedgerError, RowKind, campaign_end,
        order::{CampaignTerms, Order},
        row::CampaignRow,
    },
    wire::{
        encrypt::DecryptError,
        keys::PublicKey,
        order::{self, OpenSecretsError},
        secret_key::SecretKey,
    },
};

use super::{super::refused::Reason, Orders};
use crate::{
    journal::{Reader, Request, RequestId, Verdict},
    secret::KeeperError,
};

/// Orders that wait for a badge at once, one a topic or file; the oldest goes first. The hub retains them.
const WAITING_MAX: usize = 8;

/// Campaigns that are looked through for those that are over.
const CAMPAIGNS_MAX: usize = 1_000;

/// How much later, by its own time, the hub's next word is that ends are looked for again, in milliseconds; as long it is
/// between two looks without the hub.
const LOOK_EVERY_MS: u32 = 60_000;

/// What is remembered of campaigns.
#[derive(Default)]
pub(super) struct Campaigns {
    /// Orders that came and wait for a badge: bytes, and from where.
    waiting: Mutex<Vec<(Vec<u8>, String)>>,
    /// The hub's time when ends were last looked for.
    looked: Mutex<Option<WallTime>>,
    /// Milliseconds since the start when ends were last looked for without the hub.
    looked_alone: Mutex<Option<u64>>,
}

impl Campaigns {
    fn is_look_due(&self, hub_time: WallTime) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|at| hub_time >= at.plus_ms(LOOK_EVERY_MS.into()));
        if due {
            *looked = Some(hub_time);
        }
        due
    }

    fn is_look_alone_due(&self, up_ms: u64) -> bool {
        let mut looked = self.looked_alone.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|at| up_ms.saturating_sub(at) >= LOOK_EVERY_MS.into());
        if due {
            *looked = Some(up_ms);
        }
        due
    }
}

/// Which key an order's secrets are opened with.
pub(super) enum Pair {
    /// The gateway's own for secrets.
    None,
    /// The campaign's.
    Its(SecretKey),
    /// Nothing is to be done about the order, or not now.
    Nothing,
}

impl Orders {
    /// Finds the pair of a campaign's order, and makes it where there is none.
    pub(super) async fn pair_for(&self, bytes: &[u8], keys: &[PublicKey], from: &str) -> Pair {
        // What is not believed is refused where every order is.
        let Ok(document) = order::open(bytes, keys) else { return Pair::None };
        let is_for = order::is_for(&document, &self.config.gateway);
        let Order::Campaign { terms, .. } = document.order else { return Pair::None };
        if terms.disputes_until.is_none() || !is_for {
            return Pair::None;
        }
        if !self.config.serves || self.has_ended(&terms).await {
            return Pair::Nothing;
        }
        let (keeper, campaign) = (self.keeper.clone(), terms.id.clone());
        let found = tokio::task::spawn_blocking(move || match keeper.campaign_pair(&campaign) {
            Ok(None) => keeper.make_campaign_pair(&campaign),
            Ok(Some(pair)) => Ok(pair),
            Err(error) => Err(error),
        });
        let pair = match found.await {
            Ok(Ok(pair)) => pair,
            Ok(Err(KeeperError::WaitsForBadge)) => {
                self.wait_for_badge(bytes, from);
                return Pair::Nothing;
            }
            Ok(Err(error)) => {
                tracing::error!(campaign = %terms.id, %error, "the campaign's pair is not here");
                return Pair::Nothing;
            }
            Err(_) => return Pair::Nothing,
        };
        match order::open_sealed(bytes, keys, &self.config.gateway, &pair) {
            Err(OpenSecretsError::ForOthers) => {
                self.announce(&terms.id, &pair).await;
                Pair::Nothing
            }
            // It may be encrypted to a pair of before; but if the hub was told of this one long ago, it is a forgery.
            Err(OpenSecretsError::Decrypt(DecryptError::NotOurs)) => {
                if !self.announce(&terms.id, &pair).await {
                    self.refused.note(Reason::Secret).await;
                }
                Pair::Nothing
            }
            _ => Pair::Its(pair),
        }
    }

    /// Puts the pair's public half on record, once. True: it was not there yet.
    async fn announce(&self, campaign: &CampaignId, pair: &SecretKey) -> bool {
        let key = pair.public();
        let Ok(id) = RequestId::new(format!("pair-{}", short(&key.to_string()))) else { return false };
        let act = Act::MakeCampaignPair { campaign: campaign.clone(), key };
        match self.writer.ask(Request { id, by: None, act }).await {
            Verdict::Granted { repeated, .. } => {
                if !repeated {
                    tracing::info!(%campaign, "a pair was made for the campaign's key");
                }
                !repeated
            }
            verdict => {
                tracing::warn!(%campaign, ?verdict, "the campaign's pair is not on record");
                true
            }
        }
    }

    /// Is it over: by the ledger, or by a clock that is right?
    async fn has_ended(&self, terms: &CampaignTerms) -> bool {
        let (reader, id) = (self.reader.clone(), terms.id.clone());
        let row = tokio::task::spawn_blocking(move || reader.row::<CampaignRow>(id.as_str())).await;
        let now = self.clock.now();
        matches!(row, Ok(Ok(Some(row))) if row.ended)
            || now.clock >= ClockQuality::Ntp && campaign_end::is_over(terms, now.at)
    }

    /// Remembers an order until a badge was scanned.
    pub(super) fn wait_for_badge(&self, bytes: &[u8], from: &str) {
        let mut waiting = self.campaigns.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, other)| other != from);
        if waiting.len() == WAITING_MAX {
            waiting.remove(0);
        }
        waiting.push((bytes.to_vec(), from.to_owned()));
        drop(waiting);
        tracing::info!(from, "an order waits for a badge");
        self.secrets.send_if_modified(|secrets| !std::mem::replace(&mut secrets.wait_for_badge, true));
    }

    /// Takes the orders that waited, once a badge was scanned.
    pub(super) async fn take_waiting(&self) {
        if self.keeper.vault().is_none_or(|vault| !vault.is_open()) {
            return;
        }
        let waiting =
            std::mem::take(&mut *self.campaigns.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return;
        }
        for (bytes, from) in waiting {
            self.take_again(&bytes, &from).await;
        }
        self.load_secrets().await;
    }

    /// Destroys the keys of campaigns that are over by the time that the hub signed.
    pub(in crate::sync) async fn end_campaigns(&self, hub_time: WallTime) {
        if self.campaigns.is_look_due(hub_time) {
            self.end_those_over(Some(hub_time)).await;
        }
    }

    /// Destroys the keys of campaigns that are long over by a clock that is right: the hub may never be heard again.
    pub(super) async fn end_campaigns_alone(&self) {
        let now = self.clock.now();
        if now.clock >= ClockQuality::Ntp && self.campaigns.is_look_alone_due(now.up_ms) {
            self.end_those_over(None).await;
        }
    }

    async fn end_those_over(&self, hub_time: Option<WallTime>) {
        let (reader, now) = (self.reader.clone(), self.clock.now());
        let is_over = move |terms: &CampaignTerms| match hub_time {
            Some(time) => campaign_end::is_over(terms, time),
            None => campaign_end::is_long_over(terms, now),
        };
        let over = match tokio::task::spawn_blocking(move || over(&reader, is_over)).await {
            Ok(Ok(over)) => over,
            Ok(Err(error)) => {
                tracing::error!(%error, "it cannot be read which campaigns are over");
                return;
            }
            Err(_) => return,
        };
        for CampaignRow { terms, ended } in over {
            let campaign = terms.id.clone();
            // Destroyed first: the record says what is so. Power that fails between leaves it to the next look.
            let destroyed = self.destroy(campaign.as_str()).await;
            if ended || !destroyed {
                continue;
            }
            let Ok(id) = RequestId::new(format!("campaign-end-{}", short(campaign.as_str()))) else {
                continue;
            };
            let act = Act::EndCampaign { campaign: campaign.clone(), hub_time };
            let verdict = self.writer.ask(Request { id, by: None, act }).await;
            tracing::info!(%campaign, ?verdict, "the campaign is over; its keys are destroyed");
            self.end_filters(terms).await;
        }
    }

    async fn end_filters(&self, terms: CampaignTerms) {
        let Some(filters) = self.filters.clone() else { return };
        if tokio::task::spawn_blocking(move || filters.end(&terms)).await.is_err() {
            tracing::error!("the thread that keeps filters ended");
        }
    }

    /// Destroys the keys of one campaign, in memory too. True: none is left.
    pub(super) async fn destroy(&self, campaign: &str) -> bool {
        self.secrets.send_if_modified(|secrets| {
            let before = secrets.campaigns.len();
            secrets.campaigns.retain(|id, _| id.as_str() != campaign);
            secrets.campaigns.len() != before
        });
        let (keeper, id) = (self.keeper.clone(), campaign.to_owned());
        match tokio::task::spawn_blocking(move || keeper.destroy("campaign", &id)).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::error!(campaign, %error, "the keys of a campaign that is over cannot be destroyed");
                false
            }
            Err(_) => false,
        }
    }
}

/// Campaigns that are over.
fn over(reader: &Reader, is_over: impl Fn(&CampaignTerms) -> bool) -> Result<Vec<CampaignRow>, LedgerError> {
    let mut over = Vec::new();
    for id in reader.ids(RowKind::Campaign, CAMPAIGNS_MAX)? {
        if let Some(row) = reader.row::<CampaignRow>(&id)?
            && is_over(&row.terms)
        {
            over.push(row);
        }
    }
    Ok(over)
}

/// A text as it may stand in a request's id.
fn short(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
