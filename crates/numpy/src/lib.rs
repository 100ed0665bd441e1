//! Bounded reader and writer of NumPy's arrays: `.npy`, and `.npz`, a ZIP archive with a `.npy` file for each.
//!
//! Headers are not trusted: sizes are checked for overflow and against the data, and archives against what deflate can
//! unpack to, and can be read before the data. Errors complete the sentence "the array ...".
//!
//! ```
//! use twolayer_numpy::{Archive, Type, header, write};
//!
//! let x = [header(Type::F32, &[2]), [1.0f32, 2.0].map(f32::to_le_bytes).concat()].concat();
//! let file = write(&[("x", x)])?;
//! let array = Archive::new(std::io::Cursor::new(file))?.array("x")?;
//! assert_eq!((array.kind, array.sizes), (Type::F32, vec![2]));
//! # Ok::<(), String>(())
//! ```

mod array;
mod element_type;
mod npy;
mod npz;

pub use array::Array;
pub use element_type::Type;
pub use npy::{Header, header, of_text};
pub use npz::{Archive, write};
