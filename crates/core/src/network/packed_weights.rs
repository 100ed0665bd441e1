//! The parameters of a shard, packed for its kernels.

use super::activation::Activation;
use super::hidden_layer::Panel;
use super::parameters::{Parameter, Parameters};
use super::shape::Shape;
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matmul::BLOCK;
use std::ops::Range;

/// The most hidden units of a panel. A panel's columns of W1 are contiguous, so that it is read in one stream and rows
/// a power of two apart do not compete for a few cache sets.
pub(super) const PANEL: usize = 4 * BLOCK;

/// The columns of W1, the part of b1 and the rows of W2 of neighbouring hidden units; or anything of that form, such as
/// their gradient.
pub(super) struct PackedWeights<T> {
    pub shape: Shape,
    /// Hidden units, a multiple of the block; the last may be padding.
    pub units: Range<usize>,
    /// Panel after panel, each inputs (padded to pairs) × width.
    pub w1: Aligned<T>,
    pub b1: Aligned<T>,
    /// units × classes (padded).
    pub w2: Aligned<T>,
}

impl<T: Float> PackedWeights<T> {
    /// All zeros.
    pub fn zeroed(shape: Shape, units: Range<usize>) -> Self {
        let width = units.len();
        PackedWeights {
            w1: Aligned::zeroed([shape.inputs_padded(), width]),
            b1: Aligned::zeroed([width]),
            w2: Aligned::zeroed([width, shape.classes_padded()]),
            shape,
            units,
        }
    }

    /// Packs the parameters of `units`, which are whole blocks.
    pub fn pack(parameters: &Parameters<T>, units: Range<usize>) -> Self {
        debug_assert!(units.start.is_multiple_of(BLOCK) && units.end.is_multiple_of(BLOCK));
        let mut weights = Self::zeroed(parameters.shape(), units);
        weights.load(parameters);
        weights
    }

    /// The panels, as ranges of columns.
    pub fn panels(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let width = self.units.len();
        (0..width).step_by(PANEL).map(move |at| at..width.min(at + PANEL))
    }

    /// A panel's columns of W1.
    pub fn w1_of(&self, panel: &Range<usize>) -> &[T] {
        let inputs = self.shape.inputs_padded();
        &self.w1[panel.start * inputs..][..panel.len() * inputs]
    }

    /// A panel, for the forward pass.
    pub fn panel(&self, panel: &Range<usize>, activation: Activation) -> Panel<'_, T> {
        let (width, b1) = (panel.len(), &self.b1[panel.clone()]);
        Panel { w1: self.w1_of(panel), stride: width, b1, width, activation }
    }

    /// Units that are not padding.
    fn real_units(&self) -> usize {
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
    }

    /// Copies them to their places in `parameters`.
    pub fn unpack(&self, parameters: &mut Parameters<T>) {
        let (shape, from, real) = (self.shape, self.units.start, self.real_units());
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
}
