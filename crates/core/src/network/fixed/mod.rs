//! The first layer in whole numbers: pixels are bytes, and weights are cut into bytes.
//!
//! # Digits
//!
//! A matrix of floats, W1 or the differences dA, is cut column by column (a column is a hidden unit). With M the
//! column's largest magnitude and e the whole number with 2^e ≤ M < 2^(e + 1), an element w becomes the whole number
//! nearest to w / s, halves to even, where
//!
//! ```text
//! s = 2^(e − 22), or twice that where M / 2^(e − 22) would be above 127·256² + 127·256 + 127, less a half
//! w ≈ s · (d2·256² + d1·256 + d0)        with d2, d1, d0 in −128 ..= 127
//! ```
//!
//! So s depends on nothing but M, and is a power of two: only the rounding to a whole number loses anything, at most
//! s / 2 ≤ 2^−23 · M.
//!
//! # Sums
//!
//! S_k = Σ x · d_k over pixels (or rows) x is exact in 32 bits while there are at most [`SEGMENT`] terms, for 255 · 128
//! · 65,536 < 2^31; longer sums are taken in segments. A segment becomes a float as
//!
//! ```text
//! f(S2)·65536 + (f(S1)·256 + f(S0)),  times s / 255
//! ```
//!
//! where f rounds to the nearest float and multiplication by a power of two is exact.
//!
//! # Error
//!
//! Let X be Σ x / 255. The cutting moves a sum by at most X · s / 2 ≤ 2^−23 · M · X. Each S_k is at most 255 · X ·
//! 128 in magnitude, so that each of the five roundings (f(S2), the two sums, s / 255, the product) moves it by at most
//! 2^−24 times 1.01 · M · X, and those of the small digits by a 256th of that. Together at most 3.6 · 2^−23 · M · X: see
//! [`FIXED_MAX_ERROR`]. For comparison, f32 sums of n terms are only bounded by n · 2^−24 · M · X.
//!
//! # Weights that are no numbers
//!
//! A column of zeros has s = 2^−122, and so has one whose M is below 2^−100: its digits lose what is below 2^−123. A
//! column with an infinite or NaN element has s = NaN, and so have its sums.
//!
//! # Sameness
//!
//! Sums of whole numbers have no order, floats are computed without fused operations, and no lane depends on another: so
//! results are the same bits on every processor and for every number of threads.

mod batch;
mod cut;
mod forward;
mod gradient;
mod layer;
mod sums;

use batch::ByteBatch;
use cut::Digits;
use forward::Forward;
use gradient::Gradient;
pub(crate) use layer::Fixed;

use crate::simd::{Bytes, Simd};

/// How far a sum of products Σ x/255 · w of the fixed-point engine is from the true one, at most: this times the
/// column's largest magnitude times Σ x/255. The derivation stands with the code, in `network/fixed`.
pub const FIXED_MAX_ERROR: f64 = 3.6 / (1u64 << 23) as f64;

/// Digits of a number.
const DIGITS: usize = 3;

/// Terms of a sum that is exact in 32 bits. A multiple of what one word of a mask speaks for.
const SEGMENT: usize = 1 << 16;

/// Quads that one word of a mask speaks for.
const WORD: usize = 64;

/// A unit's vectors of floats.
type V<B> = <<B as Bytes>::F as Simd<f32>>::V;

#[cfg(test)]
mod tests;
