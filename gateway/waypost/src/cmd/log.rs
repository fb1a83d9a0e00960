//! The log of processes that serve: to the system's journal with its fields where that listens, else to standard error,
//! for the person who mends.

use std::{io, os::linux::fs::MetadataExt as _};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Before the names of fields: `seq` is `WAYPOST_SEQ` in the journal.
const FIELDS: &str = "WAYPOST";

/// Starts it. `WAYPOST_LOG` chooses what is said (`info` where not set), `WAYPOST_LOG_FORMAT=json` how on standard error.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("WAYPOST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    if goes_to_journal()
        && let Ok(journal) = tracing_journald::layer()
    {
        let journal =
            journal.with_field_prefix(Some(FIELDS.to_owned())).with_syslog_identifier("waypost".to_owned());
        // It fails only where a log was started before, and then that one serves.
        let _ = tracing_subscriber::registry().with(filter).with(journal).try_init();
        return;
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let json = std::env::var_os("WAYPOST_LOG_FORMAT").is_some_and(|format| format == "json");
    let _ = if json { log.json().try_init() } else { log.try_init() };
}

/// Is standard error the stream that `JOURNAL_STREAM` names, as `DEVICE:INODE` (systemd.exec(5))? A child whose output
/// goes elsewhere inherits the variable all the same.
fn goes_to_journal() -> bool {
    let Some(stream) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    let Ok(ours) = std::fs::metadata("/proc/self/fd/2") else { return false };
    stream == format!("{}:{}", ours.st_dev(), ours.st_ino())
}
