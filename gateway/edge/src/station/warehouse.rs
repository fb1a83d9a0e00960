//! A warehouse: empties and packs come in and go out to sites. All of its work is the stock desk's.

use super::{
    counter::Counter,
    screen::{Frame, Screen},
    step::{Around, Asked, Outcome, Scanned, Step},
    workplace::Workplace,
};
use crate::panel::Message;

/// A warehouse's counter remembers nothing between two scans.
#[derive(Debug, Default)]
pub struct Warehouse;

impl Workplace for Warehouse {
    fn scan(&mut self, _scanned: &Scanned, _counter: &Counter, _around: &Around<'_>) -> Option<Step> {
        None
    }

    fn answered(
        &mut self,
        _asked: &Asked,
        _outcome: &Outcome,
        _counter: &Counter,
        _around: &Around<'_>,
    ) -> Option<Screen> {
        None
    }

    fn frame(&self, _counter: &Counter) -> Frame {
        Frame::new("title-warehouse", Message::new("ask-site"))
            .choice("CMD-STOCK-IN", "choice-stock-in")
            .choice("CMD-STOCK-OUT", "choice-stock-out")
            .choice("CMD-COUNT", "choice-count")
            .choice("CMD-CLOSE-SHIFT", "choice-close-shift")
    }

    fn clear(&mut self) {}
}
