//! e^x.
//!
//! With n = round(x / ln 2) and r = x − n·ln 2, |r| ≤ ln 2 / 2:  e^x = 2^n · e^r.  ln 2 is taken in two parts, the
//! first short enough that n times it is exact, so r has no error from n·ln 2.  e^r = 1 + r + r²·q(r), where q is
//! the polynomial through (e^r − 1 − r) / r² at the Chebyshev nodes of the interval: within 2^-26.5 of e^r, relatively,
//! at degree 4 (`f32`), and within 2^-55.7 at degree 9 (`f64`). Only the last sum and the scaling round noticeably.

use super::map::{Map, MapSlice, polynomial};
use crate::simd::{Level, Simd, SimdElement};

/// An upper bound on the error of [`exp`], in ULP.
pub const EXP_MAX_ULP: f64 = 1.2;

/// An element type, with the constants of [`exp`].
pub trait ExpElement: SimdElement {
    /// 1 / ln 2.
    const LOG2_E: Self;
    /// The leading bits of ln 2: 13 or 40 of them, so that a whole number times it is exact.
    const LN2_HI: Self;
    /// The rest of ln 2.
    const LN2_LO: Self;
    /// Below this e^x rounds to zero, and so does the value computed here.
    const EXP_LOWEST: Self;
    /// Above this e^x is infinite, and so is the value computed here.
    const EXP_HIGHEST: Self;
    /// Coefficients of q, lowest first.
    const EXP_Q: &'static [Self];
}

impl ExpElement for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HI: f32 = f32::from_bits(0x3f31_7000);
    const LN2_LO: f32 = 3.194_618_5e-5;
    const EXP_LOWEST: f32 = -104.0;
    const EXP_HIGHEST: f32 = 89.0;
    const EXP_Q: &'static [f32] = &[0.5, 0.166_665_77, 0.041_666_556, 0.008_363_18, 0.001_392_618_4];
}

impl ExpElement for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fefa_2000);
    const LN2_LO: f64 = 7.371_002_565_167_799e-13;
    const EXP_LOWEST: f64 = -746.0;
    const EXP_HIGHEST: f64 = 710.0;
    const EXP_Q: &'static [f64] = &[
        0.500_000_000_000_000_1,
        0.166_666_666_666_666_67,
        0.041_666_666_666_624_13,
        0.008_333_333_333_330_062,
        0.001_388_888_891_721_371_7,
        0.000_198_412_698_630_536_17,
        2.480_152_129_595_437_5e-5,
        2.755_726_845_999_706_5e-6,
        2.762_008_844_540_975e-7,
        2.510_038_549_551_032e-8,
    ];
}

/// e^x for every element, in place: within [`EXP_MAX_ULP`], infinite above the range, zero below it, NaN for NaN.
pub fn exp<T: ExpElement>(level: Level, x: &mut [T]) {
    level.dispatch(MapSlice(x, Exp));
}

#[derive(Clone, Copy)]
struct Exp;

impl<T: ExpElement> Map<T> for Exp {
    #[inline(always)]
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        exp_v(s, x)
    }
}

/// e^x of a vector.
#[inline(always)]
pub(crate) fn exp_v<T: ExpElement, S: Simd<T>>(s: S, x: S::V) -> S::V {
    if S::REGISTERS < 16 { outlined(s, x) } else { inlined(s, x) }
}

/// One copy for the scalar level, whose emulated multiply-adds are long.
#[inline(never)]
fn outlined<T: ExpElement, S: Simd<T>>(s: S, x: S::V) -> S::V {
    inlined(s, x)
}

#[inline(always)]
fn inlined<T: ExpElement, S: Simd<T>>(s: S, x: S::V) -> S::V {
    // x is the second operand, so that a NaN is returned.
    let x = s.max(s.splat(T::EXP_LOWEST), s.min(s.splat(T::EXP_HIGHEST), x));
    let n = s.round(s.mul(x, s.splat(T::LOG2_E)));
    let r = s.neg_mul_add(n, s.splat(T::LN2_LO), s.neg_mul_add(n, s.splat(T::LN2_HI), x));
    let q = polynomial(s, T::EXP_Q, r);
    let e = s.add(s.mul_add(s.mul(r, r), q, r), s.splat(T::ONE));
    s.ldexp(e, n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::ulp;

    #[test]
    fn stays_within_its_bound_f32() {
        ulp::check_f32("exp", &ulp::dense_f32(), EXP_MAX_ULP, exp, f64::exp);
    }

    #[test]
    fn stays_within_its_bound_f64() {
        ulp::check_f64("exp", &ulp::dense_f64(-750.0, 715.0), EXP_MAX_ULP, exp, ulp::exp_two);
    }

    #[test]
    #[ignore = "all 2^32 floats: about a minute a level"]
    fn stays_within_its_bound_for_every_f32() {
        ulp::check_every_f32("exp", EXP_MAX_ULP, exp, f64::exp);
    }
}
