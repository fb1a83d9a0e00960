//! The laboratory: every received box is opened, and its tubes compared with the manifest.

use waypost_core::fact::SiteKind;

use super::person::Cast;
use crate::demo::{Failure, world::TUBES_A_BOX};

/// Compares all boxes of both centres.
pub(super) async fn compare_all(cast: &Cast) -> Result<(), Failure> {
    let (laboratory, _) = cast.nth(SiteKind::Laboratory, 0)?;
    let counter = cast.at(laboratory)?;
    for (crates, tubes) in cast.world.crates.iter().zip(&cast.world.tubes) {
        for (one, tubes) in crates.iter().zip(tubes.chunks(TUBES_A_BOX)) {
            counter.scan("CMD-OPEN").await?;
            cast.until_yes(counter, &one.code, "open a box").await?;
            for tube in tubes {
                // The manifest may still be on its way: until it is here, the tube is refused and scanned again.
                cast.until_yes(counter, tube, "compare a tube").await?;
            }
            cast.until_yes(counter, "CMD-FINISH", "finish a comparison").await?;
            cast.until_yes(counter, "CMD-EMPTY", "empty a box").await?;
        }
    }
    Ok(())
}
