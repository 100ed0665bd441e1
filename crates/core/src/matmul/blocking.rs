//! The blocking loops around the microkernel.

use super::epilogue::Scaled;
use super::microkernel::{Strided, multiply};
use super::packing::pack;
use crate::buffer::Scratch;
use crate::math::Float;
use crate::matrix::{MatMut, MatRef};
use crate::simd::{CACHE_LINE, Kernel, Level, Simd, prefetch};
use crate::threads::{self, Threads};
use std::sync::{Mutex, PoisonError};

/// C ← α·A·B + β·C, checked.
pub(super) struct Product<'a, T> {
    pub alpha: T,
    pub a: MatRef<'a, T>,
    pub b: MatRef<'a, T>,
    pub beta: T,
    pub c: MatMut<'a, T>,
    /// Whether B is used without packing. It decides the order of sums over a large depth, so it is settled before the
    /// work is split among threads.
    pub unpacked: bool,
}

/// Whether packing B would cost more than it saves in a product of `rows` rows.
pub(super) fn prefer_unpacked<T: Float>(rows: usize, b: &MatRef<'_, T>) -> bool {
    let bytes = b.rows().saturating_mul(b.cols()).saturating_mul(size_of::<T>());
    b.col_stride() == 1 && (bytes <= UNPACKED_BYTES || rows <= FEW_ROWS)
}

/// Largest depth of a block. A panel of B, two vectors of 64 bytes wide, takes up to 128 KiB and streams from the
/// second-level cache once per strip of A. Depths of 256 and 512 measured slower: C is read and written more often.
const KC: usize = 1024;
/// Rows of a block of A: with the depth above and f32, 384 KiB of the second-level cache.
const MC: usize = 96;
/// Columns of a block of B: with the depth above and f32, 8 MiB of the last-level cache.
const NC: usize = 2048;
/// Rows of A a multiple of this many bytes apart compete for a few sets of the first-level cache.
const CONFLICT_STRIDE: usize = 2048;
/// Up to this many bytes, B is used without packing if its rows are contiguous: it stays in the second-level cache.
const UNPACKED_BYTES: usize = 256 << 10;
/// With this few rows of A, each panel of B is read too rarely for packing to pay off.
const FEW_ROWS: usize = 12;

/// Rows of the tile with 32 registers and with 16. The tile is two vectors wide: 24 or 12 accumulators.
const TALL: usize = 12;
const LOW: usize = 6;

impl<T: Float> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (m, n, k) = (self.c.rows(), self.c.cols(), self.a.cols());
        if m == 0 || n == 0 {
            return;
        }
        if k == 0 {
            // An empty operand has no first element.
            for r in 0..m {
                let scaled = |c: &T| if self.beta == T::ZERO { T::ZERO } else { self.beta.mul(*c) };
                self.c.row_mut(r).iter_mut().for_each(|c| *c = scaled(c));
            }
            return;
        }
        let out = Scaled { row: self.c.row_stride(), c: self.c.as_mut_ptr(), alpha: self.alpha, beta: self.beta };
        let a = Strided { ptr: self.a.as_ptr(), row: self.a.row_stride(), col: self.a.col_stride() };
        let b = Strided { ptr: self.b.as_ptr(), row: self.b.row_stride(), col: self.b.col_stride() };
        // SAFETY: the views were checked against their buffers when they were made and against each other in `checked`:
        // A has the elements (0..m, 0..k), B (0..k, 0..n), and C (0..m, 0..n), which is borrowed mutably.
        unsafe {
            if self.unpacked {
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
unsafe fn packed<T: Float, S: Simd<T>>(s: S, [m, n, k]: [usize; 3], a: Strided<T>, b: Strided<T>, out: Scaled<T>) {
    let width = 2 * S::LANES;
    // Blocks of equal depth: a short last one would read and write all of C for little work.
    let (kc, nc, mc) = (k.div_ceil(k.div_ceil(KC)), NC.min(n), MC.min(m));
    let mut packed_b = Scratch::<T>::new([kc, nc.next_multiple_of(width)]);
    let read_in_place = a.col == 1 && !a.row.is_multiple_of(CONFLICT_STRIDE / size_of::<T>());
    let mut packed_a = Scratch::<T>::new([kc, mc.next_multiple_of(tallest::<T, S>())]);
    for j in (0..n).step_by(nc) {
        let cols = nc.min(n - j);
        for p in (0..k).step_by(kc) {
            let depth = kc.min(k - p);
            let beta = if p == 0 { out.beta } else { T::ONE };
            // SAFETY: the blocks are within the matrices, and the buffers hold the panels of a full block.
            unsafe {
                for at in (0..cols).step_by(width) {
                    let panel = Strided { ptr: b.ptr.add(p * b.row + (j + at) * b.col), ..b };
                    pack::<T, S>(s, panel, [depth, width.min(cols - at), width], packed_b.as_mut_ptr().add(depth * at));
                }
                for i in (0..m).step_by(mc) {
                    let rows = mc.min(m - i);
                    let block = Strided { ptr: a.ptr.add(i * a.row + p * a.col), ..a };
                    let block = Block { a: block, packed: packed_a.as_mut_ptr(), read_in_place, rows, depth };
                    for (at, height) in strips_of::<T, S>(rows) {
                        block.pack(s, at, height);
                    }
                    let c = Scaled { c: out.c.add(i * out.row + j), beta, ..out };
                    block_of_panels(s, block, packed_b.as_mut_ptr(), cols, c);
                }
            }
        }
    }
}

/// A block of A. Whole strips are read in place where that is fast; the others are packed.
#[derive(Clone, Copy)]
struct Block<T> {
    a: Strided<T>,
    packed: *mut T,
    read_in_place: bool,
    rows: usize,
    depth: usize,
}

impl<T: Float> Block<T> {
    #[inline(always)]
    fn in_place(&self, at: usize, height: usize) -> bool {
        self.read_in_place && at + height <= self.rows
    }

    /// Packs the strip of row `at` unless it is read in place.
    ///
    /// # Safety
    /// The block's rows and depth are within A, and the buffer holds them, padded to whole strips.
    #[inline(always)]
    unsafe fn pack<S: Simd<T>>(&self, s: S, at: usize, height: usize) {
        if !self.in_place(at, height) {
            // SAFETY: the strip's rows are below `rows`; all strips before it took `at` rows of the buffer.
            unsafe {
                let strip = self.a.at_row(at);
                let transposed = Strided { row: strip.col, col: strip.row, ..strip };
                let size = [self.depth, height.min(self.rows - at), height];
                pack(s, transposed, size, self.packed.add(self.depth * at));
            }
        }
    }

    /// The strip of row `at`, with all of its rows.
    ///
    /// # Safety
    /// [`pack`](Self::pack) has been called for it.
    #[inline(always)]
    unsafe fn strip(&self, at: usize, height: usize) -> Strided<T> {
        // SAFETY: as for `pack`.
        unsafe {
            if self.in_place(at, height) {
                self.a.at_row(at)
            } else {
                Strided { ptr: self.packed.add(self.depth * at), row: 1, col: height }
            }
        }
    }
}

/// Rows of the tallest tile.
#[inline(always)]
fn tallest<T: Float, S: Simd<T>>() -> usize {
    if S::REGISTERS >= 32 { TALL } else { LOW }
}

/// The strips of `rows` rows: first row and height of each. The height is that of the tallest tile; the last strip
/// takes one or two thirds of it where that is enough.
#[inline(always)]
fn strips_of<T: Float, S: Simd<T>>(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = tallest::<T, S>();
    (0..rows).step_by(most).map(move |at| (at, most.min((rows - at).next_multiple_of(most / 3))))
}

/// All tiles of one block.
///
/// # Safety
/// C has the block's rows and `cols` columns; the strips and B's panels are packed.
#[inline(always)]
unsafe fn block_of_panels<T: Float, S: Simd<T>>(s: S, block: Block<T>, panels: *const T, cols: usize, out: Scaled<T>) {
    let (width, Block { rows, depth, .. }) = (2 * S::LANES, block);
    for j in (0..cols).step_by(width) {
        for (i, height) in strips_of::<T, S>(rows) {
            // SAFETY: strips and panels are whole; only the rows and columns that C has are written.
            unsafe {
                let (a, b) = (block.strip(i, height), panels.add(depth * j));
                let c = Scaled { c: out.c.add(i * out.row + j), ..out };
                let size = [height.min(rows - i), width.min(cols - j), depth];
                if S::REGISTERS >= 32 {
                    match height {
                        TALL => tile::<T, S, TALL>(s, size, a, b, c),
                        8 => tile::<T, S, 8>(s, size, a, b, c),
                        _ => tile::<T, S, 4>(s, size, a, b, c),
                    }
                } else {
                    match height {
                        LOW => tile::<T, S, LOW>(s, size, a, b, c),
                        4 => tile::<T, S, 4>(s, size, a, b, c),
                        _ => tile::<T, S, 2>(s, size, a, b, c),
                    }
                }
            }
        }
    }
}

/// One tile: a strip of `MR` rows of A by a panel of B, two vectors wide.
///
/// # Safety
/// Both have that depth; C has the elements (0..rows, 0..cols).
#[inline(always)]
unsafe fn tile<T: Float, S: Simd<T>, const MR: usize>(
    s: S,
    [rows, cols, depth]: [usize; 3],
    a: Strided<T>,
    b: *const T,
    out: Scaled<T>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        // C is rarely in the cache. Prefetched here, it arrives before the sums are complete.
        for r in 0..rows {
            let row = out.c.add(r * out.row);
            (0..cols).step_by(CACHE_LINE / size_of::<T>()).for_each(|c| prefetch::<true, _>(row.add(c)));
        }
        let tile = multiply::<T, S, MR, 2, false>(s, depth, a, (b, 2 * S::LANES, 0), [[s.zero(); 2]; MR]);
        out.store(s, &tile, [rows, cols]);
    }
}

/// The product without packing: strips of columns, each two vectors wide, the last one masked.
///
/// # Safety
/// As [`packed`], and B's rows are contiguous.
#[inline(always)]
unsafe fn strips<T: Float, S: Simd<T>, const MASKED: bool>(
    s: S,
    [m, n, k]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: Scaled<T>,
) {
    let width = 2 * S::LANES;
    for j in (0..n).step_by(width) {
        // SAFETY: columns j.. of B and C, and no more of them than there are.
        unsafe {
            let (b, c) = (Strided { ptr: b.ptr.add(j), ..b }, Scaled { c: out.c.add(j), ..out });
            match n - j {
                left if left >= width => strip::<T, S, 2, false>(s, [m, width, k], a, b, c),
                left if left > S::LANES => strip::<T, S, 2, MASKED>(s, [m, left, k], a, b, c),
                left if left == S::LANES => strip::<T, S, 1, false>(s, [m, left, k], a, b, c),
                left => strip::<T, S, 1, MASKED>(s, [m, left, k], a, b, c),
            }
        }
    }
}

/// One strip: the tallest tiles that the registers hold, then lower ones for the remaining rows.
///
/// # Safety
/// As [`strips`], with `n` at most `NV` vectors wide, and exactly that without `MASKED`.
#[inline(always)]
unsafe fn strip<T: Float, S: Simd<T>, const NV: usize, const MASKED: bool>(
    s: S,
    [m, n, k]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: Scaled<T>,
) {
    let size = [m, n, k];
    let mut i = 0;
    // SAFETY: each call does rows i.. as long as there are enough of them.
    unsafe {
        if S::REGISTERS >= 32 {
            i = rows_of::<T, S, TALL, NV, MASKED>(s, size, i, a, b, out);
            i = rows_of::<T, S, 8, NV, MASKED>(s, size, i, a, b, out);
        } else if NV == 1 {
            // Fewer sums would not hide the latency of multiply-adds.
            i = rows_of::<T, S, 8, NV, MASKED>(s, size, i, a, b, out);
        } else {
            i = rows_of::<T, S, LOW, NV, MASKED>(s, size, i, a, b, out);
        }
        i = rows_of::<T, S, 4, NV, MASKED>(s, size, i, a, b, out);
        i = rows_of::<T, S, 2, NV, MASKED>(s, size, i, a, b, out);
        rows_of::<T, S, 1, NV, MASKED>(s, size, i, a, b, out);
    }
}

/// Tiles of `MR` rows from row `i` on, while that many remain; returns the first row not done.
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
    out: Scaled<T>,
) -> usize {
    let last = n - (NV - 1) * S::LANES;
    while i + MR <= m {
        // SAFETY: MR rows from i on are within A and C.
        unsafe {
            let zero = [[s.zero(); NV]; MR];
            let tile = multiply::<T, S, MR, NV, MASKED>(s, k, a.at_row(i), (b.ptr, b.row, last), zero);
            Scaled { c: out.c.add(i * out.row), ..out }.store(s, &tile, [MR, n]);
        }
        i += MR;
    }
    i
}

/// Multiply-adds that make up for waking a thread, a few microseconds.
const MIN_WORK_PER_THREAD: usize = 1 << 19;

/// The threads, at most `threads`, that a product of so many multiply-adds is split among.
pub(super) fn sharing(work: usize, threads: usize) -> usize {
    threads.min(work / MIN_WORK_PER_THREAD).max(1)
}

/// Splits C into bands of rows of nearly equal height, one per thread. Each band packs B for itself: that is a small
/// part of the work, and sharing it would make the threads wait for each other.
pub(super) fn split<T: Float>(level: Level, product: Product<'_, T>, threads: &Threads) {
    let Product { alpha, a, b, beta, mut c, unpacked } = product;
    let (rows, cols, depth) = (c.rows(), c.cols(), a.cols());
    let work = rows.saturating_mul(cols).saturating_mul(depth);
    let count = sharing(work, threads.count());
    let mut bands = Vec::with_capacity(count);
    let mut first = 0;
    for band in 0..count {
        let end = (rows * (band + 1) / count).next_multiple_of(TALL / 3).min(rows);
        let (mine, rest) = c.split_rows(end - first);
        c = rest;
        let a = a.some_rows(first, end - first);
        bands.push(Mutex::new(Some(Product { alpha, a, b, beta, c: mine, unpacked })));
        first = end;
    }
    let dispatch = |_: &mut (), band: usize| {
        let product = bands[band].lock().unwrap_or_else(PoisonError::into_inner).take();
        product.into_iter().for_each(|product| level.dispatch(product));
    };
    threads::map(threads, (count, 1), || (), dispatch);
}
