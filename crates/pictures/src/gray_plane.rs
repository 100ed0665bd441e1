//! A rectangle of values, and resampling by area.

/// `height` rows of `width` values.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

/// A part of a plane: columns `left..right` of the rows `top..bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Rectangle {
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    pub fn height(&self) -> usize {
        self.bottom - self.top
    }

    /// The smallest rectangle around both.
    pub fn around(self, other: Rectangle) -> Rectangle {
        Rectangle {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

impl Plane {
    /// A plane of the values `value(column, row)`.
    pub fn from_fn(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let values = (0..width * height).map(|i| value(i % width, i / width)).collect();
        Plane { width, height, values }
    }

    pub fn at(&self, column: usize, row: usize) -> f32 {
        self.values[row * self.width + column]
    }
}

/// Resamples `part` of the values `value(column, row)` to `width` x `height` means over the area that each
/// new value covers. Enlarging gives blocks. Allocates the result only.
pub fn resample(part: Rectangle, width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Plane {
    let columns: Vec<Vec<(usize, f32)>> = (0..width).map(|x| covered(x, width, part.width())).collect();
    let mut values = Vec::with_capacity(width * height);
    for y in 0..height {
        let mut sums = vec![0.0f32; width];
        for (row, weight) in covered(y, height, part.height()) {
            for (sum, cells) in sums.iter_mut().zip(&columns) {
                let mean: f32 = cells.iter().map(|&(column, w)| w * value(part.left + column, part.top + row)).sum();
                *sum += weight * mean;
            }
        }
        values.extend(sums);
    }
    Plane { width, height, values }
}

/// The old cells, of `from`, that new cell `i` of `to` covers, and each one's share of the new cell.
fn covered(i: usize, to: usize, from: usize) -> Vec<(usize, f32)> {
    // In units of 1/to of an old cell, so that all bounds are integers.
    let (start, end) = (i * from, (i + 1) * from);
    let part = |cell: usize| (end.min((cell + 1) * to) - start.max(cell * to)) as f32 / from as f32;
    (start / to..end.div_ceil(to)).map(|cell| (cell, part(cell))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_the_mean_at_any_ratio() {
        for (from, to) in [((200, 100), (20, 10)), ((193, 57), (20, 6)), ((8, 8), (20, 20)), ((7, 1), (3, 1))] {
            let old = Plane::from_fn(from.0, from.1, |x, y| ((x * 31 + y * 17) % 23) as f32);
            let all = Rectangle { left: 0, top: 0, right: from.0, bottom: from.1 };
            let new = resample(all, to.0, to.1, |x, y| old.at(x, y));
            let mean = |plane: &Plane| plane.values.iter().sum::<f32>() / plane.values.len() as f32;
            assert_eq!((new.width, new.height), to);
            assert!((mean(&old) - mean(&new)).abs() < 1e-3, "{from:?} to {to:?}: {} and {}", mean(&old), mean(&new));
        }
    }

    #[test]
    fn reducing_undoes_an_enlargement_by_blocks() {
        let small = Plane::from_fn(9, 5, |x, y| (x * 5 + y) as f32);
        let part = Rectangle { left: 70, top: 30, right: 160, bottom: 80 };
        let back = resample(part, 9, 5, |x, y| small.at((x - 70) / 10, (y - 30) / 10));
        for (a, b) in small.values.iter().zip(&back.values) {
            assert!((a - b).abs() < 1e-3, "{a} and {b}");
        }
    }
}
