//! The two-layer network and its kernels.

mod buffer;
mod error;
mod float;
mod gemm;
mod matrix;
mod simd;
#[cfg(test)]
mod testing;
pub mod vector;

pub use error::{Error, Result};
pub use float::Float;
pub use gemm::gemm;
#[cfg(feature = "rayon")]
pub use gemm::gemm_parallel;
pub use matrix::{MatMut, MatRef};
pub use simd::Level;
