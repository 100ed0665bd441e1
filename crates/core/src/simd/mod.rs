//! The vector vocabulary: what the kernels may say to the processor, and nothing more.
//!
//! Everything above this folder is written once, generic over an instruction set `S: Simd<T>` and an element type `T:
//! Float`. A token such as `Avx512` is proof that the processor has the instruction set: only its file makes
//! one, and only where it was detected. So register-only operations are safe methods, and `unsafe` marks
//! the ones that touch memory.
//!
//! To add an instruction set: one file with a token, its two `Simd` impls and its list of features, which
//! `instruction_set!` turns into `detected` and `run`; then one line in `Level`'s table and an arm for each.

/// From one list of processor features: the token, whether the processor has them, and the function that runs a
/// kernel compiled for them. One list, so that detection and compilation cannot drift apart.
#[cfg(target_arch = "x86_64")]
macro_rules! instruction_set {
    ($token:ident, $($feature:tt)+) => {
        /// Proof that the processor has this instruction set; made by [`run`] alone.
        #[derive(Clone, Copy)]
        pub struct $token(());

        pub(super) fn detected() -> bool {
            $(is_x86_feature_detected!($feature))&&+
        }

        /// The token, for a unit of bytes that goes with it.
        ///
        /// # Safety
        /// [`detected`] said yes.
        #[inline(always)]
        pub(super) unsafe fn token() -> $token {
            $token(())
        }

        /// Runs `kernel` compiled for this instruction set. Calling it is unsafe unless [`detected`] said yes.
        $(#[target_feature(enable = $feature)])+
        pub(super) fn run<T: crate::float::Float, K: super::Kernel<T>>(kernel: K) -> K::Output
        where
            $token: super::Simd<T>,
        {
            kernel.run($token(()))
        }
    };
}

/// Methods that are those of the token inside.
macro_rules! delegate {
    ($($name:ident($($x:ident: $t:ty),+) -> $r:ty;)+) => {
        $(#[inline(always)]
        fn $name(self, $($x: $t),+) -> $r {
            self.0.$name($($x),+)
        })+
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod level;
mod scalar;
mod unfused;

#[cfg(test)]
mod tests;

pub(crate) use bytes::{ByteKernel, Bytes, Tiles, Unit};
pub use level::Level;
pub(crate) use level::{run_alike_at, run_at};
pub(crate) use unfused::Alike;

use crate::float::Float;

/// One instruction set's vectors of `T`. Lane `i` of a vector is element `i` in memory.
pub trait Simd<T: Float>: Copy + Send + Sync + 'static {
    /// A vector of [`LANES`](Self::LANES) elements.
    type V: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// Elements per vector: a power of two, at most [`MOST_LANES`].
    const LANES: usize;
    /// Vector registers the instruction set names; sizes the register tiles.
    const REGISTERS: usize;

    fn splat(self, x: T) -> Self::V;
    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(T::ZERO)
    }

    /// # Safety
    /// `p` points to `LANES` readable elements (any alignment).
    unsafe fn load(self, p: *const T) -> Self::V;
    /// # Safety
    /// `p` points to `LANES` writable elements (any alignment).
    unsafe fn store(self, p: *mut T, v: Self::V);
    /// The first `n` elements, the other lanes zero. Memory past `p + n` is not touched.
    /// # Safety
    /// `n <= LANES`, and `p` points to `n` readable elements.
    unsafe fn load_first(self, p: *const T, n: usize) -> Self::V;
    /// Stores the first `n` lanes. Memory past `p + n` is not touched.
    /// # Safety
    /// `n <= LANES`, and `p` points to `n` writable elements.
    unsafe fn store_first(self, p: *mut T, n: usize, v: Self::V);
    /// The element at `p` in every lane.
    /// # Safety
    /// `p` points to one readable element.
    #[inline(always)]
    unsafe fn broadcast(self, p: *const T) -> Self::V {
        // SAFETY: the caller's promise is this read's.
        self.splat(unsafe { *p })
    }

    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, in one rounding where the instruction set can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a · b`, in one rounding where the instruction set can.
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is NaN or both are zero.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is NaN or both are zero.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root, rounded once; NaN below zero.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The magnitude.
    fn abs(self, a: Self::V) -> Self::V;
    /// The nearest whole number, halves to even, for `|a| < 2^22` (`f32`) or `2^51` (`f64`).
    fn round(self, a: Self::V) -> Self::V;
    /// `a · 2^n`, rounded once, for a whole `n` (out of range: as the mathematics says, so infinite or zero).
    fn scale2(self, a: Self::V, n: Self::V) -> Self::V;
    /// Whether there is [`scale2_sixteenths`](Self::scale2_sixteenths): a register must hold a table of 16 elements.
    const SIXTEENTHS: bool = false;
    /// `(1 + p) · 2^n`, rounded twice, for `n` in whole sixteenths and `u` = `n` + 1.5 · 2^(mantissa − 4), whose last
    /// four bits are `n`'s remainder.
    fn scale2_sixteenths(self, _p: Self::V, _u: Self::V, _n: Self::V) -> Self::V {
        unreachable!("no table of sixteenths")
    }
    /// `(m, e)` with `a = m · 2^e`, `m` in [0.75, 1.5) and `e` whole, for finite positive `a` (subnormals included).
    fn split2(self, a: Self::V) -> (Self::V, Self::V);

    /// `a < b`, false where either is NaN.
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a` where the mask holds, else `b`.
    fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// The lower halves of both, `a₀ b₀ a₁ b₁ …`, and the upper halves likewise.
    fn interleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Bit `i` tells whether lane `i` is anything but ±0 (NaN counts).
    fn nonzero_bits(self, a: Self::V) -> u64;
    /// Bit `i` tells whether either byte of the pair `2i, 2i + 1` is not zero, over 64 bytes.
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32;
}

/// The most lanes that a vector has.
pub(crate) const MOST_LANES: usize = 16;

/// Rows become columns in the square that the first [`Simd::LANES`] vectors make. To interleave the upper half of the
/// vectors with the lower half is to turn the digits of an element's place, row and column in binary, by one: after as
/// many turns as a column has digits, they have changed places.
#[inline(always)]
pub(crate) fn transpose<T: Float, S: Simd<T>>(s: S, mut rows: [S::V; MOST_LANES]) -> [S::V; MOST_LANES] {
    let half = S::LANES / 2;
    let mut turns = 1;
    while turns < S::LANES {
        let from = rows;
        for i in 0..half {
            (rows[2 * i], rows[2 * i + 1]) = s.interleave(from[i], from[i + half]);
        }
        turns *= 2;
    }
    rows
}

/// Work that is written once and run at any level: the body of [`run`](Self::run) is compiled once per instruction
/// set. Mark it and everything that it calls `#[inline(always)]`, so that it ends up inside the function that carries
/// the instruction set's `#[target_feature]`.
pub trait Kernel<T: Float> {
    /// What the work returns.
    type Output;
    /// The work.
    fn run<S: Simd<T>>(self, s: S) -> Self::Output;
}

/// Where kernels are run: at a [`Level`], or at one whose results are those of all ([`Alike`]).
pub trait Dispatch: Copy + Send + Sync {
    /// Runs `kernel` compiled for the instruction set.
    fn dispatch<T: Float, K: Kernel<T>>(self, kernel: K) -> K::Output;
}

impl Dispatch for Level {
    #[inline]
    fn dispatch<T: Float, K: Kernel<T>>(self, kernel: K) -> K::Output {
        Level::dispatch(self, kernel)
    }
}

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Asks for the cache line of `p`, without waiting for it: into the first level of the cache if it is wanted `SOON`, else
/// into the second.
#[inline(always)]
pub(crate) fn prefetch<const SOON: bool, P>(p: *const P) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: prefetching is in the architecture's baseline, and has no effect but on speed, whatever the address.
        unsafe { if SOON { _mm_prefetch::<_MM_HINT_T0>(p.cast()) } else { _mm_prefetch::<_MM_HINT_T1>(p.cast()) } }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}
