//! Rows and labels from what Python passes: any array or nested list, checked and contiguous.

use numpy::prelude::*;
use numpy::{Element, PyArrayDescr, PyArrayDyn, PyUntypedArray};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use twolayer_core::{Float, Rows};

/// Elements of networks: `f32` and `f64`.
pub trait Number: Float + Element {}
impl Number for f32 {}
impl Number for f64 {}

/// Input rows, contiguous and aligned: pixels, or floats of the network's type.
pub struct InputRows<'py, T: Number> {
    values: Values<'py, T>,
    pub rows: usize,
    /// Whether `x` was one row without a dimension for rows.
    pub is_single: bool,
}

enum Values<'py, T: Number> {
    Pixels(Bound<'py, PyArrayDyn<u8>>),
    Floats(Bound<'py, PyArrayDyn<T>>),
}

impl<'py, T: Number> InputRows<'py, T> {
    /// The rows of `x`, converted only where necessary.
    pub fn new(x: &Bound<'py, PyAny>, inputs: usize) -> PyResult<Self> {
        let values = match (ready::<T>(x), ready::<u8>(x)) {
            (Some(floats), _) => Values::Floats(floats),
            (_, Some(pixels)) => Values::Pixels(pixels),
            _ => {
                let array = as_array(x)?;
                let dtype = array.dtype();
                match (dtype.kind(), dtype.itemsize()) {
                    (b'u', 1) => Values::Pixels(require(&array)?),
                    (b'f', 4 | 8) => Values::Floats(require(&array)?),
                    _ => {
                        return Err(PyTypeError::new_err(format!(
                            "x has dtype {dtype}; expected float64, float32 or uint8, whose 0 to 255 mean 0 to 1"
                        )));
                    }
                }
            }
        };
        let shape = match &values {
            Values::Pixels(x) => x.shape(),
            Values::Floats(x) => x.shape(),
        };
        let (rows, is_single) = match *shape {
            [n] if n == inputs => (1, true),
            [rows, n] if n == inputs => (rows, false),
            _ => {
                let found = tuple(shape);
                let what = format!("x has shape {found}; expected ({inputs},) or (rows, {inputs})");
                return Err(PyValueError::new_err(what));
            }
        };
        if rows == 0 {
            return Err(PyValueError::new_err(format!("x has shape (0, {inputs}); expected at least one row")));
        }
        Ok(InputRows { values, rows, is_single })
    }

    /// The rows as the core takes them.
    pub fn rows(&self) -> Rows<'_, T> {
        // SAFETY: `ready` and `require` give contiguous, aligned arrays. Nothing here writes to them. A call that has
        // released the interpreter's lock reads them while other threads could write, as NumPy's own functions do: it
        // then computes with old or new values, none of which is an index or a length.
        unsafe {
            match &self.values {
                Values::Pixels(x) => Rows::Pixels(x.as_slice().expect("contiguous")),
                Values::Floats(x) => Rows::Floats(x.as_slice().expect("contiguous")),
            }
        }
    }

    /// The array, converted.
    pub fn into_array(self) -> Bound<'py, PyAny> {
        match self.values {
            Values::Pixels(x) => x.into_any(),
            Values::Floats(x) => x.into_any(),
        }
    }

    /// An error if there is a NaN in `x`. Results show whether one is there, so only then are the rows searched.
    pub fn check_nan(&self, inputs: usize) -> PyResult<()> {
        let Rows::Floats(x) = self.rows() else { return Ok(()) };
        match x.iter().position(|&x| is_nan(x)) {
            None => Ok(()),
            Some(at) if self.is_single => Err(PyValueError::new_err(format!("x[{at}] is NaN"))),
            Some(at) => Err(PyValueError::new_err(format!("x[{}, {}] is NaN", at / inputs, at % inputs))),
        }
    }
}

/// The class of each row of `t`: classes, or one-hot rows as floats, integers or booleans.
pub fn labels(t: &Bound<'_, PyAny>, (rows, is_single): (usize, bool), classes: usize) -> PyResult<Vec<u32>> {
    let array = as_array(t)?;
    let shape = array.shape().to_vec();
    let is_one_hot = match *shape {
        [n] if is_single && n == classes => true,
        [] if is_single => false,
        [n] if n == rows => false,
        [n, c] if (n, c) == (rows, classes) => true,
        _ => {
            let found = tuple(&shape);
            let (rows, classes) = if is_single { (1, classes) } else { (rows, classes) };
            let what = format!("t has shape {found}; expected ({rows},), classes, or ({rows}, {classes}), one-hot");
            return Err(PyValueError::new_err(what));
        }
    };
    let dtype = array.dtype();
    match (dtype.kind(), is_one_hot) {
        (b'f' | b'i' | b'u' | b'b', true) => {
            let t = ready::<f64>(array.as_any()).map_or_else(|| require::<f64>(&array), Ok)?;
            // SAFETY: contiguous and aligned, and read while the interpreter's lock is held.
            let t = unsafe { t.as_slice() }.expect("contiguous");
            t.chunks_exact(classes).enumerate().map(|(row, t)| hot(row, t)).collect()
        }
        (b'i' | b'u', false) => {
            let t = ready::<i64>(array.as_any()).map_or_else(|| require::<i64>(&array), Ok)?;
            // SAFETY: as above.
            let t = unsafe { t.as_slice() }.expect("contiguous");
            let class = |(row, &class): (usize, &i64)| match u32::try_from(class) {
                Ok(class) if (class as usize) < classes => Ok(class),
                _ => Err(PyIndexError::new_err(format!(
                    "t[{row}] is {class}; expected a class from 0 to {}",
                    classes - 1
                ))),
            };
            t.iter().enumerate().map(class).collect()
        }
        (_, one_hot) => {
            let expected = if one_hot { "one-hot rows of numbers" } else { "classes as integers" };
            Err(PyTypeError::new_err(format!("t has dtype {dtype}; expected {expected}")))
        }
    }
}

/// The place of the 1 in a one-hot row.
fn hot(row: usize, t: &[f64]) -> PyResult<u32> {
    let hot = t.iter().position(|&x| x == 1.0);
    match hot {
        Some(class) if t.iter().enumerate().all(|(i, &x)| i == class || x == 0.0) => Ok(class as u32),
        _ => Err(PyValueError::new_err(format!("t[{row}] is {t:?}; expected one 1 among zeros"))),
    }
}

/// `x` itself, if it is a contiguous, aligned array of `T`.
fn ready<'py, T: Element>(x: &Bound<'py, PyAny>) -> Option<Bound<'py, PyArrayDyn<T>>> {
    x.cast::<PyArrayDyn<T>>().ok().filter(|x| x.is_c_contiguous() && x.is_aligned()).cloned()
}

/// `numpy.asarray(x)`.
fn as_array<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = x.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let numpy = numpy::get_array_module(x.py())?;
    Ok(numpy.call_method1(intern!(x.py(), "asarray"), (x,))?.cast_into()?)
}

/// A contiguous, aligned copy of `x` as `T`.
fn require<'py, T: Element>(x: &Bound<'py, PyUntypedArray>) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    let (py, dtype): (_, Bound<'_, PyArrayDescr>) = (x.py(), T::get_dtype(x.py()));
    let copy = x.call_method1(intern!(py, "astype"), (dtype, intern!(py, "C")))?;
    Ok(copy.cast_into()?)
}

pub fn is_nan<T: Number>(x: T) -> bool {
    x.to_f64().is_nan()
}

/// A shape as Python writes it.
pub fn tuple(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
