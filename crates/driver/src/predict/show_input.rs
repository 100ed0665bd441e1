//! `twolayer predict --show-input`: the steps from a picture to what the network sees, as a PNG file.

use png::{BitDepth, ColorType, Encoder};
use twolayer_pictures::{Plane, PreparedImage};

use crate::error::CliError;

/// The space between the steps, and its grey.
const GAP: usize = 8;
const BETWEEN: u8 = 128;
/// How much larger a digit's pixels are drawn.
const SCALE: usize = 4;

/// Side by side the picture in grey, its difference from the paper, and the ink that was kept; below, each digit.
pub fn png(picture: &PreparedImage) -> Result<Vec<u8>, CliError> {
    let steps = &picture.steps;
    let (width, height) = (steps.grey.width, steps.grey.height);
    let side = SCALE * picture.main().pixels.len().isqrt();
    let across = (3 * width + 2 * GAP).max(side);
    let in_line = (across + GAP) / (side + GAP);
    let lines = picture.digits().count().div_ceil(in_line);
    let mut canvas = Plane { width: across, height: height + lines * (side + GAP), values: Vec::new() };
    canvas.values = vec![BETWEEN; canvas.width * canvas.height];
    for (i, step) in [&steps.grey, &steps.contrast, &steps.kept].into_iter().enumerate() {
        let value = |x, y| (step.at(x, y).clamp(0.0, 1.0) * 255.0) as u8;
        draw(&mut canvas, (i * (width + GAP), 0), (width, height), value);
    }
    for (i, digit) in picture.digits().enumerate() {
        let place = (i % in_line * (side + GAP), height + GAP + i / in_line * (side + GAP));
        let value = |x: usize, y: usize| digit.pixels[y / SCALE * (side / SCALE) + x / SCALE];
        draw(&mut canvas, place, (side, side), value);
    }
    encoded(&canvas).map_err(|e| CliError::new(format!("cannot encode what the network sees: {e}")))
}

fn draw(
    canvas: &mut Plane<u8>,
    (left, top): (usize, usize),
    (width, height): (usize, usize),
    value: impl Fn(usize, usize) -> u8,
) {
    for y in 0..height {
        for x in 0..width {
            canvas.values[(top + y) * canvas.width + left + x] = value(x, y);
        }
    }
}

fn encoded(canvas: &Plane<u8>) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, canvas.width as u32, canvas.height as u32);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header()?.write_image_data(&canvas.values)?;
    Ok(file)
}
