//! The panel as a PNG, for the console's picture of it.

use waypost_drivers::screen::{ScreenError, png::encode};

use super::{PanelView, draw};

/// Width of the small TFT, in dots.
pub const WIDTH_MIN: u32 = 320;
/// Height of the small TFT, in dots.
pub const HEIGHT_MIN: u32 = 240;
/// Largest width or height that is drawn for a page, in dots.
pub const SIDE_MAX: u32 = 1920;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[error("the panel cannot be written as a PNG")]
pub struct PictureError(#[from] ScreenError);

/// Draws the panel's first page as a PNG; sizes out of range are brought into it.
///
/// # Errors
/// None at these sizes; the encoder has errors all the same.
pub fn png(view: &PanelView, width: u32, height: u32) -> Result<Vec<u8>, PictureError> {
    let (width, height) = (width.clamp(WIDTH_MIN, SIDE_MAX), height.clamp(HEIGHT_MIN, SIDE_MAX));
    Ok(encode(&draw(view, width, height, 0).frame)?)
}
