//! Less than 240 × 160 dots, in black and white: four lines of sixteen columns on an OLED of 128 × 64.
//!
//! The first line says icon and tone, and the verdict stands under it without moving. In the lines that are left, what
//! matters next takes turns: why and what to do, progress, the choices of the buttons, what is missing, the status. A
//! verdict that fills all lines takes turns with them, and comes back after every third page.

use super::{
    super::{
        PanelView, Progress,
        glyph::HEIGHT,
        palette::{BLACK, WHITE},
        text,
    },
    Mark, Pen, Tone, alerts,
    icon::icon,
    offers, status, tone_word,
};

/// Room of the sign before a choice.
const MARK: u32 = 16;
/// Most lines that take turns.
const ROWS_MAX: usize = 48;
/// Other pages after which a verdict that fills all lines comes back.
const OTHERS_MAX: usize = 3;

/// A line.
#[derive(Clone)]
enum Row {
    Text(String),
    /// A choice's first line has its sign.
    Offer(Option<Mark>, String),
    Progress(Progress),
}

/// Gives how many pages there are.
pub fn draw(pen: &mut Pen, view: &PanelView, page: u32) -> u32 {
    header(pen, view, page);
    let room = pen.width();
    let lines = (pen.height() / HEIGHT).saturating_sub(1).max(1) as usize;
    let main: Vec<Row> = text::wrap(&view.main, room).into_iter().map(Row::Text).collect();
    let rest = rest(view, room);
    let pages = pages(&main, &rest, lines);
    let number = page.checked_rem(pages.len() as u32).unwrap_or_default();
    for (at, row) in (1..).zip(pages.get(number as usize).into_iter().flatten()) {
        draw_row(pen, row, at * HEIGHT);
    }
    pages.len() as u32
}

/// Words too long for it take turns, too.
fn header(pen: &mut Pen, view: &PanelView, page: u32) {
    pen.band(0, HEIGHT, WHITE);
    icon(pen, view.tone, 1, 1, HEIGHT - 2, BLACK, WHITE);
    let wrong = !alerts(view).is_empty();
    let room = pen.width().saturating_sub(HEIGHT + 2 + if wrong { 12 } else { 0 });
    let words = if view.tone == Tone::Ready { view.title.clone() } else { tone_word(view) };
    let parts = text::wrap(&words, room);
    if let Some(part) = parts.get(page as usize % parts.len().max(1)) {
        pen.text(part, HEIGHT + 2, 0, room, 1, BLACK);
    }
    if wrong {
        let x = pen.width().saturating_sub(12);
        pen.block(x, 0, 12, HEIGHT, BLACK);
        pen.text("!", x + 2, 0, 8, 1, WHITE);
    }
}

/// What takes turns, the most important first.
fn rest(view: &PanelView, room: u32) -> Vec<Row> {
    let texts = |texts: Vec<String>| {
        let lines = texts.into_iter().flat_map(move |part| text::wrap(&part, room));
        lines.map(Row::Text).collect::<Vec<_>>()
    };
    let mut rows = texts(view.lines.clone());
    rows.extend(view.progress.map(Row::Progress));
    for offer in offers(view) {
        let lines = text::wrap(offer.label, room.saturating_sub(MARK));
        rows.extend(
            lines
                .into_iter()
                .zip(0..)
                .map(|(line, at)| Row::Offer(Some(offer.mark).filter(|_| at == 0), line)),
        );
    }
    rows.extend(texts(alerts(view)));
    if view.tone != Tone::Ready {
        rows.extend(texts(vec![view.title.clone()]));
    }
    rows.extend(texts(status(view)));
    rows.truncate(ROWS_MAX);
    rows
}

/// The lines of each page.
fn pages(main: &[Row], rest: &[Row], lines: usize) -> Vec<Vec<Row>> {
    let free = lines.saturating_sub(main.len());
    if free > 0 {
        let turns = rest.chunks(free).map(|turn| [main, turn].concat());
        return if rest.is_empty() { vec![main.to_vec()] } else { turns.collect() };
    }
    let mut pages = Vec::new();
    let mut rest = rest.iter();
    loop {
        let room = main.len().next_multiple_of(lines) + OTHERS_MAX * lines;
        let rows: Vec<Row> = main.iter().chain(rest.by_ref().take(room - main.len())).cloned().collect();
        pages.extend(rows.chunks(lines).map(<[Row]>::to_vec));
        if rest.len() == 0 {
            return pages;
        }
    }
}

fn draw_row(pen: &mut Pen, row: &Row, y: u32) {
    let room = pen.width();
    match row {
        Row::Text(line) => pen.text(line, 0, y, room, 1, WHITE),
        Row::Offer(mark, label) => {
            if let Some(mark) = mark {
                pen.mark(*mark, 0, y, WHITE, BLACK);
            }
            pen.text(label, MARK, y, room.saturating_sub(MARK), 1, WHITE);
        }
        Row::Progress(progress) => {
            let words = format!("{}/{}", progress.done, progress.of);
            let left = text::width(&words) + 4;
            let bar = room.saturating_sub(left);
            pen.text(&words, 0, y, room, 1, WHITE);
            if bar >= 16 {
                let inside = u64::from(bar - 4);
                let done = inside * u64::from(progress.done.min(progress.of)) / u64::from(progress.of.max(1));
                pen.block(left, y + 3, bar, 10, WHITE);
                pen.block(left + 1, y + 4, bar - 2, 8, BLACK);
                pen.block(left + 2, y + 5, done as u32, 6, WHITE);
            }
        }
    }
}
