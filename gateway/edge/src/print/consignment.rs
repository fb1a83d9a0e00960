//! A consignment's label: an SSCC as GS1-128.

use waypost_core::code::gs1::Sscc;

use super::{
    PrintError,
    canvas::{Canvas, Column, Size},
};
use crate::panel::Message;

/// Height of the bars, in units: 20 mm.
const BARS_UNITS: u32 = 160;

/// On what travels together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsignmentLabel {
    /// Its number.
    pub sscc: Sscc,
    /// Who sends it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// Boxes in it.
    pub boxes: u32,
}

impl ConsignmentLabel {
    pub(super) fn draw(&self, canvas: &mut Canvas) -> Result<(), PrintError> {
        let full = canvas.full();
        let bars = canvas.bars(&format!("00{}", self.sscc), true)?;
        let wide = Column { x: 0, width: full.x * 2 + full.width };
        let least = bars.modules() * canvas.units(2);
        let module = canvas
            .module_for(&bars, wide.width)
            .ok_or(PrintError::TooSmall { width: least, height: canvas.units(2 * BARS_UNITS) })?;
        let (height, line) = (canvas.units(BARS_UNITS), canvas.line_height(Size::Large));
        let y = canvas.bottom().saturating_sub(height + line);
        canvas.draw_bars(&bars, module, wide, y, height);
        canvas.centred(Size::Large, full, y + height + canvas.units(2), &format!("(00){}", self.sscc));
        canvas.reserve(height + line + canvas.units(6));
        canvas.say(Size::Large, &Message::new("print-consignment"));
        canvas.rule();
        canvas.say(Size::Plain, &Message::new("print-from").text("site", &self.from));
        canvas.say(Size::Plain, &Message::new("print-to").text("site", &self.to));
        canvas.say(Size::Plain, &Message::new("print-boxes").number("count", self.boxes));
        Ok(())
    }
}
