//! The task that gives scanned badges to the vault of campaigns' keys, and gives the keys out that come of it.

use tokio::sync::{mpsc, watch};
use waypost_core::rule::{LedgerError, ledger::load, roles::may_serve, row::StaffRow};

use crate::{
    journal::Reader,
    secret::{Keeper, KeeperError, vault::Presented as Opened},
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
            Ok(Some(opened)) => drop(secrets.send_replace(opened)),
            Ok(None) => {}
            Err(_) => tracing::error!("the thread that opens the keys of campaigns ended"),
        }
    }
}

/// The keys that are there now; none where the badge changed nothing.
fn present(keeper: &Keeper, reader: &Reader, badge: &Presented) -> Option<Secrets> {
    let vault = keeper.vault()?;
    match serves(reader, &badge.hash) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => {
            tracing::error!(%error, "the staff list cannot be read");
            return None;
        }
    }
    let others = |hash: &str| serves(reader, hash).unwrap_or(true);
    match vault.present(&badge.badge, &badge.hash, others) {
        Ok(Opened::Opened) => tracing::info!("a badge brought the keys of campaigns back"),
        Ok(Opened::WasOpen) => return None,
        Ok(Opened::StaysClosed) => {
            tracing::info!("the keys of campaigns wait for another badge");
            return None;
        }
        Err(error) => return not_opened(&error),
    }
    match reader.orders() {
        Ok(orders) => Some(Secrets::of_orders(orders, keeper)),
        Err(error) => {
            tracing::error!(%error, "the orders in force cannot be read");
            None
        }
    }
}

fn not_opened(error: &KeeperError) -> Option<Secrets> {
    tracing::error!(%error, "a badge does not open the keys of campaigns");
    None
}

fn serves(reader: &Reader, hash: &str) -> Result<bool, LedgerError> {
    let person: Option<StaffRow> = load(reader, hash)?;
    Ok(person.is_some_and(|person| may_serve().contains(&person.role)))
}
