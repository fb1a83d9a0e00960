//! Secrets that came with signed orders: in memory for those who need them, on the card only as the keeper wrote them.

use std::collections::BTreeMap;

use waypost_core::{
    fact::id::{CampaignId, SealId},
    rule::order::{Order, OrderDocument, SealEntry, Secret},
};

use crate::secret::{Keeper, KeeperError};

/// The keys in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Keys of campaigns: 32 bytes each.
    pub campaigns: BTreeMap<CampaignId, Secret>,
    /// Seals by their printed number, with address and key.
    pub seals: BTreeMap<SealId, SealEntry>,
    /// The key of a campaign is here and waits for a badge.
    pub wait_for_badge: bool,
    /// A badge was scanned that cannot bring it back: it was never scanned while the key was there.
    pub badge_was_new: bool,
}

impl Secrets {
    /// Takes the secrets out of the orders in force. What does not open is told in the log and left out.
    pub fn of_orders(orders: Vec<OrderDocument>, keeper: &Keeper) -> Self {
        let mut secrets = Self::default();
        for mut document in orders {
            match keeper.take_out(&mut document) {
                Ok(()) => secrets.add(document),
                Err(KeeperError::WaitsForBadge) => secrets.wait_for_badge = true,
                Err(error) => {
                    let (kind, id) = (document.order.kind(), &document.id);
                    tracing::error!(kind, id, %error, "the keys of an order in force are not here");
                }
            }
        }
        secrets
    }

    /// Adds those of an order, as they are.
    pub fn add(&mut self, document: OrderDocument) {
        match document.order {
            Order::Campaign { terms, key } => {
                self.campaigns.insert(terms.id, key);
            }
            Order::Seals { seals } => {
                self.seals = seals.into_iter().map(|entry| (entry.seal.clone(), entry)).collect();
            }
            Order::Staff { .. } | Order::Fences { .. } | Order::Manifest { .. } | Order::Filter { .. } => {}
        }
    }
}
