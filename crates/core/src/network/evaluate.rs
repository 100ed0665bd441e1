//! The forward pass over many rows, chunk by chunk, with the weights where they lie.

use super::engine::Work;
use super::first::Panel;
use super::layer::FirstLayer;
use super::slice::{Head, PANEL, forward_panel};
use super::{Activation, Ahead, BLOCK, Parameter, Parameters, TwoLayerNet};
use crate::buffer::Aligned;
use crate::float::Float;
use crate::parallel;
use crate::simd::Dispatch;
use std::ops::Range;

/// Rows that are evaluated at a time: what they need stays in the second-level cache.
const CHUNK: usize = 64;

/// Room for the forward pass of up to `capacity` rows.
pub(crate) struct Pass<T: Float, L: FirstLayer<T>> {
    layer: L,
    batch: L::Batch,
    z: Aligned<T>,
    parts: Aligned<T>,
    pub head: Head<T>,
}

/// The panels of W1 where it lies, with their first columns.
fn panels<T: Float>(parameters: &Parameters<T>, activation: Activation) -> impl Iterator<Item = (usize, Panel<'_, T>)> {
    let (shape, padded) = (parameters.shape(), parameters.padded());
    let ((w1, stride), (b1, _)) = (Parameter::W1.place(shape), Parameter::B1.place(shape));
    (0..stride).step_by(PANEL).map(move |at| {
        let width = PANEL.min(stride - at);
        (at, Panel { w1: &padded[w1 + at..b1], stride, b1: &padded[b1 + at..][..width], width, activation })
    })
}

/// What the layer keeps of each panel.
pub(crate) fn keep<T: Float, L: FirstLayer<T>>(layer: L, net: &TwoLayerNet<T>) -> Vec<L::Kept> {
    panels(&net.parameters, net.activation).map(|(_, panel)| layer.keep(&panel, net.shape().inputs(), 0)).collect()
}

impl<T: Float, L: FirstLayer<T>> Pass<T, L> {
    pub fn new(layer: L, parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        Pass {
            layer,
            batch: layer.batch(shape.inputs(), capacity, false),
            z: Aligned::zeroed([capacity, PANEL]),
            parts: Aligned::zeroed([shape.hidden_padded() / BLOCK, capacity, shape.classes_padded()]),
            head: Head::new(parameters, capacity),
        }
    }

    pub fn gather(&mut self, x: &[L::Pixel], mut rows: Range<usize>) {
        self.layer.gather(&mut self.batch, x, &mut rows);
    }

    /// Leaves the logits of the gathered rows in the head.
    pub fn forward(&mut self, activation: Activation, parameters: &Parameters<T>, kept: &[L::Kept]) {
        let (shape, padded, rows) = (parameters.shape(), parameters.padded(), L::rows(&self.batch));
        let (w2, classes) = Parameter::W2.place(shape);
        let part = rows * classes;
        for ((at, panel), kept) in panels(parameters, activation).zip(kept) {
            let width = panel.width;
            let w2 = &padded[w2 + at * classes..][..width * classes];
            let parts = &mut self.parts[at / BLOCK * part..][..width / BLOCK * part];
            forward_panel(
                self.layer,
                &mut self.batch,
                (panel, kept),
                (w2, classes),
                (&mut self.z, parts),
                &mut Ahead::nothing(),
            );
        }
        self.head.load(parameters);
        self.head.combine(self.layer.rounding(), &self.parts[..shape.hidden_padded() / BLOCK * part], rows);
    }
}

/// What is made of some rows' logits.
pub(crate) trait Each<T: Float>: Sync {
    type Made: Send;
    /// Of the `rows` rows from `from` on, whose logits are in `head`.
    fn of(&self, level: impl Dispatch, head: &mut Head<T>, rows: usize, from: usize) -> Self::Made;
}

/// What `each` makes of each chunk of rows, in order.
pub(crate) struct InChunks<'a, T: Float, E> {
    pub net: &'a TwoLayerNet<T>,
    pub rows: usize,
    pub each: E,
}

impl<T: Float, E: Each<T>> Work<T> for InChunks<'_, T, E> {
    type Output = Vec<E::Made>;

    fn run<L: FirstLayer<T>>(self, layer: L, x: &[L::Pixel]) -> Vec<E::Made> {
        let InChunks { net, rows, each } = self;
        let kept = keep(layer, net);
        let prepare = || Pass::new(layer, &net.parameters, rows.min(CHUNK));
        let work = |pass: &mut Pass<T, L>, chunk: usize| {
            let from = chunk * CHUNK;
            let n = CHUNK.min(rows - from);
            pass.gather(x, from..from + n);
            pass.forward(net.activation, &net.parameters, &kept);
            each.of(layer.rounding(), &mut pass.head, n, from)
        };
        parallel::map(net.threads, rows.div_ceil(CHUNK), prepare, work)
    }
}

/// Their probabilities, row by row.
pub(crate) struct Probabilities {
    pub classes: usize,
}

impl<T: Float> Each<T> for Probabilities {
    type Made = Vec<T>;

    fn of(&self, level: impl Dispatch, head: &mut Head<T>, rows: usize, _: usize) -> Vec<T> {
        head.probabilities(level, rows);
        head.rows(rows).flat_map(|p| p[..self.classes].iter().copied()).collect()
    }
}

/// Their most probable classes.
pub(crate) struct Classes {
    pub classes: usize,
}

impl<T: Float> Each<T> for Classes {
    type Made = Vec<usize>;

    fn of(&self, _: impl Dispatch, head: &mut Head<T>, rows: usize, _: usize) -> Vec<usize> {
        head.rows(rows).map(|l| first_largest(&l[..self.classes])).collect()
    }
}

/// How many are right, and the sum of their losses.
pub(crate) struct Scores<'a> {
    pub classes: usize,
    pub labels: &'a [u32],
}

impl<T: Float> Each<T> for Scores<'_> {
    type Made = (usize, f64);

    fn of(&self, level: impl Dispatch, head: &mut Head<T>, rows: usize, from: usize) -> (usize, f64) {
        let labels = &self.labels[from..from + rows];
        let right = |(l, t): &(&[T], &u32)| first_largest(&l[..self.classes]) == **t as usize;
        (head.rows(rows).zip(labels).filter(right).count(), head.losses(level, labels))
    }
}

/// The place of the largest element, the first one of equals.
fn first_largest<T: Float>(x: &[T]) -> usize {
    let mut best = 0;
    for (i, v) in x.iter().enumerate() {
        if *v > x[best] {
            best = i;
        }
    }
    best
}
