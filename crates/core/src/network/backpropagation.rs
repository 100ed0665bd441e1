//! The gradient by backpropagation.
//!
//! As in training, each worker owns some blocks of hidden units, and only their parts of the logits cross between
//! threads.

use super::activation::Activation;
use super::exchange::{Exchange, LogitParts};
use super::mini_batch::{BATCH_BLOCK, Input, MiniBatch};
use super::output_layer::OutputLayer;
use super::parameters::{Parameter, Parameters};
use super::prefetch::Prefetch;
use super::rows_and_labels::{Labels, Rows};
use super::shard::Shard;
use super::two_layer_net::TwoLayerNet;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::matrix::MatMut;
use crate::simd::Level;
use crate::softmax::LossSum;
use crate::threads::{Barrier, First, NotRun, Threads, kind_of_work, run_workers};
use std::ops::Range;

impl<T: Float> TwoLayerNet<T> {
    /// The gradient of the mean loss with respect to every parameter, by backpropagation:
    /// dY = (softmax − one-hot) / rows, dW2 = Zᵀ·dY, db2 = Σ dY, dA = dY·W2ᵀ ⊙ activation′, dW1 = Xᵀ·dA, db1 = Σ dA.
    ///
    /// [`Backpropagation`] computes the same without new memory in each call.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    #[inline]
    pub fn gradient(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<Parameters<T>> {
        let mut gradient = Parameters::zeros(self.shape());
        Backpropagation::new(self, x.count(self.shape())?).gradient(x, t, &mut gradient.all_mut())?;
        Ok(gradient)
    }
}

/// A copy of a network's weights and the buffers for its gradients, which later calls use again.
///
/// ```
/// use twolayer_core::{Backpropagation, Labels, Parameters, Rows, Shape, TwoLayerNet};
/// let net = TwoLayerNet::<f64>::new(Parameters::zeros(Shape::new(4, 3, 2)?));
/// let (x, t) = (Rows::Pixels(&[0, 255, 0, 255]), Labels::Classes(&[1]));
/// let mut gradient = Parameters::zeros(net.shape());
/// let mut backpropagation = Backpropagation::new(&net, 1);
/// backpropagation.gradient(x, t, &mut gradient.all_mut())?;
/// assert_eq!(gradient, net.gradient(x, t)?);
/// # Ok::<(), twolayer_core::Error>(())
/// ```
pub struct Backpropagation<T: Float> {
    level: Level,
    activation: Activation,
    threads: Threads,
    parameters: Parameters<T>,
    /// Rows that the buffers have room for.
    capacity: usize,
    parts: LogitParts<T>,
    workers: Vec<Worker<T>>,
}

/// What one thread computes.
struct Worker<T: Float> {
    shard: Shard<T>,
    output: OutputLayer<T>,
    /// Whether they have the current weights.
    is_loaded: bool,
    pixels: Option<MiniBatch<T, u8>>,
    floats: Option<MiniBatch<T, T>>,
}

impl<T: Float> Backpropagation<T> {
    /// Copies the weights of `net`, and allocates buffers for batches of `rows` rows. Larger batches are computed in
    /// blocks of at most 128 rows. Calls use the network's threads, of which each has its buffers.
    pub fn new(net: &TwoLayerNet<T>, rows: usize) -> Self {
        let (shape, capacity) = (net.shape(), rows.clamp(1, BATCH_BLOCK));
        Backpropagation {
            level: net.level,
            activation: net.activation,
            threads: net.threads.clone(),
            parameters: net.parameters.clone(),
            capacity,
            parts: LogitParts::new(shape, capacity),
            workers: Vec::new(),
        }
    }

    /// Copies other weights.
    ///
    /// # Errors
    /// [`Error::Shape`] unless they have the shape of the first ones.
    pub fn load(&mut self, parameters: &Parameters<T>) -> Result<()> {
        let (mine, theirs) = (self.parameters.shape(), parameters.shape());
        if theirs != mine {
            return Err(Error::Shape { what: format!("the buffers are for {mine:?}, the parameters have {theirs:?}") });
        }
        self.parameters.padded_mut().copy_from_slice(parameters.padded());
        self.workers.iter_mut().for_each(|worker| worker.is_loaded = false);
        Ok(())
    }

    /// Computes the gradient of the mean loss, as [`TwoLayerNet::gradient`], into the matrices of W1, b1, W2 and b2.
    /// Where the threads are in use or cannot be had, it works on the calling thread.
    ///
    /// # Errors
    /// As [`TwoLayerNet::evaluate`]; and [`Error::Shape`] if a matrix has other dimensions than its parameter. Nothing
    /// is written then.
    pub fn gradient(&mut self, x: Rows<'_, T>, t: Labels<'_, T>, gradient: &mut [MatMut<'_, T>; 4]) -> Result<()> {
        let shape = self.parameters.shape();
        let rows = x.count(shape)?;
        let labels = t.classes(rows, shape)?;
        for (matrix, parameter) in gradient.iter().zip(Parameter::ALL) {
            let (rows, cols) = parameter.dims(shape);
            if (matrix.rows(), matrix.cols()) != (rows, cols) {
                let (name, r, c) = (parameter.name(), matrix.rows(), matrix.cols());
                let what = format!("the gradient of {name} is {r} x {c}; expected {rows} x {cols}");
                return Err(Error::Shape { what });
            }
        }
        let pool = self.threads.pool();
        let kind = kind_of_work(&("gradient", T::NAME, shape, rows.next_power_of_two()));
        let backpropagate = |threads| self.backpropagate(threads, x, &labels);
        pool.run_measured((kind, First::One), shape.max_threads(), rows, backpropagate);
        self.workers.iter().for_each(|worker| worker.shard.store_gradient(gradient));
        self.workers[0].output.store_gradient(&mut gradient[3]);
        Ok(())
    }

    /// Shares the hidden layer among so many workers.
    fn share(&mut self, workers: usize) {
        if self.workers.len() != workers {
            let shares = self.parameters.shape().shares(workers);
            let worker = |blocks: Range<usize>| Worker {
                shard: Shard::new((self.level, self.activation), &self.parameters, blocks, self.capacity),
                output: OutputLayer::new(self.level, &self.parameters, self.capacity),
                is_loaded: true,
                pixels: None,
                floats: None,
            };
            self.workers = shares.map(worker).collect();
        }
    }

    /// Leaves the gradients in that many workers.
    fn backpropagate(&mut self, workers: usize, x: Rows<'_, T>, labels: &[u32]) -> std::result::Result<(), NotRun> {
        self.share(workers);
        let Backpropagation { threads, parameters, parts, workers, capacity, .. } = self;
        let buffers = (parameters.shape().inputs(), *capacity);
        let work = |worker: &mut Worker<T>, barrier: &Barrier| {
            let Worker { shard, output, is_loaded, pixels, floats } = worker;
            if !std::mem::replace(is_loaded, true) {
                shard.load(parameters);
                output.load(parameters);
            }
            // SAFETY: `self` is borrowed mutably, so only this run uses the parts; each worker owns its blocks and
            // calls this once; all go through the same rows, and end at an error.
            let mut exchange = unsafe { parts.exchange(barrier, shard.blocks()) };
            match x {
                Rows::Pixels(x) => backpropagate((shard, output), (pixels, buffers), (x, labels), &mut exchange),
                Rows::Floats(x) => backpropagate((shard, output), (floats, buffers), (x, labels), &mut exchange),
            }
        };
        run_workers(&threads.pool(), workers, work, work)
    }
}

/// Computes a worker's gradients for all rows. Ends early if another worker panics. `inputs` and `capacity` are for the
/// mini-batch, if there is none yet.
fn backpropagate<T: Float, P: Input<T>>(
    (shard, output): (&mut Shard<T>, &mut OutputLayer<T>),
    (batch, (inputs, capacity)): (&mut Option<MiniBatch<T, P>>, (usize, usize)),
    (x, labels): (&[P], &[u32]),
    exchange: &mut Exchange<'_, T>,
) {
    let level = shard.level();
    let batch = batch.get_or_insert_with(|| MiniBatch::for_training(inputs, capacity));
    for first in (0..labels.len()).step_by(capacity) {
        let some = capacity.min(labels.len() - first);
        batch.gather(level, x, &mut (first..first + some));
        shard.forward(batch, &mut Prefetch::none(), exchange.own_parts(some));
        let Ok(parts) = exchange.all_parts(some) else { return };
        output.forward(parts, some);
        output.loss_gradient(&labels[first..first + some], labels.len(), &mut LossSum::new(level, 0.0));
        shard.backward(batch, output.dy(some), first > 0);
        output.backward(some, first > 0);
    }
}
