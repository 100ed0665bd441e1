//! The two types that a model's tensors can have.

use std::fmt;

use twolayer_core::Float;

/// The type of a model's numbers, in a file and in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    F32,
    F64,
}

impl Precision {
    /// The precision of a Rust type, `f32` or `f64`.
    pub fn of<T: Float>() -> Self {
        match size_of::<T>() {
            4 => Precision::F32,
            _ => Precision::F64,
        }
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }

    /// Appends the numbers of a file's little-endian bytes.
    pub fn decode<T: Float>(self, bytes: &[u8], numbers: &mut Vec<T>) {
        match self {
            Precision::F32 => {
                let (bytes, _) = bytes.as_chunks();
                let number = |&bytes| T::from_f64(f32::from_le_bytes(bytes).into());
                numbers.extend(bytes.iter().map(number));
            }
            Precision::F64 => {
                let (bytes, _) = bytes.as_chunks();
                let number = |&bytes| T::from_f64(f64::from_le_bytes(bytes));
                numbers.extend(bytes.iter().map(number));
            }
        }
    }

    /// Appends the file's little-endian bytes of numbers of this precision, exactly.
    pub fn encode<T: Float>(self, numbers: &[T], bytes: &mut Vec<u8>) {
        for number in numbers {
            match self {
                Precision::F32 => bytes.extend((number.to_f64() as f32).to_le_bytes()),
                Precision::F64 => bytes.extend(number.to_f64().to_le_bytes()),
            }
        }
    }
}

impl fmt::Display for Precision {
    /// The type's name in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "F32",
            Precision::F64 => "F64",
        })
    }
}
