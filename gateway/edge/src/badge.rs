//! The task that gives scanned badges to the vault of campaigns' keys, and gives the keys out that come of it.

use tokio::sync::{mpsc, watch};
use waypost_core::rule::{LedgerError, ledger::load, roles::may_serve, row::StaffRow};

use crate::{
    journal::Reader,
    secret::{Keeper, vault::Presented as Opened},
    station::pin_entry::Presented,
    sync::Secrets,
};

/// Badges that may wait; more are left out, and the next scan does it.
pub const BADGES_MAX: usize = 8;

/// Ends when nobody can send a badge any more.
pub async fn tend(
    keeper: Keeper,
    reader: Reader,
    secrets: watch::Sender<Secrets>,
    mut badges: mpsc::Receiver<Presented>,
) {
    while let Some(badge) = badges.recv().await {
        let (keeper, reader) = (keeper.clone(), reader.clone());
        match tokio::task::spawn_blocking(move || present(&keeper, &reader, &badge)).await {
            Ok(Came::Keys(opened)) => drop(secrets.send_replace(opened)),
            Ok(Came::NeedsAnother) => {
                secrets.send_if_modified(|secrets| !std::mem::replace(&mut secrets.badge_was_new, true));
            }
            Ok(Came::Nothing) => {}
            Err(_) => tracing::error!("the thread that opens the keys of campaigns ended"),
        }
    }
}

/// What came of a badge.
enum Came {
    /// It opened the keys that are there now.
    Keys(Secrets),
    /// It was never scanned while they were open: that of a colleague comes first.
    NeedsAnother,
    /// It changes nothing.
    Nothing,
}

fn present(keeper: &Keeper, reader: &Reader, badge: &Presented) -> Came {
    let Some(vault) = keeper.vault() else { return Came::Nothing };
    match serves(reader, &badge.hash) {
        Ok(true) => {}
        Ok(false) => return Came::Nothing,
        Err(error) => {
            tracing::error!(%error, "the staff list cannot be read");
            return Came::Nothing;
        }
    }
    let others = |hash: &str| serves(reader, hash).unwrap_or(true);
    match vault.present(&badge.badge, &badge.hash, others) {
        Ok(Opened::Opened) => tracing::info!("a badge brought the keys of campaigns back"),
        Ok(Opened::WasOpen) => return Came::Nothing,
        Ok(Opened::StaysClosed) => {
            tracing::info!("the keys of campaigns wait for another badge");
            return Came::NeedsAnother;
        }
        Err(error) => {
            tracing::error!(%error, "a badge does not open the keys of campaigns");
            return Came::Nothing;
        }
    }
    match reader.orders() {
        Ok(orders) => Came::Keys(Secrets::of_orders(orders, keeper)),
        Err(error) => {
            tracing::error!(%error, "the orders in force cannot be read");
            Came::Nothing
        }
    }
}

fn serves(reader: &Reader, hash: &str) -> Result<bool, LedgerError> {
    let person: Option<StaffRow> = load(reader, hash)?;
    Ok(person.is_some_and(|person| may_serve().contains(&person.role)))
}
