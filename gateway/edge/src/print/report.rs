//! The report at the end of a shift.

use waypost_core::fact::ShiftCounts;

use super::canvas::{Canvas, Size};
use crate::panel::Message;

/// What was done in a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where, as people call it.
    pub site_name: String,
    /// The site's id.
    pub site: String,
    /// The day that the shift counts for. None where it is not known any more.
    pub day: Option<String>,
    /// When the shift was opened, in the site's time. None where it is not known any more.
    pub opened: Option<String>,
    /// When it was closed, in the site's time.
    pub closed: String,
    /// The clock can be believed.
    pub time_is_sure: bool,
    /// Pseudonym of who closed it.
    pub person: String,
    /// What was done.
    pub counts: ShiftCounts,
    /// Records that the hub did not have at that moment.
    pub unsynced: u64,
    /// The record of the closing.
    pub record: u64,
}

impl Report {
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        canvas.say(Size::Large, &Message::new("print-report"));
        canvas.write(Size::Plain, canvas.full(), &self.site_name);
        canvas.rule();
        if let Some(day) = &self.day {
            canvas.row(&Message::new("print-day"), day);
        }
        if let Some(opened) = &self.opened {
            canvas.row(&Message::new("print-opened"), opened);
        }
        canvas.row(&Message::new("print-closed"), &self.closed);
        if !self.time_is_sure {
            canvas.say(Size::Plain, &Message::new("print-time-unsure"));
        }
        canvas.row(&Message::new("print-person"), &self.person);
        canvas.rule();
        for (key, count) in rows(&self.counts).filter(|(_, count)| *count > 0) {
            canvas.row(&Message::new(key), &count.to_string());
        }
        if self.counts == ShiftCounts::default() {
            canvas.say(Size::Plain, &Message::new("print-nothing-done"));
        }
        canvas.rule();
        canvas.row(&Message::new("print-unsynced"), &self.unsynced.to_string());
        canvas.row(&Message::new("print-record").text("site", &self.site), &self.record.to_string());
    }
}

fn rows(counts: &ShiftCounts) -> impl Iterator<Item = (&'static str, u32)> {
    [
        ("print-count-collected", counts.tubes_collected),
        ("print-count-packed", counts.tubes_packed),
        ("print-count-sealed", counts.boxes_sealed),
        ("print-count-handed-over", counts.boxes_handed_over),
        ("print-count-boxes-received", counts.boxes_received),
        ("print-count-tubes-received", counts.tubes_received),
        ("print-count-claims", counts.claims_served),
        ("print-count-packs", counts.packs),
    ]
    .into_iter()
}
