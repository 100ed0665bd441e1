//! The product by its definition, in f64.

use twolayer_core::{Float, MatRef};

/// α·A·B + β·C and the sum of the magnitudes of its terms, row by row.
pub fn product<T: Float>(alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, c: MatRef<'_, T>) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.cols() {
            let (mut sum, mut size) = (0.0, 0.0);
            for p in 0..a.cols() {
                let term = alpha.to_f64() * a.get(i, p).to_f64() * b.get(p, j).to_f64();
                sum += term;
                size += term.abs();
            }
            if beta != T::ZERO {
                let term = beta.to_f64() * c.get(i, j).to_f64();
                sum += term;
                size += term.abs();
            }
            out.push((sum, size));
        }
    }
    out
}
