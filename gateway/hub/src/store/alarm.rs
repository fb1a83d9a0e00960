//! Alarms: those that a gateway recorded, and those that only the hub can see.

use rusqlite::Connection;

use super::{open::StoreError, sql};

/// What only the hub can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HubAlarm {
    /// One person was served twice in a round.
    DoubleClaim,
    /// A box was handed over and nobody says that it came.
    HandoverUnpaired,
    /// A box was received and nobody says that it was given.
    ReceiptUnpaired,
    /// A sealed box is due and at no laboratory.
    NotReceivedInTime,
    /// Another line under a known number: a clone, or a card put back from a copy.
    Fork,
    /// Two journals follow the same one: two gateways have one identity.
    Clone,
    /// A batch whose links contradict themselves or what is held.
    ChainBroken,
    /// A message whose signature does not hold, or by an unknown key.
    NotSigned,
    /// A gateway declared records lost.
    RecordsLost,
    /// A journal came from another gateway than the one it belongs to.
    JournalOfAnother,
    /// A record is dated more than a day ahead of the hub.
    ClockAhead,
    /// The store was made anew or put back from a copy: everything comes again.
    StoreRestored,
}

impl HubAlarm {
    /// The name, as in the summary.
    pub fn name(self) -> &'static str {
        match self {
            Self::DoubleClaim => "double_claim",
            Self::HandoverUnpaired => "handover_unpaired",
            Self::ReceiptUnpaired => "receipt_unpaired",
            Self::NotReceivedInTime => "not_received_in_time",
            Self::Fork => "fork",
            Self::Clone => "clone",
            Self::ChainBroken => "chain_broken",
            Self::NotSigned => "not_signed",
            Self::RecordsLost => "records_lost",
            Self::JournalOfAnother => "journal_of_another",
            Self::ClockAhead => "clock_ahead",
            Self::StoreRestored => "store_restored",
        }
    }

    fn key(self, subject: &str) -> String {
        format!("hub/{}/{subject}", self.name())
    }
}

/// Raises an alarm of the hub's own; once for each subject while it stands.
pub(crate) fn raise(
    db: &Connection,
    alarm: HubAlarm,
    subject: &str,
    gateway: &str,
    since_ms: i64,
) -> Result<(), StoreError> {
    let none = None::<i64>;
    let params = (alarm.key(subject), alarm.name(), subject, gateway, since_ms, none, none);
    if db.prepare_cached(sql::ALARM_RAISE)?.execute(params)? > 0 {
        tracing::warn!(kind = alarm.name(), subject, gateway, "alarm");
    }
    Ok(())
}

/// The reason is gone.
pub(crate) fn settle(db: &Connection, alarm: HubAlarm, subject: &str, now_ms: i64) -> Result<(), StoreError> {
    db.prepare_cached(sql::ALARM_SETTLE)?.execute((alarm.key(subject), now_ms))?;
    Ok(())
}

/// Notes an alarm that a gateway recorded. Express copy and record are one: the key is the record's place.
pub(crate) fn note(
    db: &Connection,
    (journal, seq): (i64, u64),
    kind: &str,
    subject: &str,
    gateway: &str,
    since_ms: i64,
) -> Result<(), StoreError> {
    let key = format!("record/{journal}/{seq}");
    db.prepare_cached(sql::ALARM_RAISE)?.execute((key, kind, subject, gateway, since_ms, journal, seq))?;
    Ok(())
}
