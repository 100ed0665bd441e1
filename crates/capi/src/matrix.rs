//! Matrices as the caller describes them.

use std::borrow::Cow;
use std::ffi::c_void;

use twolayer_core::{Float, MatMut, MatRef, MemoryEstimate, Rows};

use crate::memory;
use crate::pointer::{In, Out, Span};
use crate::status::{Result, TL_ERROR_LENGTH, TL_ERROR_TYPE, refuse, tl_status};

pub type tl_type = i32;
pub const TL_U8: tl_type = 8;
pub const TL_I8: tl_type = 9;
pub const TL_I16: tl_type = 11;
pub const TL_I32: tl_type = 12;
pub const TL_F32: tl_type = 13;
pub const TL_F64: tl_type = 14;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix {
    pub data: *const c_void,
    pub r#type: tl_type,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_out {
    pub data: *mut c_void,
    pub r#type: tl_type,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
}

/// An element type of the interface.
pub(crate) trait Element: Copy + 'static {
    const TYPE: tl_type;
    const TYPE_NAME: &'static str;
}

macro_rules! elements {
    ($($t:ty, $number:ident;)*) => { $(impl Element for $t {
        const TYPE: tl_type = $number;
        const TYPE_NAME: &'static str = stringify!($number);
    })* };
}
elements! { u8, TL_U8; i8, TL_I8; i16, TL_I16; i32, TL_I32; f32, TL_F32; f64, TL_F64; }

/// An element type of networks.
pub(crate) trait Precision: Float + Element {}

impl<T: Float + Element> Precision for T {}

#[inline(never)]
pub(crate) fn wrong_type<T>(name: &str, found: tl_type, expected: &str) -> Result<T> {
    refuse(TL_ERROR_TYPE, format!("{name} has the type {found}; expected {expected}"))
}

/// An error unless a matrix has these dimensions.
#[inline(never)]
fn check_dims(name: &str, (rows, cols): (usize, usize), (r, c): (usize, usize)) -> Result<()> {
    match (rows, cols) == (r, c) {
        true => Ok(()),
        false => refuse(TL_ERROR_LENGTH, format!("{name} is {rows} x {cols}; expected {r} x {c}")),
    }
}

/// The number of elements from the first to the last.
#[inline(never)]
fn extent(name: &str, dims: (usize, usize), (row_stride, col_stride): (usize, usize)) -> Result<usize> {
    if dims.0 == 0 || dims.1 == 0 {
        return Ok(0);
    }
    let (down, across) = ((dims.0 - 1).checked_mul(row_stride), (dims.1 - 1).checked_mul(col_stride));
    let last = down.zip(across).and_then(|(down, across)| down.checked_add(across)?.checked_add(1));
    last.map_or_else(|| refuse(TL_ERROR_LENGTH, format!("{name} has more elements than the address space holds")), Ok)
}

impl tl_matrix {
    fn buffer<E: Element>(self, name: &'static str) -> Result<In<E>> {
        if self.r#type != E::TYPE {
            return wrong_type(name, self.r#type, E::TYPE_NAME);
        }
        let length = extent(name, (self.rows, self.cols), (self.row_stride, self.col_stride))?;
        Ok(In(self.data.cast(), length, name))
    }

    /// A view of the matrix, and its memory.
    ///
    /// # Safety
    /// As [`In::slice`].
    pub(crate) unsafe fn view<'a, T: Precision>(self, name: &'static str) -> Result<(MatRef<'a, T>, Span)> {
        let buffer = self.buffer(name)?;
        // SAFETY: as of this function.
        let slice = unsafe { buffer.slice() }?;
        let view = MatRef::with_strides(slice, self.rows, self.cols, self.row_stride, self.col_stride)?;
        Ok((view, buffer.span()?))
    }

    /// The elements, row by row: the caller's own where they are contiguous and need no conversion.
    ///
    /// # Safety
    /// As [`In::slice`].
    unsafe fn list<'a, E: Element, T: Copy>(
        self,
        name: &'static str,
        as_is: impl Fn(&'a [E]) -> Option<&'a [T]>,
        convert: impl Fn(E) -> T,
    ) -> Result<(Cow<'a, [T]>, Span)> {
        let buffer = self.buffer::<E>(name)?;
        // SAFETY: as of this function.
        let (slice, span) = (unsafe { buffer.slice() }?, buffer.span()?);
        let count = self.rows.saturating_mul(self.cols);
        let is_contiguous =
            (self.col_stride == 1 || self.cols == 1) && (self.row_stride == self.cols || self.rows == 1);
        if let Some(list) = as_is(slice).filter(|_| is_contiguous) {
            return Ok((Cow::Borrowed(list), span));
        }
        memory::check(MemoryEstimate::default().elements(count, size_of::<T>()), 1)?;
        let at = |r: usize, c: usize| convert(slice[r * self.row_stride + c * self.col_stride]);
        let list = (0..self.rows).flat_map(|r| (0..self.cols).map(move |c| (r, c))).map(|(r, c)| at(r, c));
        Ok((Cow::Owned(list.collect()), span))
    }

    /// The floats, row by row, as the network's type.
    ///
    /// # Safety
    /// As [`In::slice`].
    pub(crate) unsafe fn floats<'a, T: Precision>(self, name: &'static str) -> Result<(Cow<'a, [T]>, Span)> {
        // SAFETY: as of this function.
        unsafe {
            match self.r#type {
                found if found == T::TYPE => self.list::<T, T>(name, Some, |x| x),
                TL_F32 => self.list(name, |_| None, |x: f32| T::from_f64(x.into())),
                TL_F64 => self.list(name, |_| None, |x: f64| T::from_f64(x)),
                found => wrong_type(name, found, "TL_F32 or TL_F64"),
            }
        }
    }
}

/// The rows of a call, as the core takes them.
pub(crate) enum Inputs<'a, T: Float> {
    Pixels(Cow<'a, [u8]>),
    Floats(Cow<'a, [T]>),
}

impl<T: Precision> Inputs<'_, T> {
    /// # Safety
    /// As [`In::slice`].
    pub unsafe fn new(x: tl_matrix, inputs: usize) -> Result<(Self, Span)> {
        check_dims("x", (x.rows, x.cols), (x.rows, inputs))?;
        // SAFETY: as of this function.
        unsafe {
            match x.r#type {
                TL_U8 => x.list::<u8, u8>("x", Some, |x| x).map(|(list, span)| (Inputs::Pixels(list), span)),
                TL_F32 | TL_F64 => x.floats("x").map(|(list, span)| (Inputs::Floats(list), span)),
                found => wrong_type("x", found, "TL_U8, TL_F32 or TL_F64"),
            }
        }
    }

    pub fn rows(&self) -> Rows<'_, T> {
        match self {
            Inputs::Pixels(x) => Rows::Pixels(x),
            Inputs::Floats(x) => Rows::Floats(x),
        }
    }
}

impl tl_matrix_out {
    pub(crate) fn buffer<E: Element>(self, name: &'static str) -> Result<Out<E>> {
        if self.r#type != E::TYPE {
            return wrong_type(name, self.r#type, E::TYPE_NAME);
        }
        Ok(Out(self.data.cast(), extent(name, (self.rows, self.cols), (self.row_stride, 1))?, name))
    }

    /// The matrix, to be written, if it overlaps none of the others.
    ///
    /// # Safety
    /// As [`Out::slice`].
    pub(crate) unsafe fn view<'a, T: Precision>(self, name: &'static str, others: &[Span]) -> Result<MatMut<'a, T>> {
        // SAFETY: as of this function.
        let slice = unsafe { self.buffer(name)?.slice(others) }?;
        Ok(MatMut::with_stride(slice, self.rows, self.cols, self.row_stride)?)
    }
}

/// Where results go, in the caller's type.
pub(crate) enum Target<'a> {
    F32(MatMut<'a, f32>),
    F64(MatMut<'a, f64>),
}

impl Target<'_> {
    /// The caller's matrix, which must have these dimensions.
    ///
    /// # Safety
    /// As [`Out::slice`].
    pub unsafe fn new(to: tl_matrix_out, name: &'static str, dims: (usize, usize), others: &[Span]) -> Result<Self> {
        check_dims(name, (to.rows, to.cols), dims)?;
        // SAFETY: as of this function.
        unsafe {
            match to.r#type {
                TL_F32 => to.view(name, others).map(Target::F32),
                TL_F64 => to.view(name, others).map(Target::F64),
                found => wrong_type(name, found, "TL_F32 or TL_F64"),
            }
        }
    }

    /// Stores the elements, row by row.
    pub fn store<T: Float>(self, from: &[T]) {
        match self {
            Target::F32(to) => store(to, from, |x| x.to_f64() as f32),
            Target::F64(to) => store(to, from, T::to_f64),
        }
    }
}

fn store<T: Copy, E: twolayer_core::Element>(mut to: MatMut<'_, E>, from: &[T], convert: impl Fn(T) -> E) {
    for (r, row) in from.chunks(to.cols().max(1)).enumerate() {
        to.row_mut(r).iter_mut().zip(row).for_each(|(to, &from)| *to = convert(from));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_labels_from_u8(bytes: *const u8, count: usize, labels: *mut u32) -> tl_status {
    call!({
        let bytes = In(bytes, count, "bytes");
        let labels = Out(labels, count, "labels").slice(&[bytes.span()?])?;
        labels.iter_mut().zip(bytes.slice()?).for_each(|(label, &byte)| *label = byte.into());
        Ok(())
    })
}
