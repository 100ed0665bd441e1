//! The vector operations that the kernels use, and the instruction sets that implement them.
//!
//! Everything above this folder is written once, generic over an instruction set `S: Simd<T>` and an element type `T`.
//! A token such as `Avx512` proves that the processor has the instruction set: only code that runs after
//! detection creates one. So operations on registers are safe methods, and `unsafe` marks those that access memory.
//!
//! Every operation is defined to the bit, multiply-adds being fused, so all instruction sets give the same results.
//!
//! To add an instruction set: write one file with a token, its two `Simd` impls and its list of processor features,
//! which `instruction_set!` turns into `detected` and `run` (one that every processor of its architecture has needs no
//! list); then add a line to `Level`'s table and the two matches.

/// Defines, for a list of processor features, the token, `detected`, and `run`, which is compiled for these features.
#[cfg(target_arch = "x86_64")]
macro_rules! instruction_set {
    ($token:ident, $($feature:tt)+) => {
        /// Proof that the processor has this instruction set; only [`run`] creates it.
        #[derive(Clone, Copy)]
        pub struct $token(());

        pub(super) fn detected() -> bool {
            $(is_x86_feature_detected!($feature))&&+
        }

        /// Runs `kernel` compiled for this instruction set. Calling it is unsafe unless [`detected`] returned true.
        $(#[target_feature(enable = $feature)])+
        pub(super) fn run<T: crate::element::Element, K: super::vector::Kernel<T>>(kernel: K) -> K::Output
        where
            $token: super::vector::Simd<T>,
        {
            kernel.run($token(()))
        }
    };
}

/// An intrinsic on registers.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
macro_rules! op {
    ($e:expr) => {{
        // SAFETY: the token exists only where the processor has these instructions.
        #[allow(unused_unsafe)]
        unsafe {
            $e
        }
    }};
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod cache;
mod level;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod scalar;
mod vector;

#[cfg(test)]
mod tests;

pub(crate) use cache::{CACHE_LINE, prefetch};
pub use level::{Level, SimdElement};
pub use vector::{Kernel, Simd};
pub(crate) use vector::{MAX_LANES, transpose};
