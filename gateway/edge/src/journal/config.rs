//! Where a journal is, whose it is, and by which rules its writer decides.

use std::path::PathBuf;

use uuid::Uuid;
use waypost_core::{
    fact::{
        Fact, SiteKind,
        id::{GatewayId, ItemId, OperatorId, SiteId},
    },
    rule::{Act, Decision, Ledger, LedgerError, LedgerMut, Place},
};

use crate::clock::Clock;

/// Where the journal is, and whose.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// The data directory; made where it is missing.
    pub dir: PathBuf,
    /// The gateway's id.
    pub gateway: GatewayId,
    /// The site where it stands.
    pub site: SiteId,
    /// The work of that site.
    pub kind: SiteKind,
    /// Tubes that a box holds.
    pub box_tubes_max: u32,
    /// Par levels: an item at or below its level is low.
    pub par: Vec<(ItemId, i64)>,
    /// The gateway's clock.
    pub clock: Clock,
    /// Most positions kept; at least 1.
    pub track_max: u64,
    /// The journal's id, from the gateway's identity.
    pub journal: Uuid,
}

type Author = fn(&Place<'_>, &dyn Ledger, &Act) -> Result<Option<OperatorId>, LedgerError>;
type Decide = fn(&Place<'_>, &dyn Ledger, &Act) -> Result<Decision, LedgerError>;
type Apply = fn(&Place<'_>, &mut dyn LedgerMut, u64, &Fact, &Act) -> Result<(), LedgerError>;

/// The rules that the writer asks. Tests put others in their place.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) author: Author,
    pub(super) decide: Decide,
    pub(super) apply: Apply,
}
