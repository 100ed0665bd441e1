//! The element types `f32` and `f64`: constants and scalar arithmetic.

use crate::fused::{mul_add_f32, mul_add_f64};
use std::fmt::{Debug, Display};

/// An element type: `f32` or `f64`. Sealed, since the kernels exist for these two.
pub trait Element: Sealed + Copy + PartialOrd + PartialEq + Default + Debug + Display + Send + Sync + 'static {
    /// `f32` or `f64`.
    const NAME: &'static str;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;

    /// The value of this type nearest to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same value, exactly.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// What the kernels need of an element type. Its module is private, so no other type can be an [`Element`].
pub trait Sealed: Sized + 'static {
    /// Stored bits of the mantissa: 23 or 52.
    const MANTISSA_BITS: u32;
    /// The exponent's bias: 127 or 1023.
    const BIAS: i64;
    /// The value of each pixel: p / 255 divided in `f32`, as the notebook's loader does, then widened.
    const PIXELS: &'static [Self; 256];
    /// The bits, zero-extended.
    fn to_bits(self) -> u64;
    /// The value with these bits (the low 32 for `f32`).
    fn from_bits(bits: u64) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    /// `a · b + c` in each lane, rounded once.
    fn mul_add<const N: usize>(a: [Self; N], b: [Self; N], c: [Self; N]) -> [Self; N];
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
}

macro_rules! element {
    ($t:ident, $bits:ident, $mantissa:literal, $bias:literal, $mul_add:ident) => {
        impl Element for $t {
            const NAME: &'static str = stringify!($t);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $t::INFINITY;
            const NAN: Self = $t::NAN;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
        }

        impl Sealed for $t {
            const MANTISSA_BITS: u32 = $mantissa;
            const BIAS: i64 = $bias;
            const PIXELS: &'static [Self; 256] = &{
                let mut table = [0.0; 256];
                let mut p = 0;
                while p < 256 {
                    table[p] = (p as f32 / 255.0) as $t;
                    p += 1;
                }
                table
            };

            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from($t::to_bits(self))
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                $t::from_bits(bits as $bits)
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                self - b
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                self * b
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                self / b
            }
            #[inline(always)]
            fn mul_add<const N: usize>(a: [Self; N], b: [Self; N], c: [Self; N]) -> [Self; N] {
                $mul_add(a, b, c)
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
        }
    };
}

element!(f32, u32, 23, 127, mul_add_f32);
element!(f64, u64, 52, 1023, mul_add_f64);
