//! A box's label: what a dock scans, and what a person reads.

use waypost_core::code::gs1::Grai;
use waypost_drivers::printer::barcode::Matrix;

use super::{
    PrintError,
    canvas::{Canvas, Column, Size},
};
use crate::panel::Message;

/// Height of the bars, in units: 12 mm.
const BARS_UNITS: u32 = 96;

/// On a sealed box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxLabel {
    /// The box: a GRAI with serial, or a plain number.
    pub box_id: String,
    /// Who sealed it, as people call it.
    pub site_name: String,
    /// The site's id.
    pub site: String,
    /// Tubes in it.
    pub tubes: u32,
    /// Its seal.
    pub seal: String,
    /// A mechanical seal beside it.
    pub mechanical: Option<String>,
    /// When it must be at a laboratory, in the site's time.
    pub due: String,
    /// The record of the sealing.
    pub record: u64,
}

/// A box's number as its codes bear it.
struct Codes {
    data: String,
    words: String,
    gs1: bool,
}

impl BoxLabel {
    /// The element string of a GRAI, else the number as it is.
    fn codes(&self) -> Codes {
        match self.box_id.parse::<Grai>() {
            Ok(grai) => Codes { data: format!("8003{grai}"), words: format!("(8003){grai}"), gs1: true },
            Err(_) => Codes { data: self.box_id.clone(), words: self.box_id.clone(), gs1: false },
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) -> Result<(), PrintError> {
        let codes = self.codes();
        let full = canvas.full();
        // The bars first, at the bottom: words take what is left. Without room for them the squares are enough.
        let bars = canvas.bars(&codes.data, codes.gs1)?;
        let wide = Column { x: 0, width: full.x * 2 + full.width };
        if let Some(module) = canvas.module_for(&bars, wide.width) {
            let (height, line) = (canvas.units(BARS_UNITS), canvas.line_height(Size::Plain));
            let y = canvas.bottom().saturating_sub(height + line);
            canvas.draw_bars(&bars, module, wide, y, height);
            canvas.centred(Size::Plain, full, y + height + canvas.units(2), &codes.words);
            canvas.reserve(height + line + canvas.units(6));
        }
        canvas.write(Size::Large, full, &self.site_name);
        canvas.rule();
        let top = canvas.y();
        let square =
            if codes.gs1 { Matrix::gs1_data_matrix(&codes.data) } else { Matrix::data_matrix(&codes.data) }?;
        let side = canvas.bottom().saturating_sub(top).min(full.width * 2 / 5);
        let took = canvas.matrix(&square, full.x, top, side)?;
        let beside = took + canvas.units(12);
        let column = Column { x: full.x + beside, width: full.width.saturating_sub(beside) };
        canvas.go_to(top);
        canvas.say_in(Size::Large, column, &Message::new("print-box").text("box", self.short_number()));
        canvas.say_in(Size::Plain, column, &Message::new("print-tubes").number("count", self.tubes));
        canvas.say_in(Size::Plain, column, &Message::new("print-due").text("time", &self.due));
        canvas.say_in(Size::Plain, column, &Message::new("print-seal").text("seal", &self.seal));
        if let Some(number) = &self.mechanical {
            canvas.say_in(Size::Plain, column, &Message::new("print-mechanical").text("number", number));
        }
        let record = Message::new("print-sealed-at").text("site", &self.site).number("record", self.record);
        canvas.say_in(Size::Small, column, &record);
        Ok(())
    }

    /// What people call the box: a GRAI's serial.
    fn short_number(&self) -> String {
        match self.box_id.parse::<Grai>() {
            Ok(grai) => grai.serial().to_owned(),
            Err(_) => self.box_id.clone(),
        }
    }
}
