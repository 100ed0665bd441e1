//! The steps from a grey picture to the network's input.

use super::gray_plane::Plane;
use super::{components, fit, ink, stroke_width};

/// Larger pictures are first reduced to this many pixels a side: that averages camera noise, and a
/// digit of a fortieth of the picture's height still has 20 pixels.
pub const MAX_SIDE: usize = 800;

/// Components side by side are separate digits if each has at least these shares of the largest one's height and ink.
const DIGIT_HEIGHT: f64 = 0.6;
const DIGIT_MASS: f64 = 0.25;

/// A picture prepared for the network.
#[derive(Debug)]
pub struct PreparedImage {
    /// The picture's own width, turned upright.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// Whether the ink was darker than the paper, so that the picture was inverted.
    pub light_paper: bool,
    /// `side` rows of `side` pixels, 0 for paper.
    pub pixels: Vec<u8>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Turns grey values from 0 to 1 into an image of `side` x `side` pixels. The error completes "the picture
/// ...".
pub fn prepare(grey: &Plane, size: (usize, usize), side: usize) -> Result<PreparedImage, String> {
    let mut ink = ink::separate(grey, size.0 as f32 / grey.width as f32)?;
    let shapes = components::find(&ink.plane);
    let Some(crop) = components::keep(&mut ink.plane, &shapes) else {
        return Err(ink::BLANK.into());
    };
    let mut notes = Vec::new();
    let digits = components::side_by_side(&shapes, DIGIT_HEIGHT, DIGIT_MASS);
    if digits > 1 {
        notes.push(format!("{digits} shapes stand side by side and are read as one digit; give one digit per picture"));
    }
    let (digit, thickened) = stroke_width::thicken(&ink.plane, crop);
    if thickened {
        notes.push("thin strokes were thickened to match the training images".into());
    }
    let pixels = fit::fit(&digit, side);
    Ok(PreparedImage { width: size.0, height: size.1, light_paper: ink.light_paper, pixels, notes })
}
