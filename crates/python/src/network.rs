//! The network: weights that NumPy arrays show, and what is computed with them.
//!
//! Weights are read and written only while the interpreter's lock is held, as NumPy does. What takes long works on a
//! copy of them with the lock released.

use std::any;
use std::cell::UnsafeCell;
use std::sync::{Arc, Mutex, PoisonError};

use numpy::ndarray::{ArrayView1, ArrayView2, ShapeBuilder};
use numpy::prelude::*;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use twolayer_core::{
    Activation, Backpropagation, Evaluation, Labels, MatMut, Parameter, Parameters, Shape, Threads, TwoLayerNet,
};

use crate::arrays::{self, InputRows, Number, is_nan};
use crate::errors::of_core;

/// Multiply-adds that take less than 50 µs, for which the interpreter's lock is not released.
const SMALL: usize = 500_000;

/// The most gradients whose memory is kept: a loop holds one while the next is computed.
const SPARE: usize = 2;

/// A network of one element type.
pub struct Typed<T: Number> {
    /// Borrowed only while the interpreter's lock is held and no other code of Python's runs.
    net: UnsafeCell<TwoLayerNet<T>>,
    /// The buffers of the last gradient.
    buffers: Mutex<Option<Backpropagation<T>>>,
    /// The memory of gradients that are gone.
    spare: Arc<Mutex<Vec<Vec<T>>>>,
}

// SAFETY: the network is borrowed only by functions that hold the interpreter's lock (the module is not for interpreters
// without one), and not beyond them.
unsafe impl<T: Number> Sync for Typed<T> {}

impl<T: Number> Typed<T> {
    fn new(parameters: Parameters<T>, activation: Activation) -> Self {
        let net = TwoLayerNet::new(parameters).with_activation(activation);
        Typed { net: UnsafeCell::new(net), buffers: Mutex::new(None), spare: Arc::default() }
    }

    /// The network, while the lock is held.
    pub fn net<'a>(&'a self, _lock: Python<'a>) -> &'a TwoLayerNet<T> {
        // SAFETY: the lock is held, so no other thread writes weights; the callers run no code of Python's meanwhile.
        unsafe { &*self.net.get() }
    }

    /// [`net`](Self::net), to write.
    #[allow(clippy::mut_from_ref)]
    pub fn net_mut<'a>(&'a self, _lock: Python<'a>) -> &'a mut TwoLayerNet<T> {
        // SAFETY: as above.
        unsafe { &mut *self.net.get() }
    }

    fn set_threads(&self, py: Python<'_>, threads: Threads) {
        self.net_mut(py).threads = threads;
        // They use the threads of before.
        *self.buffers.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs `work` on the network: in place if it is short, else on a copy, with the lock released.
    fn run<R: Send>(&self, py: Python<'_>, rows: usize, work: impl FnOnce(&TwoLayerNet<T>) -> R + Send) -> R {
        let net = self.net(py);
        if is_small(net.shape(), rows) {
            return work(net);
        }
        let copy = net.clone();
        py.detach(|| work(&copy))
    }

    fn predict<'py>(&self, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = x.py();
        let shape = self.net(py).shape();
        let x = InputRows::<T>::new(x, shape.inputs())?;
        let rows = x.rows();
        let y = self.run(py, x.rows, |net| net.predict(rows)).map_err(of_core)?;
        if y.iter().any(|&y| is_nan(y)) {
            x.check_nan(shape.inputs())?;
        }
        let y = PyArray1::from_vec(py, y);
        if x.is_single { Ok(y.into_any()) } else { Ok(y.reshape([x.rows, shape.classes()])?.into_any()) }
    }

    fn evaluate(&self, x: &Bound<'_, PyAny>, t: &Bound<'_, PyAny>) -> PyResult<Evaluation> {
        let py = x.py();
        let shape = self.net(py).shape();
        let x = InputRows::<T>::new(x, shape.inputs())?;
        let t = arrays::labels(t, (x.rows, x.is_single), shape.classes())?;
        let rows = x.rows();
        let evaluation = self.run(py, x.rows, |net| net.evaluate(rows, Labels::Classes(&t))).map_err(of_core)?;
        if evaluation.loss.is_nan() {
            x.check_nan(shape.inputs())?;
        }
        Ok(evaluation)
    }

    fn gradient<'py>(&self, x: &Bound<'py, PyAny>, t: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = x.py();
        let shape = self.net(py).shape();
        let x = InputRows::<T>::new(x, shape.inputs())?;
        let t = arrays::labels(t, (x.rows, x.is_single), shape.classes())?;
        // Of another thread's call that runs at the same time, the buffers are not there.
        let taken = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).take();
        let net = self.net(py);
        let mut buffers = match taken {
            Some(mut buffers) => {
                buffers.load(&net.parameters).map_err(of_core)?;
                buffers
            }
            // Room for the largest blocks: the next call may have more rows.
            None => Backpropagation::new(net, usize::MAX),
        };
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut values = spare.unwrap_or_else(|| vec![T::ZERO; shape.parameters()]);
        {
            let mut rest = &mut values[..];
            let mut out = Parameter::ALL.map(|parameter| {
                let (rows, cols) = parameter.dims(shape);
                let (first, others) = std::mem::take(&mut rest).split_at_mut(rows * cols);
                rest = others;
                MatMut::new(first, rows, cols).expect("the parameter's dimensions")
            });
            let rows = x.rows();
            let mut work = || buffers.gradient(rows, Labels::Classes(&t), &mut out);
            if is_small(shape, x.rows) { work() } else { py.detach(work) }.map_err(of_core)?;
        }
        *self.buffers.lock().unwrap_or_else(PoisonError::into_inner) = Some(buffers);
        if values[shape.parameters() - shape.classes()..].iter().any(|&g| is_nan(g)) {
            x.check_nan(shape.inputs())?;
        }
        self.lend(py, shape, values)
    }

    /// Arrays of the parameters' shapes, whose memory is used again when the last of them is gone: a loop that makes a
    /// gradient in each iteration need not fetch pages from the system each time.
    fn lend<'py>(&self, py: Python<'py>, shape: Shape, mut values: Vec<T>) -> PyResult<Bound<'py, PyDict>> {
        let mut first = values.as_mut_ptr();
        let owner = Bound::new(py, Lent(Box::new(Loan { values, back: self.spare.clone() })))?.into_any();
        let arrays = PyDict::new(py);
        for parameter in Parameter::ALL {
            let (rows, cols) = parameter.dims(shape);
            // SAFETY: the elements are those of `values`, one parameter after the other. They stay where they are while
            // `owner` exists, and only the array uses them.
            arrays.set_item(parameter.name(), unsafe { array_at(&owner, parameter, (rows, cols, cols), first) })?;
            // SAFETY: all parameters together are as long as `values`.
            first = unsafe { first.add(rows * cols) };
        }
        Ok(arrays)
    }

    fn numerical_gradient<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        t: &Bound<'_, PyAny>,
        h: f64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = x.py();
        let net = self.net(py).clone();
        let shape = net.shape();
        let x = InputRows::<T>::new(x, shape.inputs())?;
        let t = arrays::labels(t, (x.rows, x.is_single), shape.classes())?;
        let rows = x.rows();
        let gradient = py.detach(|| net.numerical_gradient(rows, Labels::Classes(&t), h)).map_err(of_core)?;
        if gradient.b2().iter().any(|g| g.is_nan()) {
            x.check_nan(shape.inputs())?;
        }
        dict_of(py, &gradient)
    }

    /// Arrays that show the weights and keep `owner` alive.
    fn arrays<'py>(&self, owner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = owner.py();
        let arrays = PyDict::new(py);
        let parameters = &mut self.net_mut(py).parameters;
        for (mut matrix, parameter) in parameters.all_mut().into_iter().zip(Parameter::ALL) {
            let (rows, cols, stride, first) = (matrix.rows(), matrix.cols(), matrix.row_stride(), matrix.as_mut_ptr());
            // SAFETY: the elements are those of the matrix. They stay where they are while the network, which `owner`
            // owns, exists: nothing replaces its parameters. They are used while the interpreter's lock is held.
            let array = unsafe { array_at(owner, parameter, (rows, cols, stride), first) };
            arrays.set_item(parameter.name(), array)?;
        }
        Ok(arrays)
    }
}

/// Whether a pass over so many rows takes less than some 50 µs.
fn is_small(shape: Shape, rows: usize) -> bool {
    rows.saturating_mul(shape.parameters()) < SMALL
}

/// Memory that arrays show, and where it goes when they are gone.
struct Loan<T> {
    values: Vec<T>,
    back: Arc<Mutex<Vec<Vec<T>>>>,
}

impl<T> Drop for Loan<T> {
    fn drop(&mut self) {
        let mut spare = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(std::mem::take(&mut self.values));
        }
    }
}

/// The base of the arrays of a [`Loan`].
#[pyclass(frozen)]
struct Lent(#[allow(dead_code)] Box<dyn any::Any + Send + Sync>);

/// An array of elements that `owner` keeps: `rows` rows of `cols` elements, `stride` apart; a bias has one dimension.
///
/// # Safety
/// The elements must be there while `owner` is.
unsafe fn array_at<'py, T: Number>(
    owner: &Bound<'py, PyAny>,
    parameter: Parameter,
    (rows, cols, stride): (usize, usize, usize),
    first: *mut T,
) -> Bound<'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe {
        if matches!(parameter, Parameter::B1 | Parameter::B2) {
            let view = ArrayView1::from_shape_ptr(cols, first);
            PyArray1::borrow_from_array(&view, owner.clone()).into_any()
        } else {
            let view = ArrayView2::from_shape_ptr((rows, cols).strides((stride, 1)), first);
            PyArray2::borrow_from_array(&view, owner.clone()).into_any()
        }
    }
}

/// Copies of the four parameters by name.
pub fn dict_of<'py, T: Number>(py: Python<'py>, parameters: &Parameters<T>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for parameter in Parameter::ALL {
        let (rows, cols) = parameter.dims(parameters.shape());
        let array = PyArray1::from_vec(py, parameters.get(parameter).to_vec());
        match parameter {
            Parameter::B1 | Parameter::B2 => dict.set_item(parameter.name(), array)?,
            _ => dict.set_item(parameter.name(), array.reshape([rows, cols])?)?,
        }
    }
    Ok(dict)
}

/// A network of either element type.
pub enum Any {
    F32(Typed<f32>),
    F64(Typed<f64>),
}

/// The weights of a network and what is computed with them; the class TwoLayerNet is for users.
#[pyclass(frozen, module = "twolayer._native")]
pub struct Network(pub Any);

#[pymethods]
impl Network {
    #[new]
    fn new(shape: (usize, usize, usize), single: bool, activation: &str) -> PyResult<Self> {
        let (inputs, hidden, classes) = shape;
        let shape = Shape::new(inputs, hidden, classes).map_err(of_core)?;
        let activation = Activation::by_name(activation).map_err(of_core)?;
        Ok(Network(match single {
            true => Any::F32(Typed::new(Parameters::zeros(shape), activation)),
            false => Any::F64(Typed::new(Parameters::zeros(shape), activation)),
        }))
    }

    /// W1, b1, W2 and b2: arrays that show the weights.
    fn arrays<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        typed!(&slf.get().0, net => net.arrays(slf.as_any()))
    }

    /// Inputs, hidden units and classes.
    #[getter]
    fn shape(&self, py: Python<'_>) -> (usize, usize, usize) {
        let shape = typed!(&self.0, net => net.net(py).shape());
        (shape.inputs(), shape.hidden(), shape.classes())
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        match &self.0 {
            Any::F32(_) => "float32",
            Any::F64(_) => "float64",
        }
    }

    #[getter]
    fn activation(&self, py: Python<'_>) -> &'static str {
        typed!(&self.0, net => net.net(py).activation.name())
    }

    #[getter]
    fn loss_epsilon(&self, py: Python<'_>) -> f64 {
        typed!(&self.0, net => net.net(py).loss_epsilon)
    }

    #[setter]
    fn set_loss_epsilon(&self, py: Python<'_>, epsilon: f64) {
        typed!(&self.0, net => net.net_mut(py).loss_epsilon = epsilon);
    }

    /// Fixes the number of threads; None measures which is fastest.
    fn set_threads(&self, py: Python<'_>, threads: Option<usize>) {
        let threads = threads.map_or_else(Threads::auto, Threads::new);
        typed!(&self.0, net => net.set_threads(py, threads));
    }

    fn predict<'py>(&self, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        typed!(&self.0, net => net.predict(x))
    }

    /// The mean loss and the accuracy.
    fn evaluate(&self, x: &Bound<'_, PyAny>, t: &Bound<'_, PyAny>) -> PyResult<(f64, f64)> {
        let evaluation = typed!(&self.0, net => net.evaluate(x, t))?;
        Ok((evaluation.loss, evaluation.accuracy()))
    }

    fn gradient<'py>(&self, x: &Bound<'py, PyAny>, t: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        typed!(&self.0, net => net.gradient(x, t))
    }

    /// In float64, whatever the network's type.
    fn numerical_gradient<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        t: &Bound<'_, PyAny>,
        h: f64,
    ) -> PyResult<Bound<'py, PyDict>> {
        typed!(&self.0, net => net.numerical_gradient(x, t, h))
    }

    /// `x` and `t` checked and converted once: a contiguous array and classes.
    fn prepare<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        t: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyArray1<i64>>)> {
        let py = x.py();
        typed!(&self.0, net => {
            let shape = net.net(py).shape();
            let x = rows_of(net, x, shape)?;
            let t = arrays::labels(t, (x.rows, x.is_single), shape.classes())?;
            x.check_nan(shape.inputs())?;
            Ok((x.into_array(), PyArray1::from_iter(py, t.into_iter().map(i64::from))))
        })
    }
}

/// The rows of `x`, as a network of that element type takes them.
fn rows_of<'py, T: Number>(_: &Typed<T>, x: &Bound<'py, PyAny>, shape: Shape) -> PyResult<InputRows<'py, T>> {
    InputRows::new(x, shape.inputs())
}
