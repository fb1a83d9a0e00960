//! Claims on their way: the token is made on a thread of its own, the hub is asked where what is known here leaves the
//! person open, and then the rule decides.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;
use waypost_core::rule::{elsewhere::leaves_open, ledger::load, row::CampaignRow};

use super::{
    super::{
        say,
        step::{HashJob, Hashed, Purpose},
    },
    Engine, Ticket,
};
use crate::{claim::Done, sync::HubDesk};

/// A claim whose tokens are made, with what the hub said of the person.
pub struct AtHub {
    job: HashJob,
    hashed: Hashed,
    ticket: Ticket,
    asked: Instant,
}

impl Engine {
    pub(super) fn hashed(&mut self, done: Done<Ticket>) {
        let Done { job, mut ticket, hashed, took } = done;
        ticket.away = ticket.handed.map_or(Duration::ZERO, |handed| handed.elapsed());
        ticket.hash = Some(took);
        match hashed {
            Ok(mut hashed) => match self.hub_to_ask(&job, &hashed) {
                Some(hub) => {
                    let (campaign, claim, asked) = (job.campaign.clone(), hashed.person, Instant::now());
                    self.at_hub.push(
                        async move {
                            hashed.elsewhere.hub = hub.ask(campaign, claim).await;
                            AtHub { job, hashed, ticket, asked }
                        }
                        .boxed(),
                    );
                }
                None => self.claim_known(&job, hashed, ticket),
            },
            Err(failure) => {
                self.hashing = self.hashing.saturating_sub(1);
                tracing::warn!(campaign = %job.campaign, %failure, "no claim token");
                let waits = self.parts.secrets.borrow().wait_for_badge;
                let screen = if waits { say::claims_wait() } else { say::no_key() };
                self.finish(screen, ticket, false);
            }
        }
    }

    /// The hub, where what is known of the person here leaves it open and the hub is reached.
    fn hub_to_ask(&self, job: &HashJob, hashed: &Hashed) -> Option<HubDesk> {
        let hub = self.parts.hub.as_ref().filter(|_| job.purpose == Purpose::Serve)?;
        let day = self.station.counter().day.as_deref()?;
        let row: CampaignRow = load(&self.parts.reader, job.campaign.as_str()).ok()??;
        let is_open = leaves_open(&row.terms, day, &hashed.elsewhere, self.parts.clock.now());
        (is_open && self.parts.link.borrow().online).then(|| hub.clone())
    }

    pub(super) fn hub_answered(&mut self, answer: AtHub) {
        let AtHub { job, hashed, mut ticket, asked } = answer;
        // A verdict's time is the gateway's own: the hub's is apart, as a token's is.
        ticket.away += asked.elapsed();
        self.claim_known(&job, hashed, ticket);
    }

    /// All is known of a claim that can be known: the rule decides.
    fn claim_known(&mut self, job: &HashJob, hashed: Hashed, ticket: Ticket) {
        self.hashing = self.hashing.saturating_sub(1);
        let step = self.with_around(|station, _| station.on_hashed(job, hashed));
        self.step(step, ticket);
    }
}
