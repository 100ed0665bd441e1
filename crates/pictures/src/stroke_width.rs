//! Thickens thin strokes to the width of MNIST's: a pencil line on large paper would vanish when reduced.

use std::f64::consts::FRAC_PI_4;

use super::fit::MNIST_BOX;
use super::gray_plane::{Plane, Rectangle};

/// Strokes narrower than this are thickened, in pixels of a digit fitted into MNIST's box: one in 400 of MNIST's
/// own test images has such strokes.
const THIN: f64 = 1.2;
/// Their new width: MNIST's median.
const USUAL: f64 = 2.5;
/// Values above this are inside a stroke, below it at its edge.
const INSIDE: f32 = 0.5;

/// The part of a picture in `crop`, its strokes thickened if much thinner than MNIST's; and whether they
/// were.
pub fn thicken(ink: &Plane, crop: Rectangle) -> (Plane, bool) {
    let digit = Plane::from_fn(crop.width(), crop.height(), |x, y| ink.at(crop.left + x, crop.top + y));
    let width = width(&digit);
    let unit = digit.width.max(digit.height) as f64 / MNIST_BOX as f64;
    if !(width < THIN * unit) {
        return (digit, false);
    }
    // The digit grows with its strokes, and is then reduced more.
    let radius = (USUAL * unit - width) / (2.0 * (1.0 - USUAL / MNIST_BOX as f64));
    (grown(&digit, radius as f32), true)
}

/// The mean width of the strokes: a long stroke's area is half its perimeter times its width.
fn width(digit: &Plane) -> f64 {
    let inside = |x: usize, y: usize| x < digit.width && y < digit.height && digit.at(x, y) > INSIDE;
    let (mut area, mut steps) = (0usize, 0usize);
    for y in 0..=digit.height {
        for x in 0..=digit.width {
            let here = inside(x, y);
            area += usize::from(here);
            let neighbours = [inside(x.wrapping_sub(1), y), inside(x, y.wrapping_sub(1))];
            steps += neighbours.into_iter().filter(|&neighbour| neighbour != here).count();
        }
    }
    // Steps along pixel edges are longer than the outline, by 4/pi on average over all directions.
    2.0 * area as f64 / (steps as f64 * FRAC_PI_4)
}

/// Dilates the ink by `radius` pixels, in a plane that is larger by as much.
fn grown(digit: &Plane, radius: f32) -> Plane {
    let margin = radius.ceil() as usize;
    let inner = |v: usize, length: usize| v.checked_sub(margin).filter(|&v| v < length);
    let mut plane = Plane::from_fn(digit.width + 2 * margin, digit.height + 2 * margin, |x, y| {
        inner(x, digit.width).zip(inner(y, digit.height)).map_or(0.0, |(x, y)| digit.at(x, y))
    });
    for pass in 0..margin {
        let part = (radius - pass as f32).min(1.0);
        plane = Plane::from_fn(plane.width, plane.height, |x, y| {
            let mut value = plane.at(x, y);
            for row in y.saturating_sub(1)..(y + 2).min(plane.height) {
                for column in x.saturating_sub(1)..(x + 2).min(plane.width) {
                    // Alternating a square and a diamond gives an octagon, which is nearly round.
                    if pass % 2 == 0 || row == y || column == x {
                        value = value.max(part * plane.at(column, row));
                    }
                }
            }
            value
        });
    }
    plane
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(width: usize, height: usize) -> (Plane, bool) {
        let crop = Rectangle { left: 3, top: 5, right: 3 + width, bottom: 5 + height };
        thicken(&Plane::from_fn(width + 10, height + 10, |x, y| f32::from(inside(crop, x, y))), crop)
    }

    fn inside(r: Rectangle, x: usize, y: usize) -> bool {
        (r.left..r.right).contains(&x) && (r.top..r.bottom).contains(&y)
    }

    #[test]
    fn thin_strokes_become_as_wide_as_mnists_and_others_stay() {
        for (width, height) in [(1, 300), (300, 2), (5, 400), (1, 60)] {
            let (digit, thickened) = bar(width, height);
            let share = digit.width.min(digit.height) as f64 / digit.width.max(digit.height) as f64;
            assert!(thickened && (share - USUAL / 20.0).abs() < 0.04, "{width} x {height}: {share}");
        }
        let (digit, thickened) = bar(40, 300);
        assert!(!thickened && digit == Plane::from_fn(40, 300, |_, _| 1.0));
    }

    #[test]
    fn the_width_of_a_diagonal_line_is_measured_correctly() {
        for wide in [4.0, 10.0, 25.0f32] {
            let line =
                Plane::from_fn(400, 400, |x, y| f32::from((x as f32 * 0.8 - y as f32 * 0.6 - 30.0).abs() < wide / 2.0));
            let found = width(&line) as f32 / wide;
            assert!((0.85..1.15).contains(&found), "{wide}: {found} times");
        }
    }

    #[test]
    fn growing_by_parts_of_a_pixel_leaves_a_lighter_edge() {
        let grown = grown(&Plane { width: 1, height: 1, values: vec![1.0] }, 1.5);
        assert_eq!(grown.values[2 * 5..3 * 5], [0.5, 1.0, 1.0, 1.0, 0.5]);
        assert_eq!((grown.width, grown.at(0, 0), grown.at(1, 1)), (5, 0.0, 1.0));
    }
}
