//! The two-layer network: its parameters, its forward pass, its gradient.

mod activation;
mod ahead;
mod batch;
mod data;
mod differences;
mod engine;
mod evaluate;
mod first;
mod fixed;
mod layer;
mod net;
mod second;
mod shape;
mod slice;
mod update;
mod weights;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use data::{Labels, Rows};
pub use engine::Engine;
pub use fixed::FIXED_MAX_ERROR;
pub use net::{DEFAULT_H, Evaluation, TwoLayerNet};
pub use shape::{Init, Parameter, Parameters, Shape};

pub(crate) use ahead::Ahead;
pub(crate) use batch::Input;
pub(crate) use differences::differences;
pub(crate) use engine::Work;
pub(crate) use first::Descend;
pub(crate) use fixed::Fixed;
pub(crate) use layer::{FirstLayer, Floats};
pub(crate) use net::check_step;
pub(crate) use shape::BLOCK;
pub(crate) use slice::{Head, Slice};
pub(crate) use update::{STATES, Step, StepRule};
