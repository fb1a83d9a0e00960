//! What goes up: batches as the windows allow, express copies ahead of them.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use waypost_core::{fact::Stream, wire::topic::Up};

use super::{Connection, RETRY, Session};
use crate::{
    journal::crash_point,
    sync::{
        uplink::{Made, Source, UplinkError, Want},
        window::{Next, Window},
    },
};

/// Express copies are held back while so many messages are unconfirmed by the broker: batches keep their room.
const UNCONFIRMED_MAX: usize = 32;

impl Session {
    /// Sends what may be sent now. Returns when to look again, if nothing happens before.
    pub(super) async fn send(&mut self, connection: &mut Connection) -> Result<Option<Instant>, UplinkError> {
        let tail = *self.tail.borrow_and_update();
        if self.send_alarms(connection, tail.ledger_last).await? {
            return Ok(Some(Instant::now()));
        }
        let ledger = self.send_batch(connection, Stream::Ledger, tail.ledger_last).await?;
        let track = self.send_batch(connection, Stream::Track, tail.track_last).await?;
        Ok([ledger, track].into_iter().flatten().min())
    }

    /// Sends one batch of a stream, if its window allows. Returns when to look again.
    async fn send_batch(
        &mut self,
        connection: &mut Connection,
        stream: Stream,
        tail: u64,
    ) -> Result<Option<Instant>, UplinkError> {
        let (now_ms, jitter) = (self.now_ms(), self.jitter);
        let after = match self.window(stream).next(tail, now_ms, jitter) {
            Next::Send { after } => after,
            Next::Wait { until_ms } => return Ok(until_ms.map(|ms| self.began + Duration::from_millis(ms))),
        };
        let want = Want { stream, after, held: self.held, bytes_max: connection.batch_bytes_max };
        let made = self.with_source(move |source| source.make(want)).await?;
        // The tail is ahead of what can be read only for a moment.
        let Some(Made { bytes, last }) = made else { return Ok(Some(Instant::now() + RETRY)) };
        if stream == Stream::Ledger && last > self.published {
            crash_point("after_commit_before_publish");
        }
        let up = match stream {
            Stream::Ledger => Up::Ledger,
            Stream::Track => Up::Track,
        };
        if connection.link.publish(up.topic(&self.config.gateway), bytes).is_err() {
            return Ok(Some(Instant::now() + RETRY));
        }
        connection.unconfirmed += 1;
        if stream == Stream::Ledger {
            self.published = self.published.max(last);
        }
        let now_ms = self.now_ms();
        self.window(stream).sent(last, now_ms);
        Ok(Some(Instant::now()))
    }

    /// Sends express copies of alarms that are not at the hub yet. True: there is more to look through, and nothing of
    /// the backlog is sent before that.
    async fn send_alarms(&mut self, connection: &mut Connection, tail: u64) -> Result<bool, UplinkError> {
        self.alarms_through = self.alarms_through.max(self.ledger.held());
        if self.alarms_through >= tail || connection.unconfirmed >= UNCONFIRMED_MAX {
            return Ok(false);
        }
        let after = self.alarms_through;
        let (copies, through) = self.with_source(move |source| source.alarms(after)).await?;
        for copy in copies {
            // No room for a copy: the record itself comes in its turn.
            if connection.link.publish(Up::Alarm.topic(&self.config.gateway), copy).is_ok() {
                connection.unconfirmed += 1;
            }
        }
        self.alarms_through = through;
        Ok(through > after && through < tail)
    }

    fn window(&mut self, stream: Stream) -> &mut Window {
        match stream {
            Stream::Ledger => &mut self.ledger,
            Stream::Track => &mut self.track,
        }
    }

    /// Works with the source on a thread for blocking work.
    async fn with_source<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Source) -> Result<T, UplinkError> + Send + 'static,
    ) -> Result<T, UplinkError> {
        let mut source = match self.source.take() {
            Some(source) => source,
            None => {
                let key = Arc::clone(&self.config.key);
                Source::new(self.parts.reader.clone(), key, self.config.journal)?
            }
        };
        let worked = tokio::task::spawn_blocking(move || {
            let outcome = work(&mut source);
            (source, outcome)
        });
        let (source, outcome) = worked.await.map_err(|_| UplinkError::Thread)?;
        self.source = Some(source);
        outcome
    }
}
