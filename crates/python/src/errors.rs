//! Errors of the core as Python's exceptions.

use pyo3::exceptions::{PyFloatingPointError, PyIndexError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use twolayer_core::Error;

/// The exception that NumPy's users expect for an error of the core.
pub fn of_core(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Diverged { .. } => PyFloatingPointError::new_err(text),
        Error::Label { .. } | Error::Sample { .. } => PyIndexError::new_err(text),
        Error::Thread { .. } => PyRuntimeError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}
