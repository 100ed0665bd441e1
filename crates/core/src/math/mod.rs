//! Elementary functions over slices: e^x, ln x and the sigmoid.
//!
//! Each file holds a function's derivation, constants, error bound and test. Bounds are in ULP of the result; a
//! subnormal result is measured in the smallest subnormal. Results are the same bits at every level.

mod exp;
mod ln;
mod map;
mod sigmoid;
#[cfg(test)]
pub(crate) mod ulp;

pub(crate) use exp::exp_v;
pub use exp::{EXP_MAX_ULP, exp};
pub(crate) use ln::ln_v;
pub use ln::{LN_MAX_ULP, ln};
pub(crate) use map::{Map, MapSlice};
pub(crate) use sigmoid::sigmoid_v;
pub use sigmoid::{SIGMOID_MAX_ULP, sigmoid};

use ln::LnElement;

/// An element type of the network: `f32` or `f64`.
pub trait Float: LnElement {}

impl<T: LnElement> Float for T {}
