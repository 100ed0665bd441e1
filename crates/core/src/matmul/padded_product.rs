//! The network's matrix products: columns padded to whole vectors, an epilogue instead of α and β.

use super::epilogue::Epilogue;
use super::microkernel::{Strided, multiply};
use crate::math::Float;
use crate::simd::{Kernel, Simd};

/// A matrix in a slice: element (r, c) at `r · row + c · col`.
#[derive(Clone, Copy)]
pub(crate) struct StridedSlice<'a, T> {
    pub data: &'a [T],
    pub row: usize,
    pub col: usize,
}

/// The product A·B of `rows × k` by `k × cols`, `cols` in whole vectors. The epilogue receives each vector of the result
/// with its place in C.
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
    /// Whether sums start from C's elements rather than from zero.
    pub accumulate: bool,
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
        assert!(self.k > 0 && self.cols.is_multiple_of(S::LANES));
        assert!(self.b_row >= self.cols && self.c_row >= self.cols);
        assert!(self.a.data.len() > (self.rows - 1) * self.a.row + (self.k - 1) * self.a.col);
        assert!(self.b.len() >= (self.k - 1) * self.b_row + self.cols);
        assert!(self.c.len() >= (self.rows - 1) * self.c_row + self.cols);
        let mut check = s.zero();
        let vectors = self.cols / S::LANES;
        let mut v = 0;
        while v < vectors {
            let width = tile_width::<T, S>(vectors - v);
            let at = v * S::LANES;
            // Accumulators, the vectors of B and one of A fill the registers.
            // SAFETY: checked above: `width` vectors of columns from `at` on are within B and C.
            let group = unsafe {
                if S::REGISTERS >= 32 {
                    match width {
                        4 => self.columns::<S, 6, 2, 4>(s, at),
                        3 => self.columns::<S, 8, 4, 3>(s, at),
                        2 => self.columns::<S, 12, 4, 2>(s, at),
                        _ => self.columns::<S, 8, 4, 1>(s, at),
                    }
                } else if S::REGISTERS < 16 {
                    match width {
                        2 => self.columns::<S, 2, 1, 2>(s, at),
                        _ => self.columns::<S, 2, 1, 1>(s, at),
                    }
                } else {
                    match width {
                        3 => self.columns::<S, 3, 1, 3>(s, at),
                        2 => self.columns::<S, 6, 2, 2>(s, at),
                        _ => self.columns::<S, 8, 4, 1>(s, at),
                    }
                }
            };
            check = s.add(check, group);
            v += width;
        }
        s.nonzero_bits(check) == 0
    }
}

/// The width of the next tile, in vectors, when `left` remain: enough to keep the registers busy, without leaving a
/// single vector for the end if possible.
#[inline(always)]
fn tile_width<T: Float, S: Simd<T>>(left: usize) -> usize {
    if S::REGISTERS >= 32 {
        if left >= 4 && left != 5 && left != 6 { 4 } else { left.min(3) }
    } else if left.is_multiple_of(2) || left > 3 || S::REGISTERS < 16 && left > 1 {
        2
    } else {
        left.min(3)
    }
}

impl<T: Float, E: Epilogue<T>> PaddedProduct<'_, T, E> {
    /// `NV` vectors of columns from `at` on: tiles of `MR` rows, then of `FEW`, then of one.
    ///
    /// # Safety
    /// The columns are within B and C, which are as long as `run` checks.
    #[inline(always)]
    unsafe fn columns<S: Simd<T>, const MR: usize, const FEW: usize, const NV: usize>(
        &mut self,
        s: S,
        at: usize,
    ) -> S::V {
        let (mut check, mut n) = (s.zero(), 0);
        while n < self.rows {
            // SAFETY: as many rows from n on as A and C have.
            let (tile, done) = unsafe {
                match self.rows - n {
                    left if left >= MR => (self.tile::<S, MR, NV>(s, n, at), MR),
                    left if left >= FEW => (self.tile::<S, FEW, NV>(s, n, at), FEW),
                    _ => (self.tile::<S, 1, NV>(s, n, at), 1),
                }
            };
            check = s.add(check, tile);
            n += done;
        }
        check
    }

    /// # Safety
    /// As for [`columns`](Self::columns), and A and C have rows `n .. n + MR`.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const MR: usize, const NV: usize>(&mut self, s: S, n: usize, at: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            let c = self.c.as_mut_ptr().add(n * self.c_row + at);
            let mut tile = [[s.zero(); NV]; MR];
            if self.accumulate {
                for (r, row) in tile.iter_mut().enumerate() {
                    for (v, sum) in row.iter_mut().enumerate() {
                        *sum = s.load(c.add(r * self.c_row + v * S::LANES));
                    }
                }
            }
            let a = Strided { ptr: self.a.data.as_ptr(), row: self.a.row, col: self.a.col }.at_row(n);
            let b = (self.b.as_ptr().add(at), self.b_row, 0);
            let tile = multiply::<T, S, MR, NV, false>(s, self.k, a, b, tile);
            let mut check = s.zero();
            for (r, row) in tile.iter().enumerate() {
                for (v, &sum) in row.iter().enumerate() {
                    let p = c.add(r * self.c_row + v * S::LANES);
                    check = s.add(check, self.epilogue.apply(s, p, at + v * S::LANES, sum));
                }
            }
            check
        }
    }
}
