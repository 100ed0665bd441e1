//! Model files, other programs' files, and MNIST.

use std::io::Write;
use std::path::PathBuf;

use numpy::prelude::*;
use numpy::{PyArray1, PyReadonlyArray3};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use twolayer_atomic::AtomicFile;
use twolayer_idx::{DataSet, ErrorKind, Split};
use twolayer_interchange::{npz, onnx};
use twolayer_model::{AnyModel, Model};
use twolayer_pictures::{PreparedImage, Reader};

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
        Err(error) => match twolayer_interchange::read(name, content, None) {
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

/// An image of `side` x `side` pixels, and notes for the user.
type Prepared<'py> = (Bound<'py, PyAny>, Vec<String>);

/// The picture in a file, as an image for a network.
#[pyfunction]
pub fn read_picture(py: Python<'_>, path: PathBuf, side: usize) -> PyResult<Prepared<'_>> {
    prepared(py, side, || Reader::new(side).read(&path))
}

/// A picture, of height x width x (luma, opacity), as an image for a network.
#[pyfunction]
pub fn prepare_picture<'py>(
    py: Python<'py>,
    picture: PyReadonlyArray3<'py, u8>,
    side: usize,
) -> PyResult<Prepared<'py>> {
    let size = |n: usize| u32::try_from(n).map_err(value_error);
    let size = (size(picture.shape()[1])?, size(picture.shape()[0])?);
    let bytes = picture.as_array().iter().copied().collect();
    prepared(py, side, || Reader::new(side).read_luma_alpha(bytes, size))
}

fn prepared(
    py: Python<'_>,
    side: usize,
    prepare: impl FnOnce() -> Result<PreparedImage, String> + Send,
) -> PyResult<Prepared<'_>> {
    let mut prepared = py.detach(prepare).map_err(value_error)?;
    prepared.keep_main();
    let digit = prepared.main();
    let pixels = PyArray1::from_slice(py, &digit.pixels).reshape([side, side])?;
    let notes = prepared.notes.iter().chain(&digit.doubts).cloned().collect();
    Ok((pixels.into_any(), notes))
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
        // Bytes, as in the notebook's arrays.
        let labels: Result<Vec<u8>, _> = split.labels().iter().map(|&label| u8::try_from(label)).collect();
        let labels = labels.map_err(|_| value_error(format!("{}: labels above 255", split.labels_name())))?;
        Ok((images, PyArray1::from_vec(py, labels)))
    };
    Ok((arrays(&set.train)?, arrays(&set.test)?))
}
