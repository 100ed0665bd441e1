//! The update of plain SGD, applied as the gradient leaves the registers, or from a gradient in memory.

use crate::math::Float;
use crate::matmul::Epilogue;
use crate::simd::{Kernel, Simd};

/// w ← w − rate · g, where g is the product's result and w its place.
#[derive(Clone, Copy)]
pub(crate) struct SgdUpdate<T> {
    /// The learning rate.
    pub rate: T,
}

impl<T: Float> Epilogue<T> for SgdUpdate<T> {
    #[inline(always)]
    unsafe fn apply<S: Simd<T>>(self, s: S, w: *mut T, _: usize, g: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            let new = s.neg_mul_add(s.splat(self.rate), g, s.load(w));
            s.store(w, new);
            // 0 · w is 0 unless w is infinite or NaN.
            s.mul(new, s.zero())
        }
    }
}

/// The update for a gradient in memory. Both lengths are whole vectors. Returns whether all weights stayed finite.
pub(super) struct ApplySgd<'a, T> {
    pub w: &'a mut [T],
    pub g: &'a [T],
    pub update: SgdUpdate<T>,
}

impl<T: Float> Kernel<T> for ApplySgd<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        let ApplySgd { w, g, update } = self;
        assert!(w.len().is_multiple_of(S::LANES) && g.len() == w.len());
        let mut check = s.zero();
        for at in (0..w.len()).step_by(S::LANES) {
            // SAFETY: LANES divides both lengths.
            check = s.add(check, unsafe { update.apply(s, w.as_mut_ptr().add(at), at, s.load(g.as_ptr().add(at))) });
        }
        s.nonzero_bits(check) == 0
    }
}
