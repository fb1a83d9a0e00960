//! The panel as a picture, for screens of any size.
//!
//! From 240 × 160 dots on there is room for all of it ([`large`]); below, as on an OLED of 128 × 64, the verdict stands
//! still and the rest takes turns ([`small`]). What does not fit at once is shown page by page, a page every
//! [`PAGE_TIME`]. Text is wrapped, and where even that leaves no room, cut with a mark.

mod icon;
mod large;
mod pen;
mod small;
mod test_card;

use std::time::Duration;

use waypost_drivers::screen::Frame;

use super::{Language, Message, PanelView, Tone};
use pen::Pen;
pub use test_card::test_card;

/// How long a page stands where there are several.
pub const PAGE_TIME: Duration = Duration::from_secs(2);
/// Narrowest screen of the large layout, in dots.
const LARGE_WIDTH: u32 = 240;
/// Lowest screen of the large layout, in dots.
const LARGE_HEIGHT: u32 = 160;

/// A picture of the panel.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The picture.
    pub frame: Frame,
    /// Pages that take turns, at least one. With one the picture stays as it is until the panel changes.
    pub pages: u32,
    /// Some text had no room, and ends with a mark.
    pub cut: bool,
}

/// Draws the panel for a screen of that size. `page` counts up without end from the moment that an answer shows.
pub fn draw(view: &PanelView, width: u32, height: u32, page: u32) -> Drawn {
    let (long, short) = (width.max(height), width.min(height));
    // Large screens get larger dots; a 320 × 240 one the glyphs as they are.
    let mut pen = Pen::new(width, height, (long / 320).min(short / 240).max(1));
    let pages = match width >= LARGE_WIDTH && height >= LARGE_HEIGHT {
        true => large::draw(&mut pen, view, page),
        false => small::draw(&mut pen, view, page),
    };
    let (frame, cut) = pen.finish();
    Drawn { frame, pages, cut }
}

/// What the two buttons and the printed codes do.
struct Offer<'a> {
    mark: Mark,
    label: &'a str,
}

/// What chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The button that says yes.
    Yes,
    /// The button that says no.
    No,
    /// Its printed code only.
    Code,
}

/// The choices, those of the buttons first.
fn offers(view: &PanelView) -> Vec<Offer<'_>> {
    let (yes, no) = (view.buttons.yes.as_ref(), view.buttons.no.as_ref());
    let mut offers: Vec<Offer<'_>> = view
        .choices
        .iter()
        .map(|choice| {
            let mark = match Some(choice) {
                choice if choice == yes => Mark::Yes,
                choice if choice == no => Mark::No,
                _ => Mark::Code,
            };
            Offer { mark, label: &choice.label }
        })
        .collect();
    offers.sort_by_key(|offer| match offer.mark {
        Mark::Yes => 0,
        Mark::No => 1,
        Mark::Code => 2,
    });
    offers
}

/// The tone in a word: no colour and no shape has to be known.
fn tone_word(view: &PanelView) -> String {
    let key = match view.tone {
        Tone::Ready => "ui-tone-ready",
        Tone::Busy => "ui-tone-busy",
        Tone::Yes => "ui-tone-yes",
        Tone::No => "ui-tone-no",
        Tone::Already => "ui-tone-already",
        Tone::Ask => "ui-tone-ask",
        Tone::Alarm => "ui-tone-alarm",
    };
    language(view).say(&Message::new(key))
}

/// What is wrong with the gateway itself.
fn alerts(view: &PanelView) -> Vec<String> {
    let words = &view.status_words;
    let told = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    told(&words.disk).into_iter().chain(words.missing.iter().cloned()).chain(told(&words.lid)).collect()
}

/// The status line's parts, the most important first.
fn status(view: &PanelView) -> Vec<String> {
    let words = &view.status_words;
    let time = view.status.time.get(11..16).unwrap_or_default();
    let clock = format!("{} {time}", words.clock);
    [&words.unsynced, clock.trim_end(), &words.person, &words.link, &view.status.site]
        .into_iter()
        .map(|part: &str| part.to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

fn language(view: &PanelView) -> Language {
    Language::from_tag(view.lang).unwrap_or_default()
}
