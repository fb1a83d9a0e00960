//! Orders for the hub's `orders/`: who may sign in, what is handed out.

use serde_json::{Value, json};

use crate::codes::{STAFF_BADGE, SUPERVISOR_BADGE, badge_hash};

/// The campaign of [`campaign`].
pub const CAMPAIGN: &str = "masks-test";
/// Seconds of hashing are no matter here: the least work that the parameters allow beyond the toy.
const HASH_KIB: u32 = 1_024;

/// Two people: `s-clerk` and the supervisor `s-chief`.
pub fn staff() -> Value {
    json!({
        "id": "-", "epoch": 1, "number": 1, "to": [],
        "order": { "kind": "staff", "people": [
            { "badge": badge_hash(STAFF_BADGE), "operator": "s-clerk", "role": "staff" },
            { "badge": badge_hash(SUPERVISOR_BADGE), "operator": "s-chief", "role": "supervisor" },
        ] },
    })
}

/// A campaign of masks that is on, whatever day it is.
pub fn campaign() -> Value {
    json!({
        "id": CAMPAIGN, "epoch": 1, "number": 1, "to": [],
        "order": {
            "kind": "campaign",
            "terms": {
                "id": CAMPAIGN, "name": "Masks",
                "rounds": [{
                    "id": "r1", "from": "2020-01-01", "until": "2099-12-31", "packs_first": 2, "packs_again": 1,
                }],
                "hash": { "m_kib": HASH_KIB, "t": 1, "p": 1 },
                "documents": ["hk", "passport"],
                "proxies_max": 2, "daily_quota": null, "appeal": "the counter at the town hall",
            },
            "key": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        },
    })
}

/// Seals with their radio addresses and keys.
pub fn seals(seals: &[(&str, &str, &str)]) -> Value {
    let entry =
        |(seal, address, key): &(&str, &str, &str)| json!({ "seal": seal, "address": address, "key": key });
    let seals: Vec<Value> = seals.iter().map(entry).collect();
    json!({ "id": "-", "epoch": 1, "number": 1, "to": [], "order": { "kind": "seals", "seals": seals } })
}
