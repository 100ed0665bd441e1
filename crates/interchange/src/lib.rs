//! The two-layer network in other programs' files.
//!
//! | written | for | by |
//! |---|---|---|
//! | `.npz` | NumPy, under the notebook's names | [`npz::write`] |
//! | `.onnx` | ONNX Runtime and its kin | [`onnx::write`] |
//! | `.h` | C and C++: weights and a predict function, without dependencies | [`c::write`] |
//!
//! [`load`] reads `.npz` and PyTorch's layers as safetensors. Files are read with suspicion: whatever they hold, the end
//! is a model or an [`Error`] that names the file, what was found, what was expected and what to do.
//!
//! ```
//! use twolayer_core::{Parameters, Shape};
//! use twolayer_interchange::{Source, npz, read};
//! use twolayer_model::{AnyModel, Model};
//!
//! let model = Model::new(Parameters::<f32>::zeros(Shape::new(784, 50, 10)?));
//! let (source, read) = read("weights.npz", &npz::write(&model.parameters, model.activation)?)?;
//! assert_eq!((source, read), (Source::Npz, AnyModel::F32(model)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod c;
mod error;
mod npy;
pub mod npz;
pub mod onnx;
mod source;
mod tensor;
mod torch;

pub use error::{Error, Result};
pub use source::{Source, load, read};

use twolayer_core::{Float, Parameter, Parameters};

/// A parameter's numbers row by row, little-endian, in their own precision.
fn bytes<T: Float>(parameters: &Parameters<T>, parameter: Parameter) -> Vec<u8> {
    let numbers = parameters.get(parameter).to_vec();
    let single = size_of::<T>() == 4;
    let mut bytes = Vec::with_capacity(numbers.len() * size_of::<T>());
    for number in numbers.into_iter().map(T::to_f64) {
        match single {
            true => bytes.extend((number as f32).to_le_bytes()),
            false => bytes.extend(number.to_le_bytes()),
        }
    }
    bytes
}

/// A parameter's sizes; a bias has one.
fn sizes<T: Float>(parameters: &Parameters<T>, parameter: Parameter) -> Vec<usize> {
    let (rows, columns) = parameter.dims(parameters.shape());
    match parameter {
        Parameter::W1 | Parameter::W2 => vec![rows, columns],
        Parameter::B1 | Parameter::B2 => vec![columns],
    }
}
