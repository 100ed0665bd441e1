//! The first layer in whole numbers.

use super::{ByteBatch, Digits, Forward, Gradient};
use crate::network::Ahead;
use crate::network::first::{Panel, Sink};
use crate::network::layer::{Destination, FirstLayer};
use crate::simd::{Alike, Level, Unit};

/// The first layer with pixels and digits, at one unit of bytes; all else at the unit's level, rounded alike at all.
#[derive(Clone, Copy)]
pub struct Fixed {
    unit: Unit,
    rounding: Alike,
}

impl Fixed {
    /// At the fastest unit within `level`.
    pub fn new(level: Level) -> Self {
        Self::with_unit(Unit::best(level), level)
    }

    /// At this unit.
    pub fn with_unit(unit: Unit, level: Level) -> Self {
        Fixed { unit, rounding: Alike(level) }
    }
}

/// Digits of a panel of W1, and room for those of its dA.
pub struct Kept {
    w1: Digits,
    da: Digits,
}

impl FirstLayer<f32> for Fixed {
    type Pixel = u8;
    type Batch = ByteBatch;
    type Kept = Kept;
    type Rounding = Alike;
    const LIKES_COMPANY: bool = true;

    fn rounding(self) -> Alike {
        self.rounding
    }

    /// Where bytes have tiles. Elsewhere either engine skips zeros, and floats are as fast, or faster.
    fn pays(self) -> bool {
        self.unit.has_tiles()
    }

    fn batch(self, inputs: usize, capacity: usize, both_ways: bool) -> ByteBatch {
        ByteBatch::new(self.unit, inputs, capacity, both_ways)
    }

    fn rows(batch: &ByteBatch) -> usize {
        batch.rows()
    }

    fn gather(self, batch: &mut ByteBatch, source: &[u8], indices: &mut dyn Iterator<Item = usize>) {
        batch.gather(self.unit, source, indices);
    }

    fn keep(self, panel: &Panel<'_, f32>, inputs: usize, capacity: usize) -> Kept {
        let w1 = Digits::of(self.unit, panel.w1, inputs, panel.stride, panel.width);
        Kept { w1, da: Digits::new(capacity, panel.width) }
    }

    fn keep_again(self, kept: &mut Kept, w1: &[f32], inputs: usize) {
        kept.w1.cut(self.unit, w1, inputs, kept.w1.width());
    }

    fn forward(self, batch: &mut ByteBatch, panel: Panel<'_, f32>, kept: &Kept, z: &mut [f32], ahead: &mut Ahead<'_>) {
        let Panel { b1, activation, .. } = panel;
        self.unit.dispatch(Forward { batch, digits: &kept.w1, b1, activation, z, ahead });
    }

    fn gradient<K: Sink<f32>>(
        self,
        batch: &ByteBatch,
        da: &[f32],
        kept: &mut Kept,
        into: Destination<'_, f32, K>,
    ) -> bool {
        let Destination { w1, inputs, width, sink } = into;
        kept.da.cut(self.unit, da, batch.rows(), width);
        let gradient = Gradient { batch, da: &kept.da, w1: &mut *w1, digits: &mut kept.w1, inputs, sink };
        let (finite, rescaled) = self.unit.dispatch(gradient);
        if rescaled {
            self.keep_again(kept, w1, inputs);
        }
        finite
    }
}
