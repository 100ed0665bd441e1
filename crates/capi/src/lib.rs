//! The C interface. `include/twolayer.h` documents it; a test compares its declarations with the source.
//!
//! Every function has three steps: `functions!` catches errors and panics, `pointer`, `matrix` and `handle` turn the
//! caller's pointers into references or refuse them, and the core does the work.
//!
//! Unsafe functions have one contract. Their pointers are from a caller who keeps to the header: one that is not NULL
//! leads to as many elements as lengths, dimensions and sizes say, a text to its end, a handle to readable memory.
//! Until the function returns, nobody else writes there, reads what the function writes, or frees the network.

// The header documents the functions and what their callers owe them, and gives the names.
#![allow(clippy::missing_safety_doc, missing_docs, non_camel_case_types)]

/// Defines functions of the header that return a status. An error or panic of the body becomes one. While memory is
/// so short that little of the reserve is left, only `tl_network_free` does its work.
macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $crate::status::tl_status {
            $crate::boundary::guard(|| {
                if stringify!($name) != "tl_network_free" {
                    $crate::memory::check_reserve()?;
                }
                // SAFETY: the caller keeps to the header.
                #[allow(unused_unsafe)]
                unsafe { $body }
            })
        }
    )* };
}

/// Defines an enum of the header, whose numbers the caller may get wrong.
macro_rules! constants {
    ($type:ident { $($name:ident = $value:literal),* }) => {
        pub type $type = i32;
        $(pub const $name: $type = $value;)*
    };
}

/// Defines a struct of the header that begins with its size, and its defaults; `first` is the last field of its first
/// version.
macro_rules! options {
    ($name:ident { $($field:ident: $type:ty = $default:expr),* $(,)? } first: $last:ident: $last_type:ty) => {
        #[derive(Clone, Copy)]
        #[repr(C)]
        pub struct $name {
            pub size: usize,
            $(pub $field: $type),*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { size: size_of::<Self>(), $($field: $default),* }
            }
        }

        // SAFETY: plain numbers and pointers that may be anything, the first of them the size.
        unsafe impl $crate::sized::Versioned for $name {
            const NAME: &'static str = stringify!($name);
            const FIRST: usize =
                (std::mem::offset_of!($name, $last) + size_of::<$last_type>()).next_multiple_of(align_of::<$name>());
        }
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
mod reserve;
mod sized;
mod status;
mod train;

use pointer::{In, Out, Span};
pub use {
    boundary::*, files::*, handle::*, kernels::*, machine::*, matrix::*, network::*, predict::*, status::*, train::*,
};
