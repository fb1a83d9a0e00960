//! What a group of requests adds, between its decisions and its commit.

use rusqlite::params;
use waypost_core::{
    fact::{Link, id::CampaignId},
    rule::order::OrderDocument,
};

use super::{number::to_sql, sql, statements::Statements};

/// The kind of a campaign's order.
const CAMPAIGN: &str = "campaign";

/// Lines and orders of a group, before they are written.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) lines: Vec<NewLine>,
    /// How many requests were noted; their rows are written already.
    pub(super) requests: u64,
    pub(super) orders: Vec<&'a OrderDocument>,
    /// Campaigns that ended: what is kept of their orders goes.
    pub(super) ended: Vec<&'a CampaignId>,
}

/// A record's line.
pub(super) struct NewLine {
    pub(super) seq: u64,
    pub(super) link: Link,
    pub(super) line: String,
}

impl Draft<'_> {
    /// Writes it within the transaction that is open. Returns how many rows that were.
    pub(super) fn write(&self, statements: &Statements<'_>) -> rusqlite::Result<u64> {
        let mut written = self.requests;
        if !self.lines.is_empty() {
            statements.line_insert.with(|insert| {
                for NewLine { seq, link, line } in &self.lines {
                    insert.execute(params![to_sql(*seq), link.as_bytes(), line])?;
                    written += 1;
                }
                Ok(())
            })?;
        }
        for document in &self.orders {
            let body = serde_json::to_string(document)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            let (kind, epoch, number) = (document.order.kind(), document.epoch, document.number);
            statements.connection.prepare_cached(sql::ORDER_PUT)?.execute(params![
                kind,
                document.id,
                to_sql(epoch),
                to_sql(number),
                body
            ])?;
        }
        self.forget_ended(statements)?;
        Ok(written)
    }

    /// The key of what stands there is destroyed. It is written over all the same: nobody is to wonder about it.
    fn forget_ended(&self, statements: &Statements<'_>) -> rusqlite::Result<()> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let connection = statements.connection;
        connection.pragma_update(None, "secure_delete", true)?;
        let mut remove = connection.prepare_cached(sql::ORDER_REMOVE)?;
        let removed = self
            .ended
            .iter()
            .try_for_each(|campaign| remove.execute(params![CAMPAIGN, campaign.as_str()]).map(|_| ()));
        // Everywhere else it would be more to write.
        connection.pragma_update(None, "secure_delete", false)?;
        removed
    }
}
