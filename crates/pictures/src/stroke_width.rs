//! Thickens thin strokes to the width of MNIST's: a pencil line on large paper would vanish when reduced.

use std::f64::consts::FRAC_PI_4;

use super::fit::MNIST_BOX;
use super::gray_plane::Plane;

/// Strokes narrower than this are thickened, in pixels of a digit fitted into MNIST's box: one in 400 of MNIST's
/// own test images has such strokes.
const THIN: f64 = 1.2;
/// Their new width: MNIST's median.
const USUAL: f64 = 2.5;
/// Values above this are inside a stroke, below it at its edge.
const INSIDE: f32 = 0.5;

/// A digit, its strokes thickened if much thinner than MNIST's; and whether they were.
pub fn thicken(digit: Plane) -> (Plane, bool) {
    let (_, width) = area_and_width(&digit);
    let unit = digit.width.max(digit.height) as f64 / MNIST_BOX as f64;
    if !(width < THIN * unit) {
        return (digit, false);
    }
    // The digit grows with its strokes, and is then reduced more.
    let radius = (USUAL * unit - width) / (2.0 * (1.0 - USUAL / MNIST_BOX as f64));
    (grown(&digit, radius as f32), true)
}

/// The pixels of the strokes, and their mean width: a long stroke's area is half its perimeter times its width.
pub fn area_and_width(digit: &Plane) -> (f64, f64) {
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
    (area as f64, 2.0 * area as f64 / (steps as f64 * FRAC_PI_4))
}

/// Dilates the ink by `radius` pixels, in a plane that is larger by as much.
fn grown(digit: &Plane, radius: f32) -> Plane {
    let margin = radius.ceil() as usize;
    let (width, height) = (digit.width + 2 * margin, digit.height + 2 * margin);
    let inner = |v: usize, length: usize| v.checked_sub(margin).filter(|&v| v < length);
    let ink =
        |x: usize, y: usize| inner(x, digit.width).zip(inner(y, digit.height)).map_or(0.0, |(x, y)| digit.at(x, y));
    // The squared distance of each pixel from the nearest inside a stroke: first along columns, then along rows.
    let far = (width + height) as f32;
    let mut down = Plane::from_fn(width, height, |x, y| if ink(x, y) > INSIDE { 0.0 } else { far });
    for i in width..down.values.len() {
        down.values[i] = down.values[i].min(down.values[i - width] + 1.0);
    }
    for i in (0..down.values.len() - width).rev() {
        down.values[i] = down.values[i].min(down.values[i + width] + 1.0);
    }
    Plane::from_fn(width, height, |x, y| {
        let row = &down.values[y * width..(y + 1) * width];
        let near = (x.saturating_sub(margin)..(x + margin + 1).min(width)).map(|i| {
            let along = i.abs_diff(x) as f32;
            along * along + row[i] * row[i]
        });
        let distance = near.fold(f32::INFINITY, f32::min).sqrt();
        // A pixel at the end of the radius is covered in part.
        ink(x, y).max((radius + 1.0 - distance).clamp(0.0, 1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(width: usize, height: usize) -> (Plane, bool) {
        thicken(Plane::from_fn(width, height, |_, _| 1.0))
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
            let found = area_and_width(&line).1 as f32 / wide;
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
