//! The two-layer network as a safetensors file.
//!
//! A model file holds four tensors of one type, `F32` or `F64`, row-major: `W1` of `[inputs, hidden]`, `b1` of
//! `[hidden]`, `W2` of `[hidden, classes]`, `b2` of `[classes]`; and this metadata, all of it text:
//!
//! | key | value |
//! |---|---|
//! | `format` | `twolayer` |
//! | `format_version` | `1`; `2` if there are an `activation` or tensors of a run |
//! | `activation` | in version 2: `sigmoid` or `relu`, the hidden layer's function; in version 1 it is the sigmoid |
//! | `shape` | inputs, hidden and classes, as in `784x50x10` |
//! | `input_scale` | `1/255`: what pixels were multiplied by before they became inputs |
//! | `train.NAME` | the training option `NAME` |
//!
//! A checkpoint holds besides, as lists of `F64` named `run.NAME`, what a training run needs to go on; it is a model like
//! any other to whoever only uses it.
//!
//! The same parameters and options give the same bytes, always. A file whose `format` is not `twolayer`, or that has
//! no metadata, is taken as another program's and read if it has the four tensors; its pixels are scaled by 1/255 too.
//!
//! Files are read with suspicion: whatever they hold, the end is a model or an [`Error`] that names the file, what was
//! found, what was expected and what to do. They are written whole or not at all.
//!
//! ```
//! use twolayer_core::{Parameters, Shape};
//! use twolayer_model::{AnyModel, Model};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.safetensors");
//! let mut model = Model::new(Parameters::<f32>::zeros(Shape::new(784, 50, 10)?));
//! model.options.insert("seed".to_owned(), "0".to_owned());
//! model.save(&path)?;
//!
//! match AnyModel::load(&path)? {
//!     AnyModel::F32(read) => assert_eq!(read, model),
//!     AnyModel::F64(_) => unreachable!("an f32 model was saved"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decode;
mod encode;
mod error;
mod message;
mod model;
mod precision;
mod replace;

pub use error::{Error, ErrorKind, Result};
pub use model::{AnyModel, FORMAT_VERSIONS, INPUT_SCALE, Model};
