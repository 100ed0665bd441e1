//! Whether a shape can be a digit: its proportions, stroke width and parts beside those of MNIST's digits.

use super::components::Shape;
use super::fit::MNIST_BOX;
use super::gray_plane::Plane;
use super::stroke_width;

/// What MNIST's digits have at most.
const WIDEST: f64 = 1.5;
const THICKEST: f64 = 5.5;
const LONGEST: f64 = 5.0;
const PARTS: usize = 3;
/// What a sheet of paper, not quite straight, fills of its bounds.
const RECTANGLE: f64 = 0.82;

/// Why a shape may not be one digit; empty for most of MNIST's.
pub fn doubts(ink: &Plane, shape: &Shape) -> Vec<String> {
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
    if shape.parts > PARTS {
        doubts.push(format!("it is in {} parts", shape.parts));
    }
    doubts
}

/// Whether a shape and its holes have the outline of a sheet of paper: an ellipse fills 0.79 of its bounds, and a 1 is
/// narrower.
pub fn is_sheet(shape: &Shape, width: usize) -> bool {
    let b = shape.bounds;
    if 3 * b.width().min(b.height()) < b.longest() {
        return false;
    }
    let mut ends = vec![(usize::MAX, 0); b.height()];
    for &i in &shape.pixels {
        let end = &mut ends[i / width - b.top];
        *end = (end.0.min(i % width), end.1.max(i % width + 1));
    }
    let area: usize = ends.iter().map(|&(left, right)| right.saturating_sub(left)).sum();
    area as f64 > RECTANGLE * (b.width() * b.height()) as f64
}
