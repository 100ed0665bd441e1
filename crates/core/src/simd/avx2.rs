//! AVX2 and FMA: 32-byte vectors, 16 registers.

use super::vector::Simd;
use std::arch::x86_64::*;

instruction_set!(Avx2, "avx2" "fma" "bmi1" "bmi2" "popcnt" "lzcnt");

/// The first `n` of 8 lanes, as the sign bits that masked loads and stores test.
#[inline(always)]
fn first8(n: usize) -> __m256i {
    op!(_mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)))
}

/// The first `n` of 4 lanes.
#[inline(always)]
fn first4(n: usize) -> __m256i {
    op!(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3)))
}

impl Simd<f32> for Avx2 {
    type V = __m256;
    type M = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        op!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        // SAFETY: the caller promises 8 readable elements; the token, the instruction.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m256) {
        // SAFETY: the caller promises 8 writable elements; the token, the instruction.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> __m256 {
        // SAFETY: the caller promises n readable elements; masked lanes are not accessed.
        unsafe { _mm256_maskload_ps(p, first8(n)) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: __m256) {
        // SAFETY: the caller promises n writable elements; masked lanes are not accessed.
        unsafe { _mm256_maskstore_ps(p, first8(n), v) }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> __m256 {
        // SAFETY: the caller promises 8 readable bytes; the token, the instructions.
        unsafe { divide_by_255(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())))) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        op!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        op!(_mm256_andnot_ps(_mm256_set1_ps(-0.0), a))
    }
    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        op!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn ldexp(self, a: __m256, n: __m256) -> __m256 {
        // In two steps, since 2^n alone may overflow. The first is exact, so the result is rounded once.
        let n = op!(_mm256_max_ps(_mm256_set1_ps(-252.0), _mm256_min_ps(_mm256_set1_ps(252.0), n)));
        op!({
            let n = _mm256_cvtps_epi32(n);
            let half = _mm256_srai_epi32::<1>(n);
            let power = |k| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(k, _mm256_set1_epi32(127))));
            _mm256_mul_ps(_mm256_mul_ps(a, power(half)), power(_mm256_sub_epi32(n, half)))
        })
    }
    #[inline(always)]
    fn frexp(self, a: __m256) -> (__m256, __m256) {
        let subnormal = op!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, _mm256_set1_ps(f32::MIN_POSITIVE)));
        let a = op!(_mm256_blendv_ps(a, _mm256_mul_ps(a, _mm256_set1_ps(16_777_216.0)), subnormal));
        let below = op!(_mm256_and_ps(subnormal, _mm256_set1_ps(24.0)));
        // Subtracting the bits of 0.75 moves the boundaries of the exponent from 1, 2, 4 … to 0.75, 1.5, 3 ….
        op!({
            let bits = _mm256_castps_si256(a);
            let e = _mm256_srai_epi32::<23>(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f40_0000)));
            let m = _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32::<23>(e)));
            (m, _mm256_sub_ps(_mm256_cvtepi32_ps(e), below))
        })
    }
    #[inline(always)]
    fn lt(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __m256, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_blendv_ps(b, a, m))
    }
    #[inline(always)]
    fn interleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
        op!({
            // Within each half of 128 bits; then the halves are swapped.
            let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
        })
    }
    #[inline(always)]
    fn nonzero_bits(self, a: __m256) -> u64 {
        op!(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(a, _mm256_setzero_ps()))) as u64
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

impl Simd<f64> for Avx2 {
    type V = __m256d;
    type M = __m256d;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f64) -> __m256d {
        op!(_mm256_set1_pd(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f64) -> __m256d {
        // SAFETY: the caller promises 4 readable elements; the token, the instruction.
        unsafe { _mm256_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64, v: __m256d) {
        // SAFETY: the caller promises 4 writable elements; the token, the instruction.
        unsafe { _mm256_storeu_pd(p, v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f64, n: usize) -> __m256d {
        // SAFETY: the caller promises n readable elements; masked lanes are not accessed.
        unsafe { _mm256_maskload_pd(p, first4(n)) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f64, n: usize, v: __m256d) {
        // SAFETY: the caller promises n writable elements; masked lanes are not accessed.
        unsafe { _mm256_maskstore_pd(p, first4(n), v) }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> __m256d {
        // SAFETY: the caller promises 4 readable bytes; the token, the instructions.
        unsafe {
            let bytes = _mm_cvtsi32_si128(p.cast::<i32>().read_unaligned());
            let pixels = _mm256_castps128_ps256(_mm_cvtepi32_ps(_mm_cvtepu8_epi32(bytes)));
            _mm256_cvtps_pd(_mm256_castps256_ps128(divide_by_255(pixels)))
        }
    }
    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_div_pd(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        op!(_mm256_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        op!(_mm256_fnmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_max_pd(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_min_pd(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m256d) -> __m256d {
        op!(_mm256_sqrt_pd(a))
    }
    #[inline(always)]
    fn abs(self, a: __m256d) -> __m256d {
        op!(_mm256_andnot_pd(_mm256_set1_pd(-0.0), a))
    }
    #[inline(always)]
    fn round(self, a: __m256d) -> __m256d {
        op!(_mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn ldexp(self, a: __m256d, n: __m256d) -> __m256d {
        // In two steps, since 2^n alone may overflow. The first is exact, so the result is rounded once.
        let n = op!(_mm256_max_pd(_mm256_set1_pd(-2044.0), _mm256_min_pd(_mm256_set1_pd(2044.0), n)));
        op!({
            // The range fits 32 bits, which AVX2 can convert and shift.
            let n = _mm256_cvtpd_epi32(n);
            let half = _mm_srai_epi32::<1>(n);
            let power = |k| {
                let biased = _mm256_cvtepi32_epi64(_mm_add_epi32(k, _mm_set1_epi32(1023)));
                _mm256_castsi256_pd(_mm256_slli_epi64::<52>(biased))
            };
            _mm256_mul_pd(_mm256_mul_pd(a, power(half)), power(_mm_sub_epi32(n, half)))
        })
    }
    #[inline(always)]
    fn frexp(self, a: __m256d) -> (__m256d, __m256d) {
        let subnormal = op!(_mm256_cmp_pd::<_CMP_LT_OQ>(a, _mm256_set1_pd(f64::MIN_POSITIVE)));
        let a = op!(_mm256_blendv_pd(a, _mm256_mul_pd(a, _mm256_set1_pd(9_007_199_254_740_992.0)), subnormal));
        let below = op!(_mm256_and_pd(subnormal, _mm256_set1_pd(53.0)));
        // Subtracting the bits of 0.75 moves the boundaries of the exponent from 1, 2, 4 … to 0.75, 1.5, 3 ….
        // The bias is 2048, since AVX2 has no arithmetic shift of 64 bits; the exponent goes into the low bits of 2^52.
        op!({
            let bits = _mm256_castpd_si256(a);
            let moved = _mm256_sub_epi64(bits, _mm256_set1_epi64x((0.75f64).to_bits() as i64));
            let up = _mm256_set1_epi64x(i64::MIN);
            let biased = _mm256_srli_epi64::<52>(_mm256_xor_si256(moved, up));
            let whole = _mm256_and_si256(moved, _mm256_set1_epi64x(!((1 << 52) - 1)));
            let m = _mm256_castsi256_pd(_mm256_sub_epi64(bits, whole));
            let two52 = _mm256_set1_pd(4_503_599_627_370_496.0);
            let e = _mm256_castsi256_pd(_mm256_or_si256(biased, _mm256_castpd_si256(two52)));
            (m, _mm256_sub_pd(_mm256_sub_pd(e, _mm256_set1_pd(4_503_599_627_370_496.0 + 2048.0)), below))
        })
    }
    #[inline(always)]
    fn lt(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_cmp_pd::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, m: __m256d, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_blendv_pd(b, a, m))
    }
    #[inline(always)]
    fn interleave(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        op!({
            // Within each half of 128 bits; then the halves are swapped.
            let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            (_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high))
        })
    }
    #[inline(always)]
    fn nonzero_bits(self, a: __m256d) -> u64 {
        op!(_mm256_movemask_pd(_mm256_cmp_pd::<_CMP_NEQ_UQ>(a, _mm256_setzero_pd()))) as u64
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

#[inline(always)]
fn nonzero_pairs(bytes: &[u8; 64]) -> u32 {
    // SAFETY: 64 readable bytes behind the reference; called by the token's methods alone.
    unsafe {
        let low = _mm256_loadu_si256(bytes.as_ptr().cast());
        let high = _mm256_loadu_si256(bytes.as_ptr().add(32).cast());
        let zero = _mm256_setzero_si256();
        // Packing works within halves of 16 bytes, so the quarters come out as 0, 2, 1, 3.
        let packed = _mm256_packs_epi16(_mm256_cmpeq_epi16(low, zero), _mm256_cmpeq_epi16(high, zero));
        !(_mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed)) as u32)
    }
}

/// `p` / 255, correctly rounded for integers from 0 to 255 (tested for each): the quotient by multiplication, corrected
/// by its remainder. A division takes several times as long.
#[inline(always)]
pub(super) fn divide_by_255(p: __m256) -> __m256 {
    op!({
        let (divisor, inverse) = (_mm256_set1_ps(255.0), _mm256_set1_ps(1.0 / 255.0));
        let quotient = _mm256_mul_ps(p, inverse);
        _mm256_fmadd_ps(_mm256_fnmadd_ps(quotient, divisor, p), inverse, quotient)
    })
}
