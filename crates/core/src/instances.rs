//! The generic functions that do the work, for both element types.
//!
//! A generic function is compiled in each crate that calls it, with all kernels. At optimisation levels up to 1, which
//! tests are built with, crates share functions: these are compiled here, once. This file is in no other build.

use crate::math::{exp, ln, sigmoid};
use crate::matmul::{gemm, gemm_parallel};
use crate::network::{Backpropagation, TwoLayerNet};
use crate::softmax::{cross_entropy, softmax, softmax_cross_entropy};
use crate::train::Optimizer;

struct Functions<const N: usize>([*const (); N]);

// SAFETY: the pointers are to functions.
unsafe impl<const N: usize> Sync for Functions<N> {}

macro_rules! of {
    ($t:ty) => {
        Functions([
            Optimizer::<$t>::train as *const (),
            Backpropagation::<$t>::gradient as *const (),
            TwoLayerNet::<$t>::train as *const (),
            TwoLayerNet::<$t>::gradient as *const (),
            TwoLayerNet::<$t>::numerical_gradient as *const (),
            TwoLayerNet::<$t>::predict as *const (),
            TwoLayerNet::<$t>::classify as *const (),
            TwoLayerNet::<$t>::evaluate as *const (),
            gemm::<$t> as *const (),
            gemm_parallel::<$t> as *const (),
            exp::<$t> as *const (),
            ln::<$t> as *const (),
            sigmoid::<$t> as *const (),
            softmax::<$t> as *const (),
            cross_entropy::<$t> as *const (),
            softmax_cross_entropy::<$t> as *const (),
        ])
    };
}

#[used]
static F32: Functions<16> = of!(f32);
#[used]
static F64: Functions<16> = of!(f64);
