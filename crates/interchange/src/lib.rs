//! The two-layer network in other programs' files.
//!
//! | written | for | by |
//! |---|---|---|
//! | `.npz` | NumPy, under the notebook's names | [`npz::write`] |
//! | `.onnx` | ONNX Runtime and others | [`onnx::write`] |
//! | `.h` | C and C++: weights and a predict function, without dependencies | [`c::write`] |
//! | `.html` | browsers: a page to draw on, which shows what the network makes of it | [`html::write`] |
//!
//! [`load`] reads `.npz` and PyTorch's layers as safetensors. Any file, however damaged,
//! gives a model or an [`Error`] that names the file, what was found, what was expected and what to do.
//!
//! ```
//! use twolayer_core::{Parameters, Shape};
//! use twolayer_interchange::{Source, npz, read};
//! use twolayer_model::{AnyModel, Model};
//!
//! let model = Model::new(Parameters::<f32>::zeros(Shape::new(784, 50, 10)?));
//! let (source, read) = read("weights.npz", &npz::write(&model.parameters, model.activation)?, None)?;
//! assert_eq!((source, read), (Source::Npz { names_activation: false }, AnyModel::F32(model)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod c;
mod error;
pub mod html;
pub mod npz;
pub mod onnx;
mod source;
mod tensor;
mod torch;

pub use error::{Error, Result};
pub use source::{Source, from_reader, load, read};
