//! The statements, each in a file of its own under `queries/`.

macro_rules! queries {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(crate) const $name: &str = include_str!(concat!("../../queries/", $file, ".sql"));)*
    };
}

queries! {
    ALARM_ABOUT = "alarm_about", ALARM_OF_JOURNAL = "alarm_of_journal", ALARM_OPEN = "alarm_open",
    ALARM_RAISE = "alarm_raise", ALARM_SETTLE = "alarm_settle", ALARM_SINCE = "alarm_since",
    APART_COUNT = "apart_count", APART_INSERT = "apart_insert",
    BOOT_GET = "boot_get", BOOT_SET = "boot_set",
    BOX_ABOUT = "box_about", BOX_ALARMED_COUNT = "box_alarmed_count", BOX_ALL = "box_all",
    BOX_EVENT_INSERT = "box_event_insert", BOX_EVENT_UNSURE = "box_event_unsure", BOX_EVENTS = "box_events",
    BOX_LATE = "box_late", BOX_STARTED = "box_started", BOX_SEAL = "box_seal", BOX_SET = "box_set",
    CAMPAIGN_PAIR_ALL = "campaign_pair_all", CAMPAIGN_PAIR_DELETE = "campaign_pair_delete",
    CAMPAIGN_PAIR_SET = "campaign_pair_set",
    CLAIM_DOUBLE = "claim_double", CLAIM_INSERT = "claim_insert", CLAIM_SERVICES = "claim_services", CLAIM_STANDING = "claim_standing", CLAIM_TOKENS = "claim_tokens", CLAIM_VOID = "claim_void",
    CLAIM_VOID_EARLIER = "claim_void_earlier",
    FORK_COUNT = "fork_count", FORK_DELETE = "fork_delete", FORK_INSERT = "fork_insert", FORK_LINKS = "fork_links",
    GATEWAY_ALL = "gateway_all", GATEWAY_SEEN = "gateway_seen",
    JOURNAL_ALL = "journal_all", JOURNAL_FIRST = "journal_first", JOURNAL_HELD = "journal_held", JOURNAL_INSERT = "journal_insert", JOURNAL_UPDATE = "journal_update",
    LOST_APPLIED = "lost_applied", LOST_AT = "lost_at", LOST_COUNT = "lost_count", LOST_INSERT = "lost_insert", LOST_LINK = "lost_link",
    MANIFEST_ALL = "manifest_all", MANIFEST_DELETE = "manifest_delete", MANIFEST_SET = "manifest_set",
    MANIFEST_UNSURE = "manifest_unsure",
    META_GET = "meta_get", META_SET = "meta_set",
    RECORD_ALL = "record_all", RECORD_BETWEEN = "record_between", RECORD_DELETE = "record_delete", RECORD_GET = "record_get",
    RECORD_INSERT = "record_insert", RECORD_LINK = "record_link", RECORD_NEXT = "record_next",
    RESTORE_FORK_ENDS = "restore_fork_ends", RESTORE_FORK_LINES = "restore_fork_lines", RESTORE_LINES = "restore_lines",
    ROUND_GET = "round_get", ROUND_INSERT = "round_insert",
    TRAIL_ALL = "trail_all", TRAIL_INSERT = "trail_insert", TRAIL_SINCE = "trail_since",
    UNPAIRED_CLEAR = "unpaired_clear", UNPAIRED_DUE = "unpaired_due", UNPAIRED_INSERT = "unpaired_insert",

}
