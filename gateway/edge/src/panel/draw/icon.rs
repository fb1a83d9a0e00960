//! A shape of its own for every tone, so that no colour has to be told apart.

use embedded_graphics::{
    Drawable,
    geometry::Point,
    prelude::Primitive,
    primitives::{Circle, Line, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment, Triangle},
};
use waypost_drivers::screen::Paint;

use super::{super::glyph::HEIGHT, Pen, Tone};

/// Draws it into a square of `side` dots.
pub fn icon(pen: &mut Pen, tone: Tone, x: u32, y: u32, side: u32, ink: Paint, ground: Paint) {
    let (left, top, length) = (x * pen.scale, y * pen.scale, side * pen.scale);
    let at = |x: u32, y: u32| point(left + length * x / 10, top + length * y / 10);
    let thick = (length / 8).max(2);
    let stroke = PrimitiveStyle::with_stroke(ink, thick);
    let strokes: &[[(u32, u32); 2]] = match tone {
        Tone::Ready => &[[(3, 2), (7, 5)], [(7, 5), (3, 8)]],
        Tone::Busy => &[[(2, 1), (8, 1)], [(8, 1), (2, 9)], [(2, 9), (8, 9)], [(8, 9), (2, 1)]],
        Tone::Yes => &[[(1, 5), (4, 8)], [(4, 8), (9, 2)]],
        Tone::No => &[[(2, 2), (8, 8)], [(8, 2), (2, 8)]],
        Tone::Already => &[[(2, 4), (8, 4)], [(2, 7), (8, 7)]],
        Tone::Ask | Tone::Alarm => &[],
    };
    for [from, to] in strokes {
        let Ok(()) = Line::new(at(from.0, from.1), at(to.0, to.1)).into_styled(stroke).draw(&mut pen.frame);
    }
    match tone {
        Tone::Ask if side < 2 * HEIGHT => pen.text("?", x + side.saturating_sub(8) / 2, y, side, 1, ink),
        Tone::Ask => {
            let ring = PrimitiveStyleBuilder::new()
                .stroke_color(ink)
                .stroke_width(thick)
                .stroke_alignment(StrokeAlignment::Inside)
                .build();
            let Ok(()) = Circle::new(point(left, top), length).into_styled(ring).draw(&mut pen.frame);
            let size = side / HEIGHT;
            let (width, height) = (8 * size, HEIGHT * size);
            pen.text("?", x + (side - width) / 2, y + (side - height) / 2, side, size, ink);
        }
        Tone::Alarm => {
            let body = Triangle::new(at(5, 0), at(0, 9), at(10, 9));
            let Ok(()) = body.into_styled(PrimitiveStyle::with_fill(ink)).draw(&mut pen.frame);
            let half = (length / 16).max(1) as i32;
            let hole = PrimitiveStyle::with_fill(ground);
            for (from, to) in [(3, 6), (7, 8)] {
                let bar = Rectangle::with_corners(
                    at(5, from) - Point::new(half, 0),
                    at(5, to) + Point::new(half - 1, 0),
                );
                let Ok(()) = bar.into_styled(hole).draw(&mut pen.frame);
            }
        }
        _ => {}
    }
}

/// Sides are at most 4096.
fn point(x: u32, y: u32) -> Point {
    Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
}
