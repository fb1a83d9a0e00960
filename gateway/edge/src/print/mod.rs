//! What is on paper: labels, receipts and reports, drawn as pictures of black dots.
//!
//! No identity number is ever printed: a receipt shows it masked, as `A123****`. Words are Fluent strings in the
//! counter's language; codes are drawn at the printer's own dots, so that every module has the same whole number of them.

mod box_label;
mod canvas;
mod commands;
mod consignment;
mod order;
mod picture;
mod receipt;
mod report;
mod test_page;

use waypost_core::code::code128::NotDrawable;
use waypost_drivers::printer::{Bitmap, barcode::CodeError, bitmap::BadSize};

use crate::panel::{Language, Message};

pub use box_label::BoxLabel;
pub use commands::{CommandSheet, work_commands};
pub use consignment::ConsignmentLabel;
pub use order::{Beside, ORDERS_MAX, OrderError, PaperOrder, Papers, has_paper};
pub use picture::png;
pub use receipt::Receipt;
pub use report::Report;
pub use test_page::TestPage;

use canvas::Canvas;

/// The paper in a printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// Dots an inch, 150 to 600.
    pub dpi: u32,
    /// Width that is printed on, in dots.
    pub width: u32,
    /// Height of a label in dots; none of paper from a roll, which is as long as what is on it.
    pub height: Option<u32>,
}

impl Media {
    /// Paper of so many millimetres.
    pub fn of_mm(dpi: u32, width_mm: u32, height_mm: Option<u32>) -> Self {
        // 25.4 mm an inch.
        let dots = |mm: u32| (mm * dpi * 10 + 127) / 254;
        Self { dpi, width: dots(width_mm), height: height_mm.map(dots) }
    }
}

/// What kind of paper a document wants: which printers print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Labels to stick on boxes.
    Labels,
    /// Receipts for people.
    Receipts,
    /// Reports for the site.
    Reports,
}

/// Something to print.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// On a box.
    Box(BoxLabel),
    /// On a consignment.
    Consignment(ConsignmentLabel),
    /// For a person who was served.
    Receipt(Receipt),
    /// For the site, at the end of a shift.
    Report(Report),
    /// Commands, for the counter.
    Commands(CommandSheet),
    /// To see whether a printer is well.
    Test(TestPage),
}

impl Document {
    /// What kind of paper it wants.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Box(_) | Self::Consignment(_) => Kind::Labels,
            Self::Receipt(_) => Kind::Receipts,
            Self::Report(_) | Self::Commands(_) | Self::Test(_) => Kind::Reports,
        }
    }
}

/// One paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// What is on it.
    pub document: Document,
    /// The how many-th reprint this is; 0 for the first print. It stands on the paper.
    pub reprint: u32,
}

/// Why a document is not on paper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// The paper is too small for the codes, at a size that scanners read.
    #[error("the label is too small: its codes need at least {width} × {height} dots")]
    TooSmall {
        /// Dots across.
        width: u32,
        /// Dots along.
        height: u32,
    },
    /// A size that no printer has.
    #[error(transparent)]
    Size(#[from] BadSize),
    /// A text that cannot be a code of squares.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A text that cannot be a code of bars.
    #[error(transparent)]
    Bars(#[from] NotDrawable),
}

/// Draws a paper.
///
/// # Errors
/// [`PrintError`].
pub fn draw(sheet: &Sheet, media: Media, language: Language) -> Result<Bitmap, PrintError> {
    let mut canvas = Canvas::new(media, language)?;
    if sheet.reprint > 0 {
        canvas.banner(&Message::new("print-reprint").number("number", sheet.reprint));
    }
    match &sheet.document {
        Document::Box(label) => label.draw(&mut canvas)?,
        Document::Consignment(label) => label.draw(&mut canvas)?,
        Document::Receipt(receipt) => receipt.draw(&mut canvas),
        Document::Report(report) => report.draw(&mut canvas),
        Document::Commands(commands) => commands.draw(&mut canvas)?,
        Document::Test(page) => page.draw(&mut canvas)?,
    }
    canvas.finish()
}
