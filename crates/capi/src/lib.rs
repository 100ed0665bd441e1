//! The C interface. `include/twolayer.h` documents it; a test compares its declarations with the source.
//!
//! Every function has three steps: `call!` catches errors and panics, `pointer`, `matrix` and `handle` turn the caller's
//! pointers into references or refuse them, and the core does the work.

// The header documents the functions, and what their callers owe them.
#![allow(clippy::missing_safety_doc, missing_docs)]
// Names are those of the header.
#![allow(non_camel_case_types)]

/// Runs the body of a function and returns its status.
macro_rules! call {
    ($body:expr) => {
        $crate::boundary::guard(|| {
            // SAFETY: the caller keeps to the header: pointers that are not NULL point to as many elements as their
            // lengths and dimensions say, and handles to live networks.
            unsafe { $body }
        })
    };
}

mod boundary;
mod files;
mod handle;
mod kernels;
mod machine;
mod matrix;
mod memory;
mod network;
mod pointer;
mod predict;
mod sized;
mod status;
mod train;

pub use boundary::*;
pub use files::*;
pub use handle::tl_network;
pub use kernels::*;
pub use machine::*;
pub use matrix::*;
pub use network::*;
pub use predict::*;
pub use status::*;
pub use train::*;
