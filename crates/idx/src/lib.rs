//! Bounded reader and writer of IDX, the format in which MNIST and its relatives are distributed.
//!
//! An IDX file is two zero bytes, a byte for the element type, a byte for the number of dimensions, a big-endian
//! 32-bit size for each, and the elements, big-endian, in row-major order. [`Idx`] reads and writes all six element
//! types and 1 to 255 dimensions, raw or gzip, which it detects by the first bytes. [`DataSet`] finds the four files
//! of a set of labelled images in a folder, checks that they belong together, and turns images of any element type into
//! grey bytes and labels into class indices.
//!
//! Headers are not trusted: products of sizes are checked for overflow and limited to what the file or gzip stream
//! can hold; where that is unknown, memory grows with the data actually read. Any input gives data or an [`Error`] that
//! says which file and offset are wrong, what was found, what was expected and what to do.
//!
//! ```no_run
//! let set = twolayer_idx::DataSet::load("mnist")?;
//! set.check_labels(10)?;
//! println!("{} images of {} x {}", set.train.rows(), set.train.height(), set.train.width());
//! # Ok::<(), twolayer_idx::Error>(())
//! ```

mod bytes;
mod dataset;
mod element;
mod error;
mod find;
mod gunzip;
mod header;
mod idx;
mod input;
mod labels;
mod message;
mod pixels;
mod write;

pub use bytes::Bytes;
pub use dataset::{DataSet, Split, save_set};
pub use element::{Data, Element, ElementType};
pub use error::{Error, ErrorKind, Place, Result};
pub use find::Part;
pub use idx::Idx;
pub use write::Packing;
