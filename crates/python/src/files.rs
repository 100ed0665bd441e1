//! Model files, other programs' files, and MNIST.

use std::io::Write;
use std::path::PathBuf;

use numpy::PyArray1;
use numpy::prelude::*;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use twolayer_atomic::AtomicFile;
use twolayer_idx::{DataSet, ErrorKind, Split};
use twolayer_interchange::{npz, onnx};
use twolayer_model::{AnyModel, Model};

use crate::arrays::Number;
use crate::network::{Network, Typed, dict_of};

fn value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The content of a file of that kind: `model`, `npz` or `onnx`.
#[pyfunction]
pub fn encode<'py>(py: Python<'py>, network: &Network, kind: &str) -> PyResult<Bound<'py, PyBytes>> {
    fn bytes<T: Number>(py: Python<'_>, net: &Typed<T>, kind: &str) -> PyResult<Vec<u8>> {
        let net = net.net(py);
        let mut model = Model::new(net.parameters.clone());
        model.activation = net.activation;
        match kind {
            "npz" => npz::write(&model.parameters, model.activation).map_err(value_error),
            "onnx" => onnx::write(&model).map_err(value_error),
            _ => model.to_bytes().map_err(value_error),
        }
    }
    Ok(PyBytes::new(py, &typed!(&network.0, net => bytes(py, net, kind))?))
}

/// Writes a file whole or not at all.
#[pyfunction]
pub fn write_file(py: Python<'_>, path: PathBuf, content: &[u8]) -> PyResult<()> {
    py.detach(|| AtomicFile::new(&path)?.write(|file| file.write_all(content)))?;
    Ok(())
}

/// The parameters, activation and element type of a model file, an npz file or PyTorch's layers.
#[pyfunction]
pub fn decode<'py>(py: Python<'py>, name: &str, content: &[u8]) -> PyResult<(Bound<'py, PyDict>, &'static str)> {
    let model = match AnyModel::from_slice(name, content) {
        Ok(model) => model,
        Err(error) => match twolayer_interchange::read(name, content) {
            Ok((_, model)) => model,
            // An npz file begins as a zip archive does; of anything else, the error is that of a model file.
            Err(other) if content.starts_with(b"PK") => return Err(value_error(other)),
            Err(_) => return Err(value_error(error)),
        },
    };
    let parameters = match &model {
        AnyModel::F32(model) => dict_of(py, &model.parameters)?,
        AnyModel::F64(model) => dict_of(py, &model.parameters)?,
    };
    Ok((parameters, model.activation().name()))
}

type Images<'py> = (Bound<'py, PyAny>, Bound<'py, PyArray1<u8>>);

/// The images, rows x height x width, and labels of the training and the test set in a folder.
#[pyfunction]
pub fn load_idx<'py>(py: Python<'py>, folder: PathBuf) -> PyResult<(Images<'py>, Images<'py>)> {
    let set = py.detach(|| DataSet::load(&folder)).map_err(|error| match error.kind() {
        ErrorKind::Io { .. } => PyOSError::new_err(error.to_string()),
        _ => value_error(error),
    })?;
    let arrays = |split: &Split| -> PyResult<Images<'py>> {
        let images = PyArray1::from_slice(py, split.images());
        let images = images.reshape([split.rows(), split.height(), split.width()])?.into_any();
        Ok((images, PyArray1::from_slice(py, split.labels())))
    };
    Ok((arrays(&set.train)?, arrays(&set.test)?))
}
