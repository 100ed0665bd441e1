//! A slice of the hidden layer, with all that one thread needs to compute and train it: its columns of W1, its part of
//! b1, its rows of W2; and the head, which turns the slices' partial logits into a loss and its derivatives.

use super::ahead::Ahead;
use super::first::{Keep, Panel, Sink};
use super::layer::{Destination, FirstLayer};
use super::second::{Product, SumParts, SumRows, ThroughActivation, View};
use super::update::{STATES, Step, Update};
use super::weights::Weights;
use super::{Activation, BLOCK, Parameter, Parameters, TwoLayerNet};
use crate::buffer::Aligned;
use crate::float::Float;
use crate::simd::Dispatch;
use crate::softmax::Softmax;
use std::ops::Range;

/// Widest panel of hidden units that the first layer's kernels take at once. Its rows lie together, so that a panel of
/// W1 is read in one stream, and no power-of-two distance of rows crowds a few sets of the cache.
pub(super) const PANEL: usize = 4 * BLOCK;

/// Activations of a panel, and its contribution to the logits: one part for each block of hidden units.
///
/// `w2` is the panel's rows of W2, `z` its activations (batch × width), `parts` takes width / BLOCK parts of batch ×
/// `classes` (padded) each.
pub(crate) fn forward_panel<T: Float, L: FirstLayer<T>>(
    layer: L,
    batch: &mut L::Batch,
    (panel, kept): (Panel<'_, T>, &L::Kept),
    (w2, classes): (&[T], usize),
    (z, parts): (&mut [T], &mut [T]),
    ahead: &mut Ahead<'_>,
) {
    let (rows, width) = (L::rows(batch), panel.width);
    layer.forward(batch, panel, kept, z, ahead);
    for (block, part) in parts.chunks_exact_mut(rows * classes).enumerate() {
        let at = block * BLOCK;
        layer.rounding().dispatch(Product {
            rows,
            k: BLOCK,
            cols: classes,
            a: View { data: &z[at..], row: width, col: 1 },
            b: &w2[at * classes..],
            b_row: classes,
            c: part,
            c_row: classes,
            sink: Keep,
        });
    }
}

/// Some neighbouring blocks of hidden units: their weights in panels, and room for a batch.
pub(crate) struct Slice<T: Float, L: FirstLayer<T>> {
    layer: L,
    activation: Activation,
    weights: Weights<T>,
    /// What the layer keeps, panel after panel.
    kept: Vec<L::Kept>,
    /// What an optimiser with a memory needs besides.
    memory: Option<Memory<Weights<T>>>,
    /// classes × units: W2 turned, for the way back.
    w2_turned: Aligned<T>,
    /// Panel after panel, each batch × width.
    z: Aligned<T>,
    da: Aligned<T>,
}

/// The gradient, and what an optimiser keeps from step to step, each in the form of what it belongs to.
struct Memory<W> {
    gradient: W,
    state: [W; STATES],
}

impl<T: Float, L: FirstLayer<T>> Slice<T, L> {
    /// The slice of `blocks`, with room for `capacity` rows.
    pub fn new(layer: L, net: &TwoLayerNet<T>, blocks: Range<usize>, capacity: usize) -> Self {
        let (parameters, activation) = (&net.parameters, net.activation);
        let weights = Weights::of(parameters, blocks.start * BLOCK..blocks.end * BLOCK);
        let (width, classes) = (weights.units.len(), parameters.shape().classes());
        let inputs = parameters.shape().inputs();
        let kept = weights.panels().map(|at| layer.keep(&weights.panel(&at, activation), inputs, capacity)).collect();
        let mut slice = Slice {
            layer,
            activation,
            weights,
            kept,
            memory: None,
            w2_turned: Aligned::zeroed([width, classes]),
            z: Aligned::zeroed([capacity, width]),
            da: Aligned::zeroed([capacity, width]),
        };
        slice.turn();
        slice
    }

    /// Takes what an optimiser has kept so far of the slice's parameters.
    pub fn remember(&mut self, state: &[Parameters<T>; STATES]) {
        let units = &self.weights.units;
        let state = state.each_ref().map(|state| Weights::of(state, units.clone()));
        self.memory = Some(Memory { gradient: Weights::zeroed(self.weights.shape, units.clone()), state });
    }

    /// Writes what the optimiser has kept to its place.
    pub fn recall(&self, state: &mut [Parameters<T>; STATES]) {
        if let Some(memory) = &self.memory {
            state.iter_mut().zip(&memory.state).for_each(|(to, from)| from.store(to));
        }
    }

    /// Writes the slice's parameters, or what has become of them, to their places.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        self.weights.store(parameters);
    }

    fn turn(&mut self) {
        let (width, classes) = (self.weights.units.len(), self.weights.shape.classes_padded());
        for (c, row) in self.w2_turned.chunks_exact_mut(width).enumerate() {
            row.iter_mut().enumerate().for_each(|(j, x)| *x = self.weights.w2[j * classes + c]);
        }
    }

    /// Activations for a batch, and a part of its logits for each block of this slice, in `parts`, while the rows
    /// `ahead` are asked for.
    pub fn forward(&mut self, batch: &mut L::Batch, ahead: &mut Ahead<'_>, parts: &mut [T]) {
        let (rows, classes) = (L::rows(batch), self.weights.shape.classes_padded());
        let mut parts = parts;
        for (panel, kept) in self.weights.panels().zip(&self.kept) {
            let width = panel.len();
            let (mine, rest) = parts.split_at_mut(width / BLOCK * rows * classes);
            parts = rest;
            let view = self.weights.panel(&panel, self.activation);
            let w2 = &self.weights.w2[panel.start * classes..][..width * classes];
            let z = &mut self.z[panel.start * rows..][..width * rows];
            forward_panel(self.layer, batch, (view, kept), (w2, classes), (z, mine), ahead);
        }
    }

    /// With the logits' derivatives `dy` (batch × classes, padded), hands the gradients of this slice's parameters to
    /// `sink`, in place of the parameters. Returns whether all weights stayed finite.
    pub fn backward<K: Sink<T>>(&mut self, batch: &L::Batch, dy: &[T], sink: K) -> bool {
        let Slice { layer, activation, weights, kept, w2_turned, z, da, .. } = self;
        let mut back = Backward { activation: *activation, layer: *layer, batch, dy, w2_turned, z, da, kept };
        let finite = back.run(weights, sink);
        self.turn();
        finite
    }

    /// Takes a step of an optimiser with a memory. Returns whether all weights stayed finite.
    ///
    /// # Panics
    /// Unless it has been given one by [`remember`](Self::remember).
    pub fn step(&mut self, batch: &L::Batch, dy: &[T], step: Step<T>) -> bool {
        let Slice { layer, activation, weights, kept, w2_turned, z, da, memory } = self;
        let Memory { gradient, state: [first, second] } = memory.as_mut().expect("a memory for the optimiser");
        Backward { activation: *activation, layer: *layer, batch, dy, w2_turned, z, da, kept }.run(gradient, Keep);
        let update = |w: &mut [T], g: &[T], state: [&mut [T]; STATES], step| {
            layer.rounding().dispatch(Update { w, g, state, step })
        };
        let finite = update(&mut weights.w1, &gradient.w1, [&mut first.w1, &mut second.w1], step)
            & update(&mut weights.b1, &gradient.b1, [&mut first.b1, &mut second.b1], step.of_biases())
            & update(&mut weights.w2, &gradient.w2, [&mut first.w2, &mut second.w2], step);
        for (panel, kept) in weights.panels().zip(kept) {
            layer.keep_again(kept, weights.w1_of(&panel), weights.shape.inputs());
        }
        self.turn();
        finite
    }
}

/// The way back through a slice.
struct Backward<'a, T: Float, L: FirstLayer<T>> {
    layer: L,
    activation: Activation,
    batch: &'a L::Batch,
    dy: &'a [T],
    w2_turned: &'a [T],
    z: &'a [T],
    da: &'a mut [T],
    kept: &'a mut [L::Kept],
}

impl<T: Float, L: FirstLayer<T>> Backward<'_, T, L> {
    /// Hands the gradients to `sink`, with their places in `into`.
    fn run<K: Sink<T>>(&mut self, into: &mut Weights<T>, sink: K) -> bool {
        let (layer, batch, rows) = (self.layer, self.batch, L::rows(self.batch));
        let (inputs, padded) = (into.shape.inputs(), into.shape.inputs_padded());
        let mut finite = true;
        for (n, panel) in into.panels().enumerate() {
            finite &= self.second(&panel, into, sink);
            let width = panel.len();
            let da = &self.da[panel.start * rows..][..width * rows];
            let b = &mut into.b1[panel.start..][..width];
            finite &= layer.rounding().dispatch(SumRows { rows: da, b, sink });
            let w1 = &mut into.w1[panel.start * padded..][..width * padded];
            finite &= layer.gradient(batch, da, &mut self.kept[n], Destination { w1, inputs, width, sink });
        }
        finite
    }

    /// A panel's dA, and the gradient of its rows of W2.
    fn second<K: Sink<T>>(&mut self, panel: &Range<usize>, into: &mut Weights<T>, sink: K) -> bool {
        let (level, rows, shape) = (self.layer.rounding(), L::rows(self.batch), into.shape);
        let (classes, width) = (shape.classes_padded(), panel.len());
        let z = &self.z[panel.start * rows..][..width * rows];
        let da = &mut self.da[panel.start * rows..][..width * rows];
        level.dispatch(Product {
            rows,
            k: shape.classes(),
            cols: width,
            a: View { data: self.dy, row: classes, col: 1 },
            b: &self.w2_turned[panel.start..],
            b_row: into.units.len(),
            c: da,
            c_row: width,
            sink: Keep,
        });
        level.dispatch(ThroughActivation { activation: self.activation, da, z });
        // Padding has activations of one half: its rows of W2 must stay zero.
        let real = shape.hidden().min(into.units.start + panel.end) - into.units.start - panel.start;
        level.dispatch(Product {
            rows: real,
            k: rows,
            cols: classes,
            a: View { data: z, row: 1, col: width },
            b: self.dy,
            b_row: classes,
            c: &mut into.w2[panel.start * classes..],
            c_row: classes,
            sink,
        })
    }
}

/// What stands on the hidden layer: b2, the logits of a batch, the loss.
pub(crate) struct Head<T> {
    classes: usize,
    b2: Aligned<T>,
    memory: Option<Memory<Aligned<T>>>,
    logits: Aligned<T>,
    softmax: Softmax<T>,
}

impl<T: Float> Head<T> {
    /// With room for `capacity` rows.
    pub fn new(parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        let classes = shape.classes_padded();
        let (b2, logits) = (Aligned::zeroed([classes]), Aligned::zeroed([capacity, classes]));
        let mut head = Head { classes, b2, memory: None, logits, softmax: Softmax::new(shape.classes()) };
        head.load(parameters);
        head
    }

    /// Takes b2 from `parameters`.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        let (at, classes) = Parameter::B2.place(parameters.shape());
        self.b2.copy_from_slice(&parameters.padded()[at..][..classes]);
    }

    /// Sums the parts of all blocks, in their order, and b2, into the logits of `rows` rows.
    pub fn combine(&mut self, level: impl Dispatch, parts: &[T], rows: usize) {
        let out = &mut self.logits[..rows * self.classes];
        level.dispatch(SumParts { parts, b: &self.b2, out });
    }

    /// Turns the combined logits into the derivatives of their mean loss; returns that mean.
    pub fn derivatives(&mut self, level: impl Dispatch, labels: &[u32]) -> f64 {
        let logits = &mut self.logits[..labels.len() * self.classes];
        self.softmax.derivatives(level, logits, self.classes, labels)
    }

    /// The sum of the losses of the combined logits.
    pub fn losses(&mut self, level: impl Dispatch, labels: &[u32]) -> f64 {
        let logits = &self.logits[..labels.len() * self.classes];
        self.softmax.losses(level, logits, self.classes, labels)
    }

    /// Turns the combined logits of `rows` rows into probabilities.
    pub fn probabilities(&mut self, level: impl Dispatch, rows: usize) {
        let logits = &mut self.logits[..rows * self.classes];
        self.softmax.probabilities(level, logits, rows, self.classes);
    }

    /// The combined logits or what has been made of them, batch × classes (padded).
    pub fn rows(&self, rows: usize) -> impl ExactSizeIterator<Item = &[T]> {
        self.logits[..rows * self.classes].chunks_exact(self.classes)
    }

    /// The derivatives, once [`derivatives`](Self::derivatives) has made them.
    pub fn dy(&self, rows: usize) -> &[T] {
        &self.logits[..rows * self.classes]
    }

    /// Hands b2's gradient to `sink`, in place of b2.
    pub fn backward<K: Sink<T>>(&mut self, level: impl Dispatch, rows: usize, sink: K) -> bool {
        let dy = &self.logits[..rows * self.classes];
        level.dispatch(SumRows { rows: dy, b: &mut self.b2, sink })
    }

    /// Takes what an optimiser has kept so far of b2.
    pub fn remember(&mut self, state: &[Parameters<T>; STATES]) {
        let state = state.each_ref().map(|state| {
            let mut kept = self.b2.clone();
            kept.copy_from_slice(&state.padded()[Parameter::B2.place(state.shape()).0..][..self.classes]);
            kept
        });
        self.memory = Some(Memory { gradient: self.b2.clone(), state });
    }

    /// Writes what the optimiser has kept to its place.
    pub fn recall(&self, state: &mut [Parameters<T>; STATES]) {
        if let Some(memory) = &self.memory {
            for (to, from) in state.iter_mut().zip(&memory.state) {
                let classes = to.shape().classes();
                to.get_mut(Parameter::B2).row_mut(0).copy_from_slice(&from[..classes]);
            }
        }
    }

    /// Takes a step of an optimiser with a memory; see [`Slice::step`].
    pub fn step(&mut self, level: impl Dispatch, rows: usize, step: Step<T>) -> bool {
        let Memory { gradient, state: [first, second] } = self.memory.as_mut().expect("a memory for the optimiser");
        level.dispatch(SumRows { rows: &self.logits[..rows * self.classes], b: gradient, sink: Keep });
        level.dispatch(Update { w: &mut self.b2, g: gradient, state: [first, second], step: step.of_biases() })
    }

    /// Writes b2, or what has become of it, to its place.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        let row = &self.b2[..parameters.shape().classes()];
        parameters.get_mut(Parameter::B2).row_mut(0).copy_from_slice(row);
    }
}
