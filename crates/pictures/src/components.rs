//! Connected components of the ink: drops specks and counts digits side by side.

use super::gray_plane::{Plane, Rectangle};

/// Values below this are paper, or blur around a stroke.
const VISIBLE: f32 = 0.1;
/// A component with less than this share of the largest one's ink is a speck. The separate strokes of a 5 or a 4
/// have more.
const SPECK: f64 = 0.02;

/// A connected component of ink.
pub struct Shape {
    pub bounds: Rectangle,
    pub mass: f64,
    pixels: Vec<usize>,
}

/// The connected components; pixels that touch at a corner are connected.
pub fn find(ink: &Plane) -> Vec<Shape> {
    let mut seen = vec![false; ink.values.len()];
    let mut shapes = Vec::new();
    for start in 0..ink.values.len() {
        if !seen[start] && ink.values[start] > VISIBLE {
            shapes.push(grow(ink, start, &mut seen));
        }
    }
    shapes
}

/// The component around a pixel.
fn grow(ink: &Plane, start: usize, seen: &mut [bool]) -> Shape {
    seen[start] = true;
    let mut pixels = vec![start];
    let mut bounds = pixel(ink, start);
    let (mut mass, mut next) = (0.0, 0);
    while let Some(&i) = pixels.get(next) {
        next += 1;
        mass += f64::from(ink.values[i]);
        let here = pixel(ink, i);
        bounds = bounds.around(here);
        for row in here.top.saturating_sub(1)..(here.bottom + 1).min(ink.height) {
            for column in here.left.saturating_sub(1)..(here.right + 1).min(ink.width) {
                let neighbour = row * ink.width + column;
                if !seen[neighbour] && ink.values[neighbour] > VISIBLE {
                    seen[neighbour] = true;
                    pixels.push(neighbour);
                }
            }
        }
    }
    Shape { bounds, mass, pixels }
}

fn pixel(ink: &Plane, i: usize) -> Rectangle {
    let (x, y) = (i % ink.width, i / ink.width);
    Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 }
}

/// Erases specks; returns the bounds of the rest, if any.
pub fn keep(ink: &mut Plane, shapes: &[Shape]) -> Option<Rectangle> {
    let largest = largest(shapes, |shape| shape.mass);
    let (kept, specks): (Vec<&Shape>, Vec<&Shape>) = shapes.iter().partition(|shape| shape.mass >= SPECK * largest);
    for i in specks.iter().flat_map(|speck| &speck.pixels) {
        ink.values[*i] = 0.0;
    }
    kept.into_iter().map(|shape| shape.bounds).reduce(Rectangle::around)
}

/// The number of components side by side with at least these shares of the largest one's height and ink.
pub fn side_by_side(shapes: &[Shape], height: f64, mass: f64) -> usize {
    let (highest, heaviest) = (largest(shapes, |s| s.bounds.height() as f64), largest(shapes, |s| s.mass));
    let is_large = |s: &&Shape| s.bounds.height() as f64 >= height * highest && s.mass >= mass * heaviest;
    let mut bounds: Vec<Rectangle> = shapes.iter().filter(is_large).map(|shape| shape.bounds).collect();
    bounds.sort_by_key(|b| b.right);
    let (mut count, mut right) = (0, 0);
    for b in bounds {
        if count == 0 || b.left >= right {
            (count, right) = (count + 1, b.right);
        }
    }
    count
}

fn largest(shapes: &[Shape], of: impl Fn(&Shape) -> f64) -> f64 {
    shapes.iter().map(of).fold(0.0, f64::max)
}
