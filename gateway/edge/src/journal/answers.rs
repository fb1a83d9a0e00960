//! Answers that were given before: within a group, in an earlier one, in an earlier run.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    ask::{Request, RequestId, Unshown, Verdict},
    chain,
    error::JournalError,
    number::{from_sql, to_sql},
    sql,
    statements::Statements,
};

/// How far back a start looks for answers that were not shown.
const UNSHOWN_BACK_MAX: i64 = 1024;

/// A request that is granted.
pub(super) struct NewRequest<'a> {
    pub(super) id: &'a RequestId,
    pub(super) first: u64,
    pub(super) last: u64,
    /// Nobody waits for the answer.
    pub(super) shown: bool,
}

/// Writes a request's id, within the transaction that is open. False: the id is there already.
pub(super) fn note_request(
    statements: &Statements<'_>,
    request: NewRequest<'_>,
) -> Result<bool, JournalError> {
    let NewRequest { id, first, last, shown } = request;
    statements
        .request_insert
        .with(|insert| insert.execute(params![to_sql(first), to_sql(last), shown, id.as_str()]))
        .map(|rows| rows > 0)
        .map_err(JournalError::sqlite("noting a request"))
}

/// Takes a request's id back, within the transaction that is open: its records could not be written.
pub(super) fn forget_request(connection: &Connection, first: u64) -> Result<(), JournalError> {
    connection
        .prepare_cached(sql::REQUEST_FORGET)
        .and_then(|mut delete| delete.execute([to_sql(first)]))
        .map(|_| ())
        .map_err(JournalError::sqlite("taking a request back"))
}

/// The same id twice in one group: the second gets the first one's answer if that was granted.
pub(super) fn repeat_in_group(
    request: &Request,
    requests: &[&Request],
    verdicts: &[Verdict],
) -> Option<Verdict> {
    requests.iter().zip(verdicts).find(|(earlier, _)| earlier.id == request.id).and_then(|(_, verdict)| {
        match verdict {
            Verdict::Granted { first: 1.., .. } => Some(repeated(verdict.clone())),
            _ => None,
        }
    })
}

fn repeated(mut verdict: Verdict) -> Verdict {
    if let Verdict::Granted { repeated, .. } = &mut verdict {
        *repeated = true;
    }
    verdict
}

/// As it was given the first time.
pub(super) fn as_first_answer(mut verdict: Verdict) -> Verdict {
    if let Verdict::Granted { repeated, .. } = &mut verdict {
        *repeated = false;
    }
    verdict
}

/// The answer that was given to this id, rebuilt from its records.
pub(super) fn find_answer(connection: &Connection, id: &RequestId) -> Result<Option<Verdict>, JournalError> {
    let looking = JournalError::sqlite("looking a request up");
    let found: Option<(i64, i64)> = connection
        .prepare_cached(sql::REQUEST_FIND)
        .and_then(|mut find| find.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(looking)?;
    let Some((first, last)) = found else { return Ok(None) };
    let (first, last) = (from_sql(first), from_sql(last));
    let facts = chain::facts(connection, first, last)?;
    Ok(Some(Verdict::Granted { first, last, facts, repeated: true }))
}

/// The answers to persons that are not noted as shown.
pub(super) fn find_unshown(connection: &Connection) -> Result<Vec<Unshown>, JournalError> {
    let looking = JournalError::sqlite("looking for answers that were not shown");
    let mut find = connection.prepare(sql::REQUEST_UNSHOWN).map_err(&looking)?;
    let rows = find
        .query_map([UNSHOWN_BACK_MAX], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(&looking)?;
    let mut unshown = Vec::new();
    for row in rows {
        let (first, last, id) = row.map_err(&looking)?;
        let (first, last) = (from_sql(first), from_sql(last));
        let id = RequestId::new(id).map_err(|error| JournalError::Damaged { what: error.to_string() })?;
        unshown.push(Unshown { id, first, last, facts: chain::facts(connection, first, last)? });
    }
    Ok(unshown)
}
