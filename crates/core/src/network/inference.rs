//! Inference: the forward pass over many rows, with predict, evaluate, loss and accuracy.

use super::activation::Activation;
use super::hidden_layer::{self, MAX_VECTORS, Panel};
use super::mini_batch::{BATCH_BLOCK, Input, MiniBatch};
use super::output_layer::{OutputLayer, partial_logits};
use super::packed_weights::{PackedWeights, panels};
use super::parameters::{Parameter, Parameters};
use super::prefetch::Prefetch;
use super::rows_and_labels::{Labels, Rows};
use super::shape::BLOCK;
use super::two_layer_net::TwoLayerNet;
use crate::buffer::Aligned;
use crate::error::Result;
use crate::math::Float;
use crate::simd::Level;
use crate::threads;
use std::ops::Range;

/// From this many rows on, packing the weights costs less than it saves.
pub(crate) const PACKED_ROWS: usize = 512;

/// What [`TwoLayerNet::evaluate`] returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The number of rows.
    pub rows: usize,
    /// The rows whose most probable class is their label.
    pub correct: usize,
    /// The mean loss −ln(p(label) + ε), where ε is the network's [`loss_epsilon`](TwoLayerNet::loss_epsilon), 0 by
    /// default.
    pub loss: f64,
}

impl Evaluation {
    /// correct / rows.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

impl<T: Float> TwoLayerNet<T> {
    /// The most threads that a prediction or evaluation of so many rows uses: few rows are not shared.
    pub fn inference_threads(&self, rows: usize) -> usize {
        self.threads.count().min(rows.div_ceil(BATCH_BLOCK)).max(1)
    }

    /// The probability of each class for each row: rows × classes, row by row.
    ///
    /// # Errors
    /// If `x` is empty or not a whole number of rows.
    #[inline]
    pub fn predict(&self, x: Rows<'_, T>) -> Result<Vec<T>> {
        let classes = self.shape().classes();
        let chunks = self.in_chunks(x, |output, rows, _| {
            output.probabilities(rows);
            output.rows(rows).flat_map(|p| p[..classes].iter().copied()).collect::<Vec<T>>()
        })?;
        Ok(chunks.concat())
    }

    /// The most probable class of each row; the first one in case of a tie.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    #[inline]
    pub fn classify(&self, x: Rows<'_, T>) -> Result<Vec<usize>> {
        let classes = self.shape().classes();
        let chunks = self
            .in_chunks(x, |output, rows, _| output.rows(rows).map(|l| argmax(&l[..classes])).collect::<Vec<usize>>())?;
        Ok(chunks.concat())
    }

    /// The mean loss and the number of correctly classified rows, in one pass.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and if the labels do not fit the rows and classes.
    #[inline(always)]
    pub fn evaluate(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<Evaluation> {
        let (rows, classes) = (x.count(self.shape())?, self.shape().classes());
        let labels = t.classes(rows, self.shape())?;
        let chunks = self.in_chunks(x, |output, rows, from| {
            let labels = &labels[from..from + rows];
            let correct = |(l, t): &(&[T], &u32)| argmax(&l[..classes]) == **t as usize;
            (output.rows(rows).zip(labels).filter(correct).count(), output.losses(labels, self.loss_epsilon))
        })?;
        let (correct, loss) = chunks.iter().fold((0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        Ok(Evaluation { rows, correct, loss: loss / rows as f64 })
    }

    /// The mean over the rows of −ln(p(label) + ε), as in [`Evaluation::loss`].
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn loss(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<f64> {
        Ok(self.evaluate(x, t)?.loss)
    }

    /// The share of rows whose most probable class is their label.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn accuracy(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<f64> {
        Ok(self.evaluate(x, t)?.accuracy())
    }

    /// `f(output layer, rows of the chunk, first row)` for each chunk of rows, in order. The output layer holds the
    /// chunk's logits.
    #[inline(always)]
    fn in_chunks<R: Send>(
        &self,
        x: Rows<'_, T>,
        f: impl Fn(&mut OutputLayer<T>, usize, usize) -> R + Sync,
    ) -> Result<Vec<R>> {
        let rows = x.count(self.shape())?;
        Ok(match x {
            Rows::Pixels(x) => self.forward_in_chunks(x, rows, f),
            Rows::Floats(x) => self.forward_in_chunks(x, rows, f),
        })
    }

    fn forward_in_chunks<P: Input<T>, R: Send>(
        &self,
        x: &[P],
        rows: usize,
        f: impl Fn(&mut OutputLayer<T>, usize, usize) -> R + Sync,
    ) -> Vec<R> {
        let weights = Weights::for_rows(self, rows);
        let prepare = || ForwardPass::new(self, rows.min(BATCH_BLOCK));
        let work = |pass: &mut ForwardPass<T, P>, chunk: usize| {
            let from = chunk * BATCH_BLOCK;
            let n = BATCH_BLOCK.min(rows - from);
            pass.gather(x, from..from + n);
            pass.forward(&weights);
            f(&mut pass.output, n, from)
        };
        threads::map(&self.threads, (rows.div_ceil(BATCH_BLOCK), 1), prepare, work)
    }
}

/// What the forward pass reads.
pub(super) struct Weights<'a, T: Float> {
    parameters: &'a Parameters<T>,
    /// A copy in panels. Rows of W1 in place are often a power of two apart, so that they compete for a few cache sets.
    packed: Option<PackedWeights<T>>,
    /// Whether W1 is known to be finite.
    finite: bool,
}

impl<'a, T: Float> Weights<'a, T> {
    /// The parameters in place.
    pub fn in_place(parameters: &'a Parameters<T>) -> Self {
        Weights { parameters, packed: None, finite: false }
    }

    /// The network's parameters, packed if there is more than one panel, and rows enough to make up for the copy.
    fn for_rows(net: &'a TwoLayerNet<T>, rows: usize) -> Self {
        let (parameters, level) = (&net.parameters, net.level);
        let shape = parameters.shape();
        let pays_off = rows >= PACKED_ROWS && shape.hidden() > MAX_VECTORS * level.lanes::<T>();
        let packed = pays_off.then(|| PackedWeights::pack(level, parameters, 0..shape.hidden_padded() / BLOCK));
        Weights { parameters, packed, finite: rows > 1 && parameters.w1_is_finite() }
    }

    /// The hidden units `units`, one of [`panels`].
    fn panel(&self, units: &Range<usize>, activation: Activation) -> Panel<'_, T> {
        if let Some(packed) = &self.packed {
            return packed.panel(units, activation, self.finite);
        }
        let (shape, padded, width) = (self.parameters.shape(), self.parameters.padded(), units.len());
        let ((w1, stride), (b1, _)) = (Parameter::W1.place(shape), Parameter::B1.place(shape));
        let (w1, b1) = (&padded[w1 + units.start..b1], &padded[b1 + units.start..][..width]);
        Panel { w1, stride, b1, width, activation, finite: self.finite }
    }
}

/// The forward pass of up to `capacity` rows.
pub(super) struct ForwardPass<T: Float, P> {
    net: (Level, Activation),
    batch: MiniBatch<T, P>,
    z: Aligned<T>,
    odd: Aligned<T>,
    parts: Aligned<T>,
    pub output: OutputLayer<T>,
}

impl<T: Float, P: Input<T>> ForwardPass<T, P> {
    pub fn new(net: &TwoLayerNet<T>, capacity: usize) -> Self {
        let (shape, panel) = (net.shape(), MAX_VECTORS * net.level.lanes::<T>());
        ForwardPass {
            net: (net.level, net.activation),
            batch: MiniBatch::for_inference(shape.inputs(), capacity),
            z: Aligned::zeroed([capacity, panel]),
            odd: Aligned::zeroed([capacity, panel]),
            parts: Aligned::zeroed([shape.hidden_padded() / BLOCK, capacity, shape.classes_padded()]),
            output: OutputLayer::new(net.level, &net.parameters, capacity),
        }
    }

    pub fn gather(&mut self, x: &[P], mut rows: Range<usize>) {
        self.batch.gather(self.net.0, x, &mut rows);
    }

    /// Leaves the logits of the gathered rows in the output layer.
    pub fn forward(&mut self, weights: &Weights<'_, T>) {
        let ((level, activation), rows) = (self.net, self.batch.rows());
        let shape = weights.parameters.shape();
        let (w2, classes) = Parameter::W2.place(shape);
        let parts = &mut self.parts[..shape.hidden_padded() / BLOCK * rows * classes];
        for units in panels::<T>(level, shape.hidden().next_multiple_of(level.lanes::<T>())) {
            let width = units.len();
            let panel = weights.panel(&units, activation);
            let (z, odd) = (&mut self.z[..rows * width], &mut self.odd[..rows * width]);
            hidden_layer::forward(level, &self.batch, panel, (z, odd), &mut Prefetch::none());
            let w2 = &weights.parameters.padded()[w2 + units.start * classes..][..width * classes];
            partial_logits(level, units.start, (z, width), (w2, classes), (&mut *parts, rows));
        }
        self.output.load(weights.parameters);
        self.output.forward(parts, rows);
    }
}

/// The index of the largest element; the first one in case of a tie.
fn argmax<T: Float>(x: &[T]) -> usize {
    x.iter().enumerate().fold(0, |best, (i, v)| if *v > x[best] { i } else { best })
}
