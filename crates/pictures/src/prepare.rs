//! The steps from a grey picture to the network's inputs.

use super::gray_plane::{Plane, Rectangle};
use super::ink::{BLANK, Ink, is_at_edge};
use super::likeness;
use super::paper::NOISELESS;
use super::{fit, stroke_width};

/// Larger pictures are first reduced to this many pixels a side: that averages camera noise, and a
/// digit of a fortieth of the picture's height still has 20 pixels.
pub const MAX_SIDE: usize = 800;

/// A picture prepared for the network.
#[derive(Debug)]
pub struct PreparedImage {
    /// The picture's own width, turned upright.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// Whether the ink was darker than the paper, so that the picture was inverted.
    pub light_paper: bool,
    /// The digits in reading order: rows, each from the left.
    pub rows: Vec<Vec<Digit>>,
    /// The row and column of the most central digit.
    pub main: (usize, usize),
    /// Notes for the user.
    pub notes: Vec<String>,
    /// What was seen on the way.
    pub steps: Steps,
}

/// A digit of a picture.
#[derive(Clone, Debug)]
pub struct Digit {
    /// Where it is in the picture.
    pub bounds: Rectangle,
    /// `side` rows of `side` pixels, 0 for paper.
    pub pixels: Vec<u8>,
    /// Why it may be none.
    pub doubts: Vec<String>,
}

/// Planes of the reduced picture, of values from 0 to 1.
#[derive(Debug)]
pub struct Steps {
    /// The picture in grey.
    pub grey: Plane,
    /// How much each pixel differs from the paper around it.
    pub contrast: Plane,
    /// The ink of the digits alone.
    pub kept: Plane,
}

impl PreparedImage {
    /// The most central digit.
    pub fn main(&self) -> &Digit {
        &self.rows[self.main.0][self.main.1]
    }

    /// All digits in reading order.
    pub fn digits(&self) -> impl Iterator<Item = &Digit> {
        self.rows.iter().flatten()
    }

    /// Leaves the most central digit alone, and notes how many others there were.
    pub fn keep_main(&mut self) {
        let others = self.digits().count() - 1;
        if others > 0 {
            self.notes.push(format!("{} left out: the most central is read", counted(others, "other digit")));
            self.rows = vec![vec![self.main().clone()]];
            self.main = (0, 0);
        }
    }
}

/// `1 digit was`, `2 digits were`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what} was") } else { format!("{count} {what}s were") }
}

/// Turns grey values from 0 to 1 into images of `side` x `side` pixels. The error completes "the picture ...".
pub fn prepare(grey: Plane, size: (usize, usize), side: usize) -> Result<PreparedImage, String> {
    if size.0 == 0 || size.1 == 0 {
        return Err(format!("has {} x {} pixels; expected at least 1 x 1", size.0, size.1));
    }
    let reduction = size.0 as f32 / grey.width as f32;
    let found = [true, false].into_iter().filter_map(|light| Ink::find(&grey, light, reduction));
    let ink = found.reduce(|a, b| better(a, b, &grey)).ok_or(BLANK)?;
    let mut kept = grey.map(|_| 0.0);
    let mut rows: Vec<Vec<Digit>> = Vec::new();
    let mut thickened = false;
    for row in &ink.digits.rows {
        let mut digits = Vec::new();
        for shape in row {
            let (plane, place) = ink.digit(shape).ok_or(BLANK)?;
            copy(&plane, &mut kept, place);
            let mut doubts = if side >= fit::MNIST_BOX { likeness::doubts(&plane, shape, &grey) } else { Vec::new() };
            if is_at_edge(shape.bounds, (grey.width, grey.height)) {
                doubts.push("it touches the picture's edge, where it may be cut off".into());
            }
            let (digit, was_thin) = stroke_width::thicken(plane);
            thickened |= was_thin;
            let bounds = place.scaled((grey.width, grey.height), size);
            digits.push(Digit { bounds, pixels: fit::fit(&digit, side), doubts });
        }
        rows.push(digits);
    }
    let (main, light_paper, notes) = (ink.digits.main, ink.light_paper, notes(&ink, thickened));
    let steps = Steps { grey, contrast: ink.contrast.plane, kept };
    Ok(PreparedImage { width: size.0, height: size.1, light_paper, rows, main, notes, steps })
}

/// What was done to the picture.
fn notes(ink: &Ink, thickened: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let left_out = [
        (ink.lines, "straight line", ""),
        (ink.digits.frames, "frame", ""),
        (ink.at_edge, "shape", ", touching the picture's edge"),
        (ink.digits.others, "other shape", ""),
    ];
    for (count, what, where_to) in left_out.into_iter().filter(|(count, ..)| *count > 0) {
        notes.push(format!("{} left out{where_to}", counted(count, what)));
    }
    if thickened {
        notes.push("thin strokes were thickened to match the training images".into());
    }
    notes
}

fn copy(from: &Plane, to: &mut Plane, place: Rectangle) {
    for (row, values) in from.values.chunks_exact(from.width).enumerate() {
        let start = (place.top + row) * to.width + place.left;
        for (pixel, &value) in to.values[start..].iter_mut().zip(values) {
            *pixel = pixel.max(value);
        }
    }
}

/// The better of what was found on light and on dark paper.
fn better(a: Ink, b: Ink, grey: &Plane) -> Ink {
    let is_photo = a.contrast.noise >= NOISELESS;
    let both_on_paper = a.is_on_paper(grey) && b.is_on_paper(grey);
    // A digit inside another shape is on a sheet of paper that lies on a table; other shapes have holes.
    let is_better = match (both_on_paper && is_inside(&b, &a), both_on_paper && is_inside(&a, &b)) {
        (true, _) => likeness::is_sheet_around(a.main(), b.main(), grey, is_photo),
        (_, true) => !likeness::is_sheet_around(b.main(), a.main(), grey, is_photo),
        _ => rating(&b, grey) > rating(&a, grey),
    };
    if is_better { b } else { a }
}

fn is_inside(inner: &Ink, outer: &Ink) -> bool {
    let (a, b) = (outer.main().bounds, inner.main().bounds);
    a.left < b.left && a.top < b.top && b.right < a.right && b.bottom < a.bottom
}

/// How well ink was found on one kind of paper.
fn rating(ink: &Ink, grey: &Plane) -> f64 {
    let main = ink.main();
    let on_paper = if ink.is_on_paper(grey) { 1.0 } else { 0.1 };
    let doubts = ink.digit(main).map_or(9, |(plane, _)| likeness::doubts(&plane, main, grey).len());
    let whole = if is_at_edge(main.bounds, (grey.width, grey.height)) { 0.7 } else { 1.0 };
    on_paper * whole * 0.4f64.powi(doubts as i32) * (main.bounds.longest() as f64).sqrt()
}
