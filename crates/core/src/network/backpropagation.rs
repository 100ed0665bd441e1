//! The gradient by backpropagation.

use super::mini_batch::{BATCH_BLOCK, Input, MiniBatch};
use super::output_layer::OutputLayer;
use super::parameters::{Parameter, Parameters};
use super::prefetch::Prefetch;
use super::rows_and_labels::{Labels, Rows};
use super::shape::{BLOCK, Shape};
use super::shard::Shard;
use super::two_layer_net::TwoLayerNet;
use crate::buffer::Aligned;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::matrix::MatMut;
use crate::softmax::LossSum;

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
    shape: Shape,
    /// Rows that the buffers have room for.
    capacity: usize,
    shard: Shard<T>,
    output: OutputLayer<T>,
    parts: Aligned<T>,
    pixels: Option<MiniBatch<T, u8>>,
    floats: Option<MiniBatch<T, T>>,
}

impl<T: Float> Backpropagation<T> {
    /// Copies the weights of `net`, and allocates buffers for batches of `rows` rows. Larger batches are computed in
    /// blocks of at most 128 rows.
    pub fn new(net: &TwoLayerNet<T>, rows: usize) -> Self {
        let (shape, capacity) = (net.shape(), rows.clamp(1, BATCH_BLOCK));
        let blocks = shape.hidden_padded() / BLOCK;
        Backpropagation {
            shape,
            capacity,
            shard: Shard::new((net.level, net.activation), &net.parameters, 0..blocks, capacity),
            output: OutputLayer::new(net.level, &net.parameters, capacity),
            parts: Aligned::zeroed([blocks, capacity, shape.classes_padded()]),
            pixels: None,
            floats: None,
        }
    }

    /// Copies other weights.
    ///
    /// # Errors
    /// [`Error::Shape`] unless they have the shape of the first ones.
    pub fn load(&mut self, parameters: &Parameters<T>) -> Result<()> {
        if parameters.shape() != self.shape {
            let (mine, theirs) = (self.shape, parameters.shape());
            return Err(Error::Shape { what: format!("the buffers are for {mine:?}, the parameters have {theirs:?}") });
        }
        self.shard.load(parameters);
        self.output.load(parameters);
        Ok(())
    }

    /// Computes the gradient of the mean loss, as [`TwoLayerNet::gradient`], into the matrices of W1, b1, W2 and b2.
    ///
    /// # Errors
    /// As [`TwoLayerNet::evaluate`]; and [`Error::Shape`] if a matrix has other dimensions than its parameter. Nothing is
    /// written then.
    pub fn gradient(&mut self, x: Rows<'_, T>, t: Labels<'_, T>, gradient: &mut [MatMut<'_, T>; 4]) -> Result<()> {
        let rows = x.count(self.shape)?;
        let labels = t.classes(rows, self.shape)?;
        for (matrix, parameter) in gradient.iter().zip(Parameter::ALL) {
            let (rows, cols) = parameter.dims(self.shape);
            if (matrix.rows(), matrix.cols()) != (rows, cols) {
                let (name, r, c) = (parameter.name(), matrix.rows(), matrix.cols());
                let what = format!("the gradient of {name} is {r} x {c}; expected {rows} x {cols}");
                return Err(Error::Shape { what });
            }
        }
        let (inputs, capacity) = (self.shape.inputs(), self.capacity);
        match x {
            Rows::Pixels(x) => {
                let mut batch = self.pixels.take().unwrap_or_else(|| MiniBatch::for_training(inputs, capacity));
                self.backpropagate(x, &labels, &mut batch);
                self.pixels = Some(batch);
            }
            Rows::Floats(x) => {
                let mut batch = self.floats.take().unwrap_or_else(|| MiniBatch::for_training(inputs, capacity));
                self.backpropagate(x, &labels, &mut batch);
                self.floats = Some(batch);
            }
        }
        self.shard.store_gradient(gradient);
        self.output.store_gradient(&mut gradient[3]);
        Ok(())
    }

    fn backpropagate<P: Input<T>>(&mut self, x: &[P], labels: &[u32], batch: &mut MiniBatch<T, P>) {
        let Backpropagation { shape, capacity, shard, output, parts, .. } = self;
        let level = shard.level();
        let part = shape.hidden_padded() / BLOCK * shape.classes_padded();
        for first in (0..labels.len()).step_by(*capacity) {
            let some = (*capacity).min(labels.len() - first);
            batch.gather(level, x, &mut (first..first + some));
            let parts = &mut parts[..some * part];
            shard.forward(batch, &mut Prefetch::none(), parts);
            output.forward(parts, some);
            output.loss_gradient(&labels[first..first + some], labels.len(), &mut LossSum::new(level, 0.0));
            shard.backward(batch, output.dy(some), first > 0);
            output.backward(some, first > 0);
        }
    }
}
