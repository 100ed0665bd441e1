//! Kernels by themselves, at the best level: matrix product, e^x, sigmoid, softmax, cross-entropy.

use twolayer_core::{Level, MatMut, MemoryEstimate, Threads, gemm_threads, math};

use crate::*;

/// Calls a generic function with the type of a matrix.
macro_rules! by_type {
    ($matrix:ident, $function:ident($($argument:expr),*)) => {
        match $matrix.r#type() {
            TL_F32 => $function::<f32>($($argument),*),
            TL_F64 => $function::<f64>($($argument),*),
            other => wrong_type(stringify!($matrix), other, "TL_F32 or TL_F64"),
        }
    };
}

fn gemm<T: Precision>(
    (alpha, beta): (f64, f64),
    (a, b): (tl_matrix, tl_matrix),
    c: tl_matrix_out,
    threads: &Threads,
) -> Result<()> {
    let ((a, a_span), (b, b_span)) = (a.view::<T>("a")?, b.view::<T>("b")?);
    let c = c.view("c", &[a_span, b_span])?;
    // Blocks of A and B are packed, for each thread its own: of B up to 1024 x 2048.
    let packed = b.rows().min(1024).saturating_mul(b.cols().min(2048) + 96);
    let sharing = gemm_threads((c.rows(), a.cols(), c.cols()), threads.count());
    memory::check(MemoryEstimate::default().elements(sharing * packed, size_of::<T>()), sharing)?;
    twolayer_core::gemm_parallel(Level::best(), threads, T::from_f64(alpha), a, b, T::from_f64(beta), c)?;
    Ok(())
}

fn in_place<T: Precision>(x: tl_matrix_out, f: impl Fn(Level, &mut [T])) -> Result<()> {
    let mut x = x.view::<T>("x", &[])?;
    let (level, rows) = (Level::best(), if x.cols() == 0 { 0 } else { x.rows() });
    (0..rows).for_each(|r| f(level, x.row_mut(r)));
    Ok(())
}

/// Logits, if there is memory for a band of 16 rows.
fn logits<'a, T: Precision>(logits: tl_matrix_out, others: &[Span]) -> Result<MatMut<'a, T>> {
    let logits = logits.view::<T>("logits", others)?;
    memory::check(MemoryEstimate::default().elements(logits.cols().saturating_mul(16), size_of::<T>()), 1)?;
    Ok(logits)
}

fn softmax<T: Precision>(x: tl_matrix_out) -> Result<()> {
    twolayer_core::softmax(Level::best(), logits::<T>(x, &[])?);
    Ok(())
}

fn softmax_cross_entropy<T: Precision>(x: tl_matrix_out, labels: In<u32>, loss: Out<f64>) -> Result<()> {
    let spans = [labels.span()?, x.buffer::<T>("logits")?.span()?];
    let (loss, logits) = (loss.slice(&spans)?, logits::<T>(x, &spans[..1])?);
    loss[0] = twolayer_core::softmax_cross_entropy(Level::best(), logits, labels.slice()?)?;
    Ok(())
}

functions! {
    fn tl_gemm(alpha: f64, a: tl_matrix, b: tl_matrix, beta: f64, c: tl_matrix_out, threads: usize) {
        by_type!(c, gemm((alpha, beta), (a, b), c, &machine::threads(threads, 1)?))
    }

    fn tl_exp(x: tl_matrix_out) {
        by_type!(x, in_place(x, math::exp))
    }

    fn tl_sigmoid(x: tl_matrix_out) {
        by_type!(x, in_place(x, math::sigmoid))
    }

    fn tl_softmax(logits: tl_matrix_out) {
        by_type!(logits, softmax(logits))
    }

    fn tl_softmax_cross_entropy(logits: tl_matrix_out, labels: *const u32, count: usize, loss: *mut f64) {
        let (labels, loss) = (In::new(labels, count, "labels"), Out::new(loss, 1, "loss"));
        by_type!(logits, softmax_cross_entropy(logits, labels, loss))
    }
}
