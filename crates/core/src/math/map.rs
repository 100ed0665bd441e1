//! Applies a function of vectors to a slice; polynomials.

use crate::simd::{Kernel, Simd, SimdElement};

/// A function of a vector.
pub(crate) trait Map<T: SimdElement>: Copy {
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V;
}

/// `x ← f(x)` for every element of a slice.
pub(crate) struct MapSlice<'a, T, F>(pub &'a mut [T], pub F);

impl<T: SimdElement, F: Map<T>> Kernel<T> for MapSlice<'_, T, F> {
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
pub(super) fn polynomial<T: SimdElement, S: Simd<T>>(s: S, c: &[T], x: S::V) -> S::V {
    let mut sum = s.splat(c[c.len() - 1]);
    for &c in c[..c.len() - 1].iter().rev() {
        sum = s.mul_add(sum, x, s.splat(c));
    }
    sum
}
