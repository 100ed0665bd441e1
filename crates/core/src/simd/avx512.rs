//! AVX-512 (F, BW, DQ, VL): 64-byte vectors, 32 registers, a mask per lane.

use super::vector::Simd;
use std::arch::x86_64::*;

instruction_set!(Avx512, "avx512f" "avx512bw" "avx512dq" "avx512vl" "avx2" "fma" "bmi1" "bmi2" "popcnt" "lzcnt");

/// The first `n` lanes of 16.
#[inline(always)]
fn first16(n: usize) -> u16 {
    ((1u32 << n) - 1) as u16
}

/// The first `n` lanes of 8.
#[inline(always)]
fn first8(n: usize) -> u8 {
    ((1u32 << n) - 1) as u8
}

impl Simd<f32> for Avx512 {
    type V = __m512;
    type M = __mmask16;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        op!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        // SAFETY: the caller promises 16 readable elements; the token, the instruction.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m512) {
        // SAFETY: the caller promises 16 writable elements; the token, the instruction.
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> __m512 {
        // SAFETY: the caller promises n readable elements; masked lanes are not accessed.
        unsafe { _mm512_maskz_loadu_ps(first16(n), p) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: __m512) {
        // SAFETY: the caller promises n writable elements; masked lanes are not accessed.
        unsafe { _mm512_mask_storeu_ps(p, first16(n), v) }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> __m512 {
        // SAFETY: the caller promises 16 readable bytes; the token, the instructions.
        unsafe {
            let pixels = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast())));
            let (divisor, inverse) = (_mm512_set1_ps(255.0), _mm512_set1_ps(1.0 / 255.0));
            let quotient = _mm512_mul_ps(pixels, inverse);
            _mm512_fmadd_ps(_mm512_fnmadd_ps(quotient, divisor, pixels), inverse, quotient)
        }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        op!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        op!(_mm512_abs_ps(a))
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        op!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn ldexp(self, a: __m512, n: __m512) -> __m512 {
        op!(_mm512_scalef_ps(a, n))
    }
    #[inline(always)]
    fn frexp(self, a: __m512) -> (__m512, __m512) {
        let m = op!(_mm512_getmant_ps::<_MM_MANT_NORM_P75_1P5, _MM_MANT_SIGN_SRC>(a));
        let e = op!(_mm512_getexp_ps(a));
        // getexp assumes a mantissa in [1, 2); one below 1 was halved.
        let below = op!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(m, _mm512_set1_ps(1.0)));
        (m, op!(_mm512_mask_add_ps(e, below, e, _mm512_set1_ps(1.0))))
    }
    #[inline(always)]
    fn lt(self, a: __m512, b: __m512) -> __mmask16 {
        op!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __mmask16, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_mask_blend_ps(m, b, a))
    }
    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> (__m512, __m512) {
        op!({
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
        })
    }
    #[inline(always)]
    fn nonzero_bits(self, a: __m512) -> u64 {
        u64::from(op!(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, _mm512_setzero_ps())))
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

impl Simd<f64> for Avx512 {
    type V = __m512d;
    type M = __mmask8;
    const LANES: usize = 8;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f64) -> __m512d {
        op!(_mm512_set1_pd(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f64) -> __m512d {
        // SAFETY: the caller promises 8 readable elements; the token, the instruction.
        unsafe { _mm512_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64, v: __m512d) {
        // SAFETY: the caller promises 8 writable elements; the token, the instruction.
        unsafe { _mm512_storeu_pd(p, v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f64, n: usize) -> __m512d {
        // SAFETY: the caller promises n readable elements; masked lanes are not accessed.
        unsafe { _mm512_maskz_loadu_pd(first8(n), p) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f64, n: usize, v: __m512d) {
        // SAFETY: the caller promises n writable elements; masked lanes are not accessed.
        unsafe { _mm512_mask_storeu_pd(p, first8(n), v) }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> __m512d {
        // SAFETY: the caller promises 8 readable bytes; the token, the instructions.
        unsafe {
            let pixels = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())));
            _mm512_cvtps_pd(super::avx2::divide_by_255(pixels))
        }
    }
    #[inline(always)]
    fn add(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_div_pd(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        op!(_mm512_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        op!(_mm512_fnmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_max_pd(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_min_pd(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512d) -> __m512d {
        op!(_mm512_sqrt_pd(a))
    }
    #[inline(always)]
    fn abs(self, a: __m512d) -> __m512d {
        op!(_mm512_abs_pd(a))
    }
    #[inline(always)]
    fn round(self, a: __m512d) -> __m512d {
        op!(_mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn ldexp(self, a: __m512d, n: __m512d) -> __m512d {
        op!(_mm512_scalef_pd(a, n))
    }
    #[inline(always)]
    fn frexp(self, a: __m512d) -> (__m512d, __m512d) {
        let m = op!(_mm512_getmant_pd::<_MM_MANT_NORM_P75_1P5, _MM_MANT_SIGN_SRC>(a));
        let e = op!(_mm512_getexp_pd(a));
        // getexp assumes a mantissa in [1, 2); one below 1 was halved.
        let below = op!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(m, _mm512_set1_pd(1.0)));
        (m, op!(_mm512_mask_add_pd(e, below, e, _mm512_set1_pd(1.0))))
    }
    #[inline(always)]
    fn lt(self, a: __m512d, b: __m512d) -> __mmask8 {
        op!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __mmask8, a: __m512d, b: __m512d) -> __m512d {
        op!(_mm512_mask_blend_pd(m, b, a))
    }
    #[inline(always)]
    fn interleave(self, a: __m512d, b: __m512d) -> (__m512d, __m512d) {
        op!({
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
        })
    }
    #[inline(always)]
    fn nonzero_bits(self, a: __m512d) -> u64 {
        u64::from(op!(_mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(a, _mm512_setzero_pd())))
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

/// Works on bytes, so it is the same for both element types.
#[inline(always)]
fn nonzero_pairs(bytes: &[u8; 64]) -> u32 {
    // SAFETY: 64 readable bytes behind the reference; called by the token's methods alone.
    unsafe {
        let v = _mm512_loadu_si512(bytes.as_ptr().cast());
        _mm512_test_epi16_mask(v, v)
    }
}
