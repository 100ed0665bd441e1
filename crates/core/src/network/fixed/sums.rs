//! Sums of products of bytes and digits, and the floats that they are.

use super::{DIGIT, DIGITS, Digits, QUAD, SEGMENT, V, WORD};
use crate::simd::{Bytes, MOST_LANES, Simd};

/// Most vectors of columns whose sums are kept in registers.
pub const WIDEST: usize = 2;

/// Rows of a tile, and the columns of its sums.
pub const TILE: usize = 16;

/// Words of a mask that make a segment.
pub const SEGMENT_WORDS: usize = SEGMENT / 4 / WORD;

/// Words of a mask that [`walk`] takes together.
pub const TOGETHER: usize = 2;

const _: () = assert!(SEGMENT_WORDS.is_multiple_of(TOGETHER));

/// The sums of one row and `NV` vectors of columns, a vector for each digit.
pub type Sums<B, const NV: usize> = [[<B as Bytes>::I; DIGITS]; NV];

/// Where the digits of a quad of rows are, for each of `NV` vectors of columns from `at` on.
#[inline(always)]
pub fn places<B: Bytes, const NV: usize>(digits: &Digits, quad: usize, at: usize) -> [*const u8; NV] {
    let mut places = [std::ptr::null(); NV];
    for (v, place) in places.iter_mut().enumerate() {
        *place = digits.bytes().as_ptr().wrapping_add(digits.place(quad, at + v * B::F::LANES));
    }
    places
}

/// Adds to each S_k of `NP` rows the quads that a mask of one or [`TOGETHER`] words names. Quad q of row p is at `x + q ·
/// step + p · apart`, and its digits for the vth vector of columns at `digits[v] + q · QUAD`.
///
/// # Safety
/// All that is readable, for every bit of the mask.
#[inline(always)]
pub unsafe fn walk<B: Bytes, const NP: usize, const NV: usize>(
    b: B,
    (x, step, apart): (*const u8, usize, usize),
    digits: [*const u8; NV],
    mask: &[u64],
    sums: &mut [Sums<B, NV>; NP],
) {
    debug_assert!((1..=TOGETHER).contains(&mask.len()));
    let [mut low, mut high] = [mask[0], mask.get(1).copied().unwrap_or(0)];
    while low | high != 0 {
        // No branch parts the words: where a loop ends cannot be foreseen, and one end costs less than two.
        let in_low = low != 0;
        let (bits, first) = if in_low { (low, 0) } else { (high, WORD) };
        let q = first + bits.trailing_zeros() as usize;
        high = if in_low { high } else { high & high.wrapping_sub(1) };
        low &= low.wrapping_sub(1);
        // SAFETY: the caller's promise.
        unsafe {
            let mut xs = [b.splat(0); NP];
            for (p, to) in xs.iter_mut().enumerate() {
                *to = b.quad(x.add(q * step + p * apart));
            }
            for (v, digits) in digits.iter().enumerate() {
                for k in 0..DIGITS {
                    let d = b.load(digits.add(q * QUAD + k * DIGIT));
                    for (sums, &x) in sums.iter_mut().zip(&xs) {
                        sums[v][k] = b.dot(sums[v][k], x, d);
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

/// f(S2)·65536 + (f(S1)·256 + f(S0)). Products with powers of two are exact.
#[inline(always)]
pub fn whole<B: Bytes>(b: B, [s0, s1, s2]: [B::I; DIGITS]) -> V<B> {
    let f = b.floats();
    let low = b.mul_add_exact(b.to_float(s1), f.splat(256.0), b.to_float(s0));
    b.mul_add_exact(b.to_float(s2), f.splat(65536.0), low)
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
