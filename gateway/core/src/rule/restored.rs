//! What of an earlier journal's ledger is put back, row by row.

use serde::{Deserialize, Serialize};

use super::row::{BoxRow, OrderRow, SealRow, Service, TripRow, TubeRow};

/// One row that is put back. Numbers of records in it are 0: they are an earlier journal's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum RestoredRow {
    /// A person's services.
    Claim {
        /// As in the ledger: `campaign/token`.
        id: String,
        /// Every service.
        served: Vec<Service>,
    },
    /// Persons that a proxy fetched for.
    Proxy {
        /// As in the ledger.
        id: String,
        /// How many.
        persons: u32,
    },
    /// Persons served on a day.
    Quota {
        /// As in the ledger.
        id: String,
        /// How many.
        persons: u32,
    },
    /// Stock on hand.
    Stock {
        /// The item.
        id: String,
        /// How many.
        on_hand: i64,
    },
    /// A tube.
    Tube {
        /// The tube.
        id: String,
        /// Where it is.
        tube: TubeRow,
    },
    /// A box.
    Box {
        /// The box.
        id: String,
        /// What it is doing.
        held: BoxRow,
    },
    /// A seal, with the highest counter that was accepted.
    Seal {
        /// The seal.
        id: String,
        /// What is known of it.
        seal: SealRow,
    },
    /// A vehicle's trip.
    Trip {
        /// The trip.
        trip: TripRow,
    },
    /// The version of an order that was in force: no older one is taken.
    Order {
        /// `kind/id`.
        id: String,
        /// Its version.
        version: OrderRow,
    },
}
