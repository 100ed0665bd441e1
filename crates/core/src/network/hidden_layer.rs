//! The hidden layer: Z = activation(X·W1 + b1) and W1's gradient Xᵀ·dA. Both skip pairs of columns that are zero.

use super::activation::Activation;
use super::mini_batch::{COLUMNS, Input, MiniBatch};
use super::prefetch::Prefetch;
use crate::math::{Float, Map};
use crate::matmul::Epilogue;
use crate::simd::{Kernel, Simd};

/// The most vectors of the panel that one pass over a row computes; it takes two accumulators for each.
const MAX_VECTORS: usize = 4;

/// A panel of hidden units: `width` neighbouring columns of W1 (a multiple of the block), in rows `stride` apart.
pub struct Panel<'a, T> {
    pub w1: &'a [T],
    pub stride: usize,
    pub b1: &'a [T],
    pub width: usize,
    pub activation: Activation,
}

/// Fills `z`, batch × width, with the activations of a panel's units:
///
/// ```text
/// Z ← 0
/// for each word of the masks (128 columns)          their rows of W1's panel stay in the first-level cache
///   for n in rows of the batch
///     even, odd ← 0
///     for j in pairs of these columns that are not zero in row n
///       even ← even + X[n][2j]   · W1[2j][panel]
///       odd  ← odd  + X[n][2j+1] · W1[2j+1][panel]
///     Z[n] ← Z[n] + (even + odd)
/// Z ← activation(Z + b1)
/// ```
pub struct Forward<'a, 'r, T, P> {
    pub batch: &'a MiniBatch<P>,
    pub panel: Panel<'a, T>,
    pub z: &'a mut [T],
    pub prefetch: &'a mut Prefetch<'r>,
}

impl<T: Float, P: Input<T>> Kernel<T> for Forward<'_, '_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let Panel { w1, stride, b1, width, activation } = self.panel;
        let rows = self.batch.rows();
        assert!(w1.len() >= (2 * self.batch.pairs() - 1) * stride + width && stride >= width);
        assert!(b1.len() >= width && self.z.len() >= rows * width);
        assert!(width.is_multiple_of(S::LANES));
        self.z[..rows * width].fill(T::ZERO);
        self.prefetch.spread_over(self.batch.words() * rows * width / S::LANES);
        for word in 0..self.batch.words() {
            let mut at = 0;
            while at < width {
                let vectors = (width - at) / S::LANES;
                // SAFETY: checked above: `at` and the vectors after it are within the panel's width.
                at += S::LANES
                    * unsafe {
                        match vectors {
                            1 => self.columns::<S, 1>(s, word, at),
                            2 | 3 => self.columns::<S, 2>(s, word, at),
                            _ => self.columns::<S, MAX_VECTORS>(s, word, at),
                        }
                    };
            }
        }
        for z in self.z[..rows * width].chunks_exact_mut(width) {
            for at in (0..width).step_by(S::LANES) {
                // SAFETY: LANES divides the width, which both have.
                unsafe {
                    let z = z.as_mut_ptr().add(at);
                    s.store(z, activation.apply(s, s.add(s.load(z), s.load(b1.as_ptr().add(at)))));
                }
            }
        }
    }
}

impl<T: Float, P: Input<T>> Forward<'_, '_, T, P> {
    /// The sums over one word's columns, for `NV` vectors of the panel from column `at` on; returns `NV`.
    ///
    /// # Safety
    /// These columns are within the panel, and the buffers are as long as `run` checks.
    #[inline(always)]
    unsafe fn columns<S: Simd<T>, const NV: usize>(&mut self, s: S, word: usize, at: usize) -> usize {
        let Panel { w1, stride, width, .. } = self.panel;
        let w1 = w1.as_ptr().wrapping_add(word * COLUMNS * stride + at);
        let z = self.z.as_mut_ptr();
        for n in 0..self.batch.rows() {
            let (x, mut bits) = self.batch.part(n, word);
            self.prefetch.advance(NV);
            if bits == 0 {
                continue;
            }
            let (mut even, mut odd) = ([s.zero(); NV], [s.zero(); NV]);
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
                        even[v] = s.mul_add(x0, s.load(w.add(v * S::LANES)), even[v]);
                        odd[v] = s.mul_add(x1, s.load(w.add(stride + v * S::LANES)), odd[v]);
                    }
                }
            }
            for v in 0..NV {
                // SAFETY: the vector is within the panel's width, and n within the rows that z has.
                unsafe {
                    let z = z.add(n * width + at + v * S::LANES);
                    s.store(z, s.add(s.load(z), s.add(even[v], odd[v])));
                }
            }
        }
        NV
    }
}

/// W1's gradient for a panel, Xᵀ·dA, two rows at a time:
///
/// ```text
/// for j in pairs of columns
///   g0, g1 ← 0
///   for n in rows of the batch where pair j is not zero
///     g0 ← g0 + X[n][2j]   · dA[n][panel]
///     g1 ← g1 + X[n][2j+1] · dA[n][panel]
///   epilogue: W1[2j][panel], g0;  W1[2j+1][panel], g1
/// ```
///
/// Returns whether everything that the epilogue returned was zero.
pub struct Backward<'a, T, P, E> {
    pub batch: &'a MiniBatch<P>,
    /// dA, batch × width.
    pub da: &'a [T],
    /// The panel's columns of W1 or of its gradient, padded to pairs of rows.
    pub w1: &'a mut [T],
    pub stride: usize,
    pub width: usize,
    pub epilogue: E,
}

impl<T: Float, P: Input<T>, E: Epilogue<T>> Kernel<T> for Backward<'_, T, P, E> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) -> bool {
        let (stride, width) = (self.stride, self.width);
        assert!(self.w1.len() >= (2 * self.batch.pairs() - 1) * stride + width && stride >= width);
        assert!(self.da.len() >= self.batch.rows() * width && self.batch.has_pair_masks());
        assert!(width.is_multiple_of(S::LANES));
        let mut at = 0;
        let mut finite = true;
        while at < width {
            let vectors = (width - at) / S::LANES;
            // SAFETY: checked above: `at` and the vectors after it are within the panel's width.
            unsafe {
                let (ok, done) = match vectors {
                    1 => (self.columns::<S, 1>(s, at), 1),
                    2 | 3 => (self.columns::<S, 2>(s, at), 2),
                    _ => (self.columns::<S, MAX_VECTORS>(s, at), MAX_VECTORS),
                };
                finite &= ok;
                at += done * S::LANES;
            }
        }
        finite
    }
}

impl<T: Float, P: Input<T>, E: Epilogue<T>> Backward<'_, T, P, E> {
    /// The pass for `NV` vectors of the panel from column `at` on.
    ///
    /// # Safety
    /// These columns are within the panel, and the buffers are as long as `run` checks.
    #[inline(always)]
    unsafe fn columns<S: Simd<T>, const NV: usize>(&mut self, s: S, at: usize) -> bool {
        let (data, stride) = (self.batch.data().as_ptr(), self.batch.stride());
        let mut check = [s.zero(); 2];
        for j in 0..self.batch.pairs() {
            let (mut g0, mut g1) = ([s.zero(); NV], [s.zero(); NV]);
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
                        let d = self.da.as_ptr().add(n * self.width + at);
                        for v in 0..NV {
                            let d = s.load(d.add(v * S::LANES));
                            g0[v] = s.mul_add(x0, d, g0[v]);
                            g1[v] = s.mul_add(x1, d, g1[v]);
                        }
                    }
                }
            }
            for v in 0..NV {
                // SAFETY: both rows of the pair are within W1's buffer, and the column within its width.
                unsafe {
                    let w = self.w1.as_mut_ptr().add(2 * j * self.stride + at + v * S::LANES);
                    check[0] = s.add(check[0], self.epilogue.apply(s, w, g0[v]));
                    check[1] = s.add(check[1], self.epilogue.apply(s, w.add(self.stride), g1[v]));
                }
            }
        }
        s.nonzero_bits(s.add(check[0], check[1])) == 0
    }
}
