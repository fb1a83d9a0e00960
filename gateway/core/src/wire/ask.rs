//! A gateway asks the hub whether a person was served at another office, and the hub answers.
//!
//! A question stands only for seconds: neither is retained, and neither is sent again. An answer is bound to its question
//! by an id of 128 random bits, and believed only if an order key signed it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    keys::{PublicKey, SignKey},
    sign::{self, Kind, OpenError, SignError},
};
use crate::{
    code::claim::ClaimToken,
    fact::{
        WallTime,
        id::{CampaignId, GatewayId},
    },
    rule::elsewhere::HubSays,
};

/// Most services in an answer, the latest: there are as many as a campaign has rounds, and a few that are double.
pub const SERVED_MAX: usize = 32;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// 32 hex characters, new for each.
    pub id: String,
    /// The journal of the gateway: what it served there it knows itself.
    pub journal: Uuid,
    /// The campaign.
    pub campaign: CampaignId,
    /// The person.
    pub claim: ClaimToken,
}

impl Ask {
    /// Signs it with the gateway's key.
    ///
    /// # Errors
    /// The encoder refuses it.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(key, Kind::Ask, serde_json::to_vec(self).map_err(|_| SignError::Encoding)?)
    }

    /// Opens one; `key` gives the key of a signer. Who asks, and what.
    ///
    /// # Errors
    /// It is not believed.
    pub fn open(
        message: &[u8],
        key: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<(GatewayId, Self), OpenError> {
        let opened = sign::open(message, &[Kind::Ask], key)?;
        let gateway =
            GatewayId::new(opened.signer).map_err(|_| OpenError::Content("not a gateway's name"))?;
        let ask: Self =
            serde_json::from_slice(&opened.payload).map_err(|_| OpenError::Content("not a question"))?;
        if ask.id.len() != 32 {
            return Err(OpenError::Content("not the id of a question"));
        }
        Ok((gateway, ask))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's.
    pub id: String,
    /// The hub's time.
    pub time: WallTime,
    /// What the hub holds of the person, at most [`SERVED_MAX`] services.
    #[serde(flatten)]
    pub says: HubSays,
}

impl Answer {
    /// Signs it with an order key.
    ///
    /// # Errors
    /// The encoder refuses it.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(key, Kind::Answer, serde_json::to_vec(self).map_err(|_| SignError::Encoding)?)
    }

    /// Opens one signed by any of these keys.
    ///
    /// # Errors
    /// It is not believed.
    pub fn open(message: &[u8], keys: &[PublicKey]) -> Result<Self, OpenError> {
        let payload = super::restore::opened(message, keys, Kind::Answer)?;
        serde_json::from_slice(&payload).map_err(|_| OpenError::Content("not an answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fact::id::{RoundId, SiteId},
        rule::elsewhere::ServedElsewhere,
        wire::keys::{ORDER_KEY_NAME, Seed},
    };

    fn key(name: &str, byte: u8) -> SignKey {
        SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    fn a_question_is_its_gateways_and_an_answer_an_order_keys() {
        let ask = Ask {
            id: "0f".repeat(16),
            journal: Uuid::from_bytes([3; 16]),
            campaign: CampaignId::new("masks").unwrap(),
            claim: ClaimToken([7; 16]),
        };
        let gateway = key("post-1", 1);
        let message = ask.sign(&gateway).unwrap();
        let resolve = |name: &str| (name == "post-1").then(|| gateway.public());
        assert_eq!(Ask::open(&message, resolve), Ok((GatewayId::new("post-1").unwrap(), ask.clone())));
        assert_eq!(Ask::open(&message, |_| Some(key("x", 2).public())), Err(OpenError::Signature));
        let short = Ask { id: "0f".into(), ..ask }.sign(&gateway).unwrap();
        assert!(matches!(Ask::open(&short, resolve), Err(OpenError::Content(_))));

        let served = ServedElsewhere {
            round: RoundId::new("r1").unwrap(),
            site: SiteId::new("SITE-2").unwrap(),
            at: WallTime(5),
        };
        let says = HubSays { served: vec![served; SERVED_MAX] };
        let answer = Answer { id: "0f".repeat(16), time: WallTime(9), says };
        let order = key(ORDER_KEY_NAME, 4);
        let message = answer.sign(&order).unwrap();
        assert_eq!(Answer::open(&message, &[order.public()]), Ok(answer));
        assert_eq!(Answer::open(&message, &[gateway.public()]), Err(OpenError::Signature));
        assert!(Ask::open(&message, |_| Some(order.public())).is_err(), "an answer is no question");
    }
}
