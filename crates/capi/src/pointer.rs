//! Checks the caller's pointers and turns them into references.

use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::path::PathBuf;

use crate::status::{
    Result, TL_ERROR_FILE, TL_ERROR_LENGTH, TL_ERROR_MISALIGNED, TL_ERROR_NULL, TL_ERROR_OVERLAP, refuse,
};

// Out of line, here and where else errors are made, since every function has some: a program stays small.

/// Refuses NULL and pointers that are not aligned for `T`.
#[inline(never)]
pub(crate) fn check<T>(pointer: *const T, name: &str) -> Result<()> {
    if pointer.is_null() {
        return refuse(TL_ERROR_NULL, format!("{name} is NULL"));
    }
    if !pointer.is_aligned() {
        let text = format!("{name} is {pointer:p}, which is not aligned to {} bytes", align_of::<T>());
        return refuse(TL_ERROR_MISALIGNED, text);
    }
    Ok(())
}

/// An address range of the caller's memory.
#[derive(Clone)]
pub(crate) struct Span {
    bytes: Range<usize>,
    name: &'static str,
}

/// A buffer that is read: its start, length in elements, and name.
#[derive(Clone, Copy)]
pub(crate) struct In<T>(pub *const T, pub usize, pub &'static str);

/// A buffer that is written.
#[derive(Clone, Copy)]
pub(crate) struct Out<T>(pub *mut T, pub usize, pub &'static str);

impl<T> In<T> {
    #[inline(never)]
    pub fn span(&self) -> Result<Span> {
        let In(pointer, length, name) = *self;
        check(pointer, name)?;
        let bytes = length.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
        match bytes.and_then(|bytes| pointer.addr().checked_add(bytes)) {
            Some(end) => Ok(Span { bytes: pointer.addr()..end, name }),
            None => {
                let text = format!("{name} has {length} elements, more than the address space holds");
                refuse(TL_ERROR_LENGTH, text)
            }
        }
    }

    /// # Safety
    /// If it is not NULL, so many elements can be read there, and nobody writes to them meanwhile.
    pub unsafe fn slice<'a>(&self) -> Result<&'a [T]> {
        self.span()?;
        // SAFETY: not NULL, aligned, and no longer than the address space; the rest is the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts(self.0, self.1) })
    }
}

impl<T> Out<T> {
    pub fn span(&self) -> Result<Span> {
        In(self.0.cast_const(), self.1, self.2).span()
    }

    /// The buffer, if it overlaps none of the others.
    ///
    /// # Safety
    /// If it is not NULL, so many initialised elements are there, and nobody else reads or writes them meanwhile but
    /// through one of the others.
    #[inline(never)]
    pub unsafe fn slice<'a>(&self, others: &[Span]) -> Result<&'a mut [T]> {
        let mine = self.span()?;
        for other in others {
            if mine.bytes.start < other.bytes.end && other.bytes.start < mine.bytes.end {
                let text = format!("{} overlaps {}; give it memory of its own", mine.name, other.name);
                return refuse(TL_ERROR_OVERLAP, text);
            }
        }
        // SAFETY: not NULL, aligned, no longer than the address space, apart from what else this call uses; the rest is
        // the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0, self.1) })
    }
}

/// One value that is written.
pub(crate) fn one<T>(pointer: *mut T, name: &'static str) -> Out<T> {
    Out(pointer, 1, name)
}

/// A text that ends with a zero byte.
///
/// # Safety
/// If it is not NULL, it ends with a zero byte, and nobody writes to it meanwhile.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a CStr> {
    check(pointer, name)?;
    // SAFETY: not NULL; the rest is the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

/// A path: any bytes where the system's paths are bytes, UTF-8 elsewhere.
///
/// # Safety
/// As [`text`].
#[inline(never)]
pub(crate) unsafe fn path(pointer: *const c_char) -> Result<PathBuf> {
    // SAFETY: as of this function.
    let text = unsafe { text(pointer, "path") }?;
    if text.is_empty() {
        return refuse(TL_ERROR_FILE, "path is empty; give the name of a file");
    }
    #[cfg(unix)]
    let path = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text.to_bytes()).into();
    #[cfg(not(unix))]
    let path = text.to_str().or_else(|_| refuse(TL_ERROR_FILE, "path is not UTF-8"))?.into();
    Ok(path)
}
