//! Structs that begin with their size, so that they can grow: a caller built with an older header passes a shorter one,
//! and the fields that it lacks have their defaults.

use crate::*;

/// A struct of the interface that begins with `size: usize`.
///
/// # Safety
/// `#[repr(C)]`, begins with its size, and any bits are a value of it.
pub(crate) unsafe trait Versioned: Copy + Default {
    const NAME: &'static str;
    /// The size it had in the first version of the interface.
    const FIRST: usize;
}

/// Checks a pointer to a struct, and its size as its caller has it; gives the bytes of it that are known.
fn check<S: Versioned>(pointer: *const S, size: impl FnOnce() -> usize) -> Result<(usize, usize)> {
    pointer::check(pointer, S::NAME)?;
    let (size, name, first) = (size(), S::NAME, S::FIRST);
    if (first..=4096).contains(&size) {
        return Ok((size, size.min(size_of::<S>())));
    }
    let text = format!("{name} says that its size is {size}; expected at least {first}: sizeof({name})");
    refuse(TL_ERROR_STRUCT_SIZE, text)
}

/// The struct that the caller gave, or the defaults for NULL. What this version does not know must be zero.
pub(crate) unsafe fn read<S: Versioned>(pointer: *const S) -> Result<S> {
    let mut value = S::default();
    if pointer.is_null() {
        return Ok(value);
    }
    // SAFETY: not NULL and aligned, when it is called; the caller promises the rest.
    let (size, known) = check(pointer, || unsafe { pointer.cast::<usize>().read() })?;
    // SAFETY: the caller promises that so many bytes are there.
    let bytes = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) };
    if bytes[known..].iter().any(|&byte| byte != 0) {
        let text = format!("{} has options that this version of the library does not know", S::NAME);
        return refuse(TL_ERROR_STRUCT_SIZE, text);
    }
    // SAFETY: both have as many bytes, they are not the same, and any bits are a value.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut value).cast(), known) };
    Ok(value)
}

/// Writes to a struct of this size as its caller has it: what this version does not know becomes zero.
pub(crate) unsafe fn write<S: Versioned>(pointer: *mut S, size: usize, value: &S) -> Result<()> {
    let (size, known) = check(pointer.cast_const(), || size)?;
    // SAFETY: the caller promises that so many bytes are there; they are not those of the local value.
    unsafe {
        pointer.cast::<u8>().write_bytes(0, size);
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), pointer.cast(), known);
        pointer.cast::<usize>().write(size);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Its first version had no `new`.
    options! { grown { old: usize = 1, new: f64 = 2.0 } first: old: usize }

    #[test]
    fn older_and_newer_callers_are_understood() {
        let from = |given: &[usize; 4]| {
            // SAFETY: all sizes below that pass are at most those of the array.
            unsafe { read(given.as_ptr().cast::<grown>()) }.map(|g| (g.old, g.new)).map_err(|f| f.status)
        };
        let half = 0.5f64.to_bits() as usize;
        assert_eq!(from(&[16, 7, 0xDEAD, 0xBEEF]), Ok((7, 2.0)));
        assert_eq!(from(&[24, 7, half, 0xBEEF]), Ok((7, 0.5)));
        assert_eq!(from(&[32, 7, half, 0xBEEF]), Err(TL_ERROR_STRUCT_SIZE));
        assert_eq!(from(&[32, 7, half, 0]), Ok((7, 0.5)));
        for size in [0, 8, 15, 4097, usize::MAX] {
            assert_eq!(from(&[size, 7, half, 0]), Err(TL_ERROR_STRUCT_SIZE), "{size}");
        }
    }
}
