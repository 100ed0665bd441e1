//! Separates the ink of digits from paper, lines and what lies at the picture's edge.

use super::components::{self, Shape};
use super::digits::{self, Digits};
use super::gray_plane::{Plane, Rectangle};
use super::paper::{Contrast, NOISELESS, grown, quantile};
use super::{likeness, lines};

/// The error for a blank picture.
pub const BLANK: &str = "shows no ink: all of it is about equally light; draw the digit darker or thicker, \
                         and leave paper around it";

/// The least contrast between ink and paper: a tenth of the range from black to white.
pub const LEAST_CONTRAST: f32 = 0.1;
/// Standard deviations of the paper's noise that still count as paper, and that ink must reach.
const PAPER: f32 = 4.0;
const INK: f32 = 6.0;
/// Shares of the strongest ink: that of strokes in a photograph, and that of the blur around them. Strokes of a
/// drawing have no blur.
const STROKE: f32 = 0.35;
const BLUR: f32 = 0.06;
/// The outline of light that falls off is less sharp than this.
const SOFT: f64 = 0.2;
/// How often what lies at the edge is taken away to see what else there is.
const TRIES: usize = 3;

/// The digits found on one kind of paper.
pub struct Ink {
    pub contrast: Contrast,
    pub light_paper: bool,
    pub digits: Digits,
    /// Strokes and the blur around them, without lines.
    pub visible: Plane<bool>,
    /// Ruled lines and sides of frames that were taken away.
    pub lines: usize,
    /// Shapes that touch the picture's edge and were left out.
    pub at_edge: usize,
}

impl Ink {
    /// The digits, dark on light paper or the reverse; none if nothing stands out. `reduction` is the number of the
    /// file's pixels per pixel in each direction.
    pub fn find(grey: &Plane, light_paper: bool, reduction: f32) -> Option<Ink> {
        let contrast = Contrast::measure(grey, light_paper);
        let least = if contrast.noise < NOISELESS { LEAST_CONTRAST / reduction } else { LEAST_CONTRAST };
        let least = least.max(INK * contrast.noise);
        let size = (grey.width, grey.height);
        let mut rest = contrast.plane.clone();
        let (mut first_try, mut at_edge) = (None, 0);
        for _ in 0..TRIES {
            let strongest = strongest(&rest);
            if strongest < least {
                break;
            }
            let mut visible = rest.map(|v| v > (BLUR * strongest).max(PAPER * contrast.noise));
            let with_lines = visible.clone();
            let lines = lines::remove(&mut visible);
            let share = if contrast.noise < NOISELESS { BLUR } else { STROKE };
            let stroke = (share * strongest).max(PAPER * contrast.noise);
            let strokes = |visible: &Plane<bool>| {
                let values = rest.values.iter().zip(&visible.values).map(|(&v, &on)| on && v > stroke).collect();
                components::find(&Plane { values, ..*visible })
            };
            let (edge, inner): (Vec<Shape>, Vec<Shape>) =
                strokes(&visible).into_iter().partition(|shape| is_at_edge(shape.bounds, size));
            at_edge += edge.len();
            if let Some(digits) = digits::find(inner, size) {
                return Some(Ink { contrast, light_paper, digits, visible, lines, at_edge });
            }
            // A digit may fill the picture, and a 1 be as straight and long as a line.
            first_try.get_or_insert_with(|| (strokes(&with_lines), with_lines.clone()));
            erase(&mut rest, edge);
        }
        let (shapes, visible) = first_try?;
        let shapes = shapes.into_iter().filter(|shape| likeness::sharpness(shape, grey) > SOFT).collect();
        let digits = digits::find(shapes, size)?;
        Some(Ink { contrast, light_paper, digits, visible, lines: 0, at_edge: 0 })
    }

    /// The ink of a digit, from 0 to 1, cropped; and where it is.
    pub fn digit(&self, shape: &Shape) -> Option<(Plane, Rectangle)> {
        let contrast = &self.contrast.plane;
        // MNIST's digits are 20 pixels high, of which the edge is one.
        let reach = (shape.bounds.longest() / 20).max(1);
        let area = shape.bounds.grown(reach, (contrast.width, contrast.height));
        let mut near = Plane::from_fn(area.width(), area.height(), |_, _| false);
        for &i in &shape.pixels {
            let (x, y) = contrast.place(i);
            near.values[(y - area.top) * area.width() + x - area.left] = true;
        }
        let near = grown(&near, reach);
        let mut strong: Vec<f32> = shape.pixels.iter().map(|&i| contrast.values[i]).collect();
        let half = strong.iter().copied().fold(0.0, f32::max) / 2.0;
        strong.retain(|&v| v > half);
        // Not the strongest, which may be camera noise.
        let full = quantile(&mut strong, 0.9);
        let floor = (PAPER * self.contrast.noise).min(full / 2.0);
        let ink = Plane::from_fn(area.width(), area.height(), |x, y| {
            let (column, row) = (area.left + x, area.top + y);
            let shown = near.at(x, y) && self.visible.at(column, row);
            if shown { ((contrast.at(column, row) - floor) / (full - floor)).clamp(0.0, 1.0) } else { 0.0 }
        });
        let crop = visible_part(&ink)?;
        let digit = Plane::from_fn(crop.width(), crop.height(), |x, y| ink.at(crop.left + x, crop.top + y));
        Some((digit, crop.moved(area.left, area.top)))
    }

    /// Whether what is around the digits is paper, and not the ink of which they are the holes.
    pub fn is_on_paper(&self, grey: &Plane) -> bool {
        let main = self.main();
        let inside = quantile(&mut main.pixels.iter().map(|&i| grey.values[i]).collect::<Vec<f32>>(), 0.5);
        let contrast =
            quantile(&mut main.pixels.iter().map(|&i| self.contrast.plane.values[i]).collect::<Vec<f32>>(), 0.5);
        let difference = likeness::surroundings(main, grey) - inside;
        let paper = if self.light_paper { difference } else { -difference };
        2.0 * paper > contrast * if self.light_paper { inside + difference.max(0.0) } else { 1.0 }
    }

    /// The most central digit.
    pub fn main(&self) -> &Shape {
        let (row, column) = self.digits.main;
        &self.digits.rows[row][column]
    }
}

/// The strongest contrast, but for single pixels.
fn strongest(contrast: &Plane) -> f32 {
    let mut values = contrast.values.clone();
    let i = values.len() - 1 - (values.len() - 1).min(8);
    *values.select_nth_unstable_by(i, f32::total_cmp).1
}

/// Whether a rectangle touches the edge of a picture of this size.
pub fn is_at_edge(b: Rectangle, (width, height): (usize, usize)) -> bool {
    b.left == 0 || b.top == 0 || b.right == width || b.bottom == height
}

fn erase(contrast: &mut Plane, shapes: Vec<Shape>) {
    let mut on = contrast.map(|_| false);
    shapes.iter().flat_map(|shape| &shape.pixels).for_each(|&i| on.values[i] = true);
    // With the blur around them.
    for (value, on) in contrast.values.iter_mut().zip(grown(&on, 3).values) {
        if on {
            *value = 0.0;
        }
    }
}

/// The bounds of the ink.
fn visible_part(ink: &Plane) -> Option<Rectangle> {
    let visible = ink.values.iter().enumerate().filter(|(_, v)| **v > 0.1).map(|(i, _)| ink.place(i));
    visible.map(|(x, y)| Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 }).reduce(Rectangle::around)
}
