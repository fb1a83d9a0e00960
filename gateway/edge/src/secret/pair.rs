//! The pair that a campaign's key comes to: made here for that campaign alone, and destroyed with it.

use std::path::PathBuf;

use waypost_core::{
    fact::id::CampaignId,
    rule::order::Secret,
    wire::{keys::Seed, secret_key::SecretKey},
};

use super::{CAMPAIGN, Keeper, KeeperError, name, open, random, seal};
use crate::identity::{self, IdentityError};

/// What its file's name is made of, so that it is not taken for an order's key.
const PAIR: &str = "campaign-pair";

impl Keeper {
    /// The pair of a campaign; none where there is none, or none that opens: the badges that it was under are gone.
    ///
    /// # Errors
    /// It waits for a badge, or its file cannot be read.
    pub fn campaign_pair(&self, campaign: &CampaignId) -> Result<Option<SecretKey>, KeeperError> {
        let outer = self.outer(CAMPAIGN)?;
        let sealed: Secret = match identity::read_secret(&self.pair_path(campaign.as_str())) {
            Ok(sealed) => sealed,
            Err(IdentityError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let sealed = sealed.all_bytes().ok_or(KeeperError::DoesNotOpen)?;
        match open(&outer, &sealed, &aad(campaign.as_str())) {
            Ok(seed) => Ok(seed.as_slice().try_into().ok().map(pair_of)),
            Err(_) => Ok(None),
        }
    }

    /// Makes a campaign's pair, in place of one that does not open.
    ///
    /// # Errors
    /// It waits for a badge, or its file cannot be written.
    pub fn make_campaign_pair(&self, campaign: &CampaignId) -> Result<SecretKey, KeeperError> {
        let outer = self.outer(CAMPAIGN)?;
        let path = self.pair_path(campaign.as_str());
        self.wipe(&path)?;
        let seed = random::<32>()?;
        let sealed = seal(&outer, seed.as_ref(), &aad(campaign.as_str()))?;
        identity::write_secret(&path, &Secret::of_bytes(&sealed))?;
        Ok(pair_of(*seed))
    }

    /// True: there was one.
    pub(super) fn destroy_pair(&self, kind: &str, id: &str) -> Result<bool, KeeperError> {
        if kind == CAMPAIGN { self.wipe(&self.pair_path(id)) } else { Ok(false) }
    }

    fn pair_path(&self, campaign: &str) -> PathBuf {
        self.dir.join(format!("{}.pair", name(PAIR, campaign)))
    }
}

fn pair_of(seed: [u8; 32]) -> SecretKey {
    SecretKey::new(&Seed::from_bytes(seed))
}

fn aad(campaign: &str) -> Vec<u8> {
    format!("{PAIR}/{campaign}").into_bytes()
}
