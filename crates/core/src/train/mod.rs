//! Mini-batch stochastic gradient descent.

mod member;
mod numerical;
mod optimizer;
mod sampler;
mod team;

#[cfg(test)]
mod optimizer_tests;
#[cfg(test)]
mod tests;

pub use optimizer::{Optimizer, Rule};
#[cfg(feature = "rand")]
pub(crate) use sampler::Normal;
pub use sampler::Sampler;
#[cfg(feature = "rand")]
pub use sampler::{ShuffledSampler, UniformSampler};

use crate::error::{Error, Result};
use crate::float::Float;
use crate::network::{Labels, Rows, TwoLayerNet, check_step};
use std::ops::ControlFlow;

/// Where the gradient of a step comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gradient {
    /// From backpropagation.
    #[default]
    Backpropagation,
    /// From central differences in f64, for those who want to see it done: some hundred times slower.
    Numerical {
        /// Their step; the notebook's is [`DEFAULT_H`](crate::DEFAULT_H).
        h: f64,
    },
}

/// How [`TwoLayerNet::train`] trains.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Rows of a mini-batch.
    pub batch: usize,
    /// The step is this times the gradient.
    pub learning_rate: f64,
    /// Steps to take.
    pub iterations: usize,
    /// The number of the first one, for progress and messages: a run may be taken in several calls.
    pub first_iteration: usize,
    /// Threads that share the hidden layer; more than it has blocks of 16 units are not used, but by numerical
    /// gradients.
    pub threads: usize,
    /// Where gradients come from.
    pub gradient: Gradient,
}

impl Default for TrainOptions {
    /// The notebook's recipe on one thread: 10,000 iterations of 100 rows, learning rate 0.1.
    fn default() -> Self {
        let (batch, learning_rate, iterations) = (100, 0.1, 10_000);
        let gradient = Gradient::Backpropagation;
        TrainOptions { batch, learning_rate, iterations, first_iteration: 0, threads: 1, gradient }
    }
}

/// Where a training run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The iteration.
    pub iteration: usize,
    /// The mean loss of its batch, before its step.
    pub loss: f64,
}

/// What [`TwoLayerNet::train`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainSummary {
    /// Steps taken.
    pub iterations: usize,
    /// The loss of the last batch before its step; NaN if no step was taken.
    pub final_loss: f64,
}

impl<T: Float> TwoLayerNet<T> {
    /// Trains by plain mini-batch SGD ([`Optimizer`] has the other rules): for each iteration, the rows that `sampler`
    /// names, their gradient, a step against it.
    ///
    /// A team of threads shares the hidden layer; the result is the same, to the bit, for any number of them.
    /// `observer` is called on the calling thread once an iteration (also with the loss that diverged), and may end the
    /// run after the step in hand by returning `Break`. The sampler is asked once for each iteration, in order, up to
    /// two iterations ahead, and never beyond the last; after a `Break`, up to two batches that it gave are not used.
    ///
    /// # Errors
    /// If rows and labels do not fit the network or each other, or an option makes no sense, before anything is
    /// changed; [`Error::Thread`] if the system refuses one. [`Error::Sample`] for a row that is not there and
    /// [`Error::Diverged`] for a loss or weight that is not finite: the parameters are then those of the moment.
    ///
    /// # Panics
    /// If the sampler or the observer does.
    #[inline(always)]
    pub fn train(
        &mut self,
        x: Rows<'_, T>,
        t: Labels<'_, T>,
        sampler: &mut dyn Sampler,
        options: &TrainOptions,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainSummary> {
        Optimizer::new(self.shape(), Rule::Sgd, 0.0)?.run::<false>(self, (x, t), sampler, options, observer)
    }
}

impl TrainOptions {
    fn check<T: Float>(&self) -> Result<()> {
        let wrong = |name, what: String| Err(Error::Option { name, what });
        if self.batch == 0 || self.batch > 1 << 24 {
            return wrong("batch", format!("is {}; expected 1 to 2^24 rows", self.batch));
        }
        if !(T::from_f64(self.learning_rate).is_finite() && self.learning_rate >= 0.0) {
            let found =
                format!("is {:?}; expected a number from 0 on that is finite in {}", self.learning_rate, T::NAME);
            return wrong("learning_rate", found);
        }
        if let Gradient::Numerical { h } = self.gradient {
            check_step(h)?;
        }
        if self.threads == 0 {
            return wrong("threads", "is 0; expected at least 1".into());
        }
        if self.first_iteration.checked_add(self.iterations).is_none() {
            return wrong("first_iteration", "plus iterations overflows".into());
        }
        Ok(())
    }
}
