//! Claims that were recorded before the power failed and whose panel nobody may have seen: were the packs handed over?

use std::collections::VecDeque;

use waypost_core::{
    code::claim::ClaimToken,
    fact::{Fact, WallTime, id::CampaignId},
    rule::{
        Act, Already, Ledger, LedgerError, Refusal,
        entitlement::claim_id,
        ledger::load,
        row::{ClaimRow, Service},
    },
};

use super::{
    say,
    screen::{Frame, Screen},
    step::{Local, Outcome},
};
use crate::panel::Message;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOut {
    /// The campaign.
    pub campaign: CampaignId,
    /// The person.
    pub claim: ClaimToken,
    /// Number of the claim's record.
    pub record: u64,
    packs: u32,
    at: WallTime,
}

/// Those that wait for an answer, oldest first.
#[derive(Debug, Default)]
pub struct HandOuts(VecDeque<HandOut>);

impl HandOut {
    /// The claim among the facts of an answer that begin with this record; none where there is none, where it was taken
    /// back, or where it was said already.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn of(first: u64, facts: &[Fact], ledger: &dyn Ledger) -> Result<Option<Self>, LedgerError> {
        for (record, fact) in (first..).zip(facts) {
            let Fact::ClaimServed { campaign, claim, .. } = fact else { continue };
            let Some(service) = service(campaign, *claim, record, ledger)? else { return Ok(None) };
            if service.voided || service.handed.is_some() {
                return Ok(None);
            }
            let (campaign, claim, packs, at) = (campaign.clone(), *claim, service.packs, service.at);
            return Ok(Some(Self { campaign, claim, record, packs, at }));
        }
        Ok(None)
    }

    fn question(&self) -> Message {
        Message::new("ask-handed").number("packs", self.packs).number("record", self.record)
    }
}

/// The service that a record gave.
///
/// # Errors
/// A damaged row or a failed store.
pub fn service(
    campaign: &CampaignId,
    claim: ClaimToken,
    record: u64,
    ledger: &dyn Ledger,
) -> Result<Option<Service>, LedgerError> {
    let row: ClaimRow = load(ledger, &claim_id(campaign, claim))?.unwrap_or_default();
    Ok(row.served.into_iter().find(|service| service.seq == record))
}

impl HandOuts {
    /// One more to ask about.
    pub fn push(&mut self, one: HandOut) {
        self.0.push_back(one);
    }

    /// Is one of them this record?
    pub fn holds(&self, record: u64) -> bool {
        self.0.iter().any(|one| one.record == record)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the operator's yes or no asks of the writer.
    pub fn answer(&self, handed: bool) -> Option<Act> {
        let HandOut { campaign, claim, record, .. } = self.0.front()?.clone();
        Some(Act::ConfirmHandOut { campaign, claim, record, handed })
    }

    /// Takes the writer's word; the panel of it.
    pub fn answered(&mut self, act: &Act, outcome: &Outcome, local: &Local) -> Option<Screen> {
        if let Outcome::Granted { facts, .. } = outcome {
            // A claim that is taken back by a supervisor needs no answer any more.
            for fact in facts {
                if let Fact::ClaimVoided { mends, .. } = fact {
                    self.0.retain(|one| one.record != *mends);
                }
            }
        }
        let Act::ConfirmHandOut { record, handed, .. } = act else { return None };
        if !is_settled(outcome) {
            return None;
        }
        self.0.retain(|one| one.record != *record);
        let main = if *handed { "yes-handed" } else { "yes-not-handed" };
        let mut screen = matches!(outcome, Outcome::Granted { .. })
            .then(|| Screen::yes(Message::new(main).number("record", *record)))?;
        if let Some(next) = self.0.front() {
            screen.lines.push(next.question());
            screen.lines.extend(self.lines(local));
        }
        Some(screen)
    }

    /// The question, where one waits.
    pub fn screen(&self) -> Option<Screen> {
        Some(Screen::ask(self.0.front()?.question()))
    }

    /// What stands on the panel while one waits.
    pub fn frame(&self, local: &Local) -> Option<Frame> {
        let mut frame = Frame::new("title-handed", self.0.front()?.question());
        frame.lines = self.lines(local);
        Some(frame.choice("CMD-HANDED-YES", "choice-handed-yes").choice("CMD-HANDED-NO", "choice-handed-no"))
    }

    /// That some wait, where nobody is signed in to say.
    pub fn line(&self) -> Option<Message> {
        (!self.is_empty()).then(|| Message::new("line-handed-waits").number("count", self.0.len()))
    }

    fn lines(&self, local: &Local) -> Vec<Message> {
        let time = self.0.front().map(|one| say::local_time(one.at, local)).unwrap_or_default();
        vec![Message::new("line-handed-when").text("time", time), Message::new("next-handed")]
    }
}

/// Nothing is left to ask about that claim.
pub fn is_settled(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Granted { .. }
            | Outcome::Already(Already::HandOutKnown)
            | Outcome::Refused(Refusal::NoClaim)
    )
}
