//! Numbers of records as SQLite stores them: signed, 64 bits. None of ours comes near the end of either range.

/// For a parameter.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// From a column.
pub(super) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
