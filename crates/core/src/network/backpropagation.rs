//! The gradient by backpropagation.

use super::mini_batch::{BATCH_BLOCK, Input, MiniBatch};
use super::output_layer::OutputLayer;
use super::parameters::Parameters;
use super::prefetch::Prefetch;
use super::rows_and_labels::{Labels, Rows};
use super::shape::BLOCK;
use super::shard::Shard;
use super::two_layer_net::TwoLayerNet;
use crate::buffer::Aligned;
use crate::error::Result;
use crate::math::Float;
use crate::softmax::LossSum;

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
        let (capacity, blocks) = (rows.min(BATCH_BLOCK), shape.hidden_padded() / BLOCK);
        let mut batch = MiniBatch::for_training(shape.inputs(), capacity);
        let mut shard = Shard::new((self.level, self.activation), &self.parameters, 0..blocks, capacity);
        let mut output = OutputLayer::new(self.level, &self.parameters, capacity);
        let mut parts = Aligned::zeroed([blocks, capacity, shape.classes_padded()]);
        for first in (0..rows).step_by(BATCH_BLOCK) {
            let some = capacity.min(rows - first);
            batch.gather(self.level, x, &mut (first..first + some));
            let parts = &mut parts[..blocks * some * shape.classes_padded()];
            shard.forward(&batch, &mut Prefetch::none(), parts);
            output.forward(parts, some);
            output.loss_gradient(&labels[first..first + some], rows, &mut LossSum::new(0.0));
            shard.backward(&batch, output.dy(some), first > 0);
            output.backward(some, first > 0);
        }
        let mut gradient = Parameters::zeros(shape);
        shard.store_gradient(&mut gradient);
        output.store_gradient(&mut gradient);
        gradient
    }
}
