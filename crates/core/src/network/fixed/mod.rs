//! The first layer in whole numbers: pixels are bytes, and weights are cut into bytes.
//!
//! # Digits
//!
//! A matrix of floats, W1 or the differences dA, is cut column by column (a column is a hidden unit). With M the
//! column's largest magnitude and e the whole number with 2^e ≤ M < 2^(e + 1), an element w becomes the whole number
//! nearest to w / s, halves to even, where
//!
//! ```text
//! s = 2^(e − 22), or twice that where M / 2^(e − 22) would be rounded to more than 127·256² + 127·256 + 127
//! w ≈ s · (d2·256² + d1·256 + d0)        with d2, d1, d0 in −128 ..= 127
//! ```
//!
//! So s depends on nothing but M, and is a power of two: only the rounding to a whole number loses anything, at most
//! s / 2 ≤ 1.004 · 2^−23 · M (the factor is for the doubled scale).
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
//! Let X be Σ x / 255. The cutting moves a sum by at most X · s / 2, so 1.004 · 2^−23 · M · X. As |d2| · 65,536 is at
//! most M / s + 2^15 + 2^7, the parts of the sum are at most 1.01 · M · X, and each of the four roundings that matter
//! (f(S2), the last sum, s / 255, the product) moves it by 2^−24 times that; those of the small digits are below a
//! hundredth. Together 3.1 · 2^−23 · M · X. A segment after the first adds one rounding, ½ · 2^−23 · M · X: with two it
//! is 3.6, [`FIXED_MAX_ERROR`], and beyond 131,072 terms that much more for each. For comparison, f32 sums of n terms
//! are only bounded by n · 2^−24 · M · X.
//!
//! # Weights that are no numbers
//!
//! A column of zeros has s = 2^−118, and so has one whose M is below 2^−96: its digits lose what is below 2^−119. A
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
use cut::{DIGIT, Digits, QUAD};
use forward::Forward;
use gradient::Gradient;
pub(crate) use layer::Fixed;

use crate::simd::{Bytes, Simd};

/// How far a sum of products Σ x/255 · w of [`Engine::Fixed`](crate::Engine::Fixed) is from the true one, at most: this
/// times the column's largest magnitude times Σ x/255. Up to 131,072 terms; each 65,536 more add 2^−24. A magnitude
/// below 2^−96 counts as that, and a sum beyond the largest float is infinite. The derivation stands with the code, in
/// `network/fixed`.
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
