//! The first layer: Z = activation(X·W1 + b1), and W1's gradient Xᵀ·dA, over the pairs of columns that are not all zero.

use super::Activation;
use super::ahead::Ahead;
use super::batch::{Batch, COLUMNS, Input};
use crate::float::Float;
use crate::simd::{Kernel, Simd};
use crate::vector::Map;

/// Most vectors that one pass over a row keeps in registers, times two for the two columns of a pair.
const WIDEST: usize = 4;

/// A panel of hidden units: `width` neighbouring columns of W1, a multiple of the block, whose rows are `stride` apart.
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
/// for each word of the masks, 128 columns           their rows of W1's panel stay in the first-level cache
///   for n in rows of the batch
///     even, odd ← 0
///     for j in pairs of these columns where row n is not zero
///       even ← even + X[n][2j]   · W1[2j][panel]
///       odd  ← odd  + X[n][2j+1] · W1[2j+1][panel]
///     Z[n] ← Z[n] + (even + odd)
/// Z ← activation(Z + b1)
/// ```
pub struct Forward<'a, 'r, T, P> {
    pub batch: &'a Batch<P>,
    pub panel: Panel<'a, T>,
    pub z: &'a mut [T],
    pub ahead: &'a mut Ahead<'r>,
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
        self.ahead.over(self.batch.words() * rows * width / S::LANES);
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
                            _ => self.columns::<S, WIDEST>(s, word, at),
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
            self.ahead.after(NV);
            if bits == 0 {
                continue;
            }
            let (mut even, mut odd) = ([s.zero(); NV], [s.zero(); NV]);
            while bits != 0 {
                let i = 2 * bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: a mask has bits for columns of the row alone, so i + 1 is within its columns, and both rows
                // of W1 are within its buffer (inputs are padded to pairs).
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

/// What becomes of a gradient as it leaves the registers.
pub trait Sink<T: Float>: Copy {
    /// Whether it changes weights, rather than keep what it is given.
    const STEPS: bool;

    /// `w` is the parameter's element and where the result goes, `g` its gradient; what is returned is summed and
    /// must be zero in every lane while all is well.
    ///
    /// # Safety
    /// A vector at `w` is readable and writable.
    unsafe fn take<S: Simd<T>>(self, s: S, w: *mut T, g: S::V) -> S::V;
}

/// The gradient itself is wanted.
#[derive(Clone, Copy)]
pub struct Keep;

impl<T: Float> Sink<T> for Keep {
    const STEPS: bool = false;

    #[inline(always)]
    unsafe fn take<S: Simd<T>>(self, s: S, w: *mut T, g: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.store(w, g) };
        s.zero()
    }
}

/// A step of gradient descent with this learning rate: w ← w − rate · g.
#[derive(Clone, Copy)]
pub struct Descend<T>(pub T);

impl<T: Float> Sink<T> for Descend<T> {
    const STEPS: bool = true;

    #[inline(always)]
    unsafe fn take<S: Simd<T>>(self, s: S, w: *mut T, g: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            let new = s.neg_mul_add(s.splat(self.0), g, s.load(w));
            s.store(w, new);
            // 0 · w is 0 unless w is infinite or NaN.
            s.mul(new, s.zero())
        }
    }
}

/// W1's gradient for a panel, Xᵀ·dA, handed to `sink` two rows at a time:
///
/// ```text
/// for j in pairs of columns
///   g0, g1 ← 0
///   for n in rows of the batch where pair j is not zero
///     g0 ← g0 + X[n][2j]   · dA[n][panel]
///     g1 ← g1 + X[n][2j+1] · dA[n][panel]
///   sink: W1[2j][panel], g0;  W1[2j+1][panel], g1
/// ```
///
/// Returns whether all weights stayed finite.
pub struct Gradient<'a, T, P, K> {
    pub batch: &'a Batch<P>,
    /// dA, batch × width.
    pub da: &'a [T],
    /// The panel's columns of W1 or of its gradient, padded to pairs of rows.
    pub w1: &'a mut [T],
    pub stride: usize,
    pub width: usize,
    pub sink: K,
}

impl<T: Float, P: Input<T>, K: Sink<T>> Kernel<T> for Gradient<'_, T, P, K> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) -> bool {
        let (stride, width) = (self.stride, self.width);
        assert!(self.w1.len() >= (2 * self.batch.pairs() - 1) * stride + width && stride >= width);
        assert!(self.da.len() >= self.batch.rows() * width && self.batch.is_both_ways());
        assert!(width.is_multiple_of(S::LANES));
        let mut at = 0;
        let mut finite = true;
        while at < width {
            let vectors = (width - at) / S::LANES;
            // SAFETY: checked above: `at` and the vectors after it are within the panel's width.
            unsafe {
                let (good, done) = match vectors {
                    1 => (self.columns::<S, 1>(s, at), 1),
                    2 | 3 => (self.columns::<S, 2>(s, at), 2),
                    _ => (self.columns::<S, WIDEST>(s, at), WIDEST),
                };
                finite &= good;
                at += done * S::LANES;
            }
        }
        finite
    }
}

impl<T: Float, P: Input<T>, K: Sink<T>> Gradient<'_, T, P, K> {
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
                    // SAFETY: a mask has bits for rows of the batch alone; both columns are within the padded row.
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
                    check[0] = s.add(check[0], self.sink.take(s, w, g0[v]));
                    check[1] = s.add(check[1], self.sink.take(s, w.add(self.stride), g1[v]));
                }
            }
        }
        s.nonzero_bits(s.add(check[0], check[1])) == 0
    }
}
