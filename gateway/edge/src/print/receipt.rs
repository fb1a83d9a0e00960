//! A receipt for a person who was served.

use super::canvas::{Canvas, Size};
use crate::panel::Message;

/// What, when, where, to whom, and where to appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where, as people call it.
    pub site_name: String,
    /// The site's id.
    pub site: String,
    /// When, in the site's time.
    pub time: String,
    /// The clock can be believed.
    pub time_is_sure: bool,
    /// The campaign's name.
    pub campaign: String,
    /// Packs handed out.
    pub packs: u32,
    /// The document's number, masked: `A123****`. None where it is not known any more: it is stored nowhere.
    pub masked: Option<String>,
    /// A proxy fetched them.
    pub by_proxy: bool,
    /// The record.
    pub record: u64,
    /// Where a person can appeal.
    pub appeal: String,
}

impl Receipt {
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        canvas.say(Size::Large, &Message::new("print-receipt"));
        canvas.write(Size::Plain, canvas.full(), &self.campaign);
        canvas.rule();
        canvas.say(Size::Large, &Message::new("print-packs").number("packs", self.packs));
        if let Some(masked) = &self.masked {
            canvas.row(&Message::new("print-document"), masked);
        }
        if self.by_proxy {
            canvas.say(Size::Plain, &Message::new("print-by-proxy"));
        }
        canvas.row(&Message::new("print-time"), &self.time);
        if !self.time_is_sure {
            canvas.say(Size::Plain, &Message::new("print-time-unsure"));
        }
        canvas.write(Size::Plain, canvas.full(), &self.site_name);
        canvas.row(&Message::new("print-record").text("site", &self.site), &self.record.to_string());
        canvas.rule();
        if !self.appeal.is_empty() {
            canvas.say(Size::Plain, &Message::new("line-appeal").text("where", &self.appeal));
        }
        canvas.say(Size::Plain, &Message::new("print-not-stored"));
    }
}
