//! To whom the secrets of an order are encrypted.
//!
//! An order that names its gateways gives its secrets to these. One to all gives the keys of seals to all, and the key of
//! a campaign to post offices only, which alone make claims: a gateway stolen elsewhere holds none. The key of a campaign
//! that ends is encrypted to the pairs that gateways made for it, and never to another key.

use waypost_core::{
    fact::SiteKind,
    rule::order::{Order, OrderDocument},
    wire::{
        keys::{Seed, SignKey},
        order::{self, Recipient, SealError},
    },
};

use crate::places::{Place, Places};

/// Why an order with secrets is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Nobody could read it.
    #[error(
        "the order holds secrets, and of none of its gateways the hub knows a key to encrypt them to: enrol them, or \
         write `secret_key` from `waypost init` into their [[gateway]]"
    )]
    NoRecipient,
    /// It names a gateway that is not in the configuration.
    #[error("the order is for {0}, which is no gateway of the hub's configuration")]
    Unknown(String),
    /// The system gave no randomness.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// Encryption or signing.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// An order signed for those who can be given its secrets.
#[derive(Debug)]
pub struct Signed {
    /// The signed order.
    pub bytes: Vec<u8>,
    /// Gateways that should have its secrets and have no key that is known: they cannot read them.
    pub without_key: Vec<String>,
}

/// Signs an order, with its secrets encrypted to the gateways that need them.
///
/// # Errors
/// No gateway could read them, or it cannot be signed.
pub fn sign(document: &OrderDocument, key: &SignKey, places: &Places) -> Result<Signed, SecretsError> {
    if document.order.secrets().is_empty() {
        let bytes = order::sign(document, key).map_err(SealError::from)?;
        return Ok(Signed { bytes, without_key: Vec::new() });
    }
    let campaign = ending_campaign(document);
    let (mut to, mut without_key) = (Vec::new(), Vec::new());
    for place in meant(document, places)? {
        let key = match campaign {
            Some(campaign) => places.campaign_key(place.gateway.as_str(), campaign),
            None => places.secret_key(place.gateway.as_str()),
        };
        match key {
            Some(key) => {
                to.push(Recipient { gateway: place.gateway.clone(), key, ephemeral: random_seed()? });
            }
            None => without_key.push(place.gateway.to_string()),
        }
    }
    // The order of a campaign that ends goes out before anybody can read its key: gateways make their pairs for it then.
    if to.is_empty() && campaign.is_none() {
        return Err(SecretsError::NoRecipient);
    }
    Ok(Signed { bytes: order::sign_sealed(document, key, &to)?, without_key })
}

/// The campaign whose key goes only to pairs that were made for it.
pub fn ending_campaign(document: &OrderDocument) -> Option<&str> {
    match &document.order {
        Order::Campaign { terms, .. } => terms.disputes_until.as_ref().map(|_| terms.id.as_str()),
        _ => None,
    }
}

fn meant<'a>(document: &OrderDocument, places: &'a Places) -> Result<Vec<&'a Place>, SecretsError> {
    if document.to.is_empty() {
        let only_offices = matches!(document.order, Order::Campaign { .. });
        let is_meant = |place: &&Place| !only_offices || place.kind == SiteKind::PostOffice;
        return Ok(places.iter().filter(is_meant).collect());
    }
    let known = |id: &String| places.gateway(id).ok_or_else(|| SecretsError::Unknown(id.clone()));
    document.to.iter().map(known).collect()
}

fn random_seed() -> Result<Seed, SecretsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(SecretsError::Random)?;
    Ok(Seed::from_bytes(bytes))
}
