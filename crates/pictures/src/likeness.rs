//! Whether a shape can be a digit: its proportions, stroke width and parts beside those of MNIST's digits.

use super::components::Shape;
use super::fit::MNIST_BOX;
use super::gray_plane::Plane;
use super::paper::quantile;
use super::stroke_width;

/// What MNIST's digits have at most.
const WIDEST: f64 = 1.5;
const THICKEST: f64 = 5.5;
const LONGEST: f64 = 5.0;
const PARTS: usize = 3;
/// What a sheet of paper, seen at a slant, fills of the least rectangle around it; an ellipse fills 0.79.
const RECTANGLE: f64 = 0.9;

/// How far from the outline its sharpness is measured, in pixels of pictures that are larger than a few hundred, and how
/// much of the contrast is reached there.
const NEAR: usize = 3;
const STEP: f32 = 0.3;
/// The outline of a stroke is at least as sharp as this, though an edge of a shadow may cross it.
const SHARP: f64 = 0.5;
/// What is left of a sheet, a part of which passes for paper, fills this share of the area within its outline; strokes
/// leave holes.
const FILLED: f64 = 0.8;
/// The outline of the digit on it is sharper by more than this.
const SHARPER: f64 = 0.1;

/// Why a shape of a picture, its ink cropped, may not be one digit; empty for most of MNIST's.
pub fn doubts(ink: &Plane, shape: &Shape, grey: &Plane) -> Vec<String> {
    let unit = ink.width.max(ink.height) as f64 / MNIST_BOX as f64;
    let (area, width) = stroke_width::area_and_width(ink);
    let stroke = width / unit;
    let length = area / width / (unit * MNIST_BOX as f64);
    let wide = ink.width as f64 / ink.height as f64;
    let mut doubts = Vec::new();
    if wide > WIDEST {
        doubts.push(format!("it is {wide:.1} times as wide as high, as no digit is: perhaps several that touch"));
    }
    if stroke > THICKEST {
        doubts.push("it is a blot, not strokes".into());
    }
    if length > LONGEST {
        doubts.push("it has more strokes than a digit".into());
    }
    if sharpness(shape, grey) < SHARP {
        doubts.push("its outline is partly blurred, as that of a shadow".into());
    }
    if shape.parts > PARTS {
        doubts.push(format!("it is in {} parts", shape.parts));
    }
    doubts
}

/// The share of a shape's outline where the picture changes quickly, as it does at a stroke, and not as slowly as light
/// falls off.
pub fn sharpness(shape: &Shape, grey: &Plane) -> f64 {
    let area = shape.bounds.grown(1, (grey.width, grey.height));
    let mut on = Plane::from_fn(area.width(), area.height(), |_, _| false);
    let inside = |i: usize| (i / grey.width - area.top) * area.width() + i % grey.width - area.left;
    shape.pixels.iter().for_each(|&i| on.values[inside(i)] = true);
    let is_outline = |i: usize| {
        let (x, y) = on.place(inside(i));
        x == 0
            || y == 0
            || x + 1 == on.width
            || y + 1 == on.height
            || ![(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].iter().all(|&(x, y)| on.at(x, y))
    };
    let near = (grey.width.min(grey.height) / 100).clamp(1, NEAR);
    let step = |&i: &usize| {
        let (x, y) = grey.place(i);
        let columns = [x.saturating_sub(near), (x + near).min(grey.width - 1)].map(|x| grey.at(x, y));
        let rows = [y.saturating_sub(near), (y + near).min(grey.height - 1)].map(|y| grey.at(x, y));
        columns.into_iter().chain(rows).map(|v| (v - grey.values[i]).abs()).fold(0.0, f32::max)
    };
    let mut steps: Vec<f32> = shape.pixels.iter().filter(|&&i| is_outline(i)).map(step).collect();
    let mut within: Vec<f32> = shape.pixels.iter().map(|&i| grey.values[i]).collect();
    let contrast = (surroundings(shape, grey) - quantile(&mut within, 0.5)).abs();
    let least = STEP * contrast.max(quantile(&mut steps, 0.9));
    steps.iter().filter(|&&step| step > least).count() as f64 / steps.len() as f64
}

/// The median grey around a shape.
pub fn surroundings(shape: &Shape, grey: &Plane) -> f32 {
    let ring = shape.bounds.grown(shape.bounds.longest() / 8 + 2, (grey.width, grey.height));
    let is_ring = |x: usize, y: usize| x == ring.left || y == ring.top || x + 1 == ring.right || y + 1 == ring.bottom;
    let places = (ring.top..ring.bottom).flat_map(|y| (ring.left..ring.right).map(move |x| (x, y)));
    let mut around: Vec<f32> = places.filter(|&(x, y)| is_ring(x, y)).map(|(x, y)| grey.at(x, y)).collect();
    quantile(&mut around, 0.5)
}

/// Whether a shape is a sheet of paper, or what is left of one, on which the other is drawn, and not a digit around its
/// hole. Only of a photographed sheet may a part be left.
pub fn is_sheet_around(outer: &Shape, inner: &Shape, grey: &Plane, is_photo: bool) -> bool {
    let b = outer.bounds;
    // A 1 is a rectangle too.
    if 3 * b.width().min(b.height()) < b.longest() {
        return false;
    }
    let mut ends = vec![(usize::MAX, 0); b.height()];
    for &i in &outer.pixels {
        let (x, y) = grey.place(i);
        let end = &mut ends[y - b.top];
        *end = (end.0.min(x), end.1.max(x + 1));
    }
    let area = ends.iter().map(|&(left, right)| right.saturating_sub(left)).sum::<usize>() as f64;
    let is_left = || is_photo && sharpness(inner, grey) > sharpness(outer, grey) + SHARPER;
    area > RECTANGLE * least_rectangle(&ends) || outer.pixels.len() as f64 > FILLED * area && is_left()
}

/// The area of the least rectangle, turned or not, around rows of pixels that begin and end at these columns.
fn least_rectangle(ends: &[(usize, usize)]) -> f64 {
    let corners = |(row, &(left, right)): (usize, &(usize, usize))| {
        [(left, row), (right, row), (left, row + 1), (right, row + 1)]
    };
    let outline: Vec<(usize, usize)> =
        ends.iter().enumerate().filter(|(_, ends)| ends.0 < ends.1).flat_map(corners).collect();
    let area = |degrees: i32| {
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        let extent = |(right, down): (f64, f64)| {
            let places = outline.iter().map(|&(x, y)| x as f64 * right + y as f64 * down);
            let (least, most) = places.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
            most - least
        };
        extent((cos, sin)) * extent((-sin, cos))
    };
    (0..90).step_by(2).map(area).fold(f64::MAX, f64::min)
}
