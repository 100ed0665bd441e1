//! Bytes in plain Rust.

use super::{ByteKernel, Bytes};
use crate::simd::scalar::Scalar;
use crate::simd::unfused::Unfused;

/// The unit that every processor has.
#[derive(Clone, Copy)]
pub struct ScalarBytes;

// Digits and planes are the bytes of integers, lowest first.
const _: () = assert!(cfg!(target_endian = "little"), "the bytes of integers are expected lowest first");

/// Runs `kernel` in plain Rust: one copy of it, whoever calls.
#[inline(never)]
pub(super) fn run<K: ByteKernel>(kernel: K) -> K::Output {
    kernel.run(ScalarBytes)
}

const N: usize = 4;

#[inline(always)]
fn zip(a: [i32; N], b: [i32; N], f: impl Fn(i32, i32) -> i32) -> [i32; N] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Bytes for ScalarBytes {
    type F = Unfused<Scalar>;
    type I = [i32; N];

    #[inline(always)]
    fn floats(self) -> Unfused<Scalar> {
        Unfused(Scalar)
    }
    #[inline(always)]
    fn splat(self, x: i32) -> [i32; N] {
        [x; N]
    }
    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> [i32; N] {
        // SAFETY: the caller promises so many readable bytes; the read is unaligned.
        unsafe { p.cast::<[i32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u8, v: [i32; N]) {
        // SAFETY: the caller promises so many writable bytes; the write is unaligned.
        unsafe { p.cast::<[i32; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> [i32; N] {
        // SAFETY: the caller promises four readable bytes; the read is unaligned.
        [unsafe { p.cast::<i32>().read_unaligned() }; N]
    }
    #[inline(always)]
    fn dot(self, sum: [i32; N], x: [i32; N], d: [i32; N]) -> [i32; N] {
        std::array::from_fn(|i| {
            let (x, d) = (x[i].to_ne_bytes(), d[i].to_ne_bytes());
            let product = |b: usize| i32::from(x[b]) * i32::from(d[b] as i8);
            sum[i].wrapping_add((product(0) + product(1)) + (product(2) + product(3)))
        })
    }
    #[inline(always)]
    fn add(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn and(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn xor(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, |a, b| a ^ b)
    }
    #[inline(always)]
    fn max(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, i32::max)
    }
    #[inline(always)]
    fn bits(self, v: [f32; N]) -> [i32; N] {
        v.map(|x| x.to_bits() as i32)
    }
    #[inline(always)]
    fn to_float(self, a: [i32; N]) -> [f32; N] {
        a.map(|x| x as f32)
    }
    #[inline(always)]
    fn to_int(self, v: [f32; N]) -> [i32; N] {
        v.map(|x| x.round_ties_even() as i32)
    }
    #[inline(always)]
    fn turn(self, v: [[i32; N]; 4]) -> [[i32; N]; 4] {
        let byte = |i: usize, lane: usize, j: usize| v[i][lane].to_le_bytes()[j];
        std::array::from_fn(|j| {
            std::array::from_fn(|lane| i32::from_le_bytes(std::array::from_fn(|i| byte(i, lane, j))))
        })
    }
    #[inline(always)]
    fn nonzero(self, a: [i32; N]) -> u64 {
        (0..N).fold(0, |bits, i| bits | u64::from(a[i] != 0) << i)
    }
}
