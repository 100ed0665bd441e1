//! Buffers that begin on a cache line: zeroed, or to be written first.

use crate::element::Element;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// One cache line; what every buffer is made of, so that it is aligned to 64 bytes without a hand-made allocation.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct CacheLine([u8; 64]);

/// Plain numbers: any bits are a value, and all bits zero are 0.
///
/// # Safety
/// The type has no padding, no invalid bit patterns, and an alignment and size that divide 64.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: primitive numbers are so.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: `Element` is sealed, and both of its types are primitive numbers.
unsafe impl<T: Element> Plain for T {}

/// A fixed number of elements, zero at first, the first of them at a multiple of 64 bytes.
pub struct Aligned<T> {
    lines: Vec<CacheLine>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Plain> Aligned<T> {
    /// As many zeros as the product of `dims`.
    ///
    /// # Panics
    /// If they are more than the address space holds.
    pub fn zeroed<const D: usize>(dims: [usize; D]) -> Self {
        let len = product::<T, D>(dims);
        let lines = vec![CacheLine([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Aligned { lines, len, element: PhantomData }
    }
}

/// The product of `dims`.
///
/// # Panics
/// If so many elements are more than the address space holds.
fn product<T, const D: usize>(dims: [usize; D]) -> usize {
    let len = dims
        .iter()
        .try_fold(1, |n: usize, &d| n.checked_mul(d))
        .filter(|len| len.checked_mul(size_of::<T>()).is_some());
    len.expect("a buffer larger than the address space")
}

/// Room that begins on a cache line, for a kernel to write before it reads.
pub struct Scratch<T> {
    lines: Vec<CacheLine>,
    element: PhantomData<T>,
}

impl<T: Plain> Scratch<T> {
    /// Room for as many elements as the product of `dims`.
    ///
    /// # Panics
    /// As [`Aligned::zeroed`].
    pub fn new<const D: usize>(dims: [usize; D]) -> Self {
        let bytes = product::<T, D>(dims) * size_of::<T>();
        Scratch { lines: Vec::with_capacity(bytes.div_ceil(64)), element: PhantomData }
    }

    /// The first element. What has not been written is not initialised.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` elements, are aligned for them, and any bits are a value of `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<T> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Aligned { lines: self.lines.clone(), len: self.len, element: PhantomData }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}

impl<T: Plain + PartialEq> PartialEq for Aligned<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_aligned_zeroed_and_of_the_length_asked_for() {
        for len in 0..200 {
            let mut b = Aligned::<f64>::zeroed([len]);
            assert_eq!(b.len(), len);
            assert_eq!(b.as_ptr() as usize % 64, 0);
            assert!(b.iter().all(|&x| x.to_bits() == 0));
            b.iter_mut().for_each(|x| *x = 1.0);
            assert_eq!(b, b.clone());
        }
    }

    #[test]
    fn sizes_that_overflow_are_no_short_buffers() {
        for dims in [[usize::MAX, 2, 1], [usize::MAX / 2, usize::MAX / 2, 1], [usize::MAX / 8 + 1, 1, 1]] {
            assert!(std::panic::catch_unwind(|| Aligned::<f64>::zeroed(dims)).is_err());
        }
    }
}
