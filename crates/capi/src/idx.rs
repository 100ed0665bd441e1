//! IDX files, read into the caller's buffers.

use std::ffi::c_char;

use twolayer_core::MemoryEstimate;
use twolayer_idx::{Element, Idx};

use crate::memory;
use crate::pointer::{self, Out, one};
use crate::status::{Failure, Result, tl_status};

/// The type of the elements of an IDX file, numbered as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum tl_element {
    /// Unsigned bytes: images and labels.
    U8 = 0x08,
    /// Signed bytes.
    I8 = 0x09,
    /// 16-bit integers.
    I16 = 0x0B,
    /// 32-bit integers.
    I32 = 0x0C,
    /// Single-precision numbers.
    F32 = 0x0D,
    /// Double-precision numbers.
    F64 = 0x0E,
}

/// The element type (one of `tl_element`) and the dimensions of an IDX file, raw or gzip. There
/// are 1 to 255 dimensions. If `sizes` is too short, the call fails with `TL_STATUS_LENGTH`, but
/// `element` and `dimensions` are written. The file holds as many elements as the product of the sizes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_info(
    path: *const c_char,
    element: *mut i32,
    dimensions: *mut usize,
    sizes: *mut usize,
    sizes_length: usize,
) -> tl_status {
    call!(info(path, (element, dimensions), Out(sizes, sizes_length, "sizes")))
}

/// Reads an IDX file of unsigned bytes, raw or gzip, into `elements`, whose length must be the product of the file's
/// sizes. If the file turns out to be damaged late, the content of `elements` is
/// unspecified.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_u8(path: *const c_char, elements: *mut u8, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

/// As `tl_idx_read_u8`, of signed bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_i8(path: *const c_char, elements: *mut i8, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

/// As `tl_idx_read_u8`, of 16-bit integers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_i16(path: *const c_char, elements: *mut i16, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

/// As `tl_idx_read_u8`, of 32-bit integers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_i32(path: *const c_char, elements: *mut i32, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

/// As `tl_idx_read_u8`, of single-precision numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_f32(path: *const c_char, elements: *mut f32, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

/// As `tl_idx_read_u8`, of double-precision numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_idx_read_f64(path: *const c_char, elements: *mut f64, elements_length: usize) -> tl_status {
    call!(read(path, Out(elements, elements_length, "elements")))
}

fn check_memory() -> Result<()> {
    memory::check(MemoryEstimate::default().elements(memory::READER, 1), 1)
}

unsafe fn info(path: *const c_char, (element, dimensions): (*mut i32, *mut usize), sizes: Out<usize>) -> Result<()> {
    let (element, dimensions) = (one(element, "element"), one(dimensions, "dimensions"));
    let spans = [element.span()?, dimensions.span()?];
    // SAFETY: as of this function.
    let (path, to) = unsafe { (pointer::path(path)?, sizes.slice(&spans)?) };
    // SAFETY: as of this function.
    let (element, dimensions) = unsafe { (element.slice(&spans[1..])?, dimensions.slice(&[])?) };
    check_memory()?;
    let (found, sizes) = Idx::peek(path)?;
    (element[0], dimensions[0]) = (i32::from(found.code()), sizes.len());
    match to.get_mut(..sizes.len()) {
        Some(to) => to.copy_from_slice(&sizes),
        None => {
            let text = format!("sizes has room for {}; the file has {} dimensions", to.len(), sizes.len());
            return Err(Failure::new(tl_status::Length, text));
        }
    }
    Ok(())
}

unsafe fn read<T: Element>(path: *const c_char, elements: Out<T>) -> Result<()> {
    // SAFETY: as of this function.
    let (path, elements) = unsafe { (pointer::path(path)?, elements.slice(&[])?) };
    check_memory()?;
    Idx::load_into(path, elements)?;
    Ok(())
}
