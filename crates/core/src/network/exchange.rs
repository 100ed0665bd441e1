//! What crosses between workers: each block's part of the logits.

use super::shape::{BLOCK, Shape};
use crate::math::Float;
use crate::threads::{Barrier, Broken, Shared};
use std::ops::Range;

/// The parts of some rows' logits, one for each block of hidden units. There are two sets of them, used in turn: while one
/// worker still reads a set, another may write the next.
pub(crate) struct LogitParts<T> {
    sets: [Shared<T>; 2],
    blocks: usize,
    /// Padded.
    classes: usize,
}

impl<T: Float> LogitParts<T> {
    /// With room for `rows` rows.
    pub fn new(shape: Shape, rows: usize) -> Self {
        let (blocks, classes) = (shape.hidden_padded() / BLOCK, shape.classes_padded());
        LogitParts { sets: std::array::from_fn(|_| Shared::new([blocks, rows, classes])), blocks, classes }
    }

    /// The exchange of the worker that has these blocks.
    ///
    /// # Safety
    /// These parts are used by the workers of `barrier` alone. Each has one exchange, with blocks that no other has, and
    /// none is left from before the barrier was made.
    pub unsafe fn exchange<'a>(&'a self, barrier: &'a Barrier, blocks: Range<usize>) -> Exchange<'a, T> {
        Exchange { parts: self, barrier, blocks, done: 0 }
    }
}

/// A worker's exchange with the others: it writes the parts of its blocks, then reads those of all.
pub(crate) struct Exchange<'a, T> {
    parts: &'a LogitParts<T>,
    barrier: &'a Barrier,
    blocks: Range<usize>,
    /// Exchanges that are over.
    done: usize,
}

impl<T: Float> Exchange<'_, T> {
    /// Where the parts of this worker's blocks go, each `rows` × classes (padded).
    pub fn mine(&mut self, rows: usize) -> &mut [T] {
        let part = rows * self.parts.classes;
        let mine = self.blocks.start * part..self.blocks.end * part;
        // SAFETY: no other worker has these blocks. Others read this set last before the barrier of the exchange before
        // this one: what `all` returned is gone once they call a method again.
        unsafe { self.parts.sets[self.done % 2].write(mine) }
    }

    /// The parts of all blocks, in order, once every worker has written its own for the same rows.
    ///
    /// # Errors
    /// If another worker panicked.
    pub fn all(&mut self, rows: usize) -> Result<&[T], Broken> {
        self.barrier.wait()?;
        let set = &self.parts.sets[self.done % 2];
        self.done += 1;
        // SAFETY: this set is written again in the exchange after the next, which begins after another barrier.
        let parts = unsafe { set.read() };
        Ok(&parts[..self.parts.blocks * rows * self.parts.classes])
    }
}
