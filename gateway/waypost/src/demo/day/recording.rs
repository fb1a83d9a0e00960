//! Positions from a satellite receiver's recording, for the vans of the day.

use std::path::Path;

use waypost_drivers::gnss::{Decoded, Decoder};

use crate::demo::Failure;

/// Positions taken from a recording.
const POSITIONS_MAX: usize = 5_000;

/// The positions of a receiver's recording.
pub(super) fn positions(path: &Path) -> Result<Vec<(f64, f64)>, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    let mut positions = Vec::new();
    let mut take = |decoded| {
        if let Decoded::Fix(fix) = decoded
            && positions.len() < POSITIONS_MAX
        {
            positions.push((fix.lat, fix.lon));
        }
    };
    let mut decoder = Decoder::default();
    decoder.push(&bytes, &mut take);
    decoder.finish(&mut take);
    Ok(positions)
}
