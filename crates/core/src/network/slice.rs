//! A slice of the hidden layer, with all that one thread needs to compute and train it: its columns of W1, its part of
//! b1, its rows of W2; and the head, which turns the slices' partial logits into a loss and its derivatives.

use super::batch::{Batch, Input};
use super::first::{Forward, Gradient, Keep, Panel, Sink};
use super::second::{Product, SumParts, SumRows, ThroughSigmoid, View};
use super::{BLOCK, Parameter, Parameters, Shape};
use crate::buffer::Aligned;
use crate::float::Float;
use crate::simd::Level;
use crate::softmax::Softmax;
use std::ops::Range;

/// Widest panel of hidden units that the first layer's kernels take at once. Its rows lie together, so that a panel of
/// W1 is read in one stream, and no power-of-two distance of rows crowds a few sets of the cache.
pub(super) const PANEL: usize = 4 * BLOCK;

/// Activations of a panel, and its contribution to the logits: one part for each block of hidden units.
///
/// `w2` is the panel's rows of W2, `z` its activations (batch × width), `parts` takes width / BLOCK parts of batch ×
/// `classes` (padded) each.
pub(crate) fn forward_panel<T: Float, P: Input<T>>(
    level: Level,
    batch: &Batch<P>,
    panel: Panel<'_, T>,
    (w2, classes): (&[T], usize),
    (z, parts): (&mut [T], &mut [T]),
    each_part: impl Fn(usize, Range<usize>),
) {
    let (rows, width) = (batch.rows(), panel.width);
    level.dispatch(Forward { batch, panel, z: &mut *z, each_part });
    for (block, part) in parts.chunks_exact_mut(rows * classes).enumerate() {
        let at = block * BLOCK;
        level.dispatch(Product {
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
pub(crate) struct Slice<T> {
    shape: Shape,
    /// Hidden units, a multiple of the block; the last may be padding.
    units: Range<usize>,
    /// Panel after panel, each inputs (padded to pairs) × width.
    w1: Aligned<T>,
    b1: Aligned<T>,
    /// units × classes (padded).
    w2: Aligned<T>,
    /// classes × units: W2 turned, for the way back.
    w2_turned: Aligned<T>,
    /// Panel after panel, each batch × width.
    z: Aligned<T>,
    da: Aligned<T>,
}

impl<T: Float> Slice<T> {
    /// The slice of `blocks`, with room for `capacity` rows.
    pub fn new(parameters: &Parameters<T>, blocks: Range<usize>, capacity: usize) -> Self {
        let shape = parameters.shape();
        let units = blocks.start * BLOCK..blocks.end * BLOCK;
        let width = units.len();
        let mut slice = Slice {
            w1: Aligned::zeroed([shape.inputs_padded(), width]),
            b1: Aligned::zeroed([width]),
            w2: Aligned::zeroed([width, shape.classes_padded()]),
            w2_turned: Aligned::zeroed([width, shape.classes()]),
            z: Aligned::zeroed([capacity, width]),
            da: Aligned::zeroed([capacity, width]),
            shape,
            units,
        };
        slice.load(parameters);
        slice
    }

    /// Columns of this slice, panel by panel.
    fn panels(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let width = self.units.len();
        (0..width).step_by(PANEL).map(move |at| at..width.min(at + PANEL))
    }

    /// Hidden units of this slice that are not padding.
    fn real(&self) -> usize {
        self.shape.hidden().min(self.units.end) - self.units.start
    }

    fn load(&mut self, parameters: &Parameters<T>) {
        let (shape, from) = (self.shape, self.units.start);
        let padded = parameters.padded();
        let ((w1, hidden), (b1, _), (w2, classes)) =
            (Parameter::W1.place(shape), Parameter::B1.place(shape), Parameter::W2.place(shape));
        for panel in self.panels() {
            let mine = &mut self.w1[panel.start * shape.inputs_padded()..][..panel.len() * shape.inputs_padded()];
            for (i, row) in mine.chunks_exact_mut(panel.len()).enumerate() {
                row.copy_from_slice(&padded[w1 + i * hidden + from + panel.start..][..panel.len()]);
            }
        }
        let width = self.units.len();
        self.b1.copy_from_slice(&padded[b1 + from..][..width]);
        self.w2.copy_from_slice(&padded[w2 + from * classes..][..width * classes]);
        self.turn();
    }

    /// Writes the slice's parameters, or what has become of them, to their places.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        let (shape, from, real) = (self.shape, self.units.start, self.real());
        let mut w1 = parameters.get_mut(Parameter::W1);
        for panel in self.panels() {
            let mine = &self.w1[panel.start * shape.inputs_padded()..];
            let columns = panel.len().min(real.saturating_sub(panel.start));
            for (i, row) in mine.chunks_exact(panel.len()).enumerate().take(shape.inputs()) {
                w1.row_mut(i)[from + panel.start..][..columns].copy_from_slice(&row[..columns]);
            }
        }
        parameters.get_mut(Parameter::B1).row_mut(0)[from..][..real].copy_from_slice(&self.b1[..real]);
        let mut w2 = parameters.get_mut(Parameter::W2);
        for (j, row) in self.w2.chunks_exact(shape.classes_padded()).enumerate().take(real) {
            w2.row_mut(from + j).copy_from_slice(&row[..shape.classes()]);
        }
    }

    fn turn(&mut self) {
        let (width, classes) = (self.units.len(), self.shape.classes_padded());
        for (c, row) in self.w2_turned.chunks_exact_mut(width).enumerate() {
            row.iter_mut().enumerate().for_each(|(j, x)| *x = self.w2[j * classes + c]);
        }
    }

    /// Activations for a batch, and a part of its logits for each block of this slice, in `parts`; `each_part(n,
    /// columns)` is called once for each row and some columns of it, all of them in turn.
    pub fn forward<P: Input<T>>(
        &mut self,
        level: Level,
        batch: &Batch<P>,
        each_part: impl Fn(usize, Range<usize>),
        parts: &mut [T],
    ) {
        let (rows, classes, inputs) = (batch.rows(), self.shape.classes_padded(), self.shape.inputs_padded());
        let mut parts = parts;
        for panel in self.panels() {
            let width = panel.len();
            let (mine, rest) = parts.split_at_mut(width / BLOCK * rows * classes);
            parts = rest;
            let w1 = &self.w1[panel.start * inputs..][..width * inputs];
            let view = Panel { w1, stride: width, b1: &self.b1[panel.start..][..width], width };
            let w2 = &self.w2[panel.start * classes..][..width * classes];
            let z = &mut self.z[panel.start * rows..][..width * rows];
            let first = panel.start == 0;
            forward_panel(level, batch, view, (w2, classes), (z, mine), |n, columns| {
                if first {
                    each_part(n, columns);
                }
            });
        }
    }

    /// With the logits' derivatives `dy` (batch × classes, padded), hands the gradients of this slice's parameters to
    /// `sink`, in place of the parameters. Returns whether all weights stayed finite.
    pub fn backward<P: Input<T>, K: Sink<T>>(&mut self, level: Level, batch: &Batch<P>, dy: &[T], sink: K) -> bool {
        let (rows, inputs) = (batch.rows(), self.shape.inputs_padded());
        let mut finite = true;
        for panel in self.panels() {
            finite &= self.backward_second(level, &panel, rows, dy, sink);
            let width = panel.len();
            let da = &self.da[panel.start * rows..][..width * rows];
            let b = &mut self.b1[panel.start..][..width];
            finite &= level.dispatch(SumRows { rows: da, b, sink });
            let w1 = &mut self.w1[panel.start * inputs..][..width * inputs];
            finite &= level.dispatch(Gradient { batch, da, w1, stride: width, width, sink });
        }
        self.turn();
        finite
    }

    /// A panel's dA, and the gradient of its rows of W2.
    fn backward_second<K: Sink<T>>(
        &mut self,
        level: Level,
        panel: &Range<usize>,
        rows: usize,
        dy: &[T],
        sink: K,
    ) -> bool {
        let (classes, width) = (self.shape.classes_padded(), panel.len());
        let z = &self.z[panel.start * rows..][..width * rows];
        let da = &mut self.da[panel.start * rows..][..width * rows];
        level.dispatch(Product {
            rows,
            k: self.shape.classes(),
            cols: width,
            a: View { data: dy, row: classes, col: 1 },
            b: &self.w2_turned[panel.start..],
            b_row: self.units.len(),
            c: da,
            c_row: width,
            sink: Keep,
        });
        level.dispatch(ThroughSigmoid { da, z });
        // Padding has activations of one half: its rows of W2 must stay zero.
        let real = self.shape.hidden().min(self.units.start + panel.end) - self.units.start - panel.start;
        level.dispatch(Product {
            rows: real,
            k: rows,
            cols: classes,
            a: View { data: z, row: 1, col: width },
            b: dy,
            b_row: classes,
            c: &mut self.w2[panel.start * classes..],
            c_row: classes,
            sink,
        })
    }
}

/// What stands on the hidden layer: b2, the logits of a batch, the loss.
pub(crate) struct Head<T> {
    classes: usize,
    b2: Aligned<T>,
    logits: Aligned<T>,
    softmax: Softmax<T>,
}

impl<T: Float> Head<T> {
    /// With room for `capacity` rows.
    pub fn new(parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        let classes = shape.classes_padded();
        let (b2, logits) = (Aligned::zeroed([classes]), Aligned::zeroed([capacity, classes]));
        let mut head = Head { classes, b2, logits, softmax: Softmax::new(shape.classes()) };
        head.load(parameters);
        head
    }

    /// Takes b2 from `parameters`.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        let (at, classes) = Parameter::B2.place(parameters.shape());
        self.b2.copy_from_slice(&parameters.padded()[at..][..classes]);
    }

    /// Sums the parts of all blocks, in their order, and b2, into the logits of `rows` rows.
    pub fn combine(&mut self, level: Level, parts: &[T], rows: usize) {
        let out = &mut self.logits[..rows * self.classes];
        level.dispatch(SumParts { parts, b: &self.b2, out });
    }

    /// Turns the combined logits into the derivatives of their mean loss; returns that mean.
    pub fn derivatives(&mut self, level: Level, labels: &[u32]) -> f64 {
        let logits = &mut self.logits[..labels.len() * self.classes];
        self.softmax.derivatives(level, logits, self.classes, labels)
    }

    /// The sum of the losses of the combined logits.
    pub fn losses(&mut self, level: Level, labels: &[u32]) -> f64 {
        let logits = &self.logits[..labels.len() * self.classes];
        self.softmax.losses(level, logits, self.classes, labels)
    }

    /// Turns the combined logits of `rows` rows into probabilities.
    pub fn probabilities(&mut self, level: Level, rows: usize) {
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
    pub fn backward<K: Sink<T>>(&mut self, level: Level, rows: usize, sink: K) -> bool {
        let dy = &self.logits[..rows * self.classes];
        level.dispatch(SumRows { rows: dy, b: &mut self.b2, sink })
    }

    /// Writes b2, or what has become of it, to its place.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        let row = &self.b2[..parameters.shape().classes()];
        parameters.get_mut(Parameter::B2).row_mut(0).copy_from_slice(row);
    }
}
