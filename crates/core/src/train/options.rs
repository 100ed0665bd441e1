//! The options, progress and result of training.

use crate::error::{Error, Result};
use crate::math::Float;
use crate::network::{Shape, check_h};

/// How the gradient of a step is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum GradientMethod {
    /// By backpropagation.
    #[default]
    Backpropagation,
    /// By central differences in `f64`: some hundred times slower.
    Numerical {
        /// Their step; the notebook's is [`DEFAULT_H`](crate::DEFAULT_H).
        h: f64,
    },
}

/// Options of [`TwoLayerNet::train`](crate::TwoLayerNet::train).
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Rows of a mini-batch.
    pub batch: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// Steps to take.
    pub iterations: usize,
    /// The number of the first step, for progress and messages: a run may be split into several calls.
    pub first_iteration: usize,
    /// How gradients are computed.
    pub gradient: GradientMethod,
}

impl Default for TrainOptions {
    /// The notebook's: 10,000 iterations of 100 rows, learning rate 0.1.
    fn default() -> Self {
        TrainOptions {
            batch: 100,
            learning_rate: 0.1,
            iterations: 10_000,
            first_iteration: 0,
            gradient: GradientMethod::Backpropagation,
        }
    }
}

impl TrainOptions {
    /// How many of `threads` threads training a network of this shape uses at most.
    pub fn max_threads(&self, shape: Shape, threads: usize) -> usize {
        match self.gradient {
            GradientMethod::Backpropagation => threads.min(shape.max_threads()),
            GradientMethod::Numerical { .. } => threads,
        }
    }

    pub(super) fn check<T: Float>(&self) -> Result<()> {
        let invalid = |name, what: String| Err(Error::Option { name, what });
        if self.batch == 0 || self.batch > 1 << 24 {
            return invalid("batch", format!("is {}; expected 1 to 2^24 rows", self.batch));
        }
        if !(T::from_f64(self.learning_rate).is_finite() && self.learning_rate >= 0.0) {
            let rate = self.learning_rate;
            return invalid("learning_rate", format!("is {rate:?}; expected 0 or more, and finite in {}", T::NAME));
        }
        if let GradientMethod::Numerical { h } = self.gradient {
            check_h(h)?;
        }
        if self.first_iteration.checked_add(self.iterations).is_none() {
            return invalid("first_iteration", "plus iterations overflows".into());
        }
        Ok(())
    }
}

/// The progress of training, reported once an iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The iteration.
    pub iteration: usize,
    /// The mean loss of its batch, before its update.
    pub loss: f64,
}

/// The result of [`TwoLayerNet::train`](crate::TwoLayerNet::train).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainSummary {
    /// Steps taken.
    pub iterations: usize,
    /// The loss of the last batch, before its update; NaN if no step was taken.
    pub final_loss: f64,
    /// The number of threads; where it is chosen by measuring, that which was fastest.
    pub threads: usize,
}
