//! Sites that have worked for ages: their counters are moved shortly before a limit, in journal and store alike, while
//! neither runs. What was recorded before counts as pruned.

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::{gateway::Gateway, hub::Hub};

/// Moves the last number of a gateway's ledger, and of its track, to `last`, and its count of starts to `boot`. The hub
/// must have all of it; gateway and hub must not run.
pub fn age(gateway: &Gateway, hub: &Hub, last: u64, boot: u32) {
    let link = age_journal(&gateway.data(), last, boot);
    let store = Connection::open(hub.dir().join("store.db")).unwrap();
    let moved = store.execute(
        "UPDATE journal SET held = ?1, top = ?1, track_held = ?1, track_top = ?1 WHERE gateway = ?2 AND link = ?3",
        params![last, gateway.plan.id, link],
    );
    assert_eq!(moved.unwrap(), 1, "the store ends with the same link");
}

fn age_journal(data: &Path, last: u64, boot: u32) -> Vec<u8> {
    let journal = Connection::open(data.join("journal.db")).unwrap();
    let link: Vec<u8> =
        journal.query_row("SELECT link FROM ledger ORDER BY seq DESC LIMIT 1", [], |row| row.get(0)).unwrap();
    let held: String =
        journal.query_row("SELECT value FROM meta WHERE name = 'held'", [], |row| row.get(0)).unwrap();
    let mut held: Value = serde_json::from_str(&held).unwrap();
    // The last words of the hub may not have come.
    held["link"] = link.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    for name in ["held", "safe", "track_held"] {
        held[name] = last.into();
    }
    let boundary = json!({ "seq": last, "link": held["link"], "ack": held });
    journal.execute_batch("DELETE FROM ledger; DELETE FROM request; DELETE FROM track").unwrap();
    for (name, value) in [
        ("held", held.to_string()),
        ("boundary", boundary.to_string()),
        ("marks", "[]".to_owned()),
        ("boot", boot.to_string()),
    ] {
        let set = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        journal.execute(set, [name, &value]).unwrap();
    }
    // It says where the journal ended before.
    let _ = fs::remove_file(data.join("tail"));
    link
}
