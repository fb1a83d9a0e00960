//! A gateway declares what it no longer has: the range is marked, an alarm is raised, and `held` goes on behind it.

use waypost_core::{fact::Stream, wire::lost::Lost};

use super::{
    alarm::{HubAlarm, raise},
    apply::Store,
    known::Known,
    ledger::{self, AHEAD_MAX, LEDGER},
    open::StoreError,
    sql, track,
};

/// Most declarations that a journal may have.
const DECLARED_MAX: u64 = 10_000;

impl Store {
    pub(super) fn lost(
        &mut self,
        gateway: &str,
        lost: &Lost,
        message: &[u8],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let Self { db, journals, projections, .. } = self;
        let Some(known) = journals.get_or_make(db, gateway, lost.journal)? else {
            raise(db, HubAlarm::JournalOfAnother, gateway, gateway, now_ms)?;
            return self.keep_apart(gateway, HubAlarm::JournalOfAnother.name(), message, now_ms);
        };
        known.touched = true;
        let declared: u64 = db.prepare_cached(sql::LOST_COUNT)?.query_row([known.no], |row| row.get(0))?;
        if lost.first > known.held.saturating_add(AHEAD_MAX) && lost.stream == Stream::Ledger
            || declared >= DECLARED_MAX
        {
            tracing::error!(
                gateway,
                first = lost.first,
                last = lost.last,
                "a declaration of loss that is not taken"
            );
            return Ok(());
        }
        let subject = format!("{} {}-{}", lost.journal, lost.first, lost.last);
        if lost.stream == Stream::Track {
            track::declare(db, known, lost.first, lost.last, "lost")?;
            return track::advance(db, known);
        }
        let why = format!("{:?}", lost.why).to_lowercase();
        let params =
            (known.no, LEDGER, lost.first, lost.last, lost.before.as_bytes(), lost.after.as_bytes(), why);
        db.prepare_cached(sql::LOST_INSERT)?.execute(params)?;
        let mut passed = |known: &Known, seq: u64, line: &str| projections.take(db, known, seq, line, now_ms);
        let contradiction = ledger::advance(db, known, now_ms, &mut passed)?;
        raise(db, HubAlarm::RecordsLost, &subject, gateway, now_ms)?;
        match contradiction {
            Some(alarm) => raise(db, alarm, &lost.journal.to_string(), gateway, now_ms),
            None => Ok(()),
        }
    }
}
