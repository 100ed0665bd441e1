//! The natural logarithm.
//!
//! x = m · 2^e with m in [0.75, 1.5) and f = m − 1 (exact).  With s = f / (2 + f) and z = s², ln(1 + f) = 2·atanh(s) =
//! 2s + s·z·P(z), where P is the polynomial through (2·atanh(√z) − 2√z) / (z√z) at the Chebyshev nodes of [0, 0.0401]:
//! 3 terms for `f32` (within 2^-26.6 of the logarithm), 8 for `f64` (2^-60.7). As 2s = f − s·f and s·f = f²/2 − s·f²/2,
//! the sum f − (f²/2 − s·(f²/2 + z·P)) begins with the exact f, and only small terms are rounded. e·ln 2 is added in
//! two parts, the first exact.

use super::exp::ExpElement;
use super::map::{Map, MapSlice, polynomial};
use crate::element::Sealed;
use crate::simd::{Level, Simd};

/// An upper bound on the error of [`ln`], in ULP.
pub const LN_MAX_ULP: f64 = 1.5;

/// An element type, with the constants of [`ln`].
pub trait LnElement: ExpElement {
    /// Coefficients of P, lowest first.
    const LN_P: &'static [Self];
}

impl LnElement for f32 {
    const LN_P: &'static [f32] = &[0.666_667_14, 0.399_789_1, 0.299_591_97];
}

impl LnElement for f64 {
    const LN_P: &'static [f64] = &[
        0.666_666_666_666_666_6,
        0.400_000_000_000_079_4,
        0.285_714_285_672_759_35,
        0.222_222_230_483_515_88,
        0.181_817_376_263_029_37,
        0.153_888_678_056_137_17,
        0.132_097_082_420_594_63,
        0.136_090_302_628_584_99,
    ];
}

/// ln x for every element, in place: within [`LN_MAX_ULP`], −∞ for ±0, NaN below zero and for NaN, ∞ for ∞.
pub fn ln<T: LnElement>(level: Level, x: &mut [T]) {
    level.dispatch(MapSlice(x, Ln));
}

#[derive(Clone, Copy)]
struct Ln;

impl<T: LnElement> Map<T> for Ln {
    #[inline(always)]
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        ln_v(s, x)
    }
}

/// ln x of a vector.
#[inline(always)]
pub(crate) fn ln_v<T: LnElement, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let (one, zero) = (s.splat(T::ONE), s.zero());
    let (m, e) = s.frexp(x);
    let f = s.sub(m, one);
    let half_square = s.mul(s.mul(f, f), s.splat(T::from_f64(0.5)));
    let q = s.div(f, s.add(f, s.splat(T::from_f64(2.0))));
    let z = s.mul(q, q);
    let p = s.mul(z, polynomial(s, T::LN_P, z));
    let small = s.mul_add(q, s.add(half_square, p), s.mul(e, s.splat(T::LN2_LO)));
    let rest = s.sub(s.sub(half_square, small), f);
    let result = s.sub(s.mul(e, s.splat(T::LN2_HI)), rest);
    // Arguments for which m and e do not exist.
    let positive = s.lt(zero, x);
    let finite = s.lt(x, s.splat(T::INFINITY));
    let result = s.select(finite, result, x);
    let special = s.select(s.lt(s.abs(x), s.splat(smallest())), s.splat(T::ZERO.sub(T::INFINITY)), s.splat(T::NAN));
    s.select(positive, result, special)
}

/// The smallest subnormal: only ±0 has a smaller magnitude.
#[inline(always)]
fn smallest<T: LnElement>() -> T {
    <T as Sealed>::from_bits(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::ulp;

    #[test]
    fn stays_within_its_bound_f32() {
        ulp::check_f32("ln", &ulp::dense_f32(), LN_MAX_ULP, ln, f64::ln);
    }

    #[test]
    fn stays_within_its_bound_f64() {
        let mut x = ulp::dense_f64(-3.0, 6.0);
        x.extend(ulp::dense_f64(0.7, 1.6));
        ulp::check_f64("ln", &x, LN_MAX_ULP, ln, ulp::ln_two);
    }

    #[test]
    #[ignore = "all 2^32 floats: about a minute a level"]
    fn stays_within_its_bound_for_every_f32() {
        ulp::check_every_f32("ln", LN_MAX_ULP, ln, f64::ln);
    }
}
