//! The hidden layer: Z = activation(X·W1 + b1), and W1's gradient Xᵀ·dA.
//!
//! Each pass has two paths. The sparse one skips pairs of columns that are zero; the dense one is the matrix product of
//! [`PaddedProduct`]. Both sum in the same order, so the choice between them, by the density of the mini-batch, does
//! not affect results:
//!
//! ```text
//! forward    the even columns ascending, the odd columns ascending; then (even + odd) + b1
//! backward   the rows ascending
//! ```
//!
//! Skipping a product with 0 does not change a sum, except that 0 · ∞ is NaN and −0 + 0 is 0. So the dense path
//! requires finite weights and gradients, and 0 is added to sums that may be −0.

use super::activation::Activation;
use super::mini_batch::{COLUMNS, Input, MiniBatch};
use super::prefetch::Prefetch;
use crate::math::{Float, Map};
use crate::matmul::{Epilogue, PaddedProduct, PlusZero, StridedSlice};
use crate::simd::{Kernel, Level, Simd};

/// A panel of hidden units: `width` neighbouring columns of W1, in whole vectors, in rows `stride` apart.
#[derive(Clone, Copy)]
pub struct Panel<'a, T> {
    pub w1: &'a [T],
    pub stride: usize,
    pub b1: &'a [T],
    pub width: usize,
    pub activation: Activation,
    /// Whether W1 is known to be finite.
    pub finite: bool,
}

/// The most vectors that a sparse pass computes at once: with two sums for each, and two inputs, 16 registers.
pub const MAX_VECTORS: usize = 7;

/// Rows of the dense forward pass between prefetches.
const DENSE_ROWS: usize = 24;

/// The forward pass: fills `z`, batch × width, with the activations of a panel's units. `odd` is scratch memory of the
/// same length.
pub fn forward<T: Float, P: Input<T>>(
    level: Level,
    batch: &MiniBatch<T, P>,
    panel: Panel<'_, T>,
    (z, odd): (&mut [T], &mut [T]),
    prefetch: &mut Prefetch<'_>,
) {
    let Panel { w1, stride, b1, width, activation, finite } = panel;
    let Some((x, x_row)) = batch.dense().filter(|_| finite) else {
        level.dispatch(SparseForward { batch, panel, z, odd, prefetch });
        return;
    };
    prefetch.spread_over(batch.rows());
    for first in (0..batch.rows()).step_by(DENSE_ROWS) {
        let rows = DENSE_ROWS.min(batch.rows() - first);
        let (x, z) = (&x[first * x_row..], &mut z[first * width..][..rows * width]);
        let mut product = |column: usize, epilogue: Dense<'_, T>| {
            level.dispatch(PaddedProduct {
                rows,
                k: batch.pairs(),
                cols: width,
                a: StridedSlice { data: &x[column..], row: x_row, col: 2 },
                b: &w1[column * stride..],
                b_row: 2 * stride,
                c: &mut *z,
                c_row: width,
                accumulate: false,
                epilogue,
            });
        };
        product(0, Dense::Even);
        product(1, Dense::Odd { b1, activation });
        prefetch.advance(rows);
    }
}

/// The epilogue of the dense forward pass.
#[derive(Clone, Copy)]
enum Dense<'a, T> {
    /// Stores the sums of the even columns.
    Even,
    /// Adds the sums of the odd columns and the bias, and applies the activation.
    Odd { b1: &'a [T], activation: Activation },
}

impl<T: Float> Epilogue<T> for Dense<'_, T> {
    #[inline(always)]
    unsafe fn apply<S: Simd<T>>(self, s: S, p: *mut T, col: usize, sum: S::V) -> S::V {
        // SAFETY: the caller's promise; b1 has an element for each column.
        unsafe {
            match self {
                Dense::Even => s.store(p, s.add(sum, s.zero())),
                Dense::Odd { b1, activation } => {
                    let sum = s.add(s.add(s.load(p), sum), s.load(b1.as_ptr().add(col)));
                    s.store(p, activation.apply(s, sum));
                }
            }
        }
        s.zero()
    }
}

/// The sparse forward pass:
///
/// ```text
/// for each word of the masks (128 columns)          their rows of W1's panel stay in the first-level cache
///   for n in rows of the batch
///     for j in pairs of these columns that are not zero in row n
///       Z[n]   ← Z[n]   + X[n][2j]   · W1[2j][panel]
///       odd[n] ← odd[n] + X[n][2j+1] · W1[2j+1][panel]
/// Z ← activation((Z + odd) + b1)
/// ```
struct SparseForward<'a, 'r, T, P> {
    batch: &'a MiniBatch<T, P>,
    panel: Panel<'a, T>,
    z: &'a mut [T],
    odd: &'a mut [T],
    prefetch: &'a mut Prefetch<'r>,
}

impl<T: Float, P: Input<T>> Kernel<T> for SparseForward<'_, '_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let Panel { w1, stride, b1, width, activation, .. } = self.panel;
        let rows = self.batch.rows();
        assert!(w1.len() >= (2 * self.batch.pairs() - 1) * stride + width && stride >= width);
        assert!(b1.len() >= width && self.z.len() >= rows * width && self.odd.len() >= rows * width);
        assert!(width.is_multiple_of(S::LANES));
        self.z[..rows * width].fill(T::ZERO);
        self.odd[..rows * width].fill(T::ZERO);
        self.prefetch.spread_over(self.batch.words() * rows * width / S::LANES);
        for word in 0..self.batch.words() {
            let mut at = 0;
            while at < width {
                // SAFETY: checked above: `at` and the vectors after it are within the panel's width.
                at += S::LANES
                    * unsafe {
                        match (width - at) / S::LANES {
                            1 => self.columns::<S, 1>(s, word, at),
                            _ if S::REGISTERS < 16 => self.columns::<S, 2>(s, word, at),
                            2 => self.columns::<S, 2>(s, word, at),
                            3 => self.columns::<S, 3>(s, word, at),
                            4 => self.columns::<S, 4>(s, word, at),
                            5 => self.columns::<S, 5>(s, word, at),
                            6 => self.columns::<S, 6>(s, word, at),
                            _ => self.columns::<S, MAX_VECTORS>(s, word, at),
                        }
                    };
            }
        }
        for (z, odd) in self.z.chunks_exact_mut(width).zip(self.odd.chunks_exact(width)).take(rows) {
            for at in (0..width).step_by(S::LANES) {
                // SAFETY: LANES divides the width, which all three have.
                unsafe {
                    let z = z.as_mut_ptr().add(at);
                    let sum = s.add(s.add(s.load(z), s.zero()), s.load(odd.as_ptr().add(at)));
                    s.store(z, activation.apply(s, s.add(sum, s.load(b1.as_ptr().add(at)))));
                }
            }
        }
    }
}

impl<T: Float, P: Input<T>> SparseForward<'_, '_, T, P> {
    /// The sums over one word's columns, for `NV` vectors of the panel from column `at` on; returns `NV`.
    ///
    /// # Safety
    /// These columns are within the panel, and the buffers are as long as `run` checks.
    #[inline(always)]
    unsafe fn columns<S: Simd<T>, const NV: usize>(&mut self, s: S, word: usize, at: usize) -> usize {
        let Panel { w1, stride, width, .. } = self.panel;
        let w1 = w1.as_ptr().wrapping_add(word * COLUMNS * stride + at);
        for n in 0..self.batch.rows() {
            let (x, mut bits) = self.batch.part(n, word);
            self.prefetch.advance(NV);
            if bits == 0 {
                continue;
            }
            let z = self.z.as_mut_ptr().wrapping_add(n * width + at);
            let odd = self.odd.as_mut_ptr().wrapping_add(n * width + at);
            let (mut even_sums, mut odd_sums) = ([s.zero(); NV], [s.zero(); NV]);
            for v in 0..NV {
                // SAFETY: the vector is within the panel's width, and n within the rows that both have.
                unsafe {
                    even_sums[v] = s.load(z.add(v * S::LANES));
                    odd_sums[v] = s.load(odd.add(v * S::LANES));
                }
            }
            while bits != 0 {
                let i = 2 * bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: a mask has bits for the row's columns only, so i + 1 is within them, and both rows of W1 are
                // within its buffer (inputs are padded to pairs).
                unsafe {
                    let x0 = P::broadcast(s, x.as_ptr().add(i));
                    let x1 = P::broadcast(s, x.as_ptr().add(i + 1));
                    let w = w1.add(i * stride);
                    for v in 0..NV {
                        even_sums[v] = s.mul_add(x0, s.load(w.add(v * S::LANES)), even_sums[v]);
                        odd_sums[v] = s.mul_add(x1, s.load(w.add(stride + v * S::LANES)), odd_sums[v]);
                    }
                }
            }
            for v in 0..NV {
                // SAFETY: as above.
                unsafe {
                    s.store(z.add(v * S::LANES), even_sums[v]);
                    s.store(odd.add(v * S::LANES), odd_sums[v]);
                }
            }
        }
        NV
    }
}

/// The gradients `da` of a panel, rows × width, and where W1's gradient goes.
pub struct PanelGradient<'a, T, E> {
    pub da: &'a [T],
    /// Whether `da` is known to be finite.
    pub finite: bool,
    /// The panel's columns of W1 or of its gradient, inputs (padded to pairs) × width.
    pub w1: &'a mut [T],
    pub width: usize,
    /// Whether sums start from the elements of `w1` rather than from zero.
    pub accumulate: bool,
    pub epilogue: E,
}

/// The backward pass: hands W1's gradient for a panel, Xᵀ·dA, to the epilogue, with its place in `w1`. Returns whether
/// everything that the epilogue returned was zero.
pub fn backward<T: Float, P: Input<T>, E: Epilogue<T>>(
    level: Level,
    batch: &MiniBatch<T, P>,
    gradient: PanelGradient<'_, T, E>,
) -> bool {
    let PanelGradient { da, finite, w1, width, accumulate, epilogue } = gradient;
    let Some((x, x_row)) = batch.dense().filter(|_| finite) else {
        let gradient = PanelGradient { da, finite, w1, width, accumulate, epilogue };
        return level.dispatch(SparseBackward { batch, gradient });
    };
    level.dispatch(PaddedProduct {
        rows: 2 * batch.pairs(),
        k: batch.rows(),
        cols: width,
        a: StridedSlice { data: x, row: 1, col: x_row },
        b: da,
        b_row: width,
        c: w1,
        c_row: width,
        accumulate,
        epilogue: PlusZero { zero: T::ZERO, epilogue },
    })
}

/// The sparse backward pass, two rows of W1 at a time:
///
/// ```text
/// for j in pairs of columns
///   for n in rows of the batch where pair j is not zero
///     g0 ← g0 + X[n][2j]   · dA[n][panel]
///     g1 ← g1 + X[n][2j+1] · dA[n][panel]
///   epilogue: W1[2j][panel], g0;  W1[2j+1][panel], g1
/// ```
struct SparseBackward<'a, T, P, E> {
    batch: &'a MiniBatch<T, P>,
    gradient: PanelGradient<'a, T, E>,
}

impl<T: Float, P: Input<T>, E: Epilogue<T>> Kernel<T> for SparseBackward<'_, T, P, E> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) -> bool {
        let width = self.gradient.width;
        assert!(self.gradient.w1.len() >= 2 * self.batch.pairs() * width);
        assert!(self.gradient.da.len() >= self.batch.rows() * width && self.batch.has_pair_masks());
        assert!(width.is_multiple_of(S::LANES));
        let (mut check, mut at) = (s.zero(), 0);
        while at < width {
            // Two sums for each vector, two inputs, and a vector of dA.
            let most = match S::REGISTERS {
                32.. => MAX_VECTORS,
                16.. => 6,
                _ => 2,
            };
            let left = (width - at) / S::LANES;
            let some = if left > most { left.div_ceil(left.div_ceil(most)) } else { left };
            // SAFETY: checked above: `at` and the vectors after it are within the panel's width.
            let part = unsafe {
                match some {
                    1 => self.columns::<S, 1>(s, at),
                    _ if S::REGISTERS < 16 => self.columns::<S, 2>(s, at),
                    2 => self.columns::<S, 2>(s, at),
                    3 => self.columns::<S, 3>(s, at),
                    4 => self.columns::<S, 4>(s, at),
                    5 => self.columns::<S, 5>(s, at),
                    6 => self.columns::<S, 6>(s, at),
                    _ => self.columns::<S, MAX_VECTORS>(s, at),
                }
            };
            check = s.add(check, part);
            at += some * S::LANES;
        }
        s.nonzero_bits(check) == 0
    }
}

impl<T: Float, P: Input<T>, E: Epilogue<T>> SparseBackward<'_, T, P, E> {
    /// The pass for `NV` vectors of the panel from column `at` on.
    ///
    /// # Safety
    /// These columns are within the panel, and the buffers are as long as `run` checks.
    #[inline(always)]
    unsafe fn columns<S: Simd<T>, const NV: usize>(&mut self, s: S, at: usize) -> S::V {
        let (data, stride) = (self.batch.data().as_ptr(), self.batch.stride());
        let PanelGradient { da, w1, width, accumulate, epilogue, .. } = &mut self.gradient;
        let mut check = [s.zero(); 2];
        for j in 0..self.batch.pairs() {
            let (mut g0, mut g1) = ([s.zero(); NV], [s.zero(); NV]);
            let w0 = w1.as_mut_ptr().wrapping_add(2 * j * *width + at);
            let w1 = w0.wrapping_add(*width);
            if *accumulate {
                for v in 0..NV {
                    // SAFETY: both rows of the pair are within W1's buffer, and the column within its width.
                    unsafe {
                        g0[v] = s.load(w0.add(v * S::LANES));
                        g1[v] = s.load(w1.add(v * S::LANES));
                    }
                }
            }
            for (word, &bits) in self.batch.pair(j).iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let n = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    // SAFETY: a mask has bits for rows of the batch only; both columns are within the padded row.
                    unsafe {
                        let x = data.add(n * stride + 2 * j);
                        let x0 = P::broadcast(s, x);
                        let x1 = P::broadcast(s, x.add(1));
                        let d = da.as_ptr().add(n * *width + at);
                        for v in 0..NV {
                            let d = s.load(d.add(v * S::LANES));
                            g0[v] = s.mul_add(x0, d, g0[v]);
                            g1[v] = s.mul_add(x1, d, g1[v]);
                        }
                    }
                }
            }
            let epilogue = PlusZero { zero: T::ZERO, epilogue: *epilogue };
            for v in 0..NV {
                // SAFETY: as above.
                unsafe {
                    let col = at + v * S::LANES;
                    check[0] = s.add(check[0], epilogue.apply(s, w0.add(v * S::LANES), col, g0[v]));
                    check[1] = s.add(check[1], epilogue.apply(s, w1.add(v * S::LANES), col, g1[v]));
                }
            }
        }
        s.add(check[0], check[1])
    }
}
