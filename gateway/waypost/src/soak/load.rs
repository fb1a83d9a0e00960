//! What people do at a site: a testing centre packs tubes, a post office serves claims. All of it is invented.

use serde_json::{Value, json};
use waypost_core::{
    code::claim::{ClaimParams, ClaimToken},
    fact::{
        Checklist, SiteKind, WallTime,
        id::{BoxId, CampaignId, TubeId},
    },
    rule::Act,
};
use waypost_powercut::Dice;

/// Noon of a day in the campaign's round.
pub const NOON: WallTime = WallTime(1_599_105_600_000);

const CAMPAIGN: &str = "masks-2020-09";
const DAY: &str = "2020-09-03";
/// Latest tubes and claims that may come a second time.
const REPEATED_MAX: usize = 64;

/// One site's work.
pub struct Load {
    kind: SiteKind,
    dice: Dice,
    tubes: u64,
    boxes: u64,
    /// Tubes and claims that were asked for.
    before: Vec<Act>,
}

impl Load {
    /// The work of a testing centre; of any other kind of site a post office's.
    pub fn new(kind: SiteKind, dice: Dice) -> Self {
        Self { kind, dice, tubes: 0, boxes: 0, before: Vec::new() }
    }

    /// What comes first: orders, sign-in, goods.
    pub fn setup(&self) -> Result<Vec<Act>, serde_json::Error> {
        let badge = "ab".repeat(32);
        let staff = json!({ "kind": "staff", "people": [{ "badge": badge, "operator": "s-7f3a", "role": "supervisor" }] });
        let mut acts = vec![order("-", staff), json!({ "act": "sign_in", "badge": badge, "day": DAY })];
        if self.kind == SiteKind::TestingCentre {
            acts.push(json!({ "act": "start_box", "box_id": box_code(0) }));
        } else {
            let round = json!({ "id": "r1", "from": "2020-09-01", "until": "2020-09-30", "packs_first": 2, "packs_again": 1 });
            let terms = json!({
                "id": CAMPAIGN, "name": "Masks", "rounds": [round], "hash": ClaimParams::default(),
                "documents": ["hk"], "proxies_max": 2, "daily_quota": null, "appeal": "1823",
            });
            acts.push(order(CAMPAIGN, json!({ "kind": "campaign", "terms": terms, "key": "00".repeat(32) })));
            acts.push(json!({
                "act": "move_stock", "item": "packs", "quantity": 900_000, "reason": "received", "with": null,
            }));
        }
        acts.into_iter().map(serde_json::from_value).collect()
    }

    /// What is asked next; some of it for the second time.
    pub fn next(&mut self) -> Option<Act> {
        if !self.before.is_empty() && self.dice.percent(12) {
            let at = self.dice.index(self.before.len());
            return self.before.get(at).cloned();
        }
        let act = match self.kind {
            SiteKind::TestingCentre => return self.pack(),
            _ => self.claim()?,
        };
        self.remember(&act);
        Some(act)
    }

    /// The latest tubes and claims that were asked for.
    pub fn before(&self) -> &[Act] {
        &self.before
    }

    fn pack(&mut self) -> Option<Act> {
        Some(match self.dice.below(40) {
            0 => Act::CloseBox { checklist: Checklist::COMPLETE },
            1 | 2 => {
                self.boxes += 1;
                Act::StartBox { box_id: BoxId::new(box_code(self.boxes)).ok()? }
            }
            _ => {
                self.tubes += 1;
                let tube = TubeId::new(format!("T-{:08}", self.tubes)).ok()?;
                let act = Act::ScanTube { tube, booking: None };
                self.remember(&act);
                act
            }
        })
    }

    fn claim(&mut self) -> Option<Act> {
        let token = u128::from(self.dice.roll()) << 64 | u128::from(self.dice.roll());
        Some(Act::Claim {
            campaign: CampaignId::new(CAMPAIGN).ok()?,
            claim: ClaimToken(token.to_be_bytes()),
            document: "hk".to_owned(),
            proxy: None,
            elsewhere: Default::default(),
        })
    }

    fn remember(&mut self, act: &Act) {
        if self.before.len() == REPEATED_MAX {
            self.before.swap_remove(0);
        }
        self.before.push(act.clone());
    }
}

fn box_code(number: u64) -> String {
    format!("80030095010939{number:016}")
}

fn order(id: &str, order: Value) -> Value {
    json!({ "act": "apply_order", "document": { "id": id, "epoch": 1, "number": 1, "order": order } })
}
