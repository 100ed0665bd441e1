//! Copies of blocks in the order in which the tile reads them.

use super::tile::Strided;
use crate::float::Float;
use crate::simd::Simd;

/// Copies rows `0..depth` and columns `0..cols` of B into a panel of `width` columns, row after row, the missing
/// columns zero. A panel of A's rows is the same copy of its transpose.
///
/// # Safety
/// B's elements (0..depth, 0..cols) are readable, and `depth · width` elements at `panel` writable; `cols <= width`.
#[inline(always)]
pub(super) unsafe fn pack<T: Float, S: Simd<T>>(s: S, b: Strided<T>, [depth, cols, width]: [usize; 3], panel: *mut T) {
    let whole = cols == width && width.is_multiple_of(S::LANES);
    // SAFETY: all rows are below `depth`, and all columns of B below `cols`, of the panel below `width`.
    unsafe {
        if b.col == 1 && whole {
            for p in 0..depth {
                for j in (0..width).step_by(S::LANES) {
                    s.store(panel.add(p * width + j), s.load(b.ptr.add(p * b.row + j)));
                }
            }
        } else {
            for first in (0..depth).step_by(LINE) {
                let rows = first..depth.min(first + LINE);
                for j in (0..cols).step_by(FEW) {
                    let some = FEW.min(cols - j);
                    let (from, to) = (b.ptr.add(j * b.col), panel.add(j));
                    if some == FEW {
                        rows.clone().for_each(|p| copy::<T, FEW>(from.add(p * b.row), b.col, to.add(p * width)));
                    } else {
                        let one = |p, j| copy::<T, 1>(from.add(p * b.row + j * b.col), 0, to.add(p * width + j));
                        rows.clone().for_each(|p| (0..some).for_each(|j| one(p, j)));
                    }
                }
                rows.for_each(|p| (cols..width).for_each(|j| *panel.add(p * width + j) = T::ZERO));
            }
        }
    }
}

/// Rows that are copied before the next few columns are: a cache line of each column, where columns are contiguous.
/// Columns a power of two apart would otherwise push each other's lines out of the cache.
const LINE: usize = 16;
const FEW: usize = 4;

/// `N` elements, `col` apart.
///
/// # Safety
/// They are readable, and so many elements at `to` writable.
#[inline(always)]
unsafe fn copy<T: Float, const N: usize>(from: *const T, col: usize, to: *mut T) {
    for j in 0..N {
        // SAFETY: the caller's promise.
        unsafe { *to.add(j) = *from.add(j * col) }
    }
}
