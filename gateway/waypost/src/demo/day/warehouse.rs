//! The warehouse: tubes and boxes to the centres, packs of masks to the post offices.

use waypost_core::fact::SiteKind;

use super::person::Cast;
use crate::demo::{Failure, counter::Counter};

/// What the warehouse has in the morning.
const IN_THE_MORNING: [(&str, u32); 3] = [("tubes", 4000), ("boxes", 60), ("packs", 5000)];

/// Counts in what is there, and sends every site what it needs; each site confirms what came.
pub(super) async fn supply(cast: &Cast) -> Result<(), Failure> {
    let (gateway, warehouse) = cast.nth(SiteKind::Warehouse, 0)?;
    let counter = cast.at(gateway)?;
    for (item, quantity) in IN_THE_MORNING {
        moved(cast, counter, "CMD-STOCK-IN", warehouse, item, quantity).await?;
    }
    let wants = [
        (SiteKind::TestingCentre, [("tubes", 600), ("boxes", 15)].as_slice()),
        (SiteKind::PostOffice, [("packs", 1200)].as_slice()),
    ];
    for (kind, items) in wants {
        for number in 0..2 {
            let (to, code) = cast.nth(kind, number)?;
            for (item, quantity) in items {
                moved(cast, counter, "CMD-STOCK-OUT", code, item, *quantity).await?;
                moved(cast, cast.at(to)?, "CMD-STOCK-IN", warehouse, item, *quantity).await?;
            }
        }
    }
    Ok(())
}

/// Goods come or go: direction, the other side, item, quantity.
async fn moved(
    cast: &Cast,
    counter: &Counter,
    direction: &str,
    other: &str,
    item: &str,
    quantity: u32,
) -> Result<(), Failure> {
    counter.scan(direction).await?;
    counter.scan(other).await?;
    counter.scan(&format!("CMD-ITEM-{}", item.to_uppercase())).await?;
    cast.scan(counter, &format!("QTY-{quantity}"), "yes").await?;
    Ok(())
}
