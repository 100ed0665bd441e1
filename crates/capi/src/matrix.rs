//! Matrices as the caller describes them.

use std::borrow::Cow;
use std::ffi::c_void;

use twolayer_core::{Float, MatMut, MatRef, MemoryEstimate, Rows};

use crate::*;

constants! { tl_type { TL_U8 = 8, TL_I8 = 9, TL_I16 = 11, TL_I32 = 12, TL_F32 = 13, TL_F64 = 14 } }

/// Only a caller of the interface makes one, and promises readable memory for all elements, as of `In`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix {
    data: *const c_void,
    r#type: tl_type,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// As [`tl_matrix`], with writable memory, as of `Out`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_out {
    data: *mut c_void,
    r#type: tl_type,
    rows: usize,
    cols: usize,
    row_stride: usize,
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

#[cold]
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

/// The number of elements from the first to the last; more than any buffer has where that overflows.
fn extent((rows, cols): (usize, usize), (row_stride, col_stride): (usize, usize)) -> usize {
    let (Some(r), Some(c)) = (rows.checked_sub(1), cols.checked_sub(1)) else { return 0 };
    let last = r.checked_mul(row_stride).zip(c.checked_mul(col_stride));
    last.and_then(|(down, across)| down.checked_add(across)?.checked_add(1)).unwrap_or(usize::MAX)
}

impl tl_matrix {
    pub fn rows(self) -> usize {
        self.rows
    }

    fn buffer<E: Element>(self, name: &'static str) -> Result<In<E>> {
        if self.r#type != E::TYPE {
            return wrong_type(name, self.r#type, E::TYPE_NAME);
        }
        let length = extent((self.rows, self.cols), (self.row_stride, self.col_stride));
        // SAFETY: the promise of the type.
        Ok(unsafe { In::new(self.data.cast(), length, name) })
    }

    /// A view of the matrix, and its memory.
    pub(crate) fn view<'a, T: Precision>(self, name: &'static str) -> Result<(MatRef<'a, T>, Span)> {
        let buffer = self.buffer(name)?;
        let view = MatRef::with_strides(buffer.slice()?, self.rows, self.cols, self.row_stride, self.col_stride)?;
        Ok((view, buffer.span()?))
    }

    /// The elements, row by row: the caller's own where they are contiguous and need no conversion.
    fn list<'a, E: Element, T: Copy>(
        self,
        name: &'static str,
        as_is: impl Fn(&'a [E]) -> Option<&'a [T]>,
        convert: impl Fn(E) -> T,
    ) -> Result<(Cow<'a, [T]>, Span)> {
        let buffer = self.buffer::<E>(name)?;
        let (slice, span) = (buffer.slice()?, buffer.span()?);
        let (row_gaps, gaps) = (self.row_stride != self.cols && self.rows > 1, self.col_stride != 1 && self.cols > 1);
        if let Some(list) = as_is(slice).filter(|_| !row_gaps && !gaps) {
            return Ok((Cow::Borrowed(list), span));
        }
        let count = self.rows.saturating_mul(self.cols);
        memory::check(MemoryEstimate::default().elements(count, size_of::<T>()), 1)?;
        let mut list = Vec::with_capacity(count);
        for r in 0..self.rows {
            list.extend((0..self.cols).map(|c| convert(slice[r * self.row_stride + c * self.col_stride])));
        }
        Ok((Cow::Owned(list), span))
    }

    /// The floats, row by row, as the network's type, of a matrix of these dimensions.
    pub(crate) fn floats<'a, T: Precision>(
        self,
        name: &'static str,
        dims: (usize, usize),
    ) -> Result<(Cow<'a, [T]>, Span)> {
        check_dims(name, (self.rows, self.cols), dims)?;
        match self.r#type {
            found if found == T::TYPE => self.list::<T, T>(name, Some, |x| x),
            TL_F32 => self.list(name, |_| None, |x: f32| T::from_f64(x.into())),
            TL_F64 => self.list(name, |_| None, |x: f64| T::from_f64(x)),
            found => wrong_type(name, found, "TL_F32 or TL_F64"),
        }
    }
}

/// The rows of a call, as the core takes them.
pub(crate) enum Inputs<'a, T: Float> {
    Pixels(Cow<'a, [u8]>),
    Floats(Cow<'a, [T]>),
}

impl<T: Precision> Inputs<'_, T> {
    pub fn new(x: tl_matrix, inputs: usize) -> Result<(Self, Span)> {
        let dims = (x.rows, inputs);
        if x.r#type != TL_U8 {
            return x.floats("x", dims).map(|(list, span)| (Inputs::Floats(list), span));
        }
        check_dims("x", (x.rows, x.cols), dims)?;
        x.list::<u8, u8>("x", Some, |x| x).map(|(list, span)| (Inputs::Pixels(list), span))
    }

    pub fn rows(&self) -> Rows<'_, T> {
        match self {
            Inputs::Pixels(x) => Rows::Pixels(x),
            Inputs::Floats(x) => Rows::Floats(x),
        }
    }
}

impl tl_matrix_out {
    pub fn r#type(self) -> tl_type {
        self.r#type
    }

    pub(crate) fn buffer<E: Element>(self, name: &'static str) -> Result<Out<E>> {
        if self.r#type != E::TYPE {
            return wrong_type(name, self.r#type, E::TYPE_NAME);
        }
        let length = extent((self.rows, self.cols), (self.row_stride, 1));
        // SAFETY: the promise of the type.
        Ok(unsafe { Out::new(self.data.cast(), length, name) })
    }

    /// The elements of a matrix without gaps.
    pub(crate) fn contiguous<'a, E: Element>(self, name: &'static str) -> Result<&'a mut [E]> {
        if self.row_stride != self.cols && self.rows > 1 {
            return refuse(TL_ERROR_LENGTH, format!("{name} has gaps; give a matrix whose row_stride is its cols"));
        }
        self.buffer::<E>(name)?.slice(&[])
    }

    /// The matrix, to be written, if it overlaps none of the others.
    pub(crate) fn view<'a, T: Precision>(self, name: &'static str, others: &[Span]) -> Result<MatMut<'a, T>> {
        Ok(MatMut::with_stride(self.buffer(name)?.slice(others)?, self.rows, self.cols, self.row_stride)?)
    }
}

/// Where results go, in the caller's type.
pub(crate) enum Target<'a> {
    F32(MatMut<'a, f32>),
    F64(MatMut<'a, f64>),
}

impl Target<'_> {
    /// The caller's matrix, which must have these dimensions and overlap none of the others.
    pub fn new(to: tl_matrix_out, name: &'static str, dims: (usize, usize), others: &[Span]) -> Result<Self> {
        check_dims(name, (to.rows, to.cols), dims)?;
        match to.r#type {
            TL_F32 => to.view(name, others).map(Target::F32),
            TL_F64 => to.view(name, others).map(Target::F64),
            found => wrong_type(name, found, "TL_F32 or TL_F64"),
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

functions! {
    fn tl_labels_from_u8(bytes: *const u8, count: usize, labels: *mut u32) {
        let bytes = In::new(bytes, count, "bytes");
        let labels = Out::new(labels, count, "labels").slice(&[bytes.span()?])?;
        labels.iter_mut().zip(bytes.slice()?).for_each(|(label, &byte)| *label = byte.into());
        Ok(())
    }
}
