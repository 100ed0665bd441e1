//! Training by mini-batch SGD and related optimisers.

mod memory_estimate;
mod numerical_sgd;
mod optimizer;
mod options;
mod run;
mod sampler;
mod training_loop;

#[cfg(all(test, loom))]
mod model_tests;

pub use memory_estimate::MemoryEstimate;
pub use optimizer::{Optimizer, OptimizerKind};
pub use options::{GradientMethod, Progress, TrainOptions, TrainSummary};
pub use sampler::Sampler;
#[cfg(feature = "rand")]
pub use sampler::{ShuffledSampler, UniformSampler};
