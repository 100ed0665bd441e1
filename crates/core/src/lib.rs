//! The two-layer network and its kernels.

// The tests' random.rs calls the crate by this name.
#[cfg(test)]
extern crate self as twolayer_core;

mod buffer;
mod element;
mod error;
mod fused;
#[cfg(all(debug_assertions, not(test)))]
mod instances;
pub mod math;
mod matmul;
mod matrix;
mod network;
mod numerical_gradient;
#[cfg(test)]
#[path = "../tests/digests/random.rs"]
mod random;
mod simd;
mod softmax;
mod threads;
mod train;

pub use element::Element;
pub use error::{Error, Result};
pub use math::Float;
pub use matmul::{gemm, gemm_parallel, gemm_threads};
pub use matrix::{MatMut, MatRef};
pub use network::{
    Activation, Backpropagation, DEFAULT_H, Evaluation, Init, Labels, Parameter, Parameters, Rows, Shape, TwoLayerNet,
};
pub use numerical_gradient::numerical_gradient;
pub use simd::Level;
pub use softmax::{SOFTMAX_MAX_EPSILONS, cross_entropy, softmax, softmax_cross_entropy};
pub use threads::{THREAD_NAME, ThreadPool, Threads};
pub use train::{
    GradientMethod, MemoryEstimate, Optimizer, OptimizerKind, Progress, Sampler, TrainOptions, TrainSummary,
};
#[cfg(feature = "rand")]
pub use train::{ShuffledSampler, UniformSampler};

/// The examples of the pages, compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/rust.md")]
struct Pages;
