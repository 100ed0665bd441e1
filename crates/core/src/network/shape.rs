//! The network's sizes.

use crate::error::{Error, Result};
use std::ops::Range;

/// Hidden units per part of the logits. Parts are summed in order, so logits do not depend on how the blocks are shared
/// among workers. Rows of [`Parameters`](super::parameters::Parameters) are padded to a multiple of it.
pub(crate) const BLOCK: usize = 16;

const MAX_PARAMETERS: u64 = 1 << 40;

/// The numbers of inputs, hidden units and classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    inputs: usize,
    hidden: usize,
    classes: usize,
}

impl Shape {
    /// A shape with at least 1 in each dimension and at most 2^40 parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] otherwise.
    pub fn new(inputs: usize, hidden: usize, classes: usize) -> Result<Shape> {
        for (n, what) in [(inputs, "inputs"), (hidden, "hidden units"), (classes, "classes")] {
            if n == 0 || n as u64 > MAX_PARAMETERS {
                return Err(Error::Shape { what: format!("a network cannot have {n} {what}; expected 1 to 2^40") });
            }
        }
        let count = (inputs as u128 + 1) * hidden as u128 + (hidden as u128 + 1) * classes as u128;
        if count > u128::from(MAX_PARAMETERS) || usize::try_from(count).is_err() {
            return Err(Error::Shape {
                what: format!("{inputs} x {hidden} x {classes} has {count} parameters; at most 2^40 are possible"),
            });
        }
        Ok(Shape { inputs, hidden, classes })
    }

    /// The elements of one input row.
    pub fn inputs(self) -> usize {
        self.inputs
    }

    /// The number of hidden units.
    pub fn hidden(self) -> usize {
        self.hidden
    }

    /// The number of classes.
    pub fn classes(self) -> usize {
        self.classes
    }

    /// The number of parameters: (inputs + 1) · hidden + (hidden + 1) · classes.
    pub fn parameters(self) -> usize {
        (self.inputs + 1) * self.hidden + (self.hidden + 1) * self.classes
    }

    /// The most threads that training can use: one for each block of 16 hidden units.
    pub fn max_threads(self) -> usize {
        self.hidden_padded() / BLOCK
    }

    /// The blocks of hidden units of each of so many workers.
    pub(crate) fn shares(self, workers: usize) -> impl Iterator<Item = Range<usize>> {
        let blocks = self.max_threads();
        (0..workers).map(move |w| blocks * w / workers..blocks * (w + 1) / workers)
    }

    /// Hidden units with padding: the distance between rows of W1.
    pub(crate) fn hidden_padded(self) -> usize {
        self.hidden.next_multiple_of(BLOCK)
    }

    /// Classes with padding: the distance between rows of W2.
    pub(crate) fn classes_padded(self) -> usize {
        self.classes.next_multiple_of(BLOCK)
    }

    /// Rows of W1 with padding: the kernels read inputs in pairs.
    pub(crate) fn inputs_padded(self) -> usize {
        self.inputs.next_multiple_of(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        for (i, h, c) in
            [(0, 1, 1), (1, 0, 1), (1, 1, 0), (usize::MAX, 2, 2), (1 << 25, 1 << 25, 1), (1, 1 << 30, 1 << 30)]
        {
            assert!(Shape::new(i, h, c).is_err(), "{i} x {h} x {c}");
        }
        assert_eq!(Shape::new(784, 50, 10).unwrap().parameters(), 39_760);
    }
}
