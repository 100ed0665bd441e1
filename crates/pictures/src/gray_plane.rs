//! A rectangle of values, and resampling by area.

/// `height` rows of `width` values: grey values, ink, or whether a pixel belongs to something.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T = f32> {
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
    /// The values, row by row.
    pub values: Vec<T>,
}

/// A part of a plane: columns `left..right` of the rows `top..bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// Its first column.
    pub left: usize,
    /// Its first row.
    pub top: usize,
    /// The column after its last.
    pub right: usize,
    /// The row after its last.
    pub bottom: usize,
}

impl Rectangle {
    /// Its columns.
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    /// Its rows.
    pub fn height(&self) -> usize {
        self.bottom - self.top
    }

    /// The longer of its sides.
    pub fn longest(&self) -> usize {
        self.width().max(self.height())
    }

    /// With so many pixels more on each side, as far as a plane of this size has them.
    pub fn grown(self, by: usize, (width, height): (usize, usize)) -> Rectangle {
        Rectangle {
            left: self.left.saturating_sub(by),
            top: self.top.saturating_sub(by),
            right: (self.right + by).min(width),
            bottom: (self.bottom + by).min(height),
        }
    }

    /// The same part of a plane of another size.
    pub fn scaled(self, from: (usize, usize), to: (usize, usize)) -> Rectangle {
        let nearest = |v: usize, from: usize, to: usize| (v * to + from / 2) / from;
        Rectangle {
            left: nearest(self.left, from.0, to.0),
            top: nearest(self.top, from.1, to.1),
            right: nearest(self.right, from.0, to.0),
            bottom: nearest(self.bottom, from.1, to.1),
        }
    }

    /// Moved to the right and down.
    pub fn moved(self, right: usize, down: usize) -> Rectangle {
        Rectangle {
            left: self.left + right,
            top: self.top + down,
            right: self.right + right,
            bottom: self.bottom + down,
        }
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

impl<T: Copy> Plane<T> {
    /// A plane of the values `value(column, row)`.
    pub fn from_fn(width: usize, height: usize, value: impl Fn(usize, usize) -> T) -> Self {
        let values = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
        Plane { width, height, values }
    }

    /// The value of a pixel.
    pub fn at(&self, column: usize, row: usize) -> T {
        self.values[row * self.width + column]
    }

    /// A plane of what each value becomes.
    pub fn map<U>(&self, value: impl Fn(T) -> U) -> Plane<U> {
        Plane { width: self.width, height: self.height, values: self.values.iter().map(|&v| value(v)).collect() }
    }

    /// Rows become columns.
    pub fn transposed(&self) -> Self {
        Plane::from_fn(self.height, self.width, |x, y| self.at(y, x))
    }

    /// The column and row of a value.
    pub fn place(&self, index: usize) -> (usize, usize) {
        (index % self.width, index / self.width)
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
