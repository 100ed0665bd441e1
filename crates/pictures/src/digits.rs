//! Which shapes are digits: parts of a digit are put together, and what is no digit is left out.

use super::components::Shape;
use super::gray_plane::Rectangle;

/// Shapes smaller than this share of the largest are specks.
const SPECK: f64 = 0.08;
/// The most shapes that are looked at, largest first: a texture has thousands.
const MOST: usize = 300;
/// Digits beside the main one are at least this share of its height, and it is of theirs.
const AS_HIGH: f64 = 0.5;

/// The digits of a picture, and what else there was.
pub struct Digits {
    /// In reading order, each row from the left.
    pub rows: Vec<Vec<Shape>>,
    /// The row and column of the most central one.
    pub main: (usize, usize),
    /// Shapes drawn around others.
    pub frames: usize,
    /// Shapes that are too small, too large, too flat or too wide beside the main one.
    pub others: usize,
}

/// The digits among shapes in a picture of this size; none if all are specks.
pub fn find(mut shapes: Vec<Shape>, size: (usize, usize)) -> Option<Digits> {
    let least = (size.0.min(size.1) as f64 * 0.02).max(2.0);
    let (mut shapes, frames) = without_frames({
        shapes.sort_by_key(|shape| std::cmp::Reverse(shape.bounds.longest()));
        shapes.truncate(MOST);
        shapes
    });
    let largest = shapes.first()?.bounds.longest() as f64;
    shapes.retain(|shape| shape.bounds.longest() as f64 >= (SPECK * largest).max(least));
    let wholes = put_together(shapes);
    let main = wholes.iter().max_by(|a, b| weight(a, size).total_cmp(&weight(b, size)))?.bounds;
    let is_digit = |shape: &Shape| {
        let (height, usual) = (shape.bounds.height() as f64, main.height() as f64);
        shape.bounds == main || height >= AS_HIGH * usual && usual >= AS_HIGH * height && !is_flat(shape.bounds)
    };
    let (digits, others): (Vec<Shape>, Vec<Shape>) = wholes.into_iter().partition(is_digit);
    let rows = in_rows(digits);
    let row = rows.iter().position(|row| row.iter().any(|shape| shape.bounds == main))?;
    let column = rows[row].iter().position(|shape| shape.bounds == main)?;
    Some(Digits { rows, main: (row, column), frames, others: others.len() })
}

/// How much a shape looks like what the picture was taken of: large, in the middle, and no wider than a digit.
fn weight(shape: &Shape, (width, height): (usize, usize)) -> f64 {
    let b = shape.bounds;
    let off = |start: usize, end: usize, length: usize| (start + end) as f64 / length as f64 - 1.0;
    let distance = off(b.left, b.right, width).hypot(off(b.top, b.bottom, height)) / 2.0f64.sqrt();
    let size = (b.height() as f64 / height as f64).max(b.width() as f64 / width as f64).min(0.5);
    let filled = shape.pixels.len() as f64 / (b.longest() * b.longest()) as f64;
    let like = if is_flat(b) || filled > 0.6 { 0.2 } else { 1.0 };
    size * (1.0 - 0.7 * distance) * like
}

/// Twice as wide as high: a dash, or digits that touch.
fn is_flat(b: Rectangle) -> bool {
    b.width() > 2 * b.height()
}

/// Leaves out hollow shapes around others, and counts them.
fn without_frames(shapes: Vec<Shape>) -> (Vec<Shape>, usize) {
    let bounds: Vec<Rectangle> = shapes.iter().map(|shape| shape.bounds).collect();
    let is_frame = |shape: &Shape| {
        let a = shape.bounds;
        let is_inside = |b: &Rectangle| {
            let inside = a.left < b.left && a.top < b.top && b.right < a.right && b.bottom < a.bottom;
            inside && (10 * b.height() >= 3 * a.height() || 10 * b.width() >= 3 * a.width())
        };
        3 * shape.pixels.len() < a.width() * a.height() && bounds.iter().any(is_inside)
    };
    let (frames, rest): (Vec<Shape>, Vec<Shape>) = shapes.into_iter().partition(is_frame);
    (rest, frames.len())
}

/// Puts the parts of each digit together. `shapes` is sorted, the largest first.
fn put_together(shapes: Vec<Shape>) -> Vec<Shape> {
    let mut wholes: Vec<Shape> = Vec::new();
    for shape in shapes {
        match wholes.iter().position(|whole| belongs(shape.bounds, whole.bounds)) {
            Some(i) => {
                let whole = wholes.swap_remove(i);
                wholes.push(whole.with(shape));
            }
            None => wholes.push(shape),
        }
    }
    wholes
}

/// Whether a shape is a part of the digit whose larger part has the other bounds.
fn belongs(part: Rectangle, whole: Rectangle) -> bool {
    let overlap = |a: (usize, usize), b: (usize, usize)| a.1.min(b.1) as f64 - a.0.max(b.0) as f64;
    let x = overlap((part.left, part.right), (whole.left, whole.right));
    let y = overlap((part.top, part.bottom), (whole.top, whole.bottom));
    let (width, height) = (part.width().min(whole.width()) as f64, part.height().min(whole.height()) as f64);
    let is_low = part.height() as f64 <= 0.6 * whole.height() as f64;
    // Strokes side by side or through each other; slanted digits beside each other overlap less.
    let crosses = y > 0.3 * height && x > (if is_low { 0.3 } else { 0.7 }) * width;
    // As the bar of a 5; what is flat and below is an underline.
    let is_underline = part.width() > 5 * part.height() && part.top as f64 > whole.bottom as f64 - 0.1 * height;
    let is_above_or_below = x > 0.5 * width && is_low && -y < 0.25 * whole.height() as f64 && !is_underline;
    let longest = whole.longest() as f64;
    // The bar of a 5, beside it, is too low to be a digit of its own.
    let is_small = (part.longest() as f64) < 0.35 * longest || is_low && part.width() > part.height();
    let is_near = -x < 0.12 * longest && -y < 0.12 * longest && is_small && !is_underline;
    crosses || is_above_or_below || is_near
}

/// In reading order: what shares half of its height with a row is in it.
fn in_rows(mut shapes: Vec<Shape>) -> Vec<Vec<Shape>> {
    shapes.sort_by_key(|shape| shape.bounds.top + shape.bounds.bottom);
    let mut rows: Vec<Vec<Shape>> = Vec::new();
    for shape in shapes {
        let b = shape.bounds;
        let is_beside = |row: &Vec<Shape>| {
            let a = row[row.len() - 1].bounds;
            let shared = a.bottom.min(b.bottom).saturating_sub(a.top.max(b.top));
            2 * shared > a.height().min(b.height())
        };
        match rows.iter_mut().rev().find(|row| is_beside(row)) {
            Some(row) => row.push(shape),
            None => rows.push(vec![shape]),
        }
    }
    rows.iter_mut().for_each(|row| row.sort_by_key(|shape| shape.bounds.left));
    rows
}
