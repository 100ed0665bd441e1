//! A shard of the hidden layer: some neighbouring blocks of hidden units, with all that one worker needs to compute and
//! train them: their columns of W1, their part of b1, their rows of W2.

use super::activation::{Activation, ActivationGradient};
use super::hidden_layer::{Backward, Forward};
use super::mini_batch::{Input, MiniBatch};
use super::optimizer_update::{OptimizerMemory, STATES, Step, Update};
use super::output_layer::{SumRows, hidden_gradient, partial_logits, w2_gradient};
use super::packed_weights::PackedWeights;
use super::parameters::Parameters;
use super::prefetch::Prefetch;
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matmul::{BLOCK, Epilogue, Store};
use crate::simd::Level;
use std::ops::Range;

/// The weights of a shard, and room for a batch.
pub(crate) struct Shard<T: Float> {
    level: Level,
    activation: Activation,
    weights: PackedWeights<T>,
    /// The gradient and state of an optimiser that keeps state.
    memory: Option<OptimizerMemory<PackedWeights<T>>>,
    buffers: Buffers<T>,
}

/// What the forward pass leaves for the backward pass.
struct Buffers<T> {
    /// classes × units.
    w2_transposed: Aligned<T>,
    /// Activations, panel after panel, each rows × width.
    z: Aligned<T>,
    /// Gradients with respect to the activations' arguments, likewise.
    da: Aligned<T>,
}

impl<T: Float> Shard<T> {
    /// The shard of `blocks`, with room for `capacity` rows.
    pub fn new(
        (level, activation): (Level, Activation),
        parameters: &Parameters<T>,
        blocks: Range<usize>,
        capacity: usize,
    ) -> Self {
        let weights = PackedWeights::pack(parameters, blocks.start * BLOCK..blocks.end * BLOCK);
        let (width, classes) = (weights.units.len(), parameters.shape().classes());
        let mut buffers = Buffers {
            w2_transposed: Aligned::zeroed([width, classes]),
            z: Aligned::zeroed([capacity, width]),
            da: Aligned::zeroed([capacity, width]),
        };
        buffers.transpose_w2(&weights);
        Shard { level, activation, weights, memory: None, buffers }
    }

    /// Copies an optimiser's state of these parameters.
    pub fn load_state(&mut self, state: &[Parameters<T>; STATES]) {
        let units = &self.weights.units;
        let state = state.each_ref().map(|state| PackedWeights::pack(state, units.clone()));
        let gradient = PackedWeights::zeroed(self.weights.shape, units.clone());
        self.memory = Some(OptimizerMemory { gradient, state });
    }

    /// Copies the optimiser's state back.
    pub fn store_state(&self, state: &mut [Parameters<T>; STATES]) {
        if let Some(memory) = &self.memory {
            state.iter_mut().zip(&memory.state).for_each(|(to, from)| from.unpack(to));
        }
    }

    /// Copies the parameters, or what an epilogue has made of them, to `parameters`.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        self.weights.unpack(parameters);
    }

    /// Computes the activations of a batch and a part of its logits for each block of this shard, into `parts`.
    pub fn forward<P: Input<T>>(&mut self, batch: &MiniBatch<P>, prefetch: &mut Prefetch<'_>, parts: &mut [T]) {
        let (rows, classes) = (batch.rows(), self.weights.shape.classes_padded());
        let mut parts = parts;
        for panel in self.weights.panels() {
            let width = panel.len();
            let (mine, rest) = parts.split_at_mut(width / BLOCK * rows * classes);
            parts = rest;
            let z = &mut self.buffers.z[panel.start * rows..][..width * rows];
            let weights = self.weights.panel(&panel, self.activation);
            self.level.dispatch(Forward { batch, panel: weights, z, prefetch });
            let w2 = &self.weights.w2[panel.start * classes..][..width * classes];
            partial_logits(self.level, rows, (z, width), (w2, classes), mine);
        }
    }

    /// Computes the gradients of this shard's parameters from `dy` (rows × classes, padded) and hands them to the
    /// epilogue, in place of the parameters. Returns whether everything that it returned was zero.
    pub fn backward<P: Input<T>, E: Epilogue<T>>(&mut self, batch: &MiniBatch<P>, dy: &[T], epilogue: E) -> bool {
        let context = (self.level, self.activation);
        let ok = self.buffers.backward(context, batch, dy, (&mut self.weights, epilogue));
        self.buffers.transpose_w2(&self.weights);
        ok
    }

    /// Updates this shard's parameters by an optimiser with state. Returns whether they stayed finite.
    ///
    /// # Panics
    /// Unless [`load_state`](Self::load_state) was called.
    pub fn optimizer_step<P: Input<T>>(&mut self, batch: &MiniBatch<P>, dy: &[T], step: Step<T>) -> bool {
        let Shard { level, activation, weights, memory, buffers } = self;
        let OptimizerMemory { gradient, state: [m, v] } = memory.as_mut().expect("the optimiser's state is loaded");
        buffers.backward((*level, *activation), batch, dy, (gradient, Store));
        let update =
            |w: &mut [T], g: &[T], state: [&mut [T]; STATES], step| level.dispatch(Update { w, g, state, step });
        let finite = update(&mut weights.w1, &gradient.w1, [&mut m.w1, &mut v.w1], step)
            & update(&mut weights.b1, &gradient.b1, [&mut m.b1, &mut v.b1], step.without_decay())
            & update(&mut weights.w2, &gradient.w2, [&mut m.w2, &mut v.w2], step);
        buffers.transpose_w2(weights);
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
        batch: &MiniBatch<P>,
        dy: &[T],
        (out, epilogue): (&mut PackedWeights<T>, E),
    ) -> bool {
        let (rows, shape, units) = (batch.rows(), out.shape, out.units.len());
        let (inputs, classes) = (shape.inputs_padded(), shape.classes_padded());
        let mut ok = true;
        for panel in out.panels() {
            let (width, at) = (panel.len(), panel.start);
            let z = &self.z[at * rows..][..width * rows];
            let da = &mut self.da[at * rows..][..width * rows];
            let w2_transposed = (&self.w2_transposed[at..], units);
            hidden_gradient(level, (dy, shape.classes(), classes), w2_transposed, (&mut *da, width));
            level.dispatch(ActivationGradient { activation, gradient: &mut *da, z });
            // The rows of W2 of padding units must stay zero, although their activation is ½.
            let w2 = (&mut out.w2[at * classes..][..width * classes], epilogue);
            let real_units = shape.hidden().saturating_sub(out.units.start + at).min(width);
            ok &= w2_gradient(level, real_units, (z, width), (dy, classes), w2);
            ok &= level.dispatch(SumRows { rows: &*da, b: &mut out.b1[panel.clone()], epilogue });
            let w1 = &mut out.w1[at * inputs..][..width * inputs];
            ok &= level.dispatch(Backward { batch, da, w1, stride: width, width, epilogue });
        }
        ok
    }
}
