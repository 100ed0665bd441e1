//! Bytes in 64-byte vectors, with AVX-512 VNNI's sums of four products.

use super::{ByteKernel, Bytes};
use crate::simd::avx512::Avx512;
use crate::simd::unfused::Unfused;
use std::arch::x86_64::*;

pub(super) fn detected() -> bool {
    crate::simd::avx512::detected() && is_x86_feature_detected!("avx512vnni")
}

/// Proof that the processor has this unit; made by [`run`] and by that of the tiles alone.
#[derive(Clone, Copy)]
pub struct Avx512Vnni(Avx512);

impl Avx512Vnni {
    /// # Safety
    /// [`detected`] said yes.
    #[inline(always)]
    pub(super) unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Avx512Vnni(unsafe { crate::simd::avx512::token() })
    }
}

/// Runs `kernel` compiled for this unit. Calling it is unsafe unless [`detected`] said yes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn run<K: ByteKernel>(kernel: K) -> K::Output {
    // SAFETY: whoever calls this knows that the processor has these features.
    kernel.run(unsafe { Avx512Vnni::token() })
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

impl Bytes for Avx512Vnni {
    type F = Unfused<Avx512>;
    type I = __m512i;

    #[inline(always)]
    fn floats(self) -> Unfused<Avx512> {
        Unfused(self.0)
    }
    #[inline(always)]
    fn splat(self, x: i32) -> __m512i {
        op!(_mm512_set1_epi32(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> __m512i {
        // SAFETY: the caller promises 64 readable bytes; the token, the instruction.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u8, v: __m512i) {
        // SAFETY: the caller promises 64 writable bytes; the token, the instruction.
        unsafe { _mm512_storeu_si512(p.cast(), v) }
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> __m512i {
        // SAFETY: the caller promises four readable bytes; the read is unaligned.
        op!(_mm512_set1_epi32(unsafe { p.cast::<i32>().read_unaligned() }))
    }
    #[inline(always)]
    fn dot(self, sum: __m512i, x: __m512i, d: __m512i) -> __m512i {
        op!(_mm512_dpbusd_epi32(sum, x, d))
    }
    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_add_epi32(a, b))
    }
    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_or_si512(a, b))
    }
    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_xor_si512(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_max_epi32(a, b))
    }
    #[inline(always)]
    fn bits(self, v: __m512) -> __m512i {
        op!(_mm512_castps_si512(v))
    }
    #[inline(always)]
    fn to_float(self, a: __m512i) -> __m512 {
        op!(_mm512_cvtepi32_ps(a))
    }
    #[inline(always)]
    fn mul_add_exact(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn to_int(self, v: __m512) -> __m512i {
        op!(_mm512_cvtps_epi32(v))
    }
    #[inline(always)]
    fn turn(self, [a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        op!({
            // Bytes 0 and 2 of a pair of vectors, and bytes 1 and 3; then the same with pairs of bytes. 0xca: where the
            // first has a bit, the second, else the third.
            let low = _mm512_set1_epi16(0x00ff);
            let half = _mm512_set1_epi32(0x0000_ffff);
            let even = |a, b| _mm512_ternarylogic_epi32::<0xca>(low, a, _mm512_slli_epi16::<8>(b));
            let odd = |a, b| _mm512_ternarylogic_epi32::<0xca>(low, _mm512_srli_epi16::<8>(a), b);
            let lower = |a, b| _mm512_ternarylogic_epi32::<0xca>(half, a, _mm512_slli_epi32::<16>(b));
            let upper = |a, b| _mm512_ternarylogic_epi32::<0xca>(half, _mm512_srli_epi32::<16>(a), b);
            let (e, o, f, p) = (even(a, b), odd(a, b), even(c, d), odd(c, d));
            [lower(e, f), lower(o, p), upper(e, f), upper(o, p)]
        })
    }
    #[inline(always)]
    fn nonzero(self, a: __m512i) -> u64 {
        u64::from(op!(_mm512_test_epi32_mask(a, a)))
    }
}
