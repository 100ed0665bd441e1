//! Training on batches that Python has drawn.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use numpy::prelude::*;
use numpy::{PyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use twolayer_core::{Error, Labels, OptimizerKind, Parameters, Shape, TrainOptions};

use crate::arrays::{self, InputRows, Number};
use crate::errors::of_core;
use crate::network::{Any, Network, Typed};

/// How often Python is asked whether Ctrl-C was pressed.
const SIGNALS: Duration = Duration::from_millis(50);

/// An optimiser with its state, for networks of one shape and element type.
#[pyclass(frozen, module = "twolayer._native")]
pub struct Optimizer(Mutex<AnyOptimizer>);

enum AnyOptimizer {
    F32(twolayer_core::Optimizer<f32>),
    F64(twolayer_core::Optimizer<f64>),
}

#[pymethods]
impl Optimizer {
    #[new]
    fn new(py: Python<'_>, network: &Network, name: &str, weight_decay: f64) -> PyResult<Self> {
        let kind = kind(name)?;
        fn of<T: Number>(shape: Shape, kind: OptimizerKind, decay: f64) -> PyResult<twolayer_core::Optimizer<T>> {
            twolayer_core::Optimizer::new(shape, kind, decay).map_err(of_core)
        }
        Ok(Optimizer(Mutex::new(match &network.0 {
            Any::F32(net) => AnyOptimizer::F32(of(net.net(py).shape(), kind, weight_decay)?),
            Any::F64(net) => AnyOptimizer::F64(of(net.net(py).shape(), kind, weight_decay)?),
        })))
    }

    /// Takes a step for each row of `batches`, row numbers of `x`, and returns the losses. Ctrl-C, which raises
    /// KeyboardInterrupt, leaves the weights of the last step.
    fn train<'py>(
        &self,
        network: &Network,
        x: &Bound<'py, PyAny>,
        t: &Bound<'py, PyAny>,
        batches: PyReadonlyArray2<'py, i64>,
        lr: f64,
        first: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let mut optimizer =
            self.0.try_lock().map_err(|_| PyRuntimeError::new_err("another call uses the optimiser"))?;
        let batches = Batches::new(&batches, (lr, first))?;
        let (losses, result) = match (&network.0, &mut *optimizer) {
            (Any::F32(net), AnyOptimizer::F32(optimizer)) => train(net, optimizer, (x, t), batches)?,
            (Any::F64(net), AnyOptimizer::F64(optimizer)) => train(net, optimizer, (x, t), batches)?,
            _ => return Err(PyTypeError::new_err("the optimiser is for another dtype than the network's")),
        };
        result?;
        Ok(PyArray1::from_vec(x.py(), losses))
    }
}

/// The optimiser of that name, with the book's constants.
fn kind(name: &str) -> PyResult<OptimizerKind> {
    Ok(match name {
        "sgd" => OptimizerKind::Sgd,
        "momentum" => OptimizerKind::Momentum { momentum: 0.9 },
        "nesterov" => OptimizerKind::Nesterov { momentum: 0.9 },
        "adagrad" => OptimizerKind::AdaGrad,
        "rmsprop" => OptimizerKind::RmsProp { decay_rate: 0.99 },
        "adam" => OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 },
        _ => {
            let what = format!("is '{name}'; expected sgd, momentum, nesterov, adagrad, rmsprop or adam");
            return Err(of_core(Error::Option { name: "optimizer", what }));
        }
    })
}

/// The row numbers of batches, and the options of training on them.
struct Batches {
    rows: Vec<usize>,
    options: TrainOptions,
}

impl Batches {
    fn new(batches: &PyReadonlyArray2<'_, i64>, (lr, first): (f64, usize)) -> PyResult<Self> {
        let [iterations, batch] = batches.shape() else { unreachable!("an array of two dimensions") };
        let row = |&row: &i64| {
            usize::try_from(row)
                .map_err(|_| PyIndexError::new_err(format!("a batch has row {row}; expected 0 or more")))
        };
        let rows = batches.as_array().iter().map(row).collect::<PyResult<_>>()?;
        let options = TrainOptions {
            batch: *batch,
            iterations: *iterations,
            learning_rate: lr,
            first_iteration: first,
            ..TrainOptions::default()
        };
        Ok(Batches { rows, options })
    }
}

/// Trains a copy of the network with the lock released, and copies its weights back. Returns the losses, and an error in
/// which training ended.
fn train<T: Number>(
    network: &Typed<T>,
    optimizer: &mut twolayer_core::Optimizer<T>,
    (x, t): (&Bound<'_, PyAny>, &Bound<'_, PyAny>),
    batches: Batches,
) -> PyResult<(Vec<f64>, PyResult<()>)> {
    let py = x.py();
    let mut net = network.net(py).clone();
    let shape = net.shape();
    let x = InputRows::<T>::new(x, shape.inputs())?;
    let t = arrays::labels(t, (x.rows, x.is_single), shape.classes())?;
    let Batches { rows, options } = batches;
    let mut drawn = rows.chunks_exact(options.batch.max(1));
    let mut next = |batch: &mut [usize]| batch.copy_from_slice(drawn.next().unwrap_or_default());
    let mut losses = Vec::with_capacity(options.iterations);
    let (mut interrupted, mut asked) = (None, Instant::now());
    let x = x.rows();
    let result = py.detach(|| {
        optimizer.train(&mut net, x, Labels::Classes(&t), &mut next, &options, &mut |progress| {
            losses.push(progress.loss);
            if asked.elapsed() > SIGNALS {
                interrupted = Python::attach(|py| py.check_signals()).err();
                asked = Instant::now();
            }
            if interrupted.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    store(py, network, &net.parameters)?;
    let result = result.map(|_| ()).map_err(of_core);
    Ok((losses, result.and(interrupted.map_or(Ok(()), Err))))
}

/// Copies parameters to the network's, in place.
fn store<T: Number>(py: Python<'_>, network: &Typed<T>, parameters: &Parameters<T>) -> PyResult<()> {
    network.net_mut(py).parameters.set_all(&parameters.to_vec()).map_err(of_core)
}
