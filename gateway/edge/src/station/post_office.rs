//! A post office: one person, one claim, so many packs. The clerk keys the number; a proxy shows two documents.

use waypost_core::{
    code::claim::{ClaimToken, Document},
    fact::{Fact, RepairReason, WallTime},
    rule::{Act, Refusal},
};

use super::{
    campaign::campaign,
    command::Command,
    counter::Counter,
    elsewhere, hand_out,
    screen::{Frame, Screen},
    step::{Around, Asked, HashJob, Hashed, Outcome, Purpose, Scanned, Step},
    stock::reason_choices,
    workplace::Workplace,
};
use crate::panel::{Message, Tone};

/// Reasons for taking a claim back.
const VOID_REASONS: [RepairReason; 3] =
    [RepairReason::Mistake, RepairReason::Returned, RepairReason::Damaged];

/// Where a post office stands between two scans.
#[derive(Debug, Default)]
pub struct PostOffice {
    proxy: Proxy,
    void: Option<Void>,
    /// A claim that a supervisor decides on, as it is not known whether the person was served at another office.
    undecided: Option<Asked>,
}

#[derive(Debug, Clone, PartialEq, Default)]
enum Proxy {
    /// The person is at the counter.
    #[default]
    None,
    /// The next document is the proxy's.
    Announced,
    /// The next document is the person's.
    Shown(Document),
}

/// A claim that is being taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Void {
    reason: Option<RepairReason>,
    /// Whose; none: the last one served here.
    claim: Option<ClaimToken>,
}

impl PostOffice {
    fn document(&mut self, document: &Document, counter: &Counter, around: &Around<'_>) -> Step {
        self.undecided = None;
        if self.void.is_none() && self.proxy == Proxy::Announced {
            let screen = Screen::ask(Message::new("ask-person-document"));
            let screen = screen.line(Message::new("line-proxy").text("masked", document.masked()));
            self.proxy = Proxy::Shown(document.clone());
            return Step::Show(screen);
        }
        let terms = match campaign(counter, around.ledger) {
            Ok(Some(terms)) => terms,
            Ok(None) => return no_campaign(),
            Err(_) => return Step::Show(super::say::failed()),
        };
        let (purpose, proxy) = match (&self.void, std::mem::take(&mut self.proxy)) {
            (Some(_), _) => (Purpose::Void, None),
            (None, Proxy::Shown(proxy)) => (Purpose::Serve, Some(proxy)),
            (None, _) => (Purpose::Serve, None),
        };
        let person = document.clone();
        Step::Hash(HashJob { campaign: terms.id, params: terms.hash, person, proxy, purpose })
    }

    /// Keeps a claim for the supervisor who decides on it; lets it go once it is decided.
    fn decided(&mut self, asked: &Asked, outcome: &Outcome, again: bool) {
        match outcome {
            Outcome::Refused(Refusal::MaybeServed { .. } | Refusal::ListStale { .. }) => {
                self.undecided = Some(asked.clone());
            }
            _ if again => {}
            _ => self.undecided = None,
        }
    }

    fn command(&mut self, command: &Command) -> Option<Step> {
        self.undecided = None;
        Some(Step::Show(match command {
            Command::Proxy => {
                self.void = None;
                self.proxy = Proxy::Announced;
                Screen::ask(Message::new("ask-proxy-document"))
            }
            Command::Void => {
                self.proxy = Proxy::None;
                self.void = Some(Void::default());
                Screen::ask(Message::new("ask-void-reason")).line(Message::new("next-void-document"))
            }
            Command::Reason(reason) => {
                self.void.as_mut()?.reason = Some(*reason);
                Screen::ask(Message::new("ask-void-supervisor")).line(Message::new("next-void-document"))
            }
            _ => return None,
        }))
    }
}

impl Workplace for PostOffice {
    fn scan(&mut self, scanned: &Scanned, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        match scanned {
            Scanned::Document(document) => Some(self.document(document, counter, around)),
            Scanned::Command(command) => self.command(command),
            _ => None,
        }
    }

    fn badge(&mut self, hash: &str, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        if let Some(mut asked) = self.undecided.clone() {
            if let Act::Claim { elsewhere, .. } = &mut asked.act {
                elsewhere.approval = Some(hash.to_owned());
            }
            return Some(Step::Ask(asked));
        }
        let Void { reason, claim } = self.void.as_ref()?;
        let reason = (*reason)?;
        let campaign = match campaign(counter, around.ledger) {
            Ok(Some(terms)) => terms.id,
            Ok(None) => return Some(no_campaign()),
            Err(_) => return Some(Step::Show(super::say::failed())),
        };
        let approval = Some(hash.to_owned());
        Some(Act::VoidClaim { campaign, claim: *claim, approval, pin: None, reason }.into())
    }

    fn hashed(&mut self, job: &HashJob, hashed: Hashed) -> Option<Step> {
        let Hashed { person: claim, proxy, elsewhere } = hashed;
        if job.purpose == Purpose::Serve {
            let (campaign, document) = (job.campaign.clone(), job.person.space().to_owned());
            let act = Act::Claim { campaign, claim, document, proxy, elsewhere };
            return Some(Step::Ask(Asked { act, masked: Some(job.person.masked()) }));
        }
        let void = self.void.as_mut()?;
        void.claim = Some(claim);
        let key = if void.reason.is_some() { "ask-void-supervisor" } else { "ask-void-reason" };
        let masked = Message::new("line-document").text("masked", job.person.masked());
        Some(Step::Show(Screen::ask(Message::new(key)).line(masked)))
    }

    fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        _counter: &Counter,
        around: &Around<'_>,
    ) -> Option<Screen> {
        let again = wants_another_badge(outcome);
        match &asked.act {
            Act::VoidClaim { .. } if !again => self.void = None,
            Act::Claim { .. } => self.decided(asked, outcome, again),
            _ => {}
        }
        match outcome {
            Outcome::Granted { facts, repeated, records } => facts.iter().find_map(|fact| match fact {
                Fact::ClaimServed { campaign, claim, packs, proxy, provisional, approved_by, .. } => {
                    let mut screen = Screen::yes(Message::new("yes-served").number("packs", *packs));
                    // The first answer again says how old it is.
                    let first = records.filter(|_| *repeated).map(|(first, _)| first);
                    let service = first.and_then(|record| {
                        hand_out::service(campaign, *claim, record, around.ledger).ok().flatten()
                    });
                    screen.lines.extend(service.map(|service| served_here(service.at, around)));
                    if *provisional {
                        let key = if elsewhere::waits_for_ledger(around.ledger) {
                            "line-provisional"
                        } else {
                            "line-provisional-list"
                        };
                        screen.lines.push(Message::new(key));
                    }
                    if let Some(supervisor) = approved_by {
                        screen.lines.push(Message::new("line-decided-by").text("person", supervisor));
                    }
                    if proxy.is_some() {
                        screen.lines.push(Message::new("line-by-proxy"));
                    }
                    Some(screen)
                }
                Fact::ClaimVoided { packs, .. } => {
                    Some(Screen::yes(Message::new("yes-voided").number("packs", *packs)))
                }
                _ => None,
            }),
            // The same counter again: the first answer and its age.
            Outcome::Refused(refusal @ Refusal::AlreadyServed { site, at, .. })
                if *site == around.local.site =>
            {
                let mut screen = super::say::refused(refusal, &asked.act, around.local);
                screen.lines.insert(0, served_here(*at, around));
                Some(screen)
            }
            _ => None,
        }
    }

    fn frame(&self, _counter: &Counter) -> Frame {
        if let Some(void) = &self.void {
            let (key, choices) = match void.reason {
                None => ("ask-void-reason", reason_choices(&VOID_REASONS)),
                Some(_) => ("ask-void-supervisor", Vec::new()),
            };
            let mut frame = Frame::new("title-void", Message::new(key));
            frame.choices = choices;
            return frame.choice("CMD-CANCEL", "choice-cancel");
        }
        if self.undecided.is_some() {
            return Frame::new("title-decide", Message::new("ask-decide"))
                .choice("CMD-CANCEL", "choice-cancel");
        }
        match &self.proxy {
            Proxy::Announced => Frame::new("title-proxy", Message::new("ask-proxy-document"))
                .choice("CMD-CANCEL", "choice-cancel"),
            Proxy::Shown(proxy) => {
                let mut frame = Frame::new("title-proxy", Message::new("ask-person-document"));
                frame.lines.push(Message::new("line-proxy").text("masked", proxy.masked()));
                frame.choice("CMD-CANCEL", "choice-cancel")
            }
            Proxy::None => Frame::new("title-masks", Message::new("ask-document"))
                .choice("CMD-PROXY", "choice-proxy")
                .choice("CMD-VOID", "choice-void")
                .choice("CMD-STOCK-IN", "choice-stock-in")
                .choice("CMD-COUNT", "choice-count")
                .choice("CMD-CLOSE-SHIFT", "choice-close-shift"),
        }
    }

    fn is_begun(&self) -> bool {
        self.void.is_some() || self.proxy != Proxy::None || self.undecided.is_some()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Did the second person's badge or PIN fail, so that another one may follow?
fn wants_another_badge(outcome: &Outcome) -> bool {
    let badge = matches!(
        outcome,
        Outcome::Refused(
            Refusal::NeedsSupervisor
                | Refusal::SupervisorIsOperator
                | Refusal::UnknownBadge
                | Refusal::NeedsPin
                | Refusal::PinLocked { .. }
        )
    );
    badge || super::say::wrong_pin(outcome)
}

/// How long ago this counter gave that answer.
fn served_here(at: WallTime, around: &Around<'_>) -> Message {
    let minutes = around.now.at.as_millis().saturating_sub(at.as_millis()).max(0) / 60_000;
    Message::new("line-served-here").number("minutes", minutes)
}

fn no_campaign() -> Step {
    let screen = Screen::new(Tone::No, Message::new("refusal-no-campaign"));
    Step::Show(screen.line(Message::new("next-no-campaign")))
}
