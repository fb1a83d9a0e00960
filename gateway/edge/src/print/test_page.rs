//! A page that shows whether a printer is well: words of both languages, a ruler, and a code of each kind.

use waypost_drivers::printer::barcode::Matrix;

use super::{
    PrintError,
    canvas::{Canvas, Column, Size},
};
use crate::panel::Message;

/// Text of the plain code. It means nothing to a station.
pub const TEST_TEXT: &str = "WAYPOST-TEST";
/// A box that does not exist, of GS1's own example type: AI 8003 and its value.
const TEST_BOX: (&str, &str) = ("8003", "02112345678900TEST");
/// Side of a code of squares, in units: 15 mm.
const CODE_UNITS: u32 = 120;
/// Height of the bars, in units: 8 mm.
const BARS_UNITS: u32 = 64;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPage {
    /// What the configuration calls the printer.
    pub printer: String,
    /// Dots an inch.
    pub dpi: u32,
}

impl TestPage {
    pub(super) fn draw(&self, canvas: &mut Canvas) -> Result<(), PrintError> {
        canvas.say(Size::Large, &Message::new("print-test"));
        let about = Message::new("print-test-printer").text("printer", &self.printer).number("dpi", self.dpi);
        canvas.say(Size::Plain, &about);
        self.ruler(canvas);
        let (full, top) = (canvas.full(), canvas.y());
        // On a small label the codes are as large as it is.
        let side = canvas.units(CODE_UNITS).min(canvas.bottom().saturating_sub(top));
        let (ai, grai) = TEST_BOX;
        canvas.matrix(&Matrix::qr(TEST_TEXT)?, full.x, top, side)?;
        let beside = full.x + side + canvas.units(24);
        canvas.matrix(&Matrix::gs1_data_matrix(&format!("{ai}{grai}"))?, beside, top, side)?;
        canvas.go_to(top + side + canvas.units(4));
        let bars = canvas.bars(&format!("{ai}{grai}"), true)?;
        let wide = Column { x: 0, width: full.x * 2 + full.width };
        if let Some(module) = canvas.module_for(&bars, wide.width) {
            let (y, height) = (canvas.y(), canvas.units(BARS_UNITS));
            if y + height <= canvas.bottom() {
                canvas.draw_bars(&bars, module, wide, y, height);
                canvas.go_to(y + height + canvas.units(2));
                canvas.write(Size::Small, full, &format!("({ai}){grai}"));
            }
        }
        Ok(())
    }

    /// Ticks at every millimetre, longer ones at every ten: a wrong `dpi` shows.
    fn ruler(&self, canvas: &mut Canvas) {
        let (full, top) = (canvas.full(), canvas.y());
        // 25.4 mm an inch.
        let dpi = self.dpi;
        let at = |mm: u32| full.x + mm * dpi * 10 / 254;
        for mm in (0..).take_while(|mm| at(*mm) < full.x + full.width) {
            let length = if mm % 10 == 0 { 14 } else { 6 };
            canvas.fill(at(mm), top, canvas.units(1), canvas.units(length));
        }
        canvas.go_to(top + canvas.units(20));
    }
}
