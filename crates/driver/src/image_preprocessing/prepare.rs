//! The steps from a grey picture to the network's input.

use super::gray_plane::Plane;
use super::{components, fit, ink, stroke_width};

/// Larger pictures are reduced to this many pixels a side before anything else: it averages a camera's noise away, and a
/// digit of a fortieth of the picture's height still has the pixels that a network of 28 x 28 sees.
pub const MAX_SIDE: usize = 800;

/// Two shapes side by side are two digits if each has at least these parts of the largest one's height and ink.
const DIGIT_HEIGHT: f64 = 0.6;
const DIGIT_MASS: f64 = 0.25;

/// A picture as the network sees it.
#[derive(Debug)]
pub struct PreparedImage {
    /// The file's own size, turned upright.
    pub width: usize,
    pub height: usize,
    /// Whether the ink was darker than the paper, so that the picture was inverted.
    pub light_paper: bool,
    /// `side` rows of `side` pixels, 0 for paper.
    pub pixels: Vec<u8>,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// Makes a picture, as grey values from 0 to 1, into one of `side` x `side` pixels. The error tells what is wrong with
/// it.
pub fn prepare(grey: &Plane, size: (usize, usize), side: usize) -> Result<PreparedImage, String> {
    let mut ink = ink::separate(grey, size.0 as f32 / grey.width as f32)?;
    let shapes = components::find(&ink.plane);
    let Some(crop) = components::keep(&mut ink.plane, &shapes) else {
        return Err(ink::BLANK.into());
    };
    let mut notes = Vec::new();
    let digits = components::side_by_side(&shapes, DIGIT_HEIGHT, DIGIT_MASS);
    if digits > 1 {
        notes.push(format!(
            "{digits} shapes stand side by side; they are taken for one digit: give one digit a picture"
        ));
    }
    let (digit, thickened) = stroke_width::thicken(&ink.plane, crop);
    if thickened {
        notes.push("thin strokes were thickened; what matters is their width beside the digit's height".into());
    }
    let pixels = fit::fit(&digit, side);
    Ok(PreparedImage { width: size.0, height: size.1, light_paper: ink.light_paper, pixels, notes })
}
