//! The element types.

use std::fmt;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A byte, 0 or 1.
    Bool,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Type {
    /// All types with NumPy's short name, and its name.
    pub(crate) const NAMES: [(Type, &'static str, &'static str); 12] = [
        (Type::Bool, "b1", "bool"),
        (Type::I8, "i1", "int8"),
        (Type::I16, "i2", "int16"),
        (Type::I32, "i4", "int32"),
        (Type::I64, "i8", "int64"),
        (Type::U8, "u1", "uint8"),
        (Type::U16, "u2", "uint16"),
        (Type::U32, "u4", "uint32"),
        (Type::U64, "u8", "uint64"),
        (Type::F16, "f2", "float16"),
        (Type::F32, "f4", "float32"),
        (Type::F64, "f8", "float64"),
    ];

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Type::Bool | Type::I8 | Type::U8 => 1,
            Type::I16 | Type::U16 | Type::F16 => 2,
            Type::I32 | Type::U32 | Type::F32 => 4,
            Type::I64 | Type::U64 | Type::F64 => 8,
        }
    }
}

impl fmt::Display for Type {
    /// NumPy's name, such as `float32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Type::NAMES.iter().find(|(kind, ..)| kind == self).map_or("", |(.., name)| name);
        f.write_str(name)
    }
}
