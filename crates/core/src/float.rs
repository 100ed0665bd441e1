//! The element types: `f32` and `f64`.

use crate::network::{FirstLayer, Fixed, Floats, Input};
use crate::simd::{Kernel, Level, run_alike_at, run_at};
use crate::vector::{ExpConstants, LnConstants};
use std::fmt::{Debug, Display};

/// An element type of the network: `f32` or `f64`. Sealed: the kernels know no others.
pub trait Float:
    Sealed + Input<Self> + Copy + PartialOrd + PartialEq + Default + Debug + Display + Send + Sync + 'static
{
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

    /// The nearest value.
    fn from_f64(x: f64) -> Self;
    /// The same value, exactly.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// What an element type owes the kernels. In a private module, so that no other type can be a [`Float`].
pub trait Sealed: ExpConstants + LnConstants + Sized {
    /// Bits of the mantissa that are stored: 23 or 52.
    const MANTISSA_BITS: u32;
    /// The exponent's bias: 127 or 1023.
    const BIAS: i64;
    /// The float of each pixel value: p / 255 rounded in `f32`, as the notebook's loader has it, then widened.
    const PIXELS: &'static [Self; 256];
    /// The bits as an integer.
    fn to_bits(self) -> u64;
    /// The value of those bits (the low 32 for `f32`).
    fn from_bits(bits: u64) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    /// The first layer in whole numbers, whose results are this type's.
    type Fixed: FirstLayer<Self, Pixel = u8>
    where
        Self: Float;
    /// That layer, if there is one.
    fn fixed(level: Level) -> Option<Self::Fixed>
    where
        Self: Float;
    /// [`Level::dispatch`] for this type.
    fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output
    where
        Self: Float;
    /// The same without fused operations; see [`Alike`](crate::simd::Alike).
    fn dispatch_alike<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output
    where
        Self: Float;
}

macro_rules! float {
    ($t:ident, $bits:ident, $mantissa:literal, $bias:literal, $fixed:ty, $of:expr) => {
        impl Float for $t {
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
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            type Fixed = $fixed;
            #[inline]
            fn fixed(level: Level) -> Option<$fixed> {
                $of(level)
            }
            #[inline]
            fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output {
                run_at(level, kernel)
            }
            #[inline]
            fn dispatch_alike<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output {
                run_alike_at(level, kernel)
            }
        }
    };
}

float!(f32, u32, 23, 127, Fixed, |level| Some(Fixed::new(level)));
// Three digits are too few for f64; the type only stands in.
float!(f64, u64, 52, 1023, Floats<u8>, |_| None);
