//! What comes down: acknowledgements, orders, and with them the time.

use tokio::time::Instant;
use waypost_core::{
    fact::ClockQuality,
    rule::Act,
    wire::{
        ack::Ack,
        restore::{NewJournal, RestorePart},
        topic,
    },
};

use super::{Connection, Session};
use crate::{
    journal::{AckError, Acknowledged, Request, RequestId},
    sync::{LinkState, link::Heard, questions::Question, refused::Reason},
};

impl Session {
    /// Takes what was heard, and what waits behind it; of several acknowledgements only the last.
    pub(super) async fn hear(&mut self, connection: &mut Connection, heard: Heard) -> Result<(), String> {
        connection.heard_at = Instant::now();
        let mut newest = None;
        let mut next = Some(heard);
        while let Some(heard) = next {
            match heard {
                Heard::Taken => connection.unconfirmed = connection.unconfirmed.saturating_sub(1),
                Heard::Alive | Heard::Connected { .. } => {}
                Heard::Gone(why) => return Err(why),
                // An empty message only clears what was retained.
                Heard::Message { payload, .. } if payload.is_empty() => {}
                Heard::Message { topic, retained, payload } => {
                    if topic == topic::ack(&self.config.gateway) {
                        newest = self.open_ack(&payload).await.map(|ack| (ack, retained)).or(newest);
                    } else if topic == topic::answer(&self.config.gateway) {
                        self.take_answer(connection, &payload).await;
                    } else if NewJournal::is_topic(&topic) {
                        self.take_new_journal(&payload).await;
                    } else if RestorePart::is_topic(&topic) {
                        self.take_restore(&payload).await;
                    } else if topic::is_filter(&topic) {
                        self.orders.hear_piece(&payload, &topic).await;
                    } else {
                        self.orders.hear(&payload, &topic).await;
                    }
                }
            }
            next = connection.link.heard_already();
        }
        if let Some((ack, retained)) = newest {
            self.take_ack(ack, retained).await;
            // That nothing waits any more is said at once, once.
            if self.said_waiting && self.queued() == (0, 0) {
                self.said_waiting = self.publish_status(&connection.link, true).is_err();
            }
        }
        Ok(())
    }

    /// Sends a question to the hub. Where that cannot be done whoever asks goes on without.
    pub(super) fn ask_hub(&self, connection: &mut Connection, question: Question) {
        let Some(ask) = connection.open.begin(question, self.config.journal) else { return };
        let sent = ask.sign(&self.config.key).map(|bytes| {
            let topic = topic::Up::Ask.topic(&self.config.gateway);
            connection.link.publish_state(topic, bytes, false)
        });
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!("a question to the hub is not sent");
        }
    }

    async fn take_answer(&self, connection: &mut Connection, payload: &[u8]) {
        if let Err(error) = connection.open.answered(payload, &self.config.order_keys()) {
            tracing::warn!(%error, "an answer of the hub was refused");
            self.orders.refused().note(Reason::of(&error.into())).await;
        }
    }

    async fn open_ack(&mut self, payload: &[u8]) -> Option<Ack> {
        let keys = self.config.ack_keys();
        let Some((first, others)) = keys.split_first() else {
            tracing::warn!("an acknowledgement came, but [hub] ack_key is not set: none is believed");
            return None;
        };
        let opened = Ack::open(payload, first);
        match others.iter().fold(opened, |opened, key| opened.or_else(|_| Ack::open(payload, key))) {
            // One for an earlier journal of this gateway stays retained until the hub knows the new one.
            Ok(ack) if ack.journal != self.config.journal => {
                self.older_acked(&ack);
                None
            }
            Ok(ack) => Some(ack),
            Err(error) => {
                tracing::error!(%error, "an acknowledgement was refused");
                self.orders.refused().note(Reason::Acknowledgement).await;
                None
            }
        }
    }

    async fn take_ack(&mut self, ack: Ack, retained: bool) {
        let Ack { epoch, time, journal, ledger, track } = ack;
        let acknowledged = Acknowledged {
            epoch,
            time,
            journal,
            held: ledger.held,
            safe: ledger.safe,
            link: ledger.link,
            track_held: track.held,
        };
        if let Err(error) = self.parts.writer.acknowledged(acknowledged).await {
            tracing::error!(%error, "an acknowledgement was refused: hub and journal do not agree");
            self.orders.refused().note(Reason::Acknowledgement).await;
            self.parts.state.send_modify(|state| state.trouble = Some(error.to_string()));
            if matches!(error, AckError::Ahead { .. } | AckError::OtherLink { .. }) {
                self.ask_for_new_journal("the hub has other records, or more of them");
            }
            return;
        }
        let now_ms = self.now_ms();
        if epoch > self.epoch {
            tracing::info!(epoch, held = ledger.held, "the hub began a new epoch");
            self.epoch = epoch;
            self.ledger.new_epoch(ledger.held, now_ms);
            self.track.new_epoch(track.held, now_ms);
        } else {
            self.ledger.acked(ledger.held, now_ms);
            self.track.acked(track.held, now_ms);
        }
        if self.ledger.held() == ledger.held {
            self.held = Some((ledger.held, ledger.link));
        }
        self.orders.end_campaigns(time).await;
        let now = self.parts.clock.now();
        self.parts.state.send_modify(|state| {
            *state = LinkState {
                online: state.online,
                held: self.ledger.held(),
                last_ack: Some(now.up_ms),
                certificate_ended: false,
                new_journal: state.new_journal,
                trouble: None,
            };
        });
        // A retained one may be days old: that its time is past is all it says.
        if retained {
            self.parts.clock.raise_floor(time);
        } else if let Some(offset_ms) = self.parts.clock.hear_hub(time) {
            self.find_clock(offset_ms).await;
        }
    }

    /// The hub's signed time set the clock.
    async fn find_clock(&mut self, offset_ms: i64) {
        self.clock_requests += 1;
        let boot = self.config.boot;
        let Ok(id) = RequestId::new(format!("clock-hub-{boot}-{}", self.clock_requests)) else { return };
        let act = Act::FindClock { boot, offset_ms, quality: ClockQuality::Ntp };
        let verdict = self.parts.writer.ask(Request { id, by: None, act }).await;
        tracing::info!(offset_ms, ?verdict, "the hub's time was taken");
    }
}
