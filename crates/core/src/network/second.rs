//! The second layer's products, all of them a few rows by one block of columns, with the register tile of `gemm`.

use super::first::Sink;
use super::{Activation, BLOCK};
use crate::float::Float;
use crate::gemm::{Strided, multiply};
use crate::simd::{Kernel, Simd};

/// A matrix that lies in a slice: element (r, c) at `r · row + c · col`.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    pub data: &'a [T],
    pub row: usize,
    pub col: usize,
}

impl<T: Float> View<'_, T> {
    fn check(&self, rows: usize, cols: usize) {
        assert!(self.data.len() > (rows - 1) * self.row + (cols - 1) * self.col);
    }

    fn strided(&self) -> Strided<T> {
        Strided { ptr: self.data.as_ptr(), row: self.row, col: self.col }
    }
}

/// C ← A·B for `rows` rows, a depth of `k`, and columns in whole blocks: `sink` takes each vector of the result with
/// its place in C. Returns whether all that the sink returned was zero.
pub struct Product<'a, T, K> {
    pub rows: usize,
    pub k: usize,
    pub cols: usize,
    pub a: View<'a, T>,
    /// B's rows are contiguous.
    pub b: &'a [T],
    pub b_row: usize,
    pub c: &'a mut [T],
    pub c_row: usize,
    pub sink: K,
}

impl<T: Float, K: Sink<T>> Kernel<T> for Product<'_, T, K> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) -> bool {
        if self.rows == 0 {
            return true;
        }
        self.a.check(self.rows, self.k);
        assert!(self.k > 0 && self.cols.is_multiple_of(BLOCK) && self.b_row >= self.cols && self.c_row >= self.cols);
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

impl<T: Float, K: Sink<T>> Product<'_, T, K> {
    /// # Safety
    /// Columns `at .. at + BLOCK` are within B and C, which are as long as `run` checks; `NV` vectors make a block.
    #[inline(always)]
    unsafe fn block<S: Simd<T>, const MR: usize, const NV: usize>(&mut self, s: S, at: usize) -> S::V {
        let mut check = s.zero();
        let mut n = 0;
        while n < self.rows {
            // SAFETY: rows n.. of A and C, no more of them than there are.
            unsafe {
                check = s.add(
                    check,
                    if n + MR <= self.rows {
                        self.tile::<S, MR, NV>(s, n, at)
                    } else {
                        self.tile::<S, 1, NV>(s, n, at)
                    },
                );
            }
            n += if n + MR <= self.rows { MR } else { 1 };
        }
        check
    }

    /// # Safety
    /// As [`block`](Self::block), and rows `n .. n + MR` are there.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const MR: usize, const NV: usize>(&mut self, s: S, n: usize, at: usize) -> S::V {
        let mut check = s.zero();
        // SAFETY: the caller's promise.
        unsafe {
            let a = self.a.strided().at_row(n);
            let acc = multiply::<T, S, MR, NV, false>(s, self.k, a, self.b.as_ptr().add(at), self.b_row, 0);
            for (r, row) in acc.iter().enumerate() {
                for (v, &sum) in row.iter().enumerate() {
                    let p = self.c.as_mut_ptr().add((n + r) * self.c_row + at + v * S::LANES);
                    check = s.add(check, self.sink.take(s, p, sum));
                }
            }
        }
        check
    }
}

/// dA ← dA times the activation's derivative, in place: Z · (1 − Z) for the sigmoid; 1 where Z > 0, else 0, for ReLU.
pub struct ThroughActivation<'a, T> {
    pub activation: Activation,
    pub da: &'a mut [T],
    pub z: &'a [T],
}

impl<T: Float> Kernel<T> for ThroughActivation<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        assert_eq!(self.da.len(), self.z.len());
        assert!(self.z.len().is_multiple_of(BLOCK));
        for at in (0..self.z.len()).step_by(S::LANES) {
            // SAFETY: LANES divides BLOCK, which divides both lengths.
            unsafe {
                let (d, z) = (self.da.as_mut_ptr().add(at), s.load(self.z.as_ptr().add(at)));
                let slope = match self.activation {
                    Activation::Sigmoid => s.mul(z, s.sub(s.splat(T::ONE), z)),
                    Activation::Relu => s.select(s.lt(s.zero(), z), s.splat(T::ONE), s.zero()),
                };
                s.store(d, s.mul(s.load(d), slope));
            }
        }
    }
}

/// A bias' gradient, the sum of the rows in their order, handed to `sink`.
pub struct SumRows<'a, T, K> {
    pub rows: &'a [T],
    pub b: &'a mut [T],
    pub sink: K,
}

impl<T: Float, K: Sink<T>> Kernel<T> for SumRows<'_, T, K> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        let width = self.b.len();
        assert!(width.is_multiple_of(BLOCK) && self.rows.len().is_multiple_of(width.max(1)));
        let mut check = s.zero();
        for at in (0..width).step_by(S::LANES) {
            let mut sum = s.zero();
            for row in self.rows.chunks_exact(width) {
                // SAFETY: LANES divides BLOCK, which divides the width.
                sum = s.add(sum, unsafe { s.load(row.as_ptr().add(at)) });
            }
            // SAFETY: as above.
            check = s.add(check, unsafe { self.sink.take(s, self.b.as_mut_ptr().add(at), sum) });
        }
        s.nonzero_bits(check) == 0
    }
}

/// The sum of parts and a bias: `out[n] ← b + parts[0][n] + parts[1][n] + …`, in that order.
pub struct SumParts<'a, T> {
    pub parts: &'a [T],
    pub b: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> Kernel<T> for SumParts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (size, width) = (self.out.len(), self.b.len());
        assert!(width.is_multiple_of(BLOCK) && size.is_multiple_of(width.max(1)));
        assert!(self.parts.len().is_multiple_of(size.max(1)));
        for at in (0..size).step_by(S::LANES) {
            // SAFETY: LANES divides the width, which divides the size, which divides the parts.
            unsafe {
                let mut sum = s.load(self.b.as_ptr().add(at % width));
                for part in (0..self.parts.len()).step_by(size) {
                    sum = s.add(sum, s.load(self.parts.as_ptr().add(part + at)));
                }
                s.store(self.out.as_mut_ptr().add(at), sum);
            }
        }
    }
}
