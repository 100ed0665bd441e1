//! Sums of products of bytes and digits, and the floats that they are.

use super::{DIGITS, SEGMENT, V, WORD};
use crate::simd::{Bytes, MOST_LANES, Simd};

/// Most vectors of columns whose sums are kept in registers.
pub const WIDEST: usize = 2;

/// Rows of a tile, and the columns of its sums.
pub const TILE: usize = 16;

/// Words of a mask that make a segment.
pub const SEGMENT_WORDS: usize = SEGMENT / 4 / WORD;

/// The sums of one row and `NV` vectors of columns, a vector for each digit.
pub type Sums<B, const NV: usize> = [[<B as Bytes>::I; DIGITS]; NV];

/// Adds to each S_k the quads that a mask names: quad q of the row is at `x + q · step`, its digits at `digits + q · quad`.
///
/// # Safety
/// All that is readable, for every bit of the mask.
#[inline(always)]
pub unsafe fn walk<B: Bytes, const NV: usize>(
    b: B,
    (x, step): (*const u8, usize),
    (digits, quad, digit): (*const u8, usize, usize),
    mask: &[u64],
    sums: &mut Sums<B, NV>,
) {
    for (word, &bits) in mask.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            let q = word * WORD + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            // SAFETY: the caller's promise.
            unsafe {
                let x = b.quad(x.add(q * step));
                let d = digits.add(q * quad);
                for (v, sums) in sums.iter_mut().enumerate() {
                    for (k, sum) in sums.iter_mut().enumerate() {
                        *sum = b.dot(*sum, x, b.load(d.add(k * digit + v * 4 * B::F::LANES)));
                    }
                }
            }
        }
    }
}

/// Reads sums from where [`store_sums`] has left them.
///
/// # Safety
/// They are there.
#[inline(always)]
pub unsafe fn load_sums<B: Bytes, const NV: usize>(b: B, from: *const i32, sums: &mut Sums<B, NV>) {
    for (i, sum) in sums.as_flattened_mut().iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *sum = unsafe { b.load(from.add(i * B::F::LANES).cast()) };
    }
}

/// # Safety
/// There is room.
#[inline(always)]
pub unsafe fn store_sums<B: Bytes, const NV: usize>(b: B, to: *mut i32, sums: &Sums<B, NV>) {
    for (i, &sum) in sums.as_flattened().iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { b.store(to.add(i * B::F::LANES).cast(), sum) };
    }
}

/// f(S2)·65536 + (f(S1)·256 + f(S0)). Its products are exact, so that fused operations change nothing.
#[inline(always)]
pub fn whole<B: Bytes>(b: B, [s0, s1, s2]: [B::I; DIGITS]) -> V<B> {
    let f = b.floats();
    let low = f.mul_add(b.to_float(s1), f.splat(256.0), b.to_float(s0));
    f.mul_add(b.to_float(s2), f.splat(65536.0), low)
}

/// A row's sums, as a tile has them.
///
/// # Safety
/// A vector from column `at` on is within the tile.
#[inline(always)]
pub unsafe fn of_tile<B: Bytes>(b: B, sums: &[[i32; TILE]; DIGITS], at: usize) -> [B::I; DIGITS] {
    let mut v = [b.splat(0); DIGITS];
    for (v, sums) in v.iter_mut().zip(sums) {
        // SAFETY: the caller's promise.
        *v = unsafe { b.load(sums.as_ptr().add(at).cast()) };
    }
    v
}

/// Sums of a row that a pass keeps at a time.
pub const ROOM: usize = WIDEST * DIGITS * MOST_LANES;
