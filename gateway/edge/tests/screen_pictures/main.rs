//! What the screens show: every page, in both languages, at each size, is as it was when somebody looked at it.
//!
//! `WAYPOST_GOLDEN=write cargo test -p waypost-edge --test screen_pictures` draws the kept sheets anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

mod panels;
mod sheet;

use panels::{keys_on, messages, pages};
use sheet::Sheet;
use waypost_drivers::screen::Frame;
use waypost_edge::panel::{Language, PanelView, draw, render, test_card};

/// Pages of an OLED that are kept of each panel.
const OLED_PAGES: u32 = 3;

fn views(language: Language) -> Vec<(String, PanelView)> {
    pages().iter().map(|(name, panel)| (name.clone(), render(panel, language))).collect()
}

fn frames(language: Language, width: u32, height: u32, turns: impl Fn(usize) -> u32) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (at, (_, view)) in views(language).iter().enumerate() {
        frames.extend((0..turns(at)).map(|page| draw(view, width, height, page).frame));
    }
    frames.push(test_card(width, height));
    frames
}

/// The first pages of each panel beside each other, five panels in a row.
fn oled(language: Language) {
    Sheet::new(&frames(language, 128, 64, |_| OLED_PAGES), 5 * OLED_PAGES as usize)
        .check(&format!("oled-128x64-{}.png", language.tag()));
}

fn large(language: Language, name: &str, width: u32, height: u32) {
    Sheet::new(&frames(language, width, height, |_| 1), 12).check(&format!("{name}-{}.png", language.tag()));
}

#[test]
fn an_oled_shows_every_page_in_english_as_it_was_looked_at() {
    oled(Language::En);
}

#[test]
fn an_oled_shows_every_page_in_chinese_as_it_was_looked_at() {
    oled(Language::ZhHk);
}

#[test]
fn a_tft_shows_every_page_in_english_as_it_was_looked_at() {
    large(Language::En, "tft-320x240", 320, 240);
}

#[test]
fn a_tft_shows_every_page_in_chinese_as_it_was_looked_at() {
    large(Language::ZhHk, "tft-320x240", 320, 240);
}

#[test]
fn a_framebuffer_shows_every_page_in_english_as_it_was_looked_at() {
    large(Language::En, "framebuffer-800x480", 800, 480);
}

#[test]
fn a_framebuffer_shows_every_page_in_chinese_as_it_was_looked_at() {
    large(Language::ZhHk, "framebuffer-800x480", 800, 480);
}

#[test]
fn every_message_of_a_station_stands_on_a_page() {
    let pages = pages();
    let shown = keys_on(&pages);
    let left: Vec<_> =
        messages().into_iter().map(|(key, _)| key).filter(|key| !shown.contains(key)).collect();
    assert!(left.is_empty(), "add these to panels.rs: {left:?}");
}

#[test]
fn no_page_of_a_station_is_cut_at_any_size_in_any_language() {
    for language in Language::ALL {
        for (name, view) in views(language) {
            for (width, height) in [(128, 64), (320, 240), (240, 320)] {
                let turns = draw(&view, width, height, 0).pages;
                assert!(turns < 64, "{name} has {turns} pages");
                for page in 0..turns {
                    let cut = draw(&view, width, height, page).cut;
                    assert!(!cut, "{name}, {}, {width} x {height}, page {page}", language.tag());
                }
            }
        }
    }
}

#[test]
fn no_size_and_no_text_makes_drawing_fail() {
    let (_, mut panel) = pages().swap_remove(9);
    for text in ["", "\u{0}\u{7f}\t\n", "한국어 ¥ 😀", &"長".repeat(500), &"W".repeat(500)] {
        panel.status.site = text.to_owned();
        panel.status.missing = vec![text.to_owned(); 40];
        panel.lines.truncate(1);
        panel.lines.push(waypost_edge::panel::Message::new("item-other").text("item", text));
        panel.progress = Some(waypost_edge::panel::Progress { done: u32::MAX, of: 0 });
        let view = render(&panel, Language::ZhHk);
        for (width, height) in [
            (0, 0),
            (1, 1),
            (7, 200),
            (200, 7),
            (96, 16),
            (128, 32),
            (160, 128),
            (240, 240),
            (240, 160),
            (319, 241),
        ] {
            for page in [0, 1, 2, 17, u32::MAX] {
                let drawn = draw(&view, width, height, page);
                assert_eq!((drawn.frame.width(), drawn.frame.height()), (width, height));
                assert!(drawn.pages > 0);
            }
            test_card(width, height);
        }
    }
}
