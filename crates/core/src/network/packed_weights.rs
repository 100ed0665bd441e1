//! The parameters of a shard, packed for its kernels.

use super::activation::Activation;
use super::hidden_layer::{MAX_VECTORS, Panel};
use super::parameters::{Parameter, Parameters, are_finite};
use super::shape::{BLOCK, Shape};
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matrix::MatMut;
use crate::simd::Level;
use std::ops::Range;

/// The columns of W1, the part of b1 and the rows of W2 of neighbouring hidden units; or anything of that form, such as
/// their gradient.
pub(super) struct PackedWeights<T> {
    pub shape: Shape,
    /// Hidden units, in whole vectors; the last may be padding.
    pub units: Range<usize>,
    /// The columns of each panel. A panel's part of W1 is contiguous, so that it is read in one stream and rows a power
    /// of two apart do not compete for a few cache sets.
    pub panels: Vec<Range<usize>>,
    /// Panel after panel, each inputs (padded to pairs) × width.
    pub w1: Aligned<T>,
    pub b1: Aligned<T>,
    /// units × classes (padded).
    pub w2: Aligned<T>,
}

impl<T: Float> PackedWeights<T> {
    /// All zeros, for the hidden units of `blocks`.
    pub fn zeroed(level: Level, shape: Shape, blocks: Range<usize>) -> Self {
        let lanes = level.lanes::<T>();
        let end = (blocks.end * BLOCK).min(shape.hidden().next_multiple_of(lanes));
        let units = blocks.start * BLOCK..end;
        let width = units.len();
        PackedWeights {
            w1: Aligned::zeroed([shape.inputs_padded(), width]),
            b1: Aligned::zeroed([width]),
            w2: Aligned::zeroed([width, shape.classes_padded()]),
            panels: panels::<T>(level, width),
            shape,
            units,
        }
    }

    /// Packs the parameters of the hidden units of `blocks`.
    pub fn pack(level: Level, parameters: &Parameters<T>, blocks: Range<usize>) -> Self {
        let mut weights = Self::zeroed(level, parameters.shape(), blocks);
        weights.load(parameters);
        weights
    }

    /// Whether W1 is finite.
    pub fn w1_is_finite(&self) -> bool {
        are_finite(&self.w1)
    }

    /// A panel, for the forward pass.
    pub fn panel(&self, panel: &Range<usize>, activation: Activation, finite: bool) -> Panel<'_, T> {
        let (width, b1) = (panel.len(), &self.b1[panel.clone()]);
        let inputs = self.shape.inputs_padded();
        let w1 = &self.w1[panel.start * inputs..][..width * inputs];
        Panel { w1, stride: width, b1, width, activation, finite }
    }

    /// Units that are not padding.
    fn real_units(&self) -> usize {
        self.shape.hidden().min(self.units.end) - self.units.start
    }

    /// Packs other parameters of the same shape.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        let (shape, from) = (self.shape, self.units.start);
        let padded = parameters.padded();
        let ((w1, hidden), (b1, _), (w2, classes)) =
            (Parameter::W1.place(shape), Parameter::B1.place(shape), Parameter::W2.place(shape));
        for panel in self.panels.clone() {
            let mine = &mut self.w1[panel.start * shape.inputs_padded()..][..panel.len() * shape.inputs_padded()];
            for (i, row) in mine.chunks_exact_mut(panel.len()).enumerate() {
                row.copy_from_slice(&padded[w1 + i * hidden + from + panel.start..][..panel.len()]);
            }
        }
        let width = self.units.len();
        self.b1.copy_from_slice(&padded[b1 + from..][..width]);
        self.w2.copy_from_slice(&padded[w2 + from * classes..][..width * classes]);
    }

    /// Copies the elements to their places in W1, b1 and W2, the first three of `parameters`.
    pub fn unpack(&self, [w1, b1, w2, _]: &mut [MatMut<'_, T>; 4]) {
        let (shape, from, real) = (self.shape, self.units.start, self.real_units());
        for panel in &self.panels {
            let mine = &self.w1[panel.start * shape.inputs_padded()..];
            let columns = panel.len().min(real.saturating_sub(panel.start));
            for (i, row) in mine.chunks_exact(panel.len()).enumerate().take(shape.inputs()) {
                w1.row_mut(i)[from + panel.start..][..columns].copy_from_slice(&row[..columns]);
            }
        }
        b1.row_mut(0)[from..][..real].copy_from_slice(&self.b1[..real]);
        for (j, row) in self.w2.chunks_exact(shape.classes_padded()).enumerate().take(real) {
            w2.row_mut(from + j).copy_from_slice(&row[..shape.classes()]);
        }
    }
}

/// Splits `width` columns evenly into as few panels as possible. With 16 registers, the tile of the dense passes is best
/// two vectors wide, so that several panels have six vectors rather than seven.
pub(super) fn panels<T: Float>(level: Level, width: usize) -> Vec<Range<usize>> {
    let (lanes, registers) = (level.lanes::<T>(), level.registers::<T>());
    let vectors = width / lanes;
    let most = if registers < 32 && vectors > MAX_VECTORS { MAX_VECTORS - 1 } else { MAX_VECTORS };
    let count = vectors.div_ceil(most);
    let bound = |i: usize| vectors * i / count * lanes;
    (0..count).map(|i| bound(i)..bound(i + 1)).collect()
}
