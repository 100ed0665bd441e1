//! Scales and centres a digit as in the network's training data.

use super::gray_plane::{Plane, Rectangle, resample};

/// MNIST's digits were scaled into 20 x 20 of its 28 x 28 pixels.
pub const MNIST_BOX: usize = 20;
const MNIST_SIDE: usize = 28;

/// The side of the box into which a digit is scaled: MNIST's share of the side. Images smaller than MNIST's box,
/// such as the bundled digits of 8 x 8, have no margin and are filled.
pub fn box_side(side: usize) -> usize {
    if side < MNIST_BOX { side } else { (side * MNIST_BOX + MNIST_SIDE / 2) / MNIST_SIDE }
}

/// The position of the centre of mass. MNIST's is the middle of pixel (14, 14), half a pixel right of and below the
/// image's middle; that of smaller images such as the bundled digits scatters around the middle.
pub fn centre(side: usize) -> f64 {
    if side < MNIST_BOX { side as f64 / 2.0 } else { (side / 2) as f64 + 0.5 }
}

/// Scales a digit into the box, keeping its aspect ratio, and places it in `side` x `side` pixels so that its centre of
/// mass is at their centre, as closely as whole pixels and the edges allow.
pub fn fit(ink: &Plane, side: usize) -> Vec<u8> {
    let (width, height) = scaled(ink.width, ink.height, box_side(side));
    let all = Rectangle { left: 0, top: 0, right: ink.width, bottom: ink.height };
    let digit = resample(all, width, height, |x, y| ink.at(x, y));
    let (x, y) = centre_of_mass(&digit);
    let left = offset(x, width, side);
    let top = offset(y, height, side);
    let mut pixels = vec![0; side * side];
    for (row, values) in digit.values.chunks_exact(width).enumerate() {
        let start = (top + row) * side + left;
        for (pixel, value) in pixels[start..].iter_mut().zip(values) {
            *pixel = (value * 255.0).round() as u8;
        }
    }
    pixels
}

/// The size that fits the box with the same aspect ratio.
fn scaled(width: usize, height: usize, to: usize) -> (usize, usize) {
    let longest = width.max(height);
    let scale = |length: usize| ((length * to + longest / 2) / longest).max(1);
    (scale(width), scale(height))
}

/// The start of a digit of `length` pixels with its centre of mass at `mass`.
fn offset(mass: f64, length: usize, side: usize) -> usize {
    (centre(side) - mass).round().clamp(0.0, (side - length) as f64) as usize
}

/// The centre of mass of the ink, from the left and top edges; pixel centres are at .5.
pub fn centre_of_mass(plane: &Plane) -> (f64, f64) {
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for (i, &value) in plane.values.iter().enumerate() {
        let value = f64::from(value);
        mass += value;
        x += value * ((i % plane.width) as f64 + 0.5);
        y += value * ((i / plane.width) as f64 + 0.5);
    }
    (x / mass, y / mass)
}
