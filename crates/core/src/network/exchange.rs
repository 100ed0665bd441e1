//! How workers exchange their blocks' parts of the logits: an all-gather in shared memory.

use super::shape::{BLOCK, Shape};
use crate::math::Float;
use crate::threads::{Barrier, Broken, Shared};
use std::ops::Range;

/// The parts of some rows' logits, one for each block of hidden units. There are two sets of them, used in turn: while
/// one worker still reads a set, another may write the next.
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

    /// The exchange of the worker that owns these blocks.
    ///
    /// # Safety
    /// Only the workers of `barrier` use these parts, and wait at it only in [`Exchange::all_parts`]. Each has one
    /// exchange, with blocks that no other has. All call `own_parts` and `all_parts` in turn, with the same numbers of
    /// rows, and neither after an error. No exchange of an earlier barrier is still in use.
    pub unsafe fn exchange<'a>(&'a self, barrier: &'a Barrier, blocks: Range<usize>) -> Exchange<'a, T> {
        Exchange { parts: self, barrier, blocks, phase: 0 }
    }
}

/// A worker's exchange with the others: it writes the parts of its blocks, then reads those of all.
pub(crate) struct Exchange<'a, T> {
    parts: &'a LogitParts<T>,
    barrier: &'a Barrier,
    blocks: Range<usize>,
    /// The number of the exchange, which tells its set of parts.
    phase: usize,
}

impl<T: Float> Exchange<'_, T> {
    /// Where the parts of this worker's blocks go, each `rows` × classes (padded).
    pub fn own_parts(&mut self, rows: usize) -> &mut [T] {
        let part = rows * self.parts.classes;
        let mine = self.blocks.start * part..self.blocks.end * part;
        // SAFETY: no other worker writes these blocks. The others last read this set before the previous barrier, since
        // what `all_parts` returns is gone when they call a method again.
        unsafe { self.parts.sets[self.phase % 2].write(mine) }
    }

    /// The parts of all blocks, in order, once every worker has written its own for the same rows.
    ///
    /// # Errors
    /// If another worker panicked.
    pub fn all_parts(&mut self, rows: usize) -> Result<&[T], Broken> {
        self.barrier.wait()?;
        let set = &self.parts.sets[self.phase % 2];
        self.phase += 1;
        // SAFETY: this set is written again two exchanges later, after another barrier.
        let parts = unsafe { set.read() };
        Ok(&parts[..self.parts.blocks * rows * self.parts.classes])
    }
}
