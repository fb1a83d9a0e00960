//! What is published of an order: the whole where it fits into one message, else numbered parts. Filters always go in
//! parts.
//!
//! What stood at the broker before in the other form is cleared with an empty message: the whole always, parts as far as
//! this hub published them. Parts that an earlier hub left are older, and a gateway drops them.

use waypost_core::wire::{
    part::{self, PART_BYTES_MAX, PartHeader},
    topic,
};

use super::{ends::Ends, orders::Retained};

/// Bytes of a PUBLISH packet around its payload, at most: header, topic, properties.
const PACKET_EXTRA_BYTES: usize = 512;

/// The messages, by topic, in the order in which they are published.
pub(super) fn messages(order: Retained, packet_bytes_max: usize, ends: &Ends) -> Vec<(String, Vec<u8>)> {
    let message_bytes_max = packet_bytes_max.saturating_sub(PACKET_EXTRA_BYTES).min(PART_BYTES_MAX);
    let Retained { topic, bytes, version } = order;
    let is_filter = topic::is_filter(&topic);
    let Some(version) = version.filter(|_| is_filter || bytes.len() > message_bytes_max) else {
        // What is cleared away goes out again with each connection: the last one may have ended in between.
        let is_cleared = bytes.is_empty();
        let before = if is_cleared { ends.book.parts(&topic) } else { ends.book.note_parts(&topic, 0) };
        let cleared = (1..=before).map(|number| (part::topic(&topic, number), Vec::new()));
        return std::iter::once((topic.clone(), bytes)).chain(cleared).collect();
    };
    let like = PartHeader::like(version.kind, version.id, (version.epoch, version.number));
    let cut = match part::cut(&bytes, &like, message_bytes_max, &ends.keys.order) {
        Ok(cut) => cut,
        Err(error) => {
            tracing::error!(%error, topic, "an order cannot be put into parts; it is not published");
            return Vec::new();
        }
    };
    let parts = u32::try_from(cut.len()).unwrap_or(u32::MAX);
    tracing::debug!(topic, bytes = bytes.len(), parts, "an order or a filter goes in parts");
    let before = ends.book.note_parts(&topic, parts);
    let surplus = (parts + 1..=before).map(|number| (part::topic(&topic, number), Vec::new()));
    let numbered = cut.into_iter().zip(1..).map(|(bytes, number)| (part::topic(&topic, number), bytes));
    let mut all: Vec<_> = numbered.chain(surplus).collect();
    if !is_filter {
        all.push((topic, Vec::new()));
    }
    all
}
