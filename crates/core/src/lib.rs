//! The two-layer network and its kernels.

mod buffer;
mod error;
mod float;
mod gemm;
mod matrix;
mod memory;
mod network;
mod numerical;
mod parallel;
mod simd;
mod softmax;
#[cfg(test)]
mod testing;
mod train;
pub mod vector;

pub use error::{Error, Result};
pub use float::Float;
pub use gemm::{gemm, gemm_parallel};
pub use matrix::{MatMut, MatRef};
pub use memory::Need;
pub use network::{
    Activation, DEFAULT_H, Engine, Evaluation, FIXED_MAX_ERROR, Init, Labels, Parameter, Parameters, Rows, Shape,
    TwoLayerNet,
};
pub use numerical::numerical_gradient;
pub use parallel::{THREAD_NAME, Threads};
pub use simd::Level;
pub use softmax::{SOFTMAX_MAX_EPSILONS, cross_entropy, softmax, softmax_cross_entropy};
pub use train::{Gradient, Optimizer, Progress, Rule, Sampler, TrainOptions, TrainSummary};
#[cfg(feature = "rand")]
pub use train::{ShuffledSampler, UniformSampler};

/// README's example, compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
