//! NEON (64-bit ARM): 16-byte vectors, 32 registers. In f64 a vector is a pair of registers, so that both element types
//! have four lanes.

use super::vector::{Kernel, Simd};
use crate::element::Element;
use std::arch::aarch64::*;

/// Proof that the processor has NEON, which every one with 64 bits has; only [`run`] creates it.
#[derive(Clone, Copy)]
pub struct Neon(());

/// Runs `kernel` compiled for this instruction set. Not inlined, so that a program has one copy of it.
#[inline(never)]
pub(super) fn run<T: Element, K: Kernel<T>>(kernel: K) -> K::Output
where
    Neon: Simd<T>,
{
    kernel.run(Neon(()))
}

/// The first `n` of 4 elements, the others zero.
///
/// # Safety
/// `p` points to `n <= 4` readable elements.
#[inline(always)]
unsafe fn first<T: Element>(p: *const T, n: usize) -> [T; 4] {
    // SAFETY: the caller's promise; no other element is read.
    std::array::from_fn(|i| if i < n { unsafe { *p.add(i) } } else { T::ZERO })
}

/// Stores the first `n` of 4 elements.
///
/// # Safety
/// `p` points to `n` writable elements.
#[inline(always)]
unsafe fn store_first<T: Element>(p: *mut T, n: usize, elements: [T; 4]) {
    for (i, &x) in elements.iter().take(n).enumerate() {
        // SAFETY: the caller's promise, and i < n.
        unsafe { *p.add(i) = x }
    }
}

impl Simd<f32> for Neon {
    type V = float32x4_t;
    type M = uint32x4_t;
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        op!(vdupq_n_f32(x))
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> float32x4_t {
        // SAFETY: the caller promises 4 readable elements.
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: float32x4_t) {
        // SAFETY: the caller promises 4 writable elements.
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> float32x4_t {
        // SAFETY: the caller promises n readable elements; the array has 4.
        unsafe { vld1q_f32(first(p, n).as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: float32x4_t) {
        let mut elements = [0.0; 4];
        // SAFETY: the array has 4 elements; the caller promises n writable ones.
        unsafe {
            vst1q_f32(elements.as_mut_ptr(), v);
            store_first(p, n, elements);
        }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> float32x4_t {
        // SAFETY: the caller promises 4 readable bytes.
        let bytes = u64::from(unsafe { p.cast::<u32>().read_unaligned() });
        op!(divide_by_255(vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes)))))))
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vdivq_f32(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        op!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        op!(vfmsq_f32(c, a, b))
    }
    // By comparison and selection: the instructions for a maximum return NaN or the number, not the second operand.
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vbslq_f32(vcgtq_f32(a, b), a, b))
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vbslq_f32(vcltq_f32(a, b), a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        op!(vsqrtq_f32(a))
    }
    #[inline(always)]
    fn abs(self, a: float32x4_t) -> float32x4_t {
        op!(vabsq_f32(a))
    }
    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        op!(vrndnq_f32(a))
    }
    #[inline(always)]
    fn ldexp(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        // In two steps, since 2^n alone may overflow. The first is exact, so the result is rounded once.
        op!({
            let n = vmaxq_s32(vdupq_n_s32(-252), vminq_s32(vdupq_n_s32(252), vcvtq_s32_f32(n)));
            let half = vshrq_n_s32::<1>(n);
            let power = |k| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(k, vdupq_n_s32(127))));
            vmulq_f32(vmulq_f32(a, power(half)), power(vsubq_s32(n, half)))
        })
    }
    #[inline(always)]
    fn frexp(self, a: float32x4_t) -> (float32x4_t, float32x4_t) {
        op!({
            let subnormal = vcltq_f32(a, vdupq_n_f32(f32::MIN_POSITIVE));
            let a = vbslq_f32(subnormal, vmulq_f32(a, vdupq_n_f32(16_777_216.0)), a);
            let below = vbslq_f32(subnormal, vdupq_n_f32(24.0), vdupq_n_f32(0.0));
            // Subtracting the bits of 0.75 moves the boundaries of the exponent from 1, 2, 4 … to 0.75, 1.5, 3 ….
            let bits = vreinterpretq_s32_f32(a);
            let e = vshrq_n_s32::<23>(vsubq_s32(bits, vdupq_n_s32(0x3f40_0000)));
            let m = vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32::<23>(e)));
            (m, vsubq_f32(vcvtq_f32_s32(e), below))
        })
    }
    #[inline(always)]
    fn lt(self, a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        op!(vcltq_f32(a, b))
    }
    #[inline(always)]
    fn select(self, m: uint32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vbslq_f32(m, a, b))
    }
    #[inline(always)]
    fn interleave(self, a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        op!((vzip1q_f32(a, b), vzip2q_f32(a, b)))
    }
    #[inline(always)]
    fn nonzero_bits(self, a: float32x4_t) -> u64 {
        op!(lane_bits(vmvnq_u32(vceqzq_f32(a))))
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

/// Two registers of two elements.
type Pair = [float64x2_t; 2];

#[inline(always)]
fn map(a: Pair, f: impl Fn(float64x2_t) -> float64x2_t) -> Pair {
    [f(a[0]), f(a[1])]
}

#[inline(always)]
fn zip<R>(a: Pair, b: Pair, f: impl Fn(float64x2_t, float64x2_t) -> R) -> [R; 2] {
    [f(a[0], b[0]), f(a[1], b[1])]
}

impl Simd<f64> for Neon {
    type V = Pair;
    type M = [uint64x2_t; 2];
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f64) -> Pair {
        op!([vdupq_n_f64(x); 2])
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f64) -> Pair {
        // SAFETY: the caller promises 4 readable elements.
        unsafe { [vld1q_f64(p), vld1q_f64(p.add(2))] }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64, v: Pair) {
        // SAFETY: the caller promises 4 writable elements.
        unsafe {
            vst1q_f64(p, v[0]);
            vst1q_f64(p.add(2), v[1]);
        }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f64, n: usize) -> Pair {
        // SAFETY: the caller promises n readable elements; the array has 4.
        unsafe { self.load(first(p, n).as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f64, n: usize, v: Pair) {
        let mut elements = [0.0; 4];
        // SAFETY: the array has 4 elements; the caller promises n writable ones.
        unsafe {
            self.store(elements.as_mut_ptr(), v);
            store_first(p, n, elements);
        }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> Pair {
        // SAFETY: the caller promises 4 readable bytes.
        let pixels = unsafe { Simd::<f32>::load_pixels(self, p) };
        op!([vcvt_f64_f32(vget_low_f32(pixels)), vcvt_high_f64_f32(pixels)])
    }
    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vaddq_f64(a, b)))
    }
    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vsubq_f64(a, b)))
    }
    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vmulq_f64(a, b)))
    }
    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vdivq_f64(a, b)))
    }
    #[inline(always)]
    fn mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        op!([vfmaq_f64(c[0], a[0], b[0]), vfmaq_f64(c[1], a[1], b[1])])
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        op!([vfmsq_f64(c[0], a[0], b[0]), vfmsq_f64(c[1], a[1], b[1])])
    }
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vbslq_f64(vcgtq_f64(a, b), a, b)))
    }
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        zip(a, b, |a, b| op!(vbslq_f64(vcltq_f64(a, b), a, b)))
    }
    #[inline(always)]
    fn sqrt(self, a: Pair) -> Pair {
        map(a, |a| op!(vsqrtq_f64(a)))
    }
    #[inline(always)]
    fn abs(self, a: Pair) -> Pair {
        map(a, |a| op!(vabsq_f64(a)))
    }
    #[inline(always)]
    fn round(self, a: Pair) -> Pair {
        map(a, |a| op!(vrndnq_f64(a)))
    }
    #[inline(always)]
    fn ldexp(self, a: Pair, n: Pair) -> Pair {
        // In two steps, since 2^n alone may overflow. The first is exact, so the result is rounded once.
        let n = Simd::<f64>::max(self, self.splat(-2044.0), Simd::<f64>::min(self, self.splat(2044.0), n));
        zip(a, n, |a, n| {
            op!({
                let n = vcvtq_s64_f64(n);
                let half = vshrq_n_s64::<1>(n);
                let power = |k| vreinterpretq_f64_s64(vshlq_n_s64::<52>(vaddq_s64(k, vdupq_n_s64(1023))));
                vmulq_f64(vmulq_f64(a, power(half)), power(vsubq_s64(n, half)))
            })
        })
    }
    #[inline(always)]
    fn frexp(self, a: Pair) -> (Pair, Pair) {
        let split = |a| {
            op!({
                let subnormal = vcltq_f64(a, vdupq_n_f64(f64::MIN_POSITIVE));
                let a = vbslq_f64(subnormal, vmulq_f64(a, vdupq_n_f64(9_007_199_254_740_992.0)), a);
                let below = vbslq_f64(subnormal, vdupq_n_f64(53.0), vdupq_n_f64(0.0));
                // As in f32.
                let bits = vreinterpretq_s64_f64(a);
                let e = vshrq_n_s64::<52>(vsubq_s64(bits, vdupq_n_s64((0.75f64).to_bits() as i64)));
                let m = vreinterpretq_f64_s64(vsubq_s64(bits, vshlq_n_s64::<52>(e)));
                (m, vsubq_f64(vcvtq_f64_s64(e), below))
            })
        };
        let ((m0, e0), (m1, e1)) = (split(a[0]), split(a[1]));
        ([m0, m1], [e0, e1])
    }
    #[inline(always)]
    fn lt(self, a: Pair, b: Pair) -> [uint64x2_t; 2] {
        zip(a, b, |a, b| op!(vcltq_f64(a, b)))
    }
    #[inline(always)]
    fn select(self, m: [uint64x2_t; 2], a: Pair, b: Pair) -> Pair {
        op!([vbslq_f64(m[0], a[0], b[0]), vbslq_f64(m[1], a[1], b[1])])
    }
    #[inline(always)]
    fn interleave(self, a: Pair, b: Pair) -> (Pair, Pair) {
        let halves = |i: usize| op!([vzip1q_f64(a[i], b[i]), vzip2q_f64(a[i], b[i])]);
        (halves(0), halves(1))
    }
    #[inline(always)]
    fn nonzero_bits(self, a: Pair) -> u64 {
        op!({
            let [low, high] = a.map(|a| vshrn_n_u64::<32>(vceqzq_f64(a)));
            lane_bits(vmvnq_u32(vcombine_u32(low, high)))
        })
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        nonzero_pairs(bytes)
    }
}

/// Bit `i` is that of all bits of lane `i`. A shift narrows the lanes to 64 bits, of which each keeps the bit of its
/// number; the product's highest 16 bits are the sum of the lanes.
#[inline(always)]
fn lane_bits(mask: uint32x4_t) -> u64 {
    let lanes = op!(vget_lane_u64::<0>(vreinterpret_u64_u16(vshrn_n_u32::<16>(mask))));
    (lanes & 0x0008_0004_0002_0001).wrapping_mul(0x0001_0001_0001_0001) >> 48
}

#[inline(always)]
fn nonzero_pairs(bytes: &[u8; 64]) -> u32 {
    // SAFETY: 64 readable bytes behind the reference; called by the token's methods alone.
    unsafe {
        let part = |i: usize| vreinterpretq_u16_u8(vld1q_u8(bytes.as_ptr().add(16 * i)));
        // A byte for each pair, all of whose bits say whether it is zero.
        let narrow = |i| vshrn_n_u16::<8>(vtstq_u16(part(i), part(i)));
        // Each byte keeps the bit of its place among 8; three sums of neighbours gather 8 bytes in one.
        let places = vreinterpretq_u8_u64(vdupq_n_u64(0x8040_2010_0804_0201));
        let low = vandq_u8(vcombine_u8(narrow(0), narrow(1)), places);
        let high = vandq_u8(vcombine_u8(narrow(2), narrow(3)), places);
        let sums = vpaddq_u8(low, high);
        let sums = vpaddq_u8(sums, sums);
        vgetq_lane_u32::<0>(vreinterpretq_u32_u8(vpaddq_u8(sums, sums)))
    }
}

/// `p` / 255, correctly rounded for integers from 0 to 255 (tested for each): the quotient by multiplication, corrected
/// by its remainder. A division takes several times as long.
#[inline(always)]
fn divide_by_255(p: float32x4_t) -> float32x4_t {
    op!({
        let inverse = vdupq_n_f32(1.0 / 255.0);
        let quotient = vmulq_f32(p, inverse);
        vfmaq_f32(quotient, vfmsq_f32(p, quotient, vdupq_n_f32(255.0)), inverse)
    })
}
