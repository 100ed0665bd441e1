//! The gradient by backpropagation.

use super::mini_batch::{Input, MiniBatch};
use super::output_layer::OutputLayer;
use super::parameters::Parameters;
use super::prefetch::Prefetch;
use super::rows_and_labels::{Labels, Rows};
use super::shard::Shard;
use super::two_layer_net::TwoLayerNet;
use crate::buffer::Aligned;
use crate::error::Result;
use crate::math::Float;
use crate::matmul::{BLOCK, Store};

impl<T: Float> TwoLayerNet<T> {
    /// The gradient of the mean loss with respect to every parameter, by backpropagation:
    /// dY = (softmax − one-hot) / rows, dW2 = Zᵀ·dY, db2 = Σ dY, dA = dY·W2ᵀ ⊙ activation′, dW1 = Xᵀ·dA, db1 = Σ dA.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    #[inline]
    pub fn gradient(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<Parameters<T>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        Ok(match x {
            Rows::Pixels(x) => self.backpropagate(x, &labels),
            Rows::Floats(x) => self.backpropagate(x, &labels),
        })
    }

    fn backpropagate<P: Input<T>>(&self, x: &[P], labels: &[u32]) -> Parameters<T> {
        let (shape, rows) = (self.shape(), labels.len());
        let mut batch = MiniBatch::for_training(shape.inputs(), rows);
        batch.gather(self.level, x, &mut (0..rows));
        let blocks = shape.hidden_padded() / BLOCK;
        let mut shard = Shard::new((self.level, self.activation), &self.parameters, 0..blocks, rows);
        let mut output = OutputLayer::new(self.level, &self.parameters, rows);
        let mut parts = Aligned::zeroed([blocks, rows, shape.classes_padded()]);
        shard.forward(&batch, &mut Prefetch::none(), &mut parts);
        output.forward(&parts, rows);
        output.loss_gradient(labels);
        shard.backward(&batch, output.dy(rows), Store);
        output.backward(rows, Store);
        let mut gradient = Parameters::zeros(shape);
        shard.store(&mut gradient);
        output.store(&mut gradient);
        gradient
    }
}
