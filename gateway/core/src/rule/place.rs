//! Where and when a request is decided.

use crate::fact::{
    Moment, SiteKind,
    id::{GatewayId, ItemId, OperatorId, SiteId},
};

/// Where and when a request is decided. Made by the writer for each request.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// This gateway.
    pub gateway: &'a GatewayId,
    /// Its site.
    pub site: &'a SiteId,
    /// The site's work.
    pub kind: SiteKind,
    /// The clock now.
    pub now: Moment,
    /// Which start of the gateway.
    pub boot: u32,
    /// The number that the first fact would get.
    pub next_seq: u64,
    /// Who asks, and whom the record will name; none: the gateway itself. See [`author`](super::author).
    pub by: Option<&'a OperatorId>,
    /// Tubes that a box holds, from the configuration.
    pub box_tubes_max: u32,
    /// Par levels from the configuration: an item at or below its level is low.
    pub par: &'a [(ItemId, i64)],
}
