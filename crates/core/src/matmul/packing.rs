//! Copies blocks into the order in which the microkernel reads them.

use super::microkernel::Strided;
use crate::math::Float;
use crate::simd::Simd;

/// Copies rows `0..depth` and columns `0..cols` of B into a panel of `width` columns, row by row, padded with zeros. A
/// strip of A is packed by passing A's transpose.
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
            for first in (0..depth).step_by(LINE_ELEMENTS) {
                let rows = first..depth.min(first + LINE_ELEMENTS);
                for j in (0..cols).step_by(COLUMNS) {
                    let some = COLUMNS.min(cols - j);
                    let (from, to) = (b.ptr.add(j * b.col), panel.add(j));
                    if some == COLUMNS {
                        rows.clone().for_each(|p| copy::<T, COLUMNS>(from.add(p * b.row), b.col, to.add(p * width)));
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

/// Rows copied before moving on to the next few columns: one cache line per column, where columns are contiguous.
/// With more rows, columns a power of two apart would evict each other's lines.
const LINE_ELEMENTS: usize = 16;
const COLUMNS: usize = 4;

/// Copies `N` elements that are `col` apart.
///
/// # Safety
/// They are readable, and `N` elements at `to` are writable.
#[inline(always)]
unsafe fn copy<T: Float, const N: usize>(from: *const T, col: usize, to: *mut T) {
    for j in 0..N {
        // SAFETY: the caller's promise.
        unsafe { *to.add(j) = *from.add(j * col) }
    }
}
