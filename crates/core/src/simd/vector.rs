//! The operations on vectors, and kernels written with them.

use crate::element::Element;

/// The vectors of `T` of one instruction set. Lane `i` of a vector is element `i` in memory.
pub trait Simd<T: Element>: Copy + Send + Sync + 'static {
    /// A vector of [`LANES`](Self::LANES) elements.
    type V: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// Elements per vector: a power of two, at most [`MAX_LANES`].
    const LANES: usize;
    /// Vector registers of the instruction set, which determine the size of register tiles.
    const REGISTERS: usize;

    fn splat(self, x: T) -> Self::V;
    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(T::ZERO)
    }

    /// # Safety
    /// `p` points to `LANES` readable elements (any alignment).
    unsafe fn load(self, p: *const T) -> Self::V;
    /// # Safety
    /// `p` points to `LANES` writable elements (any alignment).
    unsafe fn store(self, p: *mut T, v: Self::V);
    /// The first `n` elements, the other lanes zero. Memory past `p + n` is not accessed.
    /// # Safety
    /// `n <= LANES`, and `p` points to `n` readable elements.
    unsafe fn load_partial(self, p: *const T, n: usize) -> Self::V;
    /// Stores the first `n` lanes. Memory past `p + n` is not accessed.
    /// # Safety
    /// `n <= LANES`, and `p` points to `n` writable elements.
    unsafe fn store_partial(self, p: *mut T, n: usize, v: Self::V);
    /// The element at `p` in every lane.
    /// # Safety
    /// `p` points to one readable element.
    #[inline(always)]
    unsafe fn broadcast(self, p: *const T) -> Self::V {
        // SAFETY: the caller's promise.
        self.splat(unsafe { *p })
    }

    /// The values of `LANES` pixels: p / 255 rounded to `f32`, then widened.
    /// # Safety
    /// `p` points to `LANES` readable bytes.
    unsafe fn load_pixels(self, p: *const u8) -> Self::V;

    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, rounded once.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a · b`, rounded once.
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is NaN or both are zero.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is NaN or both are zero.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root, correctly rounded; NaN below zero.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The magnitude.
    fn abs(self, a: Self::V) -> Self::V;
    /// The nearest integer, ties to even, for `|a| < 2^22` (`f32`) or `2^51` (`f64`).
    fn round(self, a: Self::V) -> Self::V;
    /// `a · 2^n` for an integer `n`, rounded once; infinite or zero where out of range.
    fn ldexp(self, a: Self::V, n: Self::V) -> Self::V;
    /// `(m, e)` with `a = m · 2^e`, `m` in [0.75, 1.5) and `e` an integer, for finite positive `a`, subnormals
    /// included.
    fn frexp(self, a: Self::V) -> (Self::V, Self::V);

    /// `a < b`, false where either is NaN.
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a` where the mask is true, else `b`.
    fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// The lower halves of both interleaved, `a₀ b₀ a₁ b₁ …`, and the upper halves likewise.
    fn interleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Bit `i` is set if lane `i` is anything but ±0 (NaN counts).
    fn nonzero_bits(self, a: Self::V) -> u64;
    /// Bit `i` is set if byte `2i` or `2i + 1` of the 64 is not zero.
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32;
}

/// The maximum number of lanes of a vector.
pub(crate) const MAX_LANES: usize = 16;

/// Transposes the square of the first [`Simd::LANES`] vectors.
///
/// Interleaving the lower with the upper half of the vectors rotates the binary digits of an element's index (row
/// digits, then column digits) by one place. After log2(LANES) rotations, rows and columns have swapped.
#[inline(always)]
pub(crate) fn transpose<T: Element, S: Simd<T>>(s: S, mut rows: [S::V; MAX_LANES]) -> [S::V; MAX_LANES] {
    let half = S::LANES / 2;
    for _ in 0..S::LANES.trailing_zeros() {
        let from = rows;
        for i in 0..half {
            (rows[2 * i], rows[2 * i + 1]) = s.interleave(from[i], from[i + half]);
        }
    }
    rows
}

/// A kernel, written once and compiled for each instruction set. Mark [`run`](Self::run) and everything that it
/// calls `#[inline(always)]`, so that it becomes part of the function with the instruction set's `#[target_feature]`.
pub trait Kernel<T: Element> {
    /// The result of the kernel.
    type Output;
    /// Runs the kernel.
    fn run<S: Simd<T>>(self, s: S) -> Self::Output;
}
