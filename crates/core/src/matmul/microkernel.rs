//! The microkernel: the register tile that is the inner loop of every matrix product of this crate.

use crate::math::Float;
use crate::simd::Simd;

/// A matrix in memory: element (r, c) is at `ptr + r · row + c · col`.
#[derive(Clone, Copy)]
pub(super) struct Strided<T> {
    pub ptr: *const T,
    pub row: usize,
    pub col: usize,
}

impl<T> Strided<T> {
    /// # Safety
    /// Row `r` is within the matrix.
    #[inline(always)]
    pub unsafe fn at_row(self, r: usize) -> Self {
        // SAFETY: the caller's promise.
        Strided { ptr: unsafe { self.ptr.add(r * self.row) }, ..self }
    }
}

/// Adds to `tile` the product of `MR` rows of A by `NV` vectors of columns of B, over the depth `k` in ascending order:
///
/// ```text
/// for p in 0..k
///   for v in 0..NV   b[v] ← B[p][v · LANES ..]
///   for r in 0..MR   tile[r][..] ← tile[r][..] + A[r][p] · b[..]
/// ```
///
/// With `MASKED`, only `last` lanes of the last vector are read.
///
/// # Safety
/// A's elements (0..MR, 0..k) are readable; so are, for each of B's `k` rows, `b_row` apart, `NV` vectors (the last one
/// in its first `last` lanes alone, with `MASKED`).
#[inline(always)]
pub(super) unsafe fn multiply<T: Float, S: Simd<T>, const MR: usize, const NV: usize, const MASKED: bool>(
    s: S,
    k: usize,
    a: Strided<T>,
    (mut b, b_row, last): (*const T, usize, usize),
    mut tile: [[S::V; NV]; MR],
) -> [[S::V; NV]; MR] {
    let mut column = a.ptr;
    for _ in 0..k {
        // SAFETY: the caller promises these rows, columns and lanes. The pointers may end up past the last element that
        // is read, so they advance by wrapping steps.
        unsafe {
            let mut width = [s.zero(); NV];
            for (v, w) in width.iter_mut().enumerate() {
                *w = if MASKED && v == NV - 1 {
                    s.load_partial(b.add(v * S::LANES), last)
                } else {
                    s.load(b.add(v * S::LANES))
                };
            }
            for (r, row) in tile.iter_mut().enumerate() {
                let x = s.broadcast(column.add(r * a.row));
                for (sum, &w) in row.iter_mut().zip(&width) {
                    *sum = s.mul_add(x, w, *sum);
                }
            }
        }
        column = column.wrapping_add(a.col);
        b = b.wrapping_add(b_row);
    }
    tile
}
