//! Which gateways there are, and at which sites: the hub knows them from its configuration.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use waypost_core::{
    fact::{
        SiteKind,
        id::{GatewayId, SiteId},
    },
    wire::{keys::PublicKey, secret_key::SecretPublicKey},
};

use crate::enrol::registry::{Enrolled, Registry};

/// One gateway, as the configuration lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub gateway: GatewayId,
    /// Where it stands.
    pub site: SiteId,
    /// The work of that site.
    pub kind: SiteKind,
    /// What people call the site.
    pub name: String,
    /// The key that it signs with, where the configuration names one; an enrolled gateway's own comes before it.
    pub key: Option<PublicKey>,
    /// The key that secrets for it are encrypted to, likewise.
    pub secret_key: Option<SecretPublicKey>,
}

/// All gateways.
#[derive(Debug, Clone, Default)]
pub struct Places {
    by_gateway: BTreeMap<String, Place>,
    kinds: BTreeMap<String, SiteKind>,
    enrolled: Arc<RwLock<Enrolment>>,
    pairs: Arc<RwLock<Pairs>>,
}

/// Pairs that gateways made for campaigns, by gateway and campaign.
pub type Pairs = BTreeMap<(String, String), SecretPublicKey>;

/// What the registry said when it was last read.
#[derive(Debug, Default)]
struct Enrolment {
    by_gateway: BTreeMap<String, Enrolled>,
    stamp: Option<SystemTime>,
}

impl Places {
    /// Takes the list; of two entries with one id the later one holds.
    pub fn new(places: impl IntoIterator<Item = Place>) -> Self {
        let mut all = Self::default();
        for place in places {
            all.kinds.insert(place.site.to_string(), place.kind);
            all.by_gateway.insert(place.gateway.to_string(), place);
        }
        all
    }

    /// The gateway of that id.
    pub fn gateway(&self, id: &str) -> Option<&Place> {
        self.by_gateway.get(id)
    }

    /// The key that a gateway signs with now; none where it is not known or revoked.
    pub fn sign_key(&self, id: &str) -> Option<PublicKey> {
        let place = self.by_gateway.get(id)?;
        match self.enrolled.read().unwrap_or_else(PoisonError::into_inner).by_gateway.get(id) {
            Some(enrolled) if enrolled.revoked.is_some() => None,
            Some(enrolled) => Some(enrolled.sign_key),
            None => place.key,
        }
    }

    /// The key that secrets for a gateway are encrypted to; none where it is not known or revoked.
    pub fn secret_key(&self, id: &str) -> Option<SecretPublicKey> {
        let place = self.by_gateway.get(id)?;
        match self.enrolled.read().unwrap_or_else(PoisonError::into_inner).by_gateway.get(id) {
            Some(enrolled) if enrolled.revoked.is_some() => None,
            Some(enrolled) => Some(enrolled.secret_key),
            None => place.secret_key,
        }
    }

    /// The key that a campaign's key for a gateway is encrypted to, where the campaign ends; none where the gateway made
    /// none yet, is not known or revoked.
    pub fn campaign_key(&self, id: &str, campaign: &str) -> Option<SecretPublicKey> {
        self.by_gateway.get(id)?;
        if self.is_revoked(id) {
            return None;
        }
        let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
        pairs.get(&(id.to_owned(), campaign.to_owned())).copied()
    }

    /// Takes in the pairs that gateways made.
    pub fn set_pairs(&self, pairs: Pairs) {
        *self.pairs.write().unwrap_or_else(PoisonError::into_inner) = pairs;
    }

    fn is_revoked(&self, id: &str) -> bool {
        let enrolled = self.enrolled.read().unwrap_or_else(PoisonError::into_inner);
        enrolled.by_gateway.get(id).is_some_and(|enrolled| enrolled.revoked.is_some())
    }

    /// All keys that secrets are encrypted to, by gateway.
    pub(crate) fn secret_keys(&self) -> Vec<(String, SecretPublicKey)> {
        let known = |id: &String| Some((id.clone(), self.secret_key(id)?));
        self.by_gateway.keys().filter_map(known).collect()
    }

    /// The pairs that gateways made for campaigns.
    pub(crate) fn pairs(&self) -> Pairs {
        self.pairs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in who was enrolled or revoked since the last look. Blocks on files only where there is something new.
    pub fn refresh(&self, registry: &Registry) {
        let stamp = registry.stamp();
        if self.enrolled.read().unwrap_or_else(PoisonError::into_inner).stamp == stamp {
            return;
        }
        match registry.all() {
            Ok(all) => {
                let by_gateway = all.into_iter().map(|known| (known.gateway.to_string(), known)).collect();
                *self.enrolled.write().unwrap_or_else(PoisonError::into_inner) =
                    Enrolment { by_gateway, stamp };
            }
            Err(error) => tracing::error!(%error, "the enrolled gateways cannot be read"),
        }
    }

    /// All gateways, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.by_gateway.values()
    }

    /// The work of a site; none where no gateway of it is listed.
    pub fn kind(&self, site: &str) -> Option<SiteKind> {
        self.kinds.get(site).copied()
    }
}
