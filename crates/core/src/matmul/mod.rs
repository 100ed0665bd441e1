//! The matrix product C ← α·A·B + β·C on flat buffers.
//!
//! ```text
//! for jc in columns of C by NC          B's block of KC × NC stays in the last-level cache
//!   for pc in the depth k by KC         packed once, in panels as wide as the register tile
//!     for ic in rows of C by MC         A's block of MC × KC stays in the second-level cache
//!       for jr in NC by the tile's width    B's panel of KC × width streams from the second-level cache
//!         for ir in MC by the tile's height
//!           tile: C[height × width] += A[height × KC] · B[KC × width], all of it in registers
//! ```
//!
//! Where B's rows are contiguous and B is small or A has few rows, nothing is packed. Otherwise B is packed, and A only
//! where its rows are not contiguous or would compete for a few cache sets. Without packing, an element is one sum over
//! the depth in ascending order; with packing, blocks of equal depth are summed so, then added in order. The choice
//! depends only on shapes and strides, so results are bit-identical at every level and for any number of threads.

mod blocking;
mod epilogue;
mod microkernel;
mod packing;
mod padded_product;

pub(crate) use epilogue::{Epilogue, PlusZero, Store};
pub(crate) use padded_product::{PaddedProduct, StridedSlice};

use crate::error::{Error, Result};
use crate::math::Float;
use crate::matrix::{MatMut, MatRef};
use crate::simd::Level;
use crate::threads::Threads;
use blocking::{Product, prefer_unpacked};

/// C ← α·A·B + β·C, on one thread.
///
/// Shapes: A is m × k, B is k × n, C is m × n; a transposed operand is [`MatRef::t`]. With β = 0, C is not read, so it
/// may hold anything. With k = 0 the product is zero. An element's error is at most that of a dot product summed in
/// order: k·ε·Σ|a·b|, plus the roundings of α and β.
///
/// # Errors
/// [`Error::Shape`] if the shapes do not fit each other.
///
/// ```
/// use twolayer_core::{Level, MatMut, MatRef, gemm};
/// let a = MatRef::new(&[1.0f32, 2.0, 3.0, 4.0], 2, 2)?;
/// let mut c = [0.0; 4];
/// gemm(Level::best(), 1.0, a, a.t(), 0.0, MatMut::new(&mut c, 2, 2)?)?;
/// assert_eq!(c, [5.0, 11.0, 11.0, 25.0]);
/// # Ok::<(), twolayer_core::Error>(())
/// ```
pub fn gemm<T: Float>(
    level: Level,
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    c: MatMut<'_, T>,
) -> Result<()> {
    let product = checked(alpha, a, b, beta, c)?;
    level.dispatch(product);
    Ok(())
}

/// [`gemm`] on several threads, with bit-identical results. The threads split the rows of C; small products, and those
/// of four rows or fewer, run on one thread.
///
/// # Errors
/// As [`gemm`].
pub fn gemm_parallel<T: Float>(
    level: Level,
    threads: &Threads,
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    c: MatMut<'_, T>,
) -> Result<()> {
    let product = checked(alpha, a, b, beta, c)?;
    blocking::split(level, product, threads);
    Ok(())
}

/// The threads, at most `threads`, that [`gemm_parallel`] uses for a product of m × k by k × n: small ones are not shared.
pub fn gemm_threads((m, k, n): (usize, usize, usize), threads: usize) -> usize {
    blocking::sharing(m.saturating_mul(n).saturating_mul(k), threads)
}

fn checked<'a, T: Float>(
    alpha: T,
    a: MatRef<'a, T>,
    b: MatRef<'a, T>,
    beta: T,
    c: MatMut<'a, T>,
) -> Result<Product<'a, T>> {
    if a.rows() != c.rows() || b.cols() != c.cols() || a.cols() != b.rows() {
        return Err(Error::Shape {
            what: format!(
                "a product of {} x {} by {} x {} does not fit a result of {} x {}",
                a.rows(),
                a.cols(),
                b.rows(),
                b.cols(),
                c.rows(),
                c.cols()
            ),
        });
    }
    Ok(Product { alpha, a, b, beta, unpacked: prefer_unpacked(c.rows(), &b), c })
}
