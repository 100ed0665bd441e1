//! The module `twolayer._native`: what the Python package computes in Rust.

/// Calls a method of the network, whatever its element type.
macro_rules! typed {
    ($any:expr, $net:ident => $call:expr) => {
        match $any {
            $crate::network::Any::F32($net) => $call,
            $crate::network::Any::F64($net) => $call,
        }
    };
}

mod arrays;
mod errors;
mod files;
mod network;
mod training;

#[pyo3::pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use super::files::{decode, encode, load_idx, prepare_picture, read_picture, write_file};
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::training::Optimizer;
}
