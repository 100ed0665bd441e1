//! Epilogues: what a product does with the sums of a register tile, such as storing them.

use crate::math::Float;
use crate::simd::Simd;

/// Handles one vector of a product's result.
pub(crate) trait Epilogue<T: Float>: Copy {
    /// `p` is the place of the vector in the result, `col` its first column, `sum` its value. Returns a vector that is
    /// zero in every lane if all is well; the caller adds these up and checks the total once.
    ///
    /// # Safety
    /// A vector at `p` is readable and writable, and the result has `col + LANES` columns.
    unsafe fn apply<S: Simd<T>>(self, s: S, p: *mut T, col: usize, sum: S::V) -> S::V;
}

/// Stores the sums.
#[derive(Clone, Copy)]
pub(crate) struct Store;

impl<T: Float> Epilogue<T> for Store {
    #[inline(always)]
    unsafe fn apply<S: Simd<T>>(self, s: S, p: *mut T, _: usize, sum: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.store(p, sum) };
        s.zero()
    }
}

/// Adds a zero to each sum first: 0 turns −0 into 0, and −0 changes nothing. A value rather than a type, so that
/// programs have one copy of the product for both.
#[derive(Clone, Copy)]
pub(crate) struct PlusZero<T, E> {
    pub zero: T,
    pub epilogue: E,
}

impl<T: Float, E: Epilogue<T>> PlusZero<T, E> {
    /// Leaves the sums as they are.
    pub fn unchanged(epilogue: E) -> Self {
        PlusZero { zero: T::ZERO.neg(), epilogue }
    }
}

impl<T: Float, E: Epilogue<T>> Epilogue<T> for PlusZero<T, E> {
    #[inline(always)]
    unsafe fn apply<S: Simd<T>>(self, s: S, p: *mut T, col: usize, sum: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { self.epilogue.apply(s, p, col, s.add(sum, s.splat(self.zero))) }
    }
}

/// The result of [`gemm`](super::gemm): C ← α·sum + β·C, element (r, c) at `c + r · row + c`.
#[derive(Clone, Copy)]
pub(super) struct Scaled<T> {
    pub c: *mut T,
    pub row: usize,
    pub alpha: T,
    pub beta: T,
}

impl<T: Float> Scaled<T> {
    /// Stores the first `rows` rows and `cols` columns of a tile.
    ///
    /// # Safety
    /// C has them.
    #[inline(always)]
    pub unsafe fn store<S: Simd<T>, const MR: usize, const NV: usize>(
        self,
        s: S,
        tile: &[[S::V; NV]; MR],
        [rows, cols]: [usize; 2],
    ) {
        let (alpha, beta) = (s.splat(self.alpha), s.splat(self.beta));
        // SAFETY: the caller's promise.
        unsafe {
            // Constant loop bounds and branches; otherwise the compiler would spill the sums to memory.
            match (rows == MR && cols == NV * S::LANES, self.beta == T::ZERO) {
                (true, true) => self.store_whole(s, tile, |_, sum| s.mul(alpha, sum)),
                (true, false) => self.store_whole(s, tile, |p, sum| s.mul_add(beta, s.load(p), s.mul(alpha, sum))),
                (false, overwrite) => {
                    for (r, row) in tile.iter().enumerate().take(rows) {
                        for (v, &sum) in row.iter().enumerate() {
                            let n = S::LANES.min(cols.saturating_sub(v * S::LANES));
                            let p = self.c.add(r * self.row).wrapping_add(v * S::LANES);
                            let sum = s.mul(alpha, sum);
                            let sum = if overwrite { sum } else { s.mul_add(beta, s.load_partial(p, n), sum) };
                            s.store_partial(p, n, sum);
                        }
                    }
                }
            }
        }
    }

    /// Stores `value(place in C, sum)` for each vector of the tile.
    ///
    /// # Safety
    /// C has a whole tile.
    #[inline(always)]
    unsafe fn store_whole<S: Simd<T>, const MR: usize, const NV: usize>(
        self,
        s: S,
        tile: &[[S::V; NV]; MR],
        value: impl Fn(*const T, S::V) -> S::V,
    ) {
        for (r, row) in tile.iter().enumerate() {
            for (v, &sum) in row.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let p = self.c.add(r * self.row + v * S::LANES);
                    s.store(p, value(p, sum));
                }
            }
        }
    }
}
