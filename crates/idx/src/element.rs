//! The six element types, and arrays of them.

use std::fmt;

use byteorder::{BigEndian, ByteOrder};

use crate::bytes::Bytes;

/// One of the six element types, numbered by the code that a file's third byte holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ElementType {
    /// Unsigned bytes, code 0x08: images and labels.
    U8 = 0x08,
    /// Signed bytes, code 0x09.
    I8 = 0x09,
    /// 16-bit integers, code 0x0B.
    I16 = 0x0B,
    /// 32-bit integers, code 0x0C.
    I32 = 0x0C,
    /// Single-precision floats, code 0x0D.
    F32 = 0x0D,
    /// Double-precision floats, code 0x0E.
    F64 = 0x0E,
}

impl ElementType {
    /// All six, by ascending code.
    pub const ALL: [ElementType; 6] =
        [ElementType::U8, ElementType::I8, ElementType::I16, ElementType::I32, ElementType::F32, ElementType::F64];

    /// The type of that code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.code() == code)
    }

    /// The code in the file's third byte.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The size of an element in bytes, in a file and in memory.
    pub fn size(self) -> usize {
        match self {
            ElementType::U8 | ElementType::I8 => 1,
            ElementType::I16 => 2,
            ElementType::I32 | ElementType::F32 => 4,
            ElementType::F64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    /// The type's name in Rust: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::U8 => "u8",
            ElementType::I8 => "i8",
            ElementType::I16 => "i16",
            ElementType::I32 => "i32",
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
        })
    }
}

/// The elements of an IDX file, in row-major order: the last index varies fastest.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Unsigned bytes.
    U8(Bytes),
    /// Signed bytes.
    I8(Vec<i8>),
    /// 16-bit integers.
    I16(Vec<i16>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Single-precision floats.
    F32(Vec<f32>),
    /// Double-precision floats.
    F64(Vec<f64>),
}

impl Data {
    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        match self {
            Data::U8(_) => ElementType::U8,
            Data::I8(_) => ElementType::I8,
            Data::I16(_) => ElementType::I16,
            Data::I32(_) => ElementType::I32,
            Data::F32(_) => ElementType::F32,
            Data::F64(_) => ElementType::F64,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::U8(v) => v.len(),
            Data::I8(v) => v.len(),
            Data::I16(v) => v.len(),
            Data::I32(v) => v.len(),
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, if they are of type `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::slice_of(self)
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Data::U8(bytes)
    }
}

impl<T: Element> From<Vec<T>> for Data {
    fn from(values: Vec<T>) -> Self {
        T::into_data(values)
    }
}

/// A Rust type that is one of the six element types: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`. Sealed.
pub trait Element: sealed::Codec {
    /// The element type in a file.
    const TYPE: ElementType;

    /// The elements of `data`, if they are of this type.
    fn slice_of(data: &Data) -> Option<&[Self]>;

    /// Wraps a vector of this type.
    fn into_data(values: Vec<Self>) -> Data;
}

pub(crate) mod sealed {
    /// Converts between elements and a file's big-endian bytes; `bytes.len()` is `values.len()` times the size
    /// of an element.
    pub trait Codec: Copy + Default + 'static {
        fn decode(bytes: &[u8], values: &mut [Self]);
        fn encode(values: &[Self], bytes: &mut [u8]);
    }
}

/// Implements an element type.
macro_rules! element {
    ($type:ty, $variant:ident, $decode:expr, $encode:expr) => {
        impl sealed::Codec for $type {
            fn decode(bytes: &[u8], values: &mut [Self]) {
                $decode(bytes, values)
            }

            fn encode(values: &[Self], bytes: &mut [u8]) {
                $encode(values, bytes)
            }
        }

        impl Element for $type {
            const TYPE: ElementType = ElementType::$variant;

            fn slice_of(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$variant(values) => Some(values),
                    _ => None,
                }
            }

            fn into_data(values: Vec<Self>) -> Data {
                Data::$variant(values.into())
            }
        }
    };
}

element!(u8, U8, copy, copy);
element!(i8, I8, signed, unsigned);
element!(i16, I16, BigEndian::read_i16_into, BigEndian::write_i16_into);
element!(i32, I32, BigEndian::read_i32_into, BigEndian::write_i32_into);
element!(f32, F32, BigEndian::read_f32_into, BigEndian::write_f32_into);
element!(f64, F64, BigEndian::read_f64_into, BigEndian::write_f64_into);

fn copy(from: &[u8], to: &mut [u8]) {
    to.copy_from_slice(from);
}

fn signed(bytes: &[u8], values: &mut [i8]) {
    for (value, byte) in values.iter_mut().zip(bytes) {
        *value = byte.cast_signed();
    }
}

fn unsigned(values: &[i8], bytes: &mut [u8]) {
    for (byte, value) in bytes.iter_mut().zip(values) {
        *byte = value.cast_unsigned();
    }
}
