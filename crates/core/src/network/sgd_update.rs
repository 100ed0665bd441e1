//! The update of plain SGD, applied as the gradient leaves the registers.

use crate::math::Float;
use crate::matmul::Epilogue;
use crate::simd::Simd;

/// w ← w − rate · g, where g is the product's result and w its place.
#[derive(Clone, Copy)]
pub(crate) struct SgdUpdate<T> {
    /// The learning rate.
    pub rate: T,
}

impl<T: Float> Epilogue<T> for SgdUpdate<T> {
    #[inline(always)]
    unsafe fn apply<S: Simd<T>>(self, s: S, w: *mut T, g: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            let new = s.neg_mul_add(s.splat(self.rate), g, s.load(w));
            s.store(w, new);
            // 0 · w is 0 unless w is infinite or NaN.
            s.mul(new, s.zero())
        }
    }
}
