//! Kinds of sites and of people.

use serde::{Deserialize, Serialize};

/// The work of a site; each has a station of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// Collects specimens, packs tubes, seals boxes.
    TestingCentre,
    /// Hands out masks over the counter.
    PostOffice,
    /// Carries boxes.
    Vehicle,
    /// Receives boxes, compares tubes with the manifest.
    Laboratory,
    /// Supplies empty tubes and boxes, seals and packs.
    Warehouse,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Counter and desk work.
    Staff,
    /// Staff who may also confirm what needs two people.
    Supervisor,
    /// Drives a vehicle.
    Driver,
    /// Receives and opens boxes at a laboratory.
    Laboratory,
    /// Installs and mends the appliance.
    Maintainer,
}
