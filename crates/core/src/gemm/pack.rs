//! Copies of blocks in the order in which the tile reads them.

use super::tile::Strided;
use crate::float::Float;

/// Copies rows `0..k` and columns `0..n` of B into panels of `width` columns: panel after panel, row after row within
/// one, the last panel's missing columns zero.
///
/// # Safety
/// B's elements (0..k, 0..n) are readable.
#[inline(always)]
pub(super) unsafe fn pack_b<T: Float>(b: Strided<T>, k: usize, n: usize, width: usize, packed: &mut [T]) {
    let panels = packed.chunks_exact_mut(k * width).take(n.div_ceil(width));
    for (panel, from) in panels.zip((0..n).step_by(width)) {
        let cols = width.min(n - from);
        for (p, row) in panel.chunks_exact_mut(width).enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                // SAFETY: p < k and from + j < n.
                *x = if j < cols { unsafe { *b.ptr.add(p * b.row + (from + j) * b.col) } } else { T::ZERO };
            }
        }
    }
}

/// Copies rows `0..m` and columns `0..k` of A into panels of `height` rows: panel after panel, column after column
/// within one, the last panel's missing rows zero.
///
/// # Safety
/// A's elements (0..m, 0..k) are readable.
#[inline(always)]
pub(super) unsafe fn pack_a<T: Float>(a: Strided<T>, m: usize, k: usize, height: usize, packed: &mut [T]) {
    // SAFETY: the transposed view has the elements (0..k, 0..m).
    unsafe { pack_b(Strided { row: a.col, col: a.row, ..a }, k, m, height, packed) }
}
