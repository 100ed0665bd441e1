//! Bytes in 32-byte vectors, with or without AVX-VNNI's sums of four products.

use super::{ByteKernel, Bytes};
use crate::simd::avx2::Avx2;
use crate::simd::unfused::Unfused;
use std::arch::x86_64::*;

pub(super) use crate::simd::avx2::detected;

pub(super) fn vnni_detected() -> bool {
    is_x86_feature_detected!("avxvnni")
}

/// An intrinsic that touches registers alone.
macro_rules! op {
    ($e:expr) => {{
        // SAFETY: the token at hand exists only where the processor has these instructions.
        #[allow(unused_unsafe)]
        unsafe {
            $e
        }
    }};
}

/// A token, the function that runs a kernel compiled for it, and its sum of four products.
macro_rules! unit {
    ($token:ident, $run:ident, $features:literal, |$sum:ident, $x:ident, $d:ident| $dot:expr) => {
        /// Proof that the processor has this unit.
        #[derive(Clone, Copy)]
        pub struct $token(Avx2);

        /// Runs `kernel` compiled for this unit. Calling it is unsafe unless the processor has it.
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
        #[target_feature(enable = $features)]
        pub(super) fn $run<K: ByteKernel>(kernel: K) -> K::Output {
            // SAFETY: whoever calls this knows that the processor has these features.
            kernel.run($token(unsafe { crate::simd::avx2::token() }))
        }

        impl Bytes for $token {
            type F = Unfused<Avx2>;
            type I = __m256i;

            #[inline(always)]
            fn floats(self) -> Unfused<Avx2> {
                Unfused(self.0)
            }
            #[inline(always)]
            fn splat(self, x: i32) -> __m256i {
                op!(_mm256_set1_epi32(x))
            }
            #[inline(always)]
            unsafe fn load(self, p: *const u8) -> __m256i {
                // SAFETY: the caller promises 32 readable bytes; the token, the instruction.
                unsafe { _mm256_loadu_si256(p.cast()) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut u8, v: __m256i) {
                // SAFETY: the caller promises 32 writable bytes; the token, the instruction.
                unsafe { _mm256_storeu_si256(p.cast(), v) }
            }
            #[inline(always)]
            unsafe fn quad(self, p: *const u8) -> __m256i {
                // SAFETY: the caller promises four readable bytes; the read is unaligned.
                op!(_mm256_set1_epi32(unsafe { p.cast::<i32>().read_unaligned() }))
            }
            #[inline(always)]
            fn dot(self, $sum: __m256i, $x: __m256i, $d: __m256i) -> __m256i {
                op!($dot)
            }
            #[inline(always)]
            fn add(self, a: __m256i, b: __m256i) -> __m256i {
                op!(_mm256_add_epi32(a, b))
            }
            #[inline(always)]
            fn and(self, a: __m256i, b: __m256i) -> __m256i {
                op!(_mm256_and_si256(a, b))
            }
            #[inline(always)]
            fn or(self, a: __m256i, b: __m256i) -> __m256i {
                op!(_mm256_or_si256(a, b))
            }
            #[inline(always)]
            fn xor(self, a: __m256i, b: __m256i) -> __m256i {
                op!(_mm256_xor_si256(a, b))
            }
            #[inline(always)]
            fn max(self, a: __m256i, b: __m256i) -> __m256i {
                op!(_mm256_max_epi32(a, b))
            }
            #[inline(always)]
            fn bits(self, v: __m256) -> __m256i {
                op!(_mm256_castps_si256(v))
            }
            #[inline(always)]
            fn to_float(self, a: __m256i) -> __m256 {
                op!(_mm256_cvtepi32_ps(a))
            }
            #[inline(always)]
            fn mul_add_exact(self, a: __m256, b: __m256, c: __m256) -> __m256 {
                op!(_mm256_fmadd_ps(a, b, c))
            }
            #[inline(always)]
            fn to_int(self, v: __m256) -> __m256i {
                op!(_mm256_cvtps_epi32(v))
            }
            #[inline(always)]
            fn turn(self, [a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
                op!({
                    // Bytes 0 and 2 of a pair of vectors, and bytes 1 and 3; then the same with pairs of bytes.
                    let low = _mm256_set1_epi16(0x00ff);
                    let even = |a, b| _mm256_or_si256(_mm256_and_si256(a, low), _mm256_slli_epi16::<8>(b));
                    let odd = |a, b| _mm256_or_si256(_mm256_srli_epi16::<8>(a), _mm256_andnot_si256(low, b));
                    let lower = |a, b| _mm256_blend_epi16::<0xaa>(a, _mm256_slli_epi32::<16>(b));
                    let upper = |a, b| _mm256_blend_epi16::<0xaa>(_mm256_srli_epi32::<16>(a), b);
                    let (e, o, f, p) = (even(a, b), odd(a, b), even(c, d), odd(c, d));
                    [lower(e, f), lower(o, p), upper(e, f), upper(o, p)]
                })
            }
            #[inline(always)]
            fn nonzero(self, a: __m256i) -> u64 {
                op!({
                    let zero = _mm256_cmpeq_epi32(a, _mm256_setzero_si256());
                    u64::from(_mm256_movemask_ps(_mm256_castsi256_ps(zero)) as u8 ^ 0xff)
                })
            }
        }
    };
}

// Products of bytes as they are would be summed with saturation, so bytes become 16-bit numbers first.
unit!(Avx2Bytes, run, "avx2", |sum, x, d| {
    let even = _mm256_madd_epi16(
        _mm256_and_si256(x, _mm256_set1_epi16(0x00ff)),
        _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(d)),
    );
    let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(x), _mm256_srai_epi16::<8>(d));
    _mm256_add_epi32(sum, _mm256_add_epi32(even, odd))
});
unit!(AvxVnni, run_vnni, "avxvnni", |sum, x, d| _mm256_dpbusd_avx_epi32(sum, x, d));
