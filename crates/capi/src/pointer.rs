//! Checks the caller's pointers and turns them into references.
//!
//! Errors are made out of line: every function has some, and a program should stay small.

use std::ffi::{CStr, OsStr, c_char};
use std::ops::Range;
use std::path::PathBuf;

use crate::*;

/// Refuses NULL and pointers that are not aligned for `T`.
pub(crate) fn check<T>(pointer: *const T, name: &str) -> Result<()> {
    check_address(pointer.addr(), align_of::<T>(), name)
}

#[inline(never)]
fn check_address(address: usize, alignment: usize, name: &str) -> Result<()> {
    match address {
        0 => refuse(TL_ERROR_NULL, format!("{name} is NULL")),
        _ if address.is_multiple_of(alignment) => Ok(()),
        _ => refuse(TL_ERROR_MISALIGNED, format!("{name} is {address:#x}, which is not aligned to {alignment} bytes")),
    }
}

#[cold]
fn too_long<T>(length: usize, name: &str) -> Result<T> {
    refuse(TL_ERROR_LENGTH, format!("{name} has {length} elements, more than the address space holds"))
}

#[cold]
fn overlap<T>(name: &str, other: &str) -> Result<T> {
    refuse(TL_ERROR_OVERLAP, format!("{name} overlaps {other}; give it memory of its own"))
}

/// An address range of the caller's memory.
#[derive(Clone)]
pub(crate) struct Span(Range<usize>, &'static str);

/// A buffer that is read: its start, length in elements, and name. Who makes one knows that the caller promises so many
/// readable elements, which nobody writes to before the function returns.
#[derive(Clone, Copy)]
pub(crate) struct In<T>(*const T, pub usize, &'static str);

/// A buffer that is written: as [`In`], but nobody else may read or write it except through other arguments.
#[derive(Clone, Copy)]
pub(crate) struct Out<T>(*mut T, pub usize, &'static str);

impl<T> In<T> {
    pub unsafe fn new(pointer: *const T, length: usize, name: &'static str) -> Self {
        In(pointer, length, name)
    }

    pub fn span(&self) -> Result<Span> {
        let In(pointer, length, name) = *self;
        check(pointer, name)?;
        let bytes = length.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
        match bytes.and_then(|bytes| pointer.addr().checked_add(bytes)) {
            Some(end) => Ok(Span(pointer.addr()..end, name)),
            None => too_long(length, name),
        }
    }

    pub fn slice<'a>(&self) -> Result<&'a [T]> {
        self.span()?;
        // SAFETY: not NULL, aligned, and no longer than the address space; the rest is the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts(self.0, self.1) })
    }
}

impl<T> Out<T> {
    pub unsafe fn new(pointer: *mut T, length: usize, name: &'static str) -> Self {
        Out(pointer, length, name)
    }

    pub fn span(&self) -> Result<Span> {
        In(self.0.cast_const(), self.1, self.2).span()
    }

    /// The buffer, if it overlaps none of the others.
    pub fn slice<'a>(&self, others: &[Span]) -> Result<&'a mut [T]> {
        let Span(mine, name) = self.span()?;
        let mut others = others.iter();
        if let Some(Span(_, other)) = others.find(|Span(other, _)| mine.start < other.end && other.start < mine.end) {
            return overlap(name, other);
        }
        // SAFETY: not NULL, aligned, no longer than the address space, apart from what else this call uses; the rest is
        // the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0, self.1) })
    }
}

/// A text that ends with a zero byte.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a CStr> {
    check(pointer, name)?;
    // SAFETY: not NULL; the rest is the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

/// A path: any bytes where the system's paths are bytes, UTF-8 elsewhere.
#[inline(never)]
pub(crate) unsafe fn path(pointer: *const c_char) -> Result<PathBuf> {
    // SAFETY: as of this function.
    let text = unsafe { text(pointer, "path") }?;
    #[cfg(unix)]
    let path: Option<&OsStr> = Some(std::os::unix::ffi::OsStrExt::from_bytes(text.to_bytes()));
    #[cfg(not(unix))]
    let path: Option<&OsStr> = text.to_str().ok().map(OsStr::new);
    match path {
        Some(path) if !path.is_empty() => Ok(path.into()),
        _ => refuse(TL_ERROR_FILE, "path is empty or not UTF-8; give the name of a file"),
    }
}
