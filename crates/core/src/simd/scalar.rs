//! The portable level: vectors of four elements in plain Rust, compiled for the target's baseline.

use super::vector::{Kernel, Simd};
use crate::element::Element;

/// The level that every processor has.
#[derive(Clone, Copy)]
pub struct Scalar;

/// Runs `kernel` in plain Rust. Not inlined, so that a program has one copy of it.
#[inline(never)]
pub(super) fn run<T: Element, K: Kernel<T>>(kernel: K) -> K::Output {
    kernel.run(Scalar)
}

/// Lanes: those of `f32` in the narrowest vector registers in use, 128 bits.
const N: usize = 4;

#[inline(always)]
fn map<T: Element>(a: [T; N], f: impl Fn(T) -> T) -> [T; N] {
    a.map(f)
}

#[inline(always)]
fn zip<T: Element>(a: [T; N], b: [T; N], f: impl Fn(T, T) -> T) -> [T; N] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// `2^n` for an integer `n` in the normal range.
#[inline(always)]
fn power_of_two<T: Element>(n: i64) -> T {
    T::from_bits(((n + T::BIAS) as u64) << T::MANTISSA_BITS)
}

/// Adding and subtracting 1.5 · 2^mantissa rounds to integers, ties to even.
#[inline(always)]
fn round<T: Element>(x: T) -> T {
    let shift = T::from_f64(1.5).mul(power_of_two(i64::from(T::MANTISSA_BITS)));
    x.add(shift).sub(shift)
}

/// In two steps, since 2^n alone may overflow. The first is exact, so the result is rounded once.
#[inline(always)]
fn ldexp<T: Element>(x: T, n: T) -> T {
    let n = (n.to_f64() as i64).clamp(2 - 2 * T::BIAS, 2 * T::BIAS - 2);
    x.mul(power_of_two(n / 2)).mul(power_of_two(n - n / 2))
}

/// Subtracting the bits of 0.75 moves the boundaries of the exponent from 1, 2, 4 … to 0.75, 1.5, 3 ….
#[inline(always)]
fn frexp<T: Element>(x: T) -> (T, T) {
    let tiny = power_of_two::<T>(1 - T::BIAS);
    let up = i64::from(T::MANTISSA_BITS) + 1;
    let (x, below) = if x < tiny { (x.mul(power_of_two(up)), up) } else { (x, 0) };
    let bits = x.to_bits() as i64;
    let e = bits.wrapping_sub(T::from_f64(0.75).to_bits() as i64) >> T::MANTISSA_BITS;
    (T::from_bits(bits.wrapping_sub(e << T::MANTISSA_BITS) as u64), T::from_f64((e - below) as f64))
}

impl<T: Element> Simd<T> for Scalar {
    type V = [T; N];
    type M = [bool; N];
    const LANES: usize = N;
    /// Emulated multiply-adds take registers of their own; and small tiles keep programs small.
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(self, x: T) -> [T; N] {
        [x; N]
    }
    #[inline(always)]
    unsafe fn load(self, p: *const T) -> [T; N] {
        // SAFETY: the caller promises N readable elements; the read is unaligned.
        unsafe { p.cast::<[T; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T, v: [T; N]) {
        // SAFETY: the caller promises N writable elements; the write is unaligned.
        unsafe { p.cast::<[T; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const T, n: usize) -> [T; N] {
        // SAFETY: the caller promises n <= N readable elements, and no other is read.
        std::array::from_fn(|i| if i < n { unsafe { *p.add(i) } } else { T::ZERO })
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut T, n: usize, v: [T; N]) {
        for (i, &x) in v.iter().take(n).enumerate() {
            // SAFETY: the caller promises n writable elements, and i < n.
            unsafe { *p.add(i) = x }
        }
    }
    #[inline(always)]
    unsafe fn load_pixels(self, p: *const u8) -> [T; N] {
        // SAFETY: the caller promises N readable bytes; the table has an entry for every byte.
        std::array::from_fn(|i| T::PIXELS[usize::from(unsafe { *p.add(i) })])
    }
    #[inline(always)]
    fn add(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, T::add)
    }
    #[inline(always)]
    fn sub(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, T::sub)
    }
    #[inline(always)]
    fn mul(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, T::mul)
    }
    #[inline(always)]
    fn div(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, T::div)
    }
    #[inline(always)]
    fn mul_add(self, a: [T; N], b: [T; N], c: [T; N]) -> [T; N] {
        T::mul_add(a, b, c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: [T; N], b: [T; N], c: [T; N]) -> [T; N] {
        T::mul_add(a.map(T::neg), b, c)
    }
    #[inline(always)]
    fn max(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: [T; N], b: [T; N]) -> [T; N] {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn sqrt(self, a: [T; N]) -> [T; N] {
        map(a, T::sqrt)
    }
    #[inline(always)]
    fn abs(self, a: [T; N]) -> [T; N] {
        map(a, T::abs)
    }
    #[inline(always)]
    fn round(self, a: [T; N]) -> [T; N] {
        map(a, round)
    }
    #[inline(always)]
    fn ldexp(self, a: [T; N], n: [T; N]) -> [T; N] {
        zip(a, n, ldexp)
    }
    #[inline(always)]
    fn frexp(self, a: [T; N]) -> ([T; N], [T; N]) {
        (map(a, |x| frexp(x).0), map(a, |x| frexp(x).1))
    }
    #[inline(always)]
    fn lt(self, a: [T; N], b: [T; N]) -> [bool; N] {
        std::array::from_fn(|i| a[i] < b[i])
    }
    #[inline(always)]
    fn select(self, m: [bool; N], a: [T; N], b: [T; N]) -> [T; N] {
        std::array::from_fn(|i| if m[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn interleave(self, a: [T; N], b: [T; N]) -> ([T; N], [T; N]) {
        ([a[0], b[0], a[1], b[1]], [a[2], b[2], a[3], b[3]])
    }
    #[inline(always)]
    fn nonzero_bits(self, a: [T; N]) -> u64 {
        (0..N).fold(0, |bits, i| bits | u64::from(a[i] != T::ZERO) << i)
    }
    #[inline(always)]
    fn nonzero_pairs(self, bytes: &[u8; 64]) -> u32 {
        (0..32).fold(0, |bits, i| bits | u32::from(bytes[2 * i] | bytes[2 * i + 1] != 0) << i)
    }
}
