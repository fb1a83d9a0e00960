//! 240 × 160 dots and more: a bar with title and tone, the verdict on its colour, then lines, progress and choices, and
//! the status at the foot.

use super::{
    super::{
        PanelView, Progress,
        palette::{INK, PAPER, SHADE, WHITE, ground},
        text,
    },
    Mark, Pen, Tone, alerts,
    icon::icon,
    offers,
    pen::LINE,
    status, tone_word,
};

/// Room at the sides.
const EDGE: u32 = 6;
/// Height of the title's bar.
const BAR: u32 = 20;
/// Height of the verdict: two lines of double size.
const VERDICT: u32 = 68;
/// Side of the tone's icon.
const ICON: u32 = 40;
/// Lines of the status.
const FOOT_LINES: u32 = 2;
/// Room of the sign before a choice.
const MARK: u32 = 18;
/// Between the parts of the status.
const BETWEEN: &str = " | ";
/// Each page stands for two turns: there is much to read on it.
const TURNS: u32 = 2;

/// A line of the middle.
enum Row {
    Text(String),
    Progress(Progress),
    Offers(Vec<(Option<Mark>, String)>),
}

/// Gives how many pages there are.
pub fn draw(pen: &mut Pen, view: &PanelView, page: u32) -> u32 {
    let page = page / TURNS;
    let ground = ground(view.tone);
    let foot = pen.height().saturating_sub(FOOT_LINES * LINE);
    let top = BAR + VERDICT + 4;
    pen.below(0, PAPER);
    let rows = rows(pen, view);
    let most = (foot.saturating_sub(top) / LINE).max(1) as usize;
    let pages: Vec<&[Row]> = rows.chunks(most).collect();
    let number = page.checked_rem(pages.len() as u32).unwrap_or_default();

    pen.band(0, BAR, INK);
    let mut right = tone_word(view);
    if pages.len() > 1 {
        right = format!("{}/{} {right}", number + 1, pages.len());
    }
    let inner = pen.width().saturating_sub(2 * EDGE);
    let beside = text::width(&right).min(inner);
    pen.text(&right, EDGE + inner - beside, 2, inner, 1, WHITE);
    // A title too long for a narrow screen takes turns with the rest of it.
    let room = inner.saturating_sub(beside + 8);
    let parts = text::wrap(&view.title, room);
    if let Some(part) = parts.get(page as usize % parts.len().max(1)) {
        pen.text(part, EDGE, 2, room, 1, WHITE);
    }

    pen.band(BAR, VERDICT, ground);
    icon(pen, view.tone, EDGE, BAR + (VERDICT - ICON) / 2, ICON, WHITE, ground);
    verdict(pen, &view.main, EDGE + ICON + 8);
    for (at, row) in (0..).zip(pages.get(number as usize).copied().unwrap_or_default()) {
        draw_row(pen, row, view.tone, top + at * LINE, inner);
    }
    let foot_pages = status_pages(pen, view, foot, page);
    TURNS * (pages.len().max(parts.len()) as u32).max(foot_pages).max(1)
}

/// The main line in double size where its words fit into two lines so, else in three lines of the plain size.
fn verdict(pen: &mut Pen, main: &str, x: u32) {
    let room = pen.width().saturating_sub(x + EDGE);
    let double = text::wrap_whole(main, room / 2).filter(|lines| lines.len() <= 2);
    match double {
        Some(lines) => {
            let top = BAR + (VERDICT - 32 * lines.len() as u32) / 2;
            for (at, line) in (0..).zip(&lines) {
                pen.text(line, x, top + at * 32, room, 2, WHITE);
            }
        }
        None => {
            let lines = text::wrap(main, room);
            let shown = lines.len().min(3);
            let top = BAR + (VERDICT - LINE * shown as u32) / 2;
            pen.lines(&lines, x, top, room, shown, WHITE);
        }
    }
}

fn rows(pen: &Pen, view: &PanelView) -> Vec<Row> {
    let inner = pen.width().saturating_sub(2 * EDGE);
    let mut rows: Vec<Row> =
        view.lines.iter().flat_map(|line| text::wrap(line, inner)).map(Row::Text).collect();
    rows.extend(view.progress.map(Row::Progress));
    let offers = offers(view);
    let half = (inner / 2).saturating_sub(MARK + 4);
    if offers.iter().all(|offer| text::width(offer.label) <= half) {
        let signed: Vec<_> = offers.iter().map(|offer| (Some(offer.mark), offer.label.to_owned())).collect();
        rows.extend(signed.chunks(2).map(|pair| Row::Offers(pair.to_vec())));
        return rows;
    }
    for offer in offers {
        // The sign stands before the first line of a label.
        let signs = std::iter::once(Some(offer.mark)).chain(std::iter::repeat(None));
        let lines = text::wrap(offer.label, inner.saturating_sub(MARK));
        rows.extend(signs.zip(lines).map(|signed| Row::Offers(vec![signed])));
    }
    rows
}

fn draw_row(pen: &mut Pen, row: &Row, tone: Tone, y: u32, inner: u32) {
    match row {
        Row::Text(line) => pen.text(line, EDGE, y, inner, 1, INK),
        Row::Progress(progress) => {
            let words = format!("{} / {}", progress.done, progress.of);
            let beside = text::width(&words) + 8;
            let room = inner.saturating_sub(beside);
            // A count may lie beyond what was to be done; the bar is then full.
            let done =
                u64::from(room) * u64::from(progress.done.min(progress.of)) / u64::from(progress.of.max(1));
            pen.text(&words, EDGE, y, inner, 1, INK);
            pen.block(EDGE + beside, y + 4, room, 8, SHADE);
            pen.block(EDGE + beside, y + 4, done as u32, 8, ground(tone));
        }
        Row::Offers(offers) => {
            for ((mark, label), x) in offers.iter().zip([EDGE, EDGE + inner / 2]) {
                if let Some(mark) = mark {
                    pen.mark(*mark, x, y, INK, WHITE);
                }
                pen.text(label, x + MARK, y, (inner + EDGE).saturating_sub(x + MARK), 1, INK);
            }
        }
    }
}

/// The foot; gives how many pages it has.
fn status_pages(pen: &mut Pen, view: &PanelView, top: u32, page: u32) -> u32 {
    let inner = pen.width().saturating_sub(2 * EDGE);
    pen.below(top, SHADE);
    let wrapped = |alert: &String| text::wrap(alert, inner.saturating_sub(16));
    let alerts: Vec<String> = alerts(view).iter().flat_map(wrapped).collect();
    let mut y = top + 1;
    let mut free = FOOT_LINES as usize;
    if let Some(alert) = alerts.get(page as usize % alerts.len().max(1)) {
        pen.band(top, LINE, ground(Tone::Alarm));
        pen.text("!", EDGE, y, 8, 1, WHITE);
        pen.text(alert, EDGE + 16, y, inner.saturating_sub(16), 1, WHITE);
        y += LINE;
        free -= 1;
    }
    let lines = joined(&status(view), inner);
    let pages: Vec<&[String]> = lines.chunks(free).collect();
    let number = page.checked_rem(pages.len() as u32).unwrap_or_default();
    let shown = pages.get(number as usize).copied().unwrap_or_default();
    pen.lines(shown, EDGE, y, inner, free, INK);
    (pages.len() as u32).max(alerts.len() as u32)
}

/// As many parts in a line as fit beside each other.
fn joined(parts: &[String], room: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().flat_map(|part| text::wrap(part, room)) {
        match lines.last_mut() {
            Some(line) if text::width(line) + text::width(BETWEEN) + text::width(&part) <= room => {
                line.push_str(BETWEEN);
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}
