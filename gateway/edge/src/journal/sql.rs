//! Every statement, each in a file of its own under `queries/`.

macro_rules! queries {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(super) const $name: &str = include_str!(concat!("../../queries/", $file, ".sql"));)*
    };
}

queries! {
    LEDGER_AFTER = "ledger_after",
    LEDGER_BETWEEN = "ledger_between",
    LEDGER_INSERT = "ledger_insert",
    LEDGER_LINK = "ledger_link",
    LEDGER_PRUNE = "ledger_prune",
    LEDGER_TAIL = "ledger_tail",
    META_GET = "meta_get",
    META_PUT = "meta_put",
    ORDER_ALL = "order_all",
    ORDER_PUT = "order_put",
    ORDER_REMOVE = "order_remove",
    REQUEST_FIND = "request_find",
    REQUEST_FORGET = "request_forget",
    REQUEST_INSERT = "request_insert",
    REQUEST_PRUNE = "request_prune",
    REQUEST_SHOWN = "request_shown",
    REQUEST_UNSHOWN = "request_unshown",
    ROW_ALL = "row_all",
    ROW_BODY = "row_body",
    ROW_CHUNK = "row_chunk",
    ROW_FOUND = "row_found",
    ROW_NEAR = "row_near",
    ROW_CHECK = "row_check",
    ROW_CHILDREN = "row_children",
    ROW_IDS = "row_ids",
    ROW_PUT = "row_put",
    ROW_REMOVE = "row_remove",
    ROW_UPDATE = "row_update",
    TRACK_AFTER = "track_after",
    TRACK_DROP = "track_drop",
    TRACK_FIRST = "track_first",
    TRACK_INSERT = "track_insert",
    TRACK_LAST = "track_last",
}

/// The steps from an empty file to today's format, in order; `user_version` counts those taken. Never change one
/// that was shipped: add another.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_journal.sql")];
