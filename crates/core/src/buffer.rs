//! Buffers aligned to a cache line: zeroed or uninitialised.

use crate::element::Element;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// One cache line. Buffers are vectors of these, which aligns them to 64 bytes without a custom allocation.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct CacheLine([u8; 64]);

/// Plain numbers: every bit pattern is a valid value, and all bits zero is 0.
///
/// # Safety
/// The type has no padding, no invalid bit patterns, and an alignment and size that divide 64.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: primitive numbers fulfil these conditions.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: `Element` is sealed, and both of its types are primitive numbers.
unsafe impl<T: Element> Plain for T {}

/// A buffer of fixed length, initially zero and aligned to 64 bytes.
pub struct Aligned<T> {
    lines: Vec<CacheLine>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Plain> Aligned<T> {
    /// Allocates as many zeros as the product of `dims`.
    ///
    /// # Panics
    /// If they do not fit into the address space.
    pub fn zeroed<const D: usize>(dims: [usize; D]) -> Self {
        let len = product::<T, D>(dims);
        let lines = vec![CacheLine([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Aligned { lines, len, element: PhantomData }
    }
}

/// The product of `dims`.
///
/// # Panics
/// If that many elements do not fit into the address space.
fn product<T, const D: usize>(dims: [usize; D]) -> usize {
    let len = dims
        .iter()
        .try_fold(1, |n: usize, &d| n.checked_mul(d))
        .filter(|len| len.checked_mul(size_of::<T>()).is_some());
    len.expect("a buffer larger than the address space")
}

/// Uninitialised memory, aligned to a cache line, which a kernel writes before it reads.
pub struct Scratch<T> {
    lines: Vec<CacheLine>,
    element: PhantomData<T>,
}

impl<T: Plain> Scratch<T> {
    /// Allocates memory for as many elements as the product of `dims`.
    ///
    /// # Panics
    /// As [`Aligned::zeroed`].
    pub fn new<const D: usize>(dims: [usize; D]) -> Self {
        let bytes = product::<T, D>(dims) * size_of::<T>();
        Scratch { lines: Vec::with_capacity(bytes.div_ceil(64)), element: PhantomData }
    }

    /// A pointer to the first element. Elements are uninitialised until they are written.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` elements, are aligned for them, and every bit pattern is a valid `T`.
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
    fn is_aligned_and_zeroed_and_has_the_requested_length() {
        for len in 0..200 {
            let mut b = Aligned::<f64>::zeroed([len]);
            assert_eq!(b.len(), len);
            assert_eq!(b.as_ptr() as usize % 64, 0);
            assert!(b.lines.len() * 64 >= len * 8);
            assert!(b.iter().all(|&x| x.to_bits() == 0));
            let zeros = b.clone();
            b.iter_mut().for_each(|x| *x = 1.0);
            assert_eq!(b, b.clone());
            assert_eq!(b == zeros, len == 0);
            assert!(Scratch::<f64>::new([len, 3]).lines.capacity() * 64 >= len * 3 * 8);
        }
    }

    #[test]
    fn sizes_that_overflow_panic() {
        for dims in [[usize::MAX, 2, 1], [usize::MAX / 2, usize::MAX / 2, 1], [usize::MAX / 8 + 1, 1, 1]] {
            assert!(std::panic::catch_unwind(|| Aligned::<f64>::zeroed(dims)).is_err());
        }
    }
}
