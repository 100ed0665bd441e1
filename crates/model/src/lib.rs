//! The two-layer network as a safetensors file.
//!
//! A model file holds four tensors of one type, `F32` or `F64`, row-major: `W1` of `[inputs, hidden]`, `b1` of
//! `[hidden]`, `W2` of `[hidden, classes]`, `b2` of `[classes]`; and this metadata, as text:
//!
//! | key | value |
//! |---|---|
//! | `format` | `twolayer` |
//! | `format_version` | `1`; `2` with an `activation` or a run's state |
//! | `activation` | in version 2: `sigmoid` or `relu`; in version 1 it is the sigmoid |
//! | `shape` | inputs, hidden and classes, as in `784x50x10` |
//! | `input_scale` | `1/255`: the factor between pixels and inputs |
//! | `train.NAME` | the training option `NAME`; `train.paper` is `light` if the images were dark ink on light paper, and absent otherwise and in older files |
//!
//! A checkpoint also holds the state of its training run, as lists of `F64` named `run.NAME`; otherwise it is a model
//! like any other.
//!
//! The same parameters and options give the same bytes. A file without metadata, or whose `format` is not `twolayer`,
//! is another program's; it is read if it has the four tensors, and its pixels are scaled by 1/255 too.
//!
//! Any file, however damaged, gives a model or an [`Error`] that names the file and says what was found, what was
//! expected and what to do. Files are written atomically.
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
mod file;
mod format;
mod kind;
mod model;
mod precision;

pub use error::{Error, ErrorKind, Result};
pub use format::{FORMAT_VERSIONS, INPUT_SCALE};
pub use kind::FileKind;
pub use model::{AnyModel, Model};
