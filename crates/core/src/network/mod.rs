//! The two-layer network: parameters, forward pass, gradients.

mod activation;
mod backpropagation;
mod exchange;
mod finite_differences;
mod hidden_layer;
mod inference;
mod initialization;
mod mini_batch;
mod numerical_gradient;
mod optimizer_update;
mod output_layer;
mod packed_weights;
mod parameters;
mod prefetch;
mod rows_and_labels;
mod sgd_update;
mod shape;
mod shard;
mod two_layer_net;

#[cfg(test)]
mod hidden_layer_tests;

pub use activation::Activation;
pub use backpropagation::Backpropagation;
pub use inference::Evaluation;
pub use initialization::Init;
pub use numerical_gradient::DEFAULT_H;
pub use parameters::{Parameter, Parameters};
pub use rows_and_labels::{Labels, Rows};
pub use shape::Shape;
pub use two_layer_net::TwoLayerNet;

pub(crate) use exchange::LogitParts;
pub(crate) use finite_differences::differences;
pub(crate) use inference::PACKED_ROWS;
pub(crate) use mini_batch::{BATCH_BLOCK, Input, MiniBatch};
pub(crate) use numerical_gradient::check_h;
pub(crate) use optimizer_update::{STATES, Step, UpdateRule};
pub(crate) use output_layer::OutputLayer;
pub(crate) use prefetch::Prefetch;
pub(crate) use sgd_update::SgdUpdate;
pub(crate) use shape::BLOCK;
pub(crate) use shard::Shard;
