//! Checks the caller's pointers and turns them into references.

use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::path::PathBuf;

use crate::status::{Failure, Result, tl_status};

/// Refuses NULL and pointers that are not aligned for `T`.
pub(crate) fn check<T>(pointer: *const T, name: &str) -> Result<()> {
    if pointer.is_null() {
        return Err(Failure::new(tl_status::NullPointer, format!("{name} is NULL")));
    }
    if !pointer.is_aligned() {
        let text = format!("{name} is {pointer:p}, which is not aligned to {} bytes", align_of::<T>());
        return Err(Failure::new(tl_status::Misaligned, text));
    }
    Ok(())
}

/// An address range of the caller's memory.
#[derive(Clone)]
pub(crate) struct Span {
    bytes: Range<usize>,
    name: &'static str,
}

fn span<T>(pointer: *const T, length: usize, name: &'static str) -> Result<Span> {
    check(pointer, name)?;
    let bytes = length.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
    let end = bytes.and_then(|bytes| pointer.addr().checked_add(bytes));
    match end {
        Some(end) => Ok(Span { bytes: pointer.addr()..end, name }),
        None => {
            let text = format!("{name} has a length of {length} elements, more than the address space holds");
            Err(Failure::new(tl_status::Length, text))
        }
    }
}

/// An input buffer: its start, length in elements, and name.
pub(crate) struct In<T>(pub *const T, pub usize, pub &'static str);

/// An output buffer.
pub(crate) struct Out<T>(pub *mut T, pub usize, pub &'static str);

impl<T> In<T> {
    pub fn span(&self) -> Result<Span> {
        span(self.0, self.1, self.2)
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
        span(self.0, self.1, self.2)
    }

    /// The buffer, if it overlaps none of the others.
    ///
    /// # Safety
    /// If it is not NULL, so many initialised elements are there, and nobody else reads or writes them meanwhile but
    /// through one of the others.
    pub unsafe fn slice<'a>(&self, others: &[Span]) -> Result<&'a mut [T]> {
        let mine = self.span()?;
        for other in others {
            if mine.bytes.start < other.bytes.end && other.bytes.start < mine.bytes.end {
                let text = format!("{} overlaps {}; give it memory of its own", mine.name, other.name);
                return Err(Failure::new(tl_status::Overlap, text));
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
pub(crate) unsafe fn path(pointer: *const c_char) -> Result<PathBuf> {
    // SAFETY: as of this function.
    let text = unsafe { text(pointer, "path") }?;
    if text.is_empty() {
        return Err(Failure::new(tl_status::File, "path is empty; give the name of a file"));
    }
    #[cfg(unix)]
    let path = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text.to_bytes()).into();
    #[cfg(not(unix))]
    let path = text.to_str().map_err(|_| Failure::new(tl_status::File, "path is not UTF-8"))?.into();
    Ok(path)
}

/// Copies a text and its zero byte to the caller's buffer.
///
/// # Safety
/// As [`Out::slice`].
pub(crate) unsafe fn write_text(text: &str, buffer: Out<c_char>) -> Result<()> {
    // SAFETY: as of this function.
    let to = unsafe { buffer.slice(&[]) }?;
    if to.len() <= text.len() {
        let (name, length, needed) = (buffer.2, to.len(), text.len() + 1);
        let text = format!("{name} has room for {length} characters; {needed} are needed, with the zero at the end");
        return Err(Failure::new(tl_status::Length, text));
    }
    to.iter_mut().zip(text.bytes().chain([0])).for_each(|(to, byte)| *to = byte as c_char);
    Ok(())
}
