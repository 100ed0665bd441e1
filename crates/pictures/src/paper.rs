//! The light that falls on the paper, pixel by pixel, and how much darker or lighter than it each pixel is.

use super::gray_plane::Plane;

/// The side of the square that shows paper wherever it lies, as a share of the picture's shorter side: wider than any
/// stroke, narrower than most shadows.
const SQUARE: f64 = 0.4;
/// Paper darker than this is not made lighter than this by the light: there noise is most of what is seen.
const DARKEST: f32 = 0.2;
/// Paper with less noise is from a paint program, not a camera.
pub const NOISELESS: f32 = 1e-3;
/// The width, in standard deviations, of the interval around the mean that holds a quarter of normally distributed values.
const QUARTER: f32 = 0.6373;

/// How far each pixel differs from the paper around it: 0 for paper, 1 for black on white.
pub struct Contrast {
    pub plane: Plane,
    /// The standard deviation of the paper's noise.
    pub noise: f32,
}

impl Contrast {
    /// Of dark ink on light paper, or of light ink on dark paper.
    pub fn measure(grey: &Plane, light_paper: bool) -> Contrast {
        let grey = if light_paper { grey.clone() } else { grey.map(|v| 1.0 - v) };
        let smooth = blurred(&grey);
        let rough = grey.values.iter().zip(&smooth.values).map(|(a, b)| (a - b).abs()).step_by(7);
        // Where there is no noise, a blur would but soften the edges of shadows.
        let is_noisy = quantile(&mut rough.collect::<Vec<f32>>(), 0.5) > NOISELESS;
        let radius = (grey.width.min(grey.height) as f64 * SQUARE / 2.0).ceil() as usize;
        let paper = closed(if is_noisy { &smooth } else { &grey }, radius);
        let contrast = |(&v, &paper): (&f32, &f32)| {
            // Light multiplies what light paper sends back.
            let full = if light_paper { paper.max(DARKEST) } else { 1.0 };
            (paper - v) / full
        };
        let mut values: Vec<f32> = grey.values.iter().zip(&paper.values).map(contrast).collect();
        // A closing follows the lightest noise.
        let (paper, noise) = densest(values.iter().step_by(1 + values.len() / 50_000).copied().collect());
        values.iter_mut().for_each(|v| *v -= paper.min(DARKEST / 2.0));
        Contrast { plane: Plane { values, ..grey }, noise }
    }
}

/// The middle of the shortest interval that holds a quarter of the values, and the standard deviation around it: those of
/// paper, though most of the picture may be a table.
fn densest(mut values: Vec<f32>) -> (f32, f32) {
    values.sort_unstable_by(f32::total_cmp);
    let quarters = values.iter().zip(&values[values.len() / 4..]);
    let (least, most) = quarters.min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or((&0.0, &0.0));
    ((least + most) / 2.0, (most - least) / QUARTER)
}

/// A morphological closing: dark parts into which no square of side 2 · `radius` + 1 fits become as light as what is
/// around them, so that paper is left, with its shadows and their edges.
fn closed(plane: &Plane, radius: usize) -> Plane {
    let dilated = greatest_in_rows(&greatest_in_rows(plane, radius).transposed(), radius);
    // The least value is the negative of the greatest negative one.
    let eroded = greatest_in_rows(&greatest_in_rows(&dilated.map(|v| -v), radius).transposed(), radius);
    eroded.map(|v| -v)
}

/// The greatest value within `radius` columns of each pixel.
fn greatest_in_rows(plane: &Plane, radius: usize) -> Plane {
    let greater = |(&a, &b): (&f32, &f32)| if a > b { a } else { b };
    let window = 2 * radius + 1;
    let mut values = Vec::with_capacity(plane.values.len());
    let (mut spans, mut longer) = (Vec::new(), Vec::new());
    for row in plane.values.chunks_exact(plane.width) {
        spans.clear();
        spans.resize(radius, f32::NEG_INFINITY);
        spans.extend_from_slice(row);
        spans.resize(row.len() + 2 * radius, f32::NEG_INFINITY);
        // Value i is the greatest of i..i + span.
        let mut span = 1;
        while 2 * span <= window {
            longer.clear();
            longer.extend(spans.iter().zip(&spans[span..]).map(greater));
            std::mem::swap(&mut spans, &mut longer);
            span *= 2;
        }
        values.extend(spans.iter().zip(&spans[window - span..]).map(greater));
    }
    Plane { values, ..*plane }
}

/// The pixels within `radius` columns and rows of one that is on.
pub fn grown(on: &Plane<bool>, radius: usize) -> Plane<bool> {
    let wide = greatest_in_rows(&on.map(f32::from), radius).transposed();
    greatest_in_rows(&wide, radius).transposed().map(|v| v > 0.5)
}

/// The mean of each pixel and its neighbours.
fn blurred(plane: &Plane) -> Plane {
    let rows = |plane: &Plane| {
        let mut values = Vec::with_capacity(plane.values.len());
        for row in plane.values.chunks_exact(plane.width) {
            let last = row.len() - 1;
            values.extend((0..=last).map(|i| (row[i.saturating_sub(1)] + row[i] + row[(i + 1).min(last)]) / 3.0));
        }
        Plane { values, ..*plane }
    };
    rows(&rows(plane).transposed()).transposed()
}

/// A quantile of the values; 0 if there are none.
pub fn quantile(values: &mut [f32], part: f32) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let i = ((values.len() - 1) as f32 * part) as usize;
    *values.select_nth_unstable_by(i, f32::total_cmp).1
}
