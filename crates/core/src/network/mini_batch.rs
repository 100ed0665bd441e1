//! Gathers the rows of a mini-batch, with bit masks of the pixels that are not zero.
//!
//! About 80% of the pixels of handwritten digits are 0, and a product with 0 does not change a sum. So a mini-batch has
//! a bit for each pair of neighbouring columns of each row. The forward pass of the hidden layer iterates over a row's
//! bits; the gradient iterates over a pair's bits in all rows, from the transposed masks. The unit is a pair because
//! two columns give two independent sums, which hides the latency of multiply-adds, and neighbours are often both zero.

use crate::buffer::{Aligned, Plain};
use crate::math::Float;
use crate::simd::{Kernel, Level, Simd};

/// Columns that one 64-bit word of a mask covers.
pub const COLUMNS: usize = 128;

/// Rows that are computed at a time: a larger mini-batch is taken in blocks of this many rows, which stay in the
/// second-level cache. A multiple of 4, for the order of the loss's sums.
pub const BATCH_BLOCK: usize = 128;

/// An element of input rows: a `u8` pixel or the network's own float type.
pub trait Input<T: Float>: Plain {
    /// The float value of `*p` in every lane.
    ///
    /// # Safety
    /// `p` is readable.
    unsafe fn broadcast<S: Simd<T>>(s: S, p: *const Self) -> S::V;

    /// Bit i is set if column 2i or 2i + 1 is not zero.
    fn pairs<S: Simd<T>>(s: S, columns: &[Self; COLUMNS]) -> u64;

    /// The float values of a vector of elements at `p`.
    ///
    /// # Safety
    /// `p` points to `LANES` readable elements.
    unsafe fn load<S: Simd<T>>(s: S, p: *const Self) -> S::V;
}

impl<T: Float> Input<T> for u8 {
    #[inline(always)]
    unsafe fn broadcast<S: Simd<T>>(s: S, p: *const u8) -> S::V {
        // SAFETY: the caller's promise; the table has an entry for every byte.
        unsafe { s.broadcast(T::PIXELS.as_ptr().add(usize::from(*p))) }
    }

    #[inline(always)]
    fn pairs<S: Simd<T>>(s: S, columns: &[u8; COLUMNS]) -> u64 {
        let (low, high) = columns.split_at(64);
        let half = |bytes: &[u8]| u64::from(s.nonzero_pairs(bytes.try_into().expect("half of the columns")));
        half(low) | half(high) << 32
    }

    #[inline(always)]
    unsafe fn load<S: Simd<T>>(s: S, p: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load_pixels(p) }
    }
}

impl<T: Float> Input<T> for T {
    #[inline(always)]
    unsafe fn broadcast<S: Simd<T>>(s: S, p: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.broadcast(p) }
    }

    #[inline(always)]
    fn pairs<S: Simd<T>>(s: S, columns: &[T; COLUMNS]) -> u64 {
        float_pairs(s, columns)
    }

    #[inline(always)]
    unsafe fn load<S: Simd<T>>(s: S, p: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(p) }
    }
}

#[inline(always)]
fn float_pairs<T: Float, S: Simd<T>>(s: S, columns: &[T; COLUMNS]) -> u64 {
    let mut halves = [0u64; 2];
    for (h, half) in halves.iter_mut().enumerate() {
        for at in (0..64).step_by(S::LANES) {
            // SAFETY: LANES divides 64, so these lanes are within the 128 columns.
            let v = unsafe { s.load(columns.as_ptr().add(h * 64 + at)) };
            *half |= s.nonzero_bits(v) << at;
        }
    }
    even_bits(halves[0] | halves[0] >> 1) | even_bits(halves[1] | halves[1] >> 1) << 32
}

/// Bits 0, 2, 4 … 62, compressed into the low half.
#[inline(always)]
fn even_bits(x: u64) -> u64 {
    let x = x & 0x5555_5555_5555_5555;
    let x = (x | x >> 1) & 0x3333_3333_3333_3333;
    let x = (x | x >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let x = (x | x >> 4) & 0x00ff_00ff_00ff_00ff;
    let x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) & 0xffff_ffff
}

/// From this share of nonzero pairs on, in percent, the matrix product is faster than skipping zeros.
const DENSE_PERCENT: usize = 70;

/// Padding of rows of floats. A column of the mini-batch is read row by row: 128 lines of cache, which would compete for a
/// few sets if rows were a multiple of many lines apart.
const FLOAT_PADDING: usize = 16;

/// Fewer rows than this fill no tile of the matrix product.
const DENSE_ROWS: usize = 8;

/// Up to `capacity` gathered rows of `inputs` columns.
pub struct MiniBatch<T, P> {
    inputs: usize,
    /// Distance between rows: the inputs, padded with zeros to whole words of the mask.
    stride: usize,
    rows: usize,
    data: Aligned<P>,
    /// For each row, a bit for each pair of columns.
    by_row: Aligned<u64>,
    /// For each pair of columns, a bit for each row: `by_row` transposed.
    by_pair: Aligned<u64>,
    /// Whether `by_pair` exists.
    has_pair_masks: bool,
    /// The rows as floats, if they are dense.
    floats: Option<Aligned<T>>,
    is_dense: bool,
}

impl<T: Float, P: Input<T>> MiniBatch<T, P> {
    /// For the forward pass: with masks by row.
    pub fn for_inference(inputs: usize, capacity: usize) -> Self {
        Self::new(inputs, capacity, false)
    }

    /// For forward and backward pass: with masks by row and by pair.
    pub fn for_training(inputs: usize, capacity: usize) -> Self {
        Self::new(inputs, capacity, true)
    }

    fn new(inputs: usize, capacity: usize, has_pair_masks: bool) -> Self {
        let words = inputs.div_ceil(COLUMNS);
        MiniBatch {
            inputs,
            stride: words * COLUMNS,
            rows: 0,
            data: Aligned::zeroed([words, COLUMNS, capacity]),
            by_row: Aligned::zeroed([words, capacity]),
            by_pair: Aligned::zeroed([words, 64, capacity.div_ceil(64) * usize::from(has_pair_masks)]),
            has_pair_masks,
            floats: None,
            is_dense: false,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Pairs of columns, the last one perhaps with a column of padding.
    pub fn pairs(&self) -> usize {
        self.inputs.div_ceil(2)
    }

    /// Whether there are masks by pair, for the gradient.
    pub fn has_pair_masks(&self) -> bool {
        self.has_pair_masks
    }

    /// Words of a row's mask.
    pub fn words(&self) -> usize {
        self.stride / COLUMNS
    }

    /// Distance between rows of floats.
    fn float_stride(&self) -> usize {
        self.stride + FLOAT_PADDING
    }

    /// The rows as floats and the distance between them, if most pairs are not zero.
    pub fn dense(&self) -> Option<(&[T], usize)> {
        self.floats.as_deref().filter(|_| self.is_dense).map(|floats| (floats, self.float_stride()))
    }

    /// The columns of row `n` that `word` covers, and their bits.
    #[inline(always)]
    pub fn part(&self, n: usize, word: usize) -> (&[P; COLUMNS], u64) {
        let columns = &self.data[n * self.stride + word * COLUMNS..][..COLUMNS];
        (columns.try_into().expect("a slice of that many"), self.by_row[n * self.words() + word])
    }

    /// The mask of pair `j` over the rows. Column 2j of row `n` is `data()[n * stride() + 2 * j]`.
    #[inline(always)]
    pub fn pair(&self, j: usize) -> &[u64] {
        let words = self.rows.div_ceil(64);
        &self.by_pair[j * words..][..words]
    }

    #[inline(always)]
    pub fn data(&self) -> &[P] {
        &self.data
    }

    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Copies rows `indices` of `source` and makes their masks; for dense rows, their floats too.
    ///
    /// # Panics
    /// If there are more than the capacity, or if a row is outside `source`.
    pub fn gather(&mut self, level: Level, source: &[P], indices: &mut dyn Iterator<Item = usize>) {
        self.rows = 0;
        let inputs = self.inputs;
        let rows = indices.map(|i| &source[i * inputs..][..inputs]);
        let nonzero = level.dispatch::<T, _>(Gather { batch: self, rows });
        self.is_dense = self.rows >= DENSE_ROWS && nonzero * 100 >= self.rows * self.pairs() * DENSE_PERCENT;
        if self.is_dense {
            let size = [self.data.len() / self.stride, self.float_stride()];
            self.floats.get_or_insert_with(|| Aligned::zeroed(size));
            level.dispatch::<T, _>(Widen(self));
        }
        if self.has_pair_masks {
            level.dispatch::<f32, _>(Transpose(self));
        }
    }
}

struct Gather<'a, T, P, R> {
    batch: &'a mut MiniBatch<T, P>,
    rows: R,
}

impl<'s, T: Float, P: Input<T>, R: Iterator<Item = &'s [P]>> Kernel<T> for Gather<'_, T, P, R> {
    /// The number of pairs that are not zero.
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> usize {
        let MiniBatch { stride, rows, data, by_row, .. } = self.batch;
        let words = *stride / COLUMNS;
        for (n, row) in self.rows.enumerate() {
            let mine = data[n * *stride..][..*stride].as_chunks_mut::<COLUMNS>().0;
            let masks = &mut by_row[n * words..][..words];
            // Whole words are tested in registers: reading back what was just written would stall.
            let (whole, rest) = row.as_chunks::<COLUMNS>();
            for ((to, mask), columns) in mine.iter_mut().zip(&mut *masks).zip(whole) {
                *to = *columns;
                *mask = P::pairs(s, columns);
            }
            if !rest.is_empty() {
                let last = &mut mine[whole.len()];
                last[..rest.len()].copy_from_slice(rest);
                masks[whole.len()] = P::pairs(s, last);
            }
            *rows = n + 1;
        }
        by_row[..*rows * words].iter().map(|bits| bits.count_ones() as usize).sum()
    }
}

/// Converts the rows to floats.
struct Widen<'a, T, P>(&'a mut MiniBatch<T, P>);

impl<T: Float, P: Input<T>> Kernel<T> for Widen<'_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let float_stride = self.0.float_stride();
        let MiniBatch { rows, stride, data, floats, .. } = self.0;
        let Some(floats) = floats else { return };
        for (row, floats) in data.chunks_exact(*stride).zip(floats.chunks_exact_mut(float_stride)).take(*rows) {
            for at in (0..*stride).step_by(S::LANES) {
                // SAFETY: LANES divides the stride, and both rows are at least that long.
                unsafe { s.store(floats.as_mut_ptr().add(at), P::load(s, row.as_ptr().add(at))) }
            }
        }
    }
}

struct Transpose<'a, T, P>(&'a mut MiniBatch<T, P>);

impl<T: Float, P: Input<T>> Kernel<f32> for Transpose<'_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self, _: S) {
        let batch = self.0;
        let (words, across) = (batch.words(), batch.rows.div_ceil(64));
        for word in 0..words {
            for block in 0..across {
                let here = batch.rows.min(block * 64 + 64) - block * 64;
                let mut square = [0u64; 64];
                for (r, bits) in square.iter_mut().enumerate().take(here) {
                    *bits = batch.by_row[(block * 64 + r) * words + word];
                }
                transpose_bits(&mut square);
                let pairs = &mut batch.by_pair[word * 64 * across..][..64 * across];
                for (pair, &bits) in pairs.chunks_exact_mut(across).zip(&square) {
                    pair[block] = bits;
                }
            }
        }
    }
}

/// Swaps bit c of word r with bit r of word c, by swapping quarters of size 32, then 16, 8, 4, 2 and 1.
#[inline(always)]
fn transpose_bits(square: &mut [u64; 64]) {
    swap_quarters::<32>(square, 0x0000_0000_ffff_ffff);
    swap_quarters::<16>(square, 0x0000_ffff_0000_ffff);
    swap_quarters::<8>(square, 0x00ff_00ff_00ff_00ff);
    swap_quarters::<4>(square, 0x0f0f_0f0f_0f0f_0f0f);
    swap_quarters::<2>(square, 0x3333_3333_3333_3333);
    swap_quarters::<1>(square, 0x5555_5555_5555_5555);
}

/// Swaps the upper right quarter of each block of 2 · `HALF` words and bits with the lower left one.
#[inline(always)]
fn swap_quarters<const HALF: usize>(square: &mut [u64; 64], low_bits: u64) {
    for block in (0..64).step_by(2 * HALF) {
        for r in block..block + HALF {
            let swap = ((square[r] >> HALF) ^ square[r + HALF]) & low_bits;
            square[r] ^= swap << HALF;
            square[r + HALF] ^= swap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Sealed;
    use crate::random::Random;

    /// Rows with runs of zeros, and with values of which only one of a pair is zero.
    fn source<P: Plain>(random: &mut Random, n: usize, value: fn(&mut Random) -> P, zero: P) -> Vec<P> {
        (0..n).map(|_| if random.below(3) == 0 { value(random) } else { zero }).collect()
    }

    fn check<T: Float, P: Input<T> + PartialEq + std::fmt::Debug>(value: fn(&mut Random) -> P, zero: P) {
        let mut random = Random(3);
        for level in Level::available() {
            for inputs in [1, 2, 3, 63, 64, 127, 128, 129, 784] {
                let source = source(&mut random, inputs * 150, value, zero);
                for rows in [1, 2, 63, 64, 65, 130] {
                    let indices: Vec<usize> = (0..rows).map(|_| random.below(150)).collect();
                    let mut batch = MiniBatch::<T, P>::for_training(inputs, 130);
                    batch.gather(level, &source, &mut indices.iter().copied());
                    assert_eq!(batch.rows(), rows);
                    for (n, &i) in indices.iter().enumerate() {
                        let want = &source[i * inputs..][..inputs];
                        let row = &batch.data()[n * batch.stride()..][..batch.stride()];
                        let mask: Vec<u64> = (0..batch.words()).map(|w| batch.part(n, w).1).collect();
                        assert_eq!(&row[..inputs], want);
                        assert!(row[inputs..].iter().all(|&x| x == zero));
                        for j in 0..batch.pairs() {
                            let set = row[2 * j] != zero || row[2 * j + 1] != zero;
                            assert_eq!(mask[j / 64] >> (j % 64) & 1 == 1, set, "{level} row {n} pair {j}");
                            assert_eq!(batch.pair(j)[n / 64] >> (n % 64) & 1 == 1, set, "{level} pair {j} row {n}");
                        }
                    }
                    let beyond = |n: usize| batch.pair(0)[n / 64] >> (n % 64) & 1;
                    assert!((rows..rows.next_multiple_of(64)).all(|n| beyond(n) == 0));
                }
            }
        }
    }

    #[test]
    fn masks_mark_nonzero_pixels() {
        check::<f32, u8>(|r| r.bits() as u8 | 1, 0);
    }

    #[test]
    fn masks_mark_nonzero_floats() {
        check::<f32, f32>(|r| r.value() as f32 + 2.0, 0.0);
        check::<f64, f64>(|r| r.value() + 2.0, 0.0);
    }

    #[test]
    fn nan_counts_as_nonzero_and_minus_zero_as_zero() {
        let mut row = [0.0f32; 8];
        (row[3], row[4], row[7]) = (f32::NAN, -0.0, f32::from_bits(1));
        for level in Level::available() {
            let mut batch = MiniBatch::<f32, f32>::for_inference(8, 1);
            batch.gather(level, &row, &mut std::iter::once(0));
            assert_eq!(batch.part(0, 0).1, 0b1010);
        }
    }

    #[test]
    fn pixels_are_divided_as_the_notebook_does() {
        for p in 0..=255u8 {
            assert_eq!(f32::PIXELS[usize::from(p)], f32::from(p) / 255.0);
            assert_eq!(f64::PIXELS[usize::from(p)], f64::from(f32::from(p) / 255.0));
        }
    }
}
