//! The C interface. Its documentation is `include/twolayer.h`, which cbindgen makes from what stands here; the tests
//! hold the two together.
//!
//! Every function is the same three steps: `call!` catches whatever goes wrong, `pointer` and `handle` turn what the
//! caller gave into references or refuse it, and the core does the work. The functions exist in twos and fours because
//! C has no generics; each body is written once.

// What a caller owes is the same for all functions, and stands once, at the head of the header.
#![allow(clippy::missing_safety_doc)]
// Names are those of the header.
#![allow(non_camel_case_types)]

/// Runs the body of a function of the interface, and gives its status.
macro_rules! call {
    ($body:expr) => {
        $crate::boundary::guard(|| {
            // SAFETY: whoever calls the C interface owes what the head of the header asks for: pointers that are not
            // NULL lead to as many elements as the length beside them says, and to handles that are alive.
            unsafe { $body }
        })
    };
}

mod boundary;
mod gradient;
mod handle;
mod idx;
mod kernels;
mod machine;
mod memory;
mod network;
mod pointer;
mod predict;
mod settings;
mod sized;
mod status;
mod train;

pub use boundary::*;
pub use gradient::*;
pub use handle::{tl_network_f32, tl_network_f64};
pub use idx::*;
pub use kernels::*;
pub use machine::*;
pub use network::*;
pub use predict::*;
pub use settings::*;
pub use status::*;
pub use train::*;
