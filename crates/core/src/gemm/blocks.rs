//! The blocking loops around the tile.

use super::pack::{pack_a, pack_b};
use super::tile::{Strided, multiply};
use crate::buffer::Aligned;
use crate::float::Float;
use crate::matrix::{MatMut, MatRef};
use crate::simd::{Kernel, Simd};

/// C ← α·A·B + β·C, checked.
pub(super) struct Product<'a, T> {
    pub alpha: T,
    pub a: MatRef<'a, T>,
    pub b: MatRef<'a, T>,
    pub beta: T,
    pub c: MatMut<'a, T>,
}

/// Depth of a block: a panel of B, two vectors of 64 bytes wide, takes 32 KiB of the first-level cache.
const KC: usize = 256;
/// Rows of a block of A: with the depth above and f32, 120 KiB of the second-level cache.
const MC: usize = 120;
/// Columns of a block of B: with the depth above and f32, 2 MiB of the last-level cache.
const NC: usize = 2048;
/// B is used as it lies, if its rows are contiguous, up to this many bytes: it stays in the second-level cache.
const UNPACKED_BYTES: usize = 256 << 10;

/// Rows of the tile where there are 32 registers, and where there are 16. Two vectors wide: 24 or 12 accumulators.
const TALL: usize = 12;
const LOW: usize = 6;

/// Where the result goes, and how.
#[derive(Clone, Copy)]
struct Out<T> {
    c: *mut T,
    row: usize,
    alpha: T,
    beta: T,
}

impl<T: Float> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (m, n, k) = (self.c.rows(), self.c.cols(), self.a.cols());
        if m == 0 || n == 0 {
            return;
        }
        if k == 0 {
            // An empty operand has no first element to point to.
            for r in 0..m {
                let scaled = |c: &T| if self.beta == T::ZERO { T::ZERO } else { self.beta.mul(*c) };
                self.c.row_mut(r).iter_mut().for_each(|c| *c = scaled(c));
            }
            return;
        }
        let out = Out { row: self.c.row_stride(), c: self.c.as_mut_ptr(), alpha: self.alpha, beta: self.beta };
        let a = Strided { ptr: self.a.as_ptr(), row: self.a.row_stride(), col: self.a.col_stride() };
        let b = Strided { ptr: self.b.as_ptr(), row: self.b.row_stride(), col: self.b.col_stride() };
        // SAFETY: the views were checked against their buffers when they were made and against each other in `checked`,
        // so A has the elements (0..m, 0..k), B (0..k, 0..n), and C (0..m, 0..n), which is borrowed mutably.
        unsafe {
            if b.col == 1 && k.saturating_mul(n).saturating_mul(size_of::<T>()) <= UNPACKED_BYTES {
                strips::<T, S, true>(s, [m, n, k], a, b, out);
            } else {
                packed(s, [m, n, k], a, b, out);
            }
        }
    }
}

/// The product with both operands packed, block by block.
///
/// # Safety
/// A, B and C have the elements of an `m × k` by `k × n` product.
#[inline(always)]
unsafe fn packed<T: Float, S: Simd<T>>(s: S, [m, n, k]: [usize; 3], a: Strided<T>, b: Strided<T>, out: Out<T>) {
    let width = 2 * S::LANES;
    let height = if S::REGISTERS >= 32 { TALL } else { LOW };
    let (kc, nc, mc) = (KC.min(k), NC.min(n), MC.min(m));
    let mut packed_b = Aligned::zeroed([kc, nc.next_multiple_of(width)]);
    let mut packed_a = Aligned::zeroed([kc, mc.next_multiple_of(height)]);
    for j in (0..n).step_by(nc) {
        let cols = nc.min(n - j);
        for p in (0..k).step_by(kc) {
            let depth = kc.min(k - p);
            let beta = if p == 0 { out.beta } else { T::ONE };
            // SAFETY: the blocks are within the matrices; a packed panel has all of its rows or columns.
            unsafe {
                let block = Strided { ptr: b.ptr.add(p * b.row + j * b.col), ..b };
                pack_b(block, depth, cols, width, &mut packed_b);
                for i in (0..m).step_by(mc) {
                    let rows = mc.min(m - i);
                    let block = Strided { ptr: a.ptr.add(i * a.row + p * a.col), ..a };
                    pack_a(block, rows, depth, height, &mut packed_a);
                    let c = Out { c: out.c.add(i * out.row + j), beta, ..out };
                    block_of_panels(s, [rows, cols, depth], height, &packed_a, &packed_b, c);
                }
            }
        }
    }
}

/// All tiles of one packed block.
///
/// # Safety
/// C has the elements (0..rows, 0..cols); the packed blocks hold that many panels of that depth.
#[inline(always)]
unsafe fn block_of_panels<T: Float, S: Simd<T>>(
    s: S,
    [rows, cols, depth]: [usize; 3],
    height: usize,
    packed_a: &[T],
    packed_b: &[T],
    out: Out<T>,
) {
    let width = 2 * S::LANES;
    for (panel, j) in packed_b.chunks_exact(depth * width).zip((0..cols).step_by(width)) {
        for (strip, i) in packed_a.chunks_exact(depth * height).zip((0..rows).step_by(height)) {
            let (mr, nr) = (height.min(rows - i), width.min(cols - j));
            let a = Strided { ptr: strip.as_ptr(), row: 1, col: height };
            // SAFETY: panels are whole, padded with zeros; only mr rows and nr columns of C are written.
            unsafe {
                let c = Out { c: out.c.add(i * out.row + j), ..out };
                if S::REGISTERS >= 32 {
                    let acc = multiply::<T, S, TALL, 2, false>(s, depth, a, panel.as_ptr(), width, 0);
                    write(s, &acc, mr, nr, c);
                } else {
                    let acc = multiply::<T, S, LOW, 2, false>(s, depth, a, panel.as_ptr(), width, 0);
                    write(s, &acc, mr, nr, c);
                }
            }
        }
    }
}

/// The product of operands as they lie: strips of columns, each two vectors wide, the last one masked.
///
/// # Safety
/// As [`packed`], and B's rows are contiguous.
#[inline(always)]
unsafe fn strips<T: Float, S: Simd<T>, const MASKED: bool>(
    s: S,
    [m, n, k]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: Out<T>,
) {
    let width = 2 * S::LANES;
    for j in (0..n).step_by(width) {
        // SAFETY: columns j.. of B and C, and no more of them than there are.
        unsafe {
            let (b, c) = (Strided { ptr: b.ptr.add(j), ..b }, Out { c: out.c.add(j), ..out });
            match n - j {
                left if left >= width => strip::<T, S, 2, false>(s, [m, width, k], a, b, c),
                left if left > S::LANES => strip::<T, S, 2, MASKED>(s, [m, left, k], a, b, c),
                left if left == S::LANES => strip::<T, S, 1, false>(s, [m, left, k], a, b, c),
                left => strip::<T, S, 1, MASKED>(s, [m, left, k], a, b, c),
            }
        }
    }
}

/// One strip: as tall tiles as the registers hold, then lower ones for the rows that are left.
///
/// # Safety
/// As [`strips`], with `n` at most `NV` vectors wide, and exactly that without `MASKED`.
#[inline(always)]
unsafe fn strip<T: Float, S: Simd<T>, const NV: usize, const MASKED: bool>(
    s: S,
    [m, n, k]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: Out<T>,
) {
    let size = [m, n, k];
    let mut i = 0;
    // SAFETY: each call does rows i.. as long as there are enough of them.
    unsafe {
        if S::REGISTERS >= 32 {
            i = rows_of::<T, S, TALL, NV, MASKED>(s, size, i, a, b, out);
            i = rows_of::<T, S, 8, NV, MASKED>(s, size, i, a, b, out);
        } else {
            i = rows_of::<T, S, LOW, NV, MASKED>(s, size, i, a, b, out);
        }
        i = rows_of::<T, S, 4, NV, MASKED>(s, size, i, a, b, out);
        i = rows_of::<T, S, 2, NV, MASKED>(s, size, i, a, b, out);
        rows_of::<T, S, 1, NV, MASKED>(s, size, i, a, b, out);
    }
}

/// Tiles of `MR` rows from row `i` on, while there are that many left; returns the first row not done.
///
/// # Safety
/// As [`strip`].
#[inline(always)]
unsafe fn rows_of<T: Float, S: Simd<T>, const MR: usize, const NV: usize, const MASKED: bool>(
    s: S,
    [m, n, k]: [usize; 3],
    mut i: usize,
    a: Strided<T>,
    b: Strided<T>,
    out: Out<T>,
) -> usize {
    let last = n - (NV - 1) * S::LANES;
    while i + MR <= m {
        // SAFETY: MR rows from i on are within A and C.
        unsafe {
            let acc = multiply::<T, S, MR, NV, MASKED>(s, k, a.at_row(i), b.ptr, b.row, last);
            write(s, &acc, MR, n, Out { c: out.c.add(i * out.row), ..out });
        }
        i += MR;
    }
    i
}

/// C ← α·acc + β·C for the first `rows` rows and `cols` columns of a tile.
///
/// # Safety
/// C has them.
#[inline(always)]
unsafe fn write<T: Float, S: Simd<T>, const MR: usize, const NV: usize>(
    s: S,
    acc: &[[S::V; NV]; MR],
    rows: usize,
    cols: usize,
    out: Out<T>,
) {
    let (alpha, beta) = (s.splat(out.alpha), s.splat(out.beta));
    for (r, row) in acc.iter().enumerate().take(rows) {
        for (v, &sum) in row.iter().enumerate() {
            let n = S::LANES.min(cols.saturating_sub(v * S::LANES));
            if n == 0 {
                break;
            }
            // SAFETY: n columns from v · LANES on are within C.
            unsafe {
                let p = out.c.add(r * out.row + v * S::LANES);
                let value = s.mul(alpha, sum);
                if n == S::LANES {
                    let value = if out.beta == T::ZERO { value } else { s.mul_add(beta, s.load(p), value) };
                    s.store(p, value);
                } else {
                    let value = if out.beta == T::ZERO { value } else { s.mul_add(beta, s.load_first(p, n), value) };
                    s.store_first(p, n, value);
                }
            }
        }
    }
}

/// Splits C into bands of rows, at a tile's height, one for each thread.
#[cfg(feature = "rayon")]
pub(super) fn split<T: Float>(level: crate::Level, product: Product<'_, T>, threads: usize) {
    let rows = product.c.rows();
    let upper = (rows * (threads / 2) / threads.max(1)).next_multiple_of(TALL).min(rows);
    if threads < 2 || upper == 0 || upper == rows {
        return level.dispatch(product);
    }
    let Product { alpha, a, b, beta, c } = product;
    let (c0, c1) = c.split_rows(upper);
    let (a0, a1) = (a.some_rows(0, upper), a.some_rows(upper, rows - upper));
    rayon::join(
        || split(level, Product { alpha, a: a0, b, beta, c: c0 }, threads / 2),
        || split(level, Product { alpha, a: a1, b, beta, c: c1 }, threads - threads / 2),
    );
}
