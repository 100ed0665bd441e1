//! Structs that begin with their size, so that they can grow: a caller built with an older header passes a
//! shorter one, and the fields that it lacks take their defaults.

use crate::pointer;
use crate::status::{Result, TL_ERROR_STRUCT_SIZE, refuse};

/// A struct of the interface that begins with `size: usize`.
///
/// # Safety
/// `#[repr(C)]`, begins with its size, and any bits are a value of it.
pub(crate) unsafe trait Versioned: Copy + Default {
    const NAME: &'static str;
    /// The size it had in the first version of the interface.
    const FIRST: usize;
}

/// No struct is larger.
const MOST: usize = 4096;

/// Checks a struct's size as its caller has it.
pub(crate) fn check<S: Versioned>(size: usize) -> Result<()> {
    if (S::FIRST..=MOST).contains(&size) {
        return Ok(());
    }
    let (name, first) = (S::NAME, S::FIRST);
    let text = format!("{name} says that its size is {size}; expected at least {first}: sizeof({name})");
    refuse(TL_ERROR_STRUCT_SIZE, text)
}

/// The struct that the caller gave, the defaults for NULL. What an older caller does not know is as in the default; what a newer one knows
/// beyond this version must be zero.
///
/// # Safety
/// If `pointer` is not NULL, as many bytes can be read there as the first field says.
pub(crate) unsafe fn read<S: Versioned>(pointer: *const S) -> Result<S> {
    if pointer.is_null() {
        return Ok(S::default());
    }
    pointer::check(pointer, S::NAME)?;
    // SAFETY: not NULL and aligned; the caller promises the rest.
    let size = unsafe { pointer.cast::<usize>().read() };
    check::<S>(size)?;
    let known = size.min(size_of::<S>());
    // SAFETY: the caller promises that so many bytes are there.
    let beyond = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if beyond.iter().any(|&byte| byte != 0) {
        let text = format!("{} has options that this version of the library does not know", S::NAME);
        return refuse(TL_ERROR_STRUCT_SIZE, text);
    }
    let mut value = S::default();
    // SAFETY: both have as many bytes, they are not the same, and any bits are a value.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut value).cast(), known) };
    Ok(value)
}

/// Writes the defaults to a struct of this size as its caller has it: what this version does not know becomes zero.
///
/// # Safety
/// If `pointer` is not NULL, as many bytes as `size` says can be written there.
pub(crate) unsafe fn write<S: Versioned>(pointer: *mut S, size: usize) -> Result<()> {
    pointer::check(pointer, S::NAME)?;
    check::<S>(size)?;
    let value = S::default();
    let known = size.min(size_of::<S>());
    // SAFETY: the caller promises that so many bytes are there; they are not those of the local value.
    unsafe {
        pointer.cast::<u8>().write_bytes(0, size);
        std::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), pointer.cast(), known);
        pointer.cast::<usize>().write(size);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Grown {
        size: usize,
        old: usize,
        new: f64,
    }

    impl Default for Grown {
        fn default() -> Self {
            Grown { size: size_of::<Self>(), old: 1, new: 2.0 }
        }
    }

    // SAFETY: plain numbers, the first of them the size.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown";
        const FIRST: usize = 2 * size_of::<usize>();
    }

    #[test]
    fn older_and_newer_callers_are_understood() {
        let mut given = [16usize, 7, 0xDEAD, 0xBEEF];
        let from = |given: &[usize; 4]| {
            // SAFETY: all sizes below that pass are at most those of the array.
            unsafe { read(given.as_ptr().cast::<Grown>()) }.map_err(|f| f.status)
        };
        assert_eq!(from(&given), Ok(Grown { size: 16, old: 7, new: 2.0 }));
        given = [24, 7, 0.5f64.to_bits() as usize, 0xBEEF];
        assert_eq!(from(&given), Ok(Grown { size: 24, old: 7, new: 0.5 }));
        given[0] = 32;
        assert_eq!(from(&given), Err(TL_ERROR_STRUCT_SIZE));
        given[3] = 0;
        assert_eq!(from(&given), Ok(Grown { size: 32, old: 7, new: 0.5 }));
        for size in [0, 8, 15, MOST + 1, usize::MAX] {
            given[0] = size;
            assert_eq!(from(&given), Err(TL_ERROR_STRUCT_SIZE), "{size}");
        }
    }
}
