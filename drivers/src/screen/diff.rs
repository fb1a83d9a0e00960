//! What changed from one picture to the next, as few rectangles.
//!
//! Every rectangle costs a device some bytes of addressing, and every dot of it one to four more. So changes that lie
//! near each other are joined, and the number of rectangles is bounded.

use super::Frame;

/// Most rectangles; what would be one more is joined to the nearest above it.
pub const AREAS_MAX: usize = 32;
/// Unchanged dots that a rectangle may gain before a new one is started: about what addressing it costs.
const WASTE_MAX: u32 = 48;
/// Unchanged dots of a row between two changes that are sent along with them.
const GAP_MAX: u32 = 12;

/// A rectangle of dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row.
    pub y: u32,
    /// Columns, at least one.
    pub width: u32,
    /// Rows, at least one.
    pub height: u32,
}

impl Area {
    /// Dots in it.
    pub fn dots(&self) -> u32 {
        self.width * self.height
    }

    /// The smallest rectangle that holds both.
    fn joined(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: bottom - y }
    }
}

/// The rectangles that differ. All of the picture where there was none before, or one of another size or palette.
pub fn changed(before: Option<&Frame>, now: &Frame) -> Vec<Area> {
    let (width, height) = (now.width(), now.height());
    let comparable =
        before.filter(|old| (old.width(), old.height(), old.palette()) == (width, height, now.palette()));
    let Some(before) = comparable else {
        let whole = Area { x: 0, y: 0, width, height };
        return if whole.dots() == 0 { Vec::new() } else { vec![whole] };
    };
    let mut areas: Vec<Area> = Vec::new();
    for y in 0..height {
        for (x, width) in spans(before.row(y), now.row(y)) {
            add(&mut areas, Area { x, y, width, height: 1 });
        }
    }
    without_overlap(areas)
}

/// Rectangles that grew into each other become one: a dot is not sent twice.
fn without_overlap(mut areas: Vec<Area>) -> Vec<Area> {
    let mut whole: Vec<Area> = Vec::with_capacity(areas.len());
    while let Some(mut area) = areas.pop() {
        let near = |other: &Area| area.joined(other).dots() <= area.dots() + other.dots() + WASTE_MAX;
        match whole.iter().position(near) {
            Some(at) => {
                area = area.joined(&whole.swap_remove(at));
                areas.push(area);
            }
            None => whole.push(area),
        }
    }
    let bounds = whole.iter().copied().reduce(|all, area| all.joined(&area));
    let sum: u64 = whole.iter().map(|area| u64::from(area.dots())).sum();
    match bounds {
        Some(bounds) if u64::from(bounds.dots()) <= sum => vec![bounds],
        _ => {
            whole.sort_by_key(|area| (area.y, area.x));
            whole
        }
    }
}

/// Stretches of a row that differ, as first column and width.
fn spans(before: &[u8], now: &[u8]) -> Vec<(u32, u32)> {
    if before == now {
        return Vec::new();
    }
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for (x, _) in (0..).zip(before.iter().zip(now)).filter(|(_, (before, now))| before != now) {
        match spans.last_mut() {
            Some((start, width)) if x - (*start + *width) <= GAP_MAX => *width = x + 1 - *start,
            _ => spans.push((x, 1)),
        }
    }
    spans
}

/// Adds a stretch to the rectangle that gains least by it, or as one of its own.
fn add(areas: &mut Vec<Area>, stretch: Area) {
    let full = areas.len() >= AREAS_MAX;
    let waste = |area: &Area| {
        let joined = area.joined(&stretch);
        joined.dots().saturating_sub(area.dots() + stretch.dots())
    };
    match areas.iter_mut().min_by_key(|area| waste(area)) {
        Some(area) if full || waste(area) <= WASTE_MAX => *area = area.joined(&stretch),
        _ => areas.push(stretch),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::screen::{COLOURS, Paint, Palette};

    const PALETTE: Palette = [[0; 3]; COLOURS];

    #[test]
    fn the_first_picture_is_sent_whole_and_the_same_one_not_at_all() {
        let frame = Frame::new(320, 240, &PALETTE);
        assert_eq!(changed(None, &frame), [Area { x: 0, y: 0, width: 320, height: 240 }]);
        assert_eq!(changed(Some(&frame), &frame), []);
        let other = Frame::new(128, 64, &PALETTE);
        assert_eq!(changed(Some(&other), &frame).len(), 1, "another size is another picture");
        assert_eq!(changed(None, &Frame::new(0, 9, &PALETTE)), []);
    }

    #[test]
    fn changes_far_apart_are_rectangles_of_their_own() {
        let before = Frame::new(320, 240, &PALETTE);
        let mut now = before.clone();
        now.block(10, 10, 8, 16, Paint(1));
        now.block(20, 12, 8, 16, Paint(1));
        now.block(10, 200, 100, 16, Paint(2));
        let areas = changed(Some(&before), &now);
        let near = Area { x: 10, y: 10, width: 18, height: 18 };
        assert_eq!(areas, [near, Area { x: 10, y: 200, width: 100, height: 16 }]);
    }

    proptest! {
        #[test]
        fn what_is_outside_of_the_rectangles_is_the_same(
            blocks in prop::collection::vec((0_u32..70, 0_u32..50, 1_u32..30, 1_u32..20, 0_u8..3), 0..40),
            split in 0_usize..40,
        ) {
            let mut frames = [Frame::new(64, 48, &PALETTE), Frame::new(64, 48, &PALETTE)];
            for (at, (x, y, width, height, paint)) in blocks.into_iter().enumerate() {
                frames[usize::from(at > split)].block(x, y, width, height, Paint(paint));
            }
            let [before, now] = frames;
            let areas = changed(Some(&before), &now);
            prop_assert!(areas.len() <= AREAS_MAX);
            for area in &areas {
                prop_assert!(area.x + area.width <= 64 && area.y + area.height <= 48 && area.dots() > 0);
            }
            for (x, y) in (0..64).flat_map(|x| (0..48).map(move |y| (x, y))) {
                let sent = areas.iter().any(|area| {
                    (area.x..area.x + area.width).contains(&x) && (area.y..area.y + area.height).contains(&y)
                });
                prop_assert!(sent || before.row(y)[x as usize] == now.row(y)[x as usize], "{x} {y}");
            }
        }
    }
}
