//! A shard of the hidden layer: some neighbouring blocks of hidden units, with all that one worker needs to compute and
//! train them: their columns of W1, their part of b1, their rows of W2.

use super::activation::{Activation, ActivationGradient};
use super::hidden_layer::{self, PanelGradient};
use super::mini_batch::{Input, MiniBatch};
use super::optimizer_update::{STATES, Step, Update};
use super::output_layer::{SumRows, hidden_gradient, partial_logits, w2_gradient};
use super::packed_weights::PackedWeights;
use super::parameters::Parameters;
use super::prefetch::Prefetch;
use super::sgd_update::{ApplySgd, SgdUpdate};
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matmul::{Epilogue, Store};
use crate::matrix::MatMut;
use crate::simd::Level;
use std::ops::Range;

/// The weights of a shard, and buffers for some rows.
pub(crate) struct Shard<T: Float> {
    level: Level,
    activation: Activation,
    blocks: Range<usize>,
    weights: PackedWeights<T>,
    /// Whether W1 is finite, if that is known. Only dense batches ask.
    finite: Option<bool>,
    /// The gradient, if it goes through memory.
    gradient: Option<PackedWeights<T>>,
    /// An optimiser's state.
    state: Option<[PackedWeights<T>; STATES]>,
    buffers: Buffers<T>,
}

/// Results of the forward pass that the backward pass needs.
struct Buffers<T> {
    /// classes × units.
    w2_transposed: Aligned<T>,
    /// Activations, panel after panel, each rows × width.
    z: Aligned<T>,
    /// Gradients with respect to the activations' arguments, likewise; scratch memory of the forward pass.
    da: Aligned<T>,
}

impl<T: Float> Shard<T> {
    /// The shard of `blocks`, with buffers for `capacity` rows.
    pub fn new(
        (level, activation): (Level, Activation),
        parameters: &Parameters<T>,
        blocks: Range<usize>,
        capacity: usize,
    ) -> Self {
        let weights = PackedWeights::pack(level, parameters, blocks.clone());
        let (width, classes) = (weights.units.len(), parameters.shape().classes());
        let mut buffers = Buffers {
            w2_transposed: Aligned::zeroed([width, classes]),
            z: Aligned::zeroed([capacity, width]),
            da: Aligned::zeroed([capacity, width]),
        };
        buffers.transpose_w2(&weights);
        Shard { level, activation, blocks, weights, finite: None, gradient: None, state: None, buffers }
    }

    /// The instruction set of its kernels.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The blocks of hidden units that it has.
    pub fn blocks(&self) -> Range<usize> {
        self.blocks.clone()
    }

    /// Copies other parameters of the same shape.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        self.weights.load(parameters);
        self.buffers.transpose_w2(&self.weights);
        self.finite = None;
    }

    /// Copies an optimiser's state of these parameters.
    pub fn load_state(&mut self, state: &[Parameters<T>; STATES]) {
        self.state = Some(state.each_ref().map(|s| PackedWeights::pack(self.level, s, self.blocks.clone())));
    }

    /// Copies the optimiser's state back.
    pub fn store_state(&self, state: &mut [Parameters<T>; STATES]) {
        state.iter_mut().zip(self.state.iter().flatten()).for_each(|(to, from)| from.unpack(&mut to.all_mut()));
    }

    /// Copies the parameters to `parameters`.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        self.weights.unpack(&mut parameters.all_mut());
    }

    /// Copies the gradient to `gradient`: W1, b1, W2 and b2, of which the last is left as it is.
    pub fn store_gradient(&self, gradient: &mut [MatMut<'_, T>; 4]) {
        self.gradient.iter().for_each(|mine| mine.unpack(gradient));
    }

    /// Computes the activations of some rows and a part of their logits for each block of this shard, into `parts`.
    pub fn forward<P: Input<T>>(&mut self, batch: &MiniBatch<T, P>, prefetch: &mut Prefetch<'_>, parts: &mut [T]) {
        let (rows, classes) = (batch.rows(), self.weights.shape.classes_padded());
        let finite = batch.dense().is_some() && *self.finite.get_or_insert_with(|| self.weights.w1_is_finite());
        for panel in &self.weights.panels {
            let (width, range) = (panel.len(), panel.start * rows..panel.end * rows);
            let (z, odd) = (&mut self.buffers.z[range.clone()], &mut self.buffers.da[range]);
            let weights = self.weights.panel(panel, self.activation, finite);
            hidden_layer::forward(self.level, batch, weights, (z, odd), prefetch);
            let w2 = &self.weights.w2[panel.start * classes..][..width * classes];
            partial_logits(self.level, panel.start, (z, width), (w2, classes), (&mut *parts, rows));
        }
    }

    /// Computes the gradients of this shard's parameters from `dy` (rows × classes, padded), or continues them from
    /// earlier rows of the batch if `accumulate`.
    pub fn backward<P: Input<T>>(&mut self, batch: &MiniBatch<T, P>, dy: &[T], accumulate: bool) {
        let (level, shape) = (self.level, self.weights.shape);
        let gradient = self.gradient.get_or_insert_with(|| PackedWeights::zeroed(level, shape, self.blocks.clone()));
        self.buffers.backward((level, self.activation), batch, dy, (gradient, accumulate, Store));
    }

    /// Computes the gradients and updates the parameters by SGD as they leave the registers. Returns whether all
    /// weights stayed finite.
    pub fn backward_and_sgd_step<P: Input<T>>(
        &mut self,
        batch: &MiniBatch<T, P>,
        dy: &[T],
        update: SgdUpdate<T>,
    ) -> bool {
        let context = (self.level, self.activation);
        let finite = self.buffers.backward(context, batch, dy, (&mut self.weights, false, update));
        self.finite = Some(finite);
        self.buffers.transpose_w2(&self.weights);
        finite
    }

    /// Updates the parameters by SGD, after [`backward`](Self::backward). Returns whether all weights stayed finite.
    pub fn sgd_step(&mut self, update: SgdUpdate<T>) -> bool {
        let Shard { level, weights, gradient, .. } = self;
        let gradient = gradient.as_ref().expect("a gradient");
        let apply = |w: &mut [T], g: &[T]| level.dispatch(ApplySgd { w, g, update });
        let finite = apply(&mut weights.w1, &gradient.w1)
            & apply(&mut weights.b1, &gradient.b1)
            & apply(&mut weights.w2, &gradient.w2);
        self.finite = Some(finite);
        self.buffers.transpose_w2(weights);
        finite
    }

    /// Updates the parameters by an optimiser with state, after [`backward`](Self::backward). Returns whether they
    /// stayed finite.
    ///
    /// # Panics
    /// Unless [`load_state`](Self::load_state) was called.
    pub fn optimizer_step(&mut self, step: Step<T>) -> bool {
        let Shard { level, weights, gradient, state, .. } = self;
        let [m, v] = state.as_mut().expect("the optimiser's state is loaded");
        let gradient = gradient.as_ref().expect("a gradient");
        let update =
            |w: &mut [T], g: &[T], state: [&mut [T]; STATES], step| level.dispatch(Update { w, g, state, step });
        let finite = update(&mut weights.w1, &gradient.w1, [&mut m.w1, &mut v.w1], step)
            & update(&mut weights.b1, &gradient.b1, [&mut m.b1, &mut v.b1], step.without_decay())
            & update(&mut weights.w2, &gradient.w2, [&mut m.w2, &mut v.w2], step);
        self.finite = Some(finite);
        self.buffers.transpose_w2(weights);
        finite
    }
}

impl<T: Float> Buffers<T> {
    fn transpose_w2(&mut self, weights: &PackedWeights<T>) {
        let (width, classes) = (weights.units.len(), weights.shape.classes_padded());
        for (c, row) in self.w2_transposed.chunks_exact_mut(width).enumerate() {
            row.iter_mut().enumerate().for_each(|(j, x)| *x = weights.w2[j * classes + c]);
        }
    }

    /// Backpropagation through the shard; the results go to `out` by way of the epilogue.
    fn backward<P: Input<T>, E: Epilogue<T>>(
        &mut self,
        (level, activation): (Level, Activation),
        batch: &MiniBatch<T, P>,
        dy: &[T],
        (out, accumulate, epilogue): (&mut PackedWeights<T>, bool, E),
    ) -> bool {
        let (rows, shape, units) = (batch.rows(), out.shape, out.units.len());
        let (inputs, classes) = (shape.inputs_padded(), shape.classes_padded());
        let mut ok = true;
        for panel in &out.panels {
            let (width, at) = (panel.len(), panel.start);
            let z = &self.z[at * rows..][..width * rows];
            let da = &mut self.da[at * rows..][..width * rows];
            let w2_transposed = (&self.w2_transposed[at..], units);
            hidden_gradient(level, (dy, shape.classes(), classes), w2_transposed, (&mut *da, width));
            let finite = level.dispatch(ActivationGradient { activation, gradient: &mut *da, z });
            // The rows of W2 of padding units must stay zero, although their activation is ½.
            let w2 = (&mut out.w2[at * classes..][..width * classes], accumulate, epilogue);
            let real_units = shape.hidden().saturating_sub(out.units.start + at).min(width);
            ok &= w2_gradient(level, real_units, (z, width), (dy, classes), w2);
            let b = &mut out.b1[panel.clone()];
            ok &= level.dispatch(SumRows { rows: &*da, b, accumulate, epilogue });
            let w1 = &mut out.w1[at * inputs..][..width * inputs];
            let gradient = PanelGradient { da: &*da, finite, w1, width, accumulate, epilogue };
            ok &= hidden_layer::backward(level, batch, gradient);
        }
        ok
    }
}
