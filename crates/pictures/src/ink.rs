//! Separates ink from paper.

use super::gray_plane::Plane;

/// The error for a blank picture.
pub const BLANK: &str = "shows no ink: all of it is about equally light; draw the digit darker or thicker, \
                         and leave paper around it";

/// The least contrast between ink and paper: a tenth of the range from black to white.
pub const LEAST_CONTRAST: f32 = 0.1;
/// Paper with less noise is from a paint program, not a camera.
const NOISELESS: f32 = 1e-3;
/// Standard deviations of the paper's noise that still count as paper, and that the ink must reach.
const PAPER: f32 = 4.0;
const INK: f32 = 6.0;
/// The factor from the median absolute deviation to a standard deviation.
const MAD_TO_DEVIATION: f32 = 1.4826;
/// Paper may always differ from its plane by this much: 1.5 steps of a byte.
const EVEN: f32 = 1.5 / 255.0;

/// The ink of a picture: 0 for paper, 1 for strokes.
pub struct Ink {
    pub plane: Plane,
    pub light_paper: bool,
}

/// Subtracts the paper's brightness and stretches the rest to 0 to 1.
///
/// The picture's margin counts as paper. Its brightness may vary linearly across the picture, as with light from one
/// side; the ink is what differs most from it, lighter or darker. `reduction` is the number of the file's pixels per
/// pixel in each direction.
pub fn separate(grey: &Plane, reduction: f32) -> Result<Ink, String> {
    let paper = Paper::measure(grey);
    let above = Plane::from_fn(grey.width, grey.height, |x, y| grey.at(x, y) - paper.at(x, y));
    let (low, high) = above.values.iter().fold((0.0f32, 0.0f32), |(low, high), &v| (low.min(v), high.max(v)));
    let light_paper = -low >= high;
    let contrast = high.max(-low);
    let least = if paper.noise < NOISELESS { LEAST_CONTRAST / reduction } else { LEAST_CONTRAST };
    if contrast < least || contrast < INK * paper.noise {
        return Err(BLANK.into());
    }
    let sign = if light_paper { -1.0 } else { 1.0 };
    let mut strong: Vec<f32> = above.values.iter().map(|v| sign * v).filter(|&v| v > contrast / 2.0).collect();
    // Not the strongest, which may be camera noise.
    let full = quantile(&mut strong, 0.9);
    let floor = (PAPER * paper.noise).min(full / 2.0);
    let values = above.values.iter().map(|v| ((sign * v - floor) / (full - floor)).clamp(0.0, 1.0)).collect();
    Ok(Ink { plane: Plane { values, ..above }, light_paper })
}

/// The brightness of the paper: a plane over the picture, and the noise around it.
struct Paper {
    level: f32,
    per_column: f32,
    per_row: f32,
    noise: f32,
}

impl Paper {
    /// Fits a plane to the picture's margin, without outliers such as ink.
    fn measure(grey: &Plane) -> Paper {
        let margin = (grey.width.min(grey.height) / 20).max(1);
        let inner = |x: usize, size: usize| x >= margin && x + margin < size;
        let is_margin = |x: usize, y: usize| !inner(x, grey.width) || !inner(y, grey.height);
        let points: Vec<(f32, f32, f32)> = (0..grey.values.len())
            .map(|i| (i % grey.width, i / grey.width))
            .filter(|&(x, y)| is_margin(x, y))
            .map(|(x, y)| (x as f32, y as f32, grey.at(x, y)))
            .collect();
        let mut values: Vec<f32> = points.iter().map(|p| p.2).collect();
        let mut paper = Paper { level: quantile(&mut values, 0.5), per_column: 0.0, per_row: 0.0, noise: 0.0 };
        for _ in 0..5 {
            let off = |p: &(f32, f32, f32)| (p.2 - paper.level - paper.per_column * p.0 - paper.per_row * p.1).abs();
            let mut deviations: Vec<f32> = points.iter().map(off).collect();
            let noise = MAD_TO_DEVIATION * quantile(&mut deviations, 0.5);
            let near = (3.0 * noise).max(EVEN);
            let kept: Vec<_> = points.iter().copied().filter(|p| off(p) <= near).collect();
            paper = fitted(&kept).unwrap_or(paper);
            paper.noise = noise;
        }
        paper
    }

    fn at(&self, column: usize, row: usize) -> f32 {
        self.level + self.per_column * column as f32 + self.per_row * row as f32
    }
}

/// The least-squares plane through points; none if they are collinear.
fn fitted(points: &[(f32, f32, f32)]) -> Option<Paper> {
    let n = points.len() as f64;
    let mean = |value: fn(&(f32, f32, f32)) -> f32| points.iter().map(|p| f64::from(value(p))).sum::<f64>() / n;
    let (x, y, v) = (mean(|p| p.0), mean(|p| p.1), mean(|p| p.2));
    let (mut xx, mut xy, mut yy, mut xv, mut yv) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for p in points {
        let (dx, dy, dv) = (f64::from(p.0) - x, f64::from(p.1) - y, f64::from(p.2) - v);
        (xx, xy, yy) = (xx + dx * dx, xy + dx * dy, yy + dy * dy);
        (xv, yv) = (xv + dx * dv, yv + dy * dv);
    }
    let determinant = xx * yy - xy * xy;
    if !(determinant > 1e-9 * xx * yy) {
        return None;
    }
    let (a, b) = ((xv * yy - yv * xy) / determinant, (yv * xx - xv * xy) / determinant);
    let level = v - a * x - b * y;
    Some(Paper { level: level as f32, per_column: a as f32, per_row: b as f32, noise: 0.0 })
}

/// A quantile of the values; 0 if there are none.
fn quantile(values: &mut [f32], part: f32) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let i = ((values.len() - 1) as f32 * part) as usize;
    *values.select_nth_unstable_by(i, f32::total_cmp).1
}
