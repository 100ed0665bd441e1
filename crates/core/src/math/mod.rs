//! Elementary functions over slices: e^x, ln x and the sigmoid.
//!
//! Each file holds a function's derivation, constants, error bound and test. Bounds are in ULP of the result; a
//! subnormal result is measured in the smallest subnormal. Results are the same bits at every level.

mod exp;
mod ln;
mod sigmoid;
#[cfg(test)]
pub(crate) mod ulp;

pub use exp::{EXP_MAX_ULP, exp};
pub(crate) use exp::{ExpConstants, exp_v};
pub use ln::{LN_MAX_ULP, ln};
pub(crate) use ln::{LnConstants, ln_v};
pub(crate) use sigmoid::sigmoid_v;
pub use sigmoid::{SIGMOID_MAX_ULP, sigmoid};

use crate::simd::{Kernel, Simd, SimdElement};

/// An element type of the network, `f32` or `f64`.
pub trait Float: SimdElement + ExpConstants + LnConstants {}

impl<T: SimdElement + ExpConstants + LnConstants> Float for T {}

/// A function of a vector.
pub(crate) trait Map<T: Float>: Copy {
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V;
}

/// `x ← f(x)` for every element of a slice.
pub(crate) struct MapSlice<'a, T, F>(pub &'a mut [T], pub F);

impl<T: Float, F: Map<T>> Kernel<T> for MapSlice<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let MapSlice(x, f) = self;
        let (p, n) = (x.as_mut_ptr(), x.len());
        let mut i = 0;
        while i + S::LANES <= n {
            // SAFETY: LANES elements from i on are within the slice.
            unsafe { s.store(p.add(i), f.apply(s, s.load(p.add(i)))) }
            i += S::LANES;
        }
        if i < n {
            // SAFETY: the last n - i < LANES elements of the slice, and no others.
            unsafe { s.store_partial(p.add(i), n - i, f.apply(s, s.load_partial(p.add(i), n - i))) }
        }
    }
}

/// `c[0] + c[1]·x + c[2]·x² + …`, by Horner's rule.
#[inline(always)]
fn polynomial<T: Float, S: Simd<T>>(s: S, c: &[T], x: S::V) -> S::V {
    let mut sum = s.splat(c[c.len() - 1]);
    for &c in c[..c.len() - 1].iter().rev() {
        sum = s.mul_add(sum, x, s.splat(c));
    }
    sum
}
