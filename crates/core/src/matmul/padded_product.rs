//! The network's matrix products: columns padded to whole blocks, an epilogue instead of α and β.

use super::epilogue::Epilogue;
use super::microkernel::{Strided, multiply};
use crate::math::Float;
use crate::simd::{Kernel, Simd};

/// Columns of every [`PaddedProduct`] are a multiple of this: one AVX-512 vector of `f32`, and whole vectors of every
/// other instruction set.
pub(crate) const BLOCK: usize = 16;

/// A matrix in a slice: element (r, c) at `r · row + c · col`.
#[derive(Clone, Copy)]
pub(crate) struct StridedSlice<'a, T> {
    pub data: &'a [T],
    pub row: usize,
    pub col: usize,
}

/// The product A·B of `rows × k` by `k × cols`, `cols` a multiple of [`BLOCK`]. The epilogue receives each vector of
/// the result with its place in C.
pub(crate) struct PaddedProduct<'a, T, E> {
    pub rows: usize,
    pub k: usize,
    pub cols: usize,
    pub a: StridedSlice<'a, T>,
    /// B's rows are contiguous and `b_row` apart.
    pub b: &'a [T],
    pub b_row: usize,
    pub c: &'a mut [T],
    pub c_row: usize,
    pub epilogue: E,
}

impl<T: Float, E: Epilogue<T>> Kernel<T> for PaddedProduct<'_, T, E> {
    /// Whether everything that the epilogue returned was zero.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) -> bool {
        if self.rows == 0 {
            return true;
        }
        assert!(self.k > 0 && self.cols.is_multiple_of(BLOCK) && self.b_row >= self.cols && self.c_row >= self.cols);
        assert!(self.a.data.len() > (self.rows - 1) * self.a.row + (self.k - 1) * self.a.col);
        assert!(self.b.len() >= (self.k - 1) * self.b_row + self.cols);
        assert!(self.c.len() >= (self.rows - 1) * self.c_row + self.cols);
        let mut check = s.zero();
        for at in (0..self.cols).step_by(BLOCK) {
            // Eight vectors of accumulators, whatever the vector's width.
            // SAFETY: checked above: a block of columns from `at` on is within B and C.
            let block = unsafe {
                match BLOCK / S::LANES {
                    1 => self.block::<S, 8, 1>(s, at),
                    2 => self.block::<S, 4, 2>(s, at),
                    4 => self.block::<S, 2, 4>(s, at),
                    _ => unreachable!("vectors have 4, 8 or 16 lanes"),
                }
            };
            check = s.add(check, block);
        }
        s.nonzero_bits(check) == 0
    }
}

impl<T: Float, E: Epilogue<T>> PaddedProduct<'_, T, E> {
    /// # Safety
    /// Columns `at .. at + BLOCK` are within B and C, which are as long as `run` checks; `NV` vectors make a block.
    #[inline(always)]
    unsafe fn block<S: Simd<T>, const MR: usize, const NV: usize>(&mut self, s: S, at: usize) -> S::V {
        let mut check = s.zero();
        let mut n = 0;
        while n < self.rows {
            // SAFETY: as many rows from n on as A and C have.
            let (tile, done) = unsafe {
                if n + MR <= self.rows {
                    (self.tile::<S, MR, NV>(s, n, at), MR)
                } else {
                    (self.tile::<S, 1, NV>(s, n, at), 1)
                }
            };
            check = s.add(check, tile);
            n += done;
        }
        check
    }

    /// # Safety
    /// As for [`block`](Self::block), and A and C have rows `n .. n + MR`.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const MR: usize, const NV: usize>(&mut self, s: S, n: usize, at: usize) -> S::V {
        let mut check = s.zero();
        // SAFETY: the caller's promise.
        unsafe {
            let a = Strided { ptr: self.a.data.as_ptr(), row: self.a.row, col: self.a.col }.at_row(n);
            let tile = multiply::<T, S, MR, NV, false>(s, self.k, a, self.b.as_ptr().add(at), self.b_row, 0);
            for (r, row) in tile.iter().enumerate() {
                for (v, &sum) in row.iter().enumerate() {
                    let p = self.c.as_mut_ptr().add((n + r) * self.c_row + at + v * S::LANES);
                    check = s.add(check, self.epilogue.apply(s, p, sum));
                }
            }
        }
        check
    }
}
