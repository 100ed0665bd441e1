//! The sigmoid 1 / (1 + e^-x).
//!
//! With e = e^-|x|, at most 1, it is 1 / (1 + e) for x ≥ 0 and e / (1 + e) below: nothing overflows, and small values
//! keep their relative accuracy. The error is that of e, plus half an ULP each for a sum and a quotient; depending on
//! the position in the binade, this may double. The largest error over all `f32` is below 2.5.

use super::exp::{ExpElement, exp_v};
use super::map::{Map, MapSlice};
use crate::simd::{Level, Simd};

/// An upper bound on the error of [`sigmoid`], in ULP.
pub const SIGMOID_MAX_ULP: f64 = 2.5;

/// 1 / (1 + e^-x) for every element, in place: within [`SIGMOID_MAX_ULP`], 0 and 1 at −∞ and ∞, NaN for NaN.
pub fn sigmoid<T: ExpElement>(level: Level, x: &mut [T]) {
    level.dispatch(MapSlice(x, Sigmoid));
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: ExpElement> Map<T> for Sigmoid {
    #[inline(always)]
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        sigmoid_v(s, x)
    }
}

/// The sigmoid of a vector.
#[inline(always)]
pub(crate) fn sigmoid_v<T: ExpElement, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let one = s.splat(T::ONE);
    let e = exp_v(s, s.sub(s.zero(), s.abs(x)));
    let numerator = s.select(s.lt(x, s.zero()), e, one);
    s.div(numerator, s.add(one, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::ulp;

    /// In f64 the plain formula is exact enough for an `f32` result, if it is the one without cancellation.
    fn reference(x: f64) -> f64 {
        let e = (-x.abs()).exp();
        if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
    }

    #[test]
    fn stays_within_its_bound_f32() {
        ulp::check_f32("sigmoid", &ulp::dense_f32(), SIGMOID_MAX_ULP, sigmoid, reference);
    }

    #[test]
    fn stays_within_its_bound_f64() {
        ulp::check_f64("sigmoid", &ulp::dense_f64(-750.0, 750.0), SIGMOID_MAX_ULP, sigmoid, ulp::sigmoid_two);
    }

    #[test]
    #[ignore = "all 2^32 floats: about a minute a level"]
    fn stays_within_its_bound_for_every_f32() {
        ulp::check_every_f32("sigmoid", SIGMOID_MAX_ULP, sigmoid, reference);
    }
}
