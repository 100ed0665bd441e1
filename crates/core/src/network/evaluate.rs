//! The forward pass over many rows, chunk by chunk, with the weights where they lie.

use super::batch::{Batch, Input};
use super::first::Panel;
use super::slice::{Head, PANEL, forward_panel};
use super::{Activation, BLOCK, Parameter, Parameters, TwoLayerNet};
use crate::buffer::Aligned;
use crate::float::Float;
use crate::parallel;
use crate::simd::Level;
use std::ops::Range;

/// Rows that are evaluated at a time: what they need stays in the second-level cache.
const CHUNK: usize = 64;

/// Room for the forward pass of up to `capacity` rows.
pub(crate) struct Pass<T, P> {
    batch: Batch<P>,
    z: Aligned<T>,
    parts: Aligned<T>,
    pub head: Head<T>,
}

impl<T: Float, P: Input<T>> Pass<T, P> {
    pub fn new(parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        Pass {
            batch: Batch::new(shape.inputs(), capacity),
            z: Aligned::zeroed([capacity, PANEL]),
            parts: Aligned::zeroed([shape.hidden_padded() / BLOCK, capacity, shape.classes_padded()]),
            head: Head::new(parameters, capacity),
        }
    }

    pub fn gather(&mut self, level: Level, x: &[P], rows: Range<usize>) {
        self.batch.gather::<T>(level, x, rows);
    }

    /// Leaves the logits of the gathered rows in the head.
    pub fn forward(&mut self, level: Level, activation: Activation, parameters: &Parameters<T>) {
        let (shape, padded, rows) = (parameters.shape(), parameters.padded(), self.batch.rows());
        let ((w1, stride), (b1, _)) = (Parameter::W1.place(shape), Parameter::B1.place(shape));
        let (w2, classes) = Parameter::W2.place(shape);
        let part = rows * classes;
        for at in (0..stride).step_by(PANEL) {
            let width = PANEL.min(stride - at);
            let panel = Panel { w1: &padded[w1 + at..b1], stride, b1: &padded[b1 + at..][..width], width, activation };
            let w2 = &padded[w2 + at * classes..][..width * classes];
            let parts = &mut self.parts[at / BLOCK * part..][..width / BLOCK * part];
            forward_panel(level, &self.batch, panel, (w2, classes), (&mut self.z, parts), |_, _| ());
        }
        self.head.load(parameters);
        self.head.combine(level, &self.parts[..stride / BLOCK * part], rows);
    }
}

/// What `each` makes of each chunk's logits, in order.
pub(crate) fn in_chunks<T: Float, P: Input<T>, R: Send>(
    net: &TwoLayerNet<T>,
    x: &[P],
    rows: usize,
    each: impl Fn(&mut Head<T>, usize, usize) -> R + Sync,
) -> Vec<R> {
    let prepare = || Pass::new(&net.parameters, rows.min(CHUNK));
    let work = |pass: &mut Pass<T, P>, chunk: usize| {
        let from = chunk * CHUNK;
        let n = CHUNK.min(rows - from);
        pass.gather(net.level, x, from..from + n);
        pass.forward(net.level, net.activation, &net.parameters);
        each(&mut pass.head, n, from)
    };
    parallel::map(net.threads, rows.div_ceil(CHUNK), prepare, work)
}
