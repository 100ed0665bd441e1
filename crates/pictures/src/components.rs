//! Connected components: the shapes of a picture.

use super::gray_plane::{Plane, Rectangle};

/// Pixels that touch each other, if only at a corner; or several such shapes that are parts of one digit.
#[derive(Clone, Debug)]
pub struct Shape {
    pub bounds: Rectangle,
    pub pixels: Vec<usize>,
    pub parts: usize,
}

impl Shape {
    /// Both together.
    pub fn with(mut self, other: Shape) -> Shape {
        self.bounds = self.bounds.around(other.bounds);
        self.pixels.extend(other.pixels);
        self.parts += other.parts;
        self
    }
}

/// The connected components of the pixels that are on.
pub fn find(on: &Plane<bool>) -> Vec<Shape> {
    let mut left = on.clone();
    let mut shapes = Vec::new();
    for start in 0..left.values.len() {
        if left.values[start] {
            shapes.push(take(&mut left, start));
        }
    }
    shapes
}

/// The component around a pixel, which is taken from `left`.
fn take(left: &mut Plane<bool>, start: usize) -> Shape {
    left.values[start] = false;
    let mut pixels = vec![start];
    let mut bounds = pixel(left, start);
    let mut next = 0;
    while let Some(&i) = pixels.get(next) {
        next += 1;
        let here = pixel(left, i);
        bounds = bounds.around(here);
        let around = here.grown(1, (left.width, left.height));
        for row in around.top..around.bottom {
            for neighbour in row * left.width + around.left..row * left.width + around.right {
                if std::mem::take(&mut left.values[neighbour]) {
                    pixels.push(neighbour);
                }
            }
        }
    }
    Shape { bounds, pixels, parts: 1 }
}

fn pixel(plane: &Plane<bool>, i: usize) -> Rectangle {
    let (x, y) = plane.place(i);
    Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 }
}
