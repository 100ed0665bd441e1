//! What becomes of a tile of sums.

use crate::float::Float;
use crate::simd::Simd;

/// Where the result goes, and how.
#[derive(Clone, Copy)]
pub(super) struct Out<T> {
    pub c: *mut T,
    pub row: usize,
    pub alpha: T,
    pub beta: T,
}

/// C ← α·acc + β·C for the first `rows` rows and `cols` columns of a tile.
///
/// # Safety
/// C has them.
#[inline(always)]
pub(super) unsafe fn write<T: Float, S: Simd<T>, const MR: usize, const NV: usize>(
    s: S,
    acc: &[[S::V; NV]; MR],
    rows: usize,
    cols: usize,
    out: Out<T>,
) {
    let (alpha, beta) = (s.splat(out.alpha), s.splat(out.beta));
    // SAFETY: the caller's promise.
    unsafe {
        // Loops of counts and a choice that the compiler knows, or the sums would go through memory.
        match (rows == MR && cols == NV * S::LANES, out.beta == T::ZERO) {
            (true, true) => each(s, acc, out, |_, sum| s.mul(alpha, sum)),
            (true, false) => each(s, acc, out, |p, sum| s.mul_add(beta, s.load(p), s.mul(alpha, sum))),
            (false, fresh) => {
                for (r, row) in acc.iter().enumerate().take(rows) {
                    for (v, &sum) in row.iter().enumerate() {
                        let n = S::LANES.min(cols.saturating_sub(v * S::LANES));
                        let p = out.c.add(r * out.row).wrapping_add(v * S::LANES);
                        let value = s.mul(alpha, sum);
                        let value = if fresh { value } else { s.mul_add(beta, s.load_first(p, n), value) };
                        s.store_first(p, n, value);
                    }
                }
            }
        }
    }
}

/// Stores what `value` makes of each place in C and its sum.
///
/// # Safety
/// C has a whole tile.
#[inline(always)]
unsafe fn each<T: Float, S: Simd<T>, const MR: usize, const NV: usize>(
    s: S,
    acc: &[[S::V; NV]; MR],
    out: Out<T>,
    value: impl Fn(*const T, S::V) -> S::V,
) {
    for (r, row) in acc.iter().enumerate() {
        for (v, &sum) in row.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let p = out.c.add(r * out.row + v * S::LANES);
                s.store(p, value(p, sum));
            }
        }
    }
}
