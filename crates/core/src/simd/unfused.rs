//! Arithmetic that rounds alike at every level.

use super::{Dispatch, Kernel, Level, Simd};
use crate::float::Float;

/// An instruction set without its fused operations: what is left is defined to the bit, so that a kernel whose lanes do
/// not meet gives the same bits at every level, those of the scalar one.
#[derive(Clone, Copy)]
pub struct Unfused<S>(pub S);

impl<T: Float, S: Simd<T>> Simd<T> for Unfused<S> {
    type V = S::V;
    type M = S::M;
    const LANES: usize = S::LANES;
    const REGISTERS: usize = S::REGISTERS;

    #[inline(always)]
    fn mul_add(self, a: S::V, b: S::V, c: S::V) -> S::V {
        self.0.add(self.0.mul(a, b), c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: S::V, b: S::V, c: S::V) -> S::V {
        self.0.sub(c, self.0.mul(a, b))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { self.0.load(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { self.0.store(p, v) }
    }
    #[inline(always)]
    unsafe fn load_first(self, p: *const T, n: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_first(p, n) }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut T, n: usize, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { self.0.store_first(p, n, v) }
    }
    delegate! {
        splat(x: T) -> S::V;
        add(a: S::V, b: S::V) -> S::V;
        sub(a: S::V, b: S::V) -> S::V;
        mul(a: S::V, b: S::V) -> S::V;
        div(a: S::V, b: S::V) -> S::V;
        max(a: S::V, b: S::V) -> S::V;
        min(a: S::V, b: S::V) -> S::V;
        sqrt(a: S::V) -> S::V;
        abs(a: S::V) -> S::V;
        round(a: S::V) -> S::V;
        scale2(a: S::V, n: S::V) -> S::V;
        split2(a: S::V) -> (S::V, S::V);
        lt(a: S::V, b: S::V) -> S::M;
        select(m: S::M, a: S::V, b: S::V) -> S::V;
        interleave(a: S::V, b: S::V) -> (S::V, S::V);
        nonzero_bits(a: S::V) -> u64;
        nonzero_pairs(bytes: &[u8; 64]) -> u32;
    }
}

/// A level whose kernels run [`Unfused`].
#[derive(Clone, Copy)]
pub struct Alike(pub Level);

impl Dispatch for Alike {
    #[inline]
    fn dispatch<T: Float, K: Kernel<T>>(self, kernel: K) -> K::Output {
        T::dispatch_alike(self.0, kernel)
    }
}

/// A kernel that runs [`Unfused`].
pub(super) struct WithoutFusion<K>(pub K);

impl<T: Float, K: Kernel<T>> Kernel<T> for WithoutFusion<K> {
    type Output = K::Output;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> K::Output {
        self.0.run(Unfused(s))
    }
}
