//! Kernels by themselves: matrix product, e^x, ln, sigmoid, softmax, cross-entropy.

use std::ffi::c_char;

use twolayer_core::{Level, MatMut, MemoryEstimate, Threads, gemm_threads, math};

use crate::matrix::{Precision, TL_F32, TL_F64, tl_matrix, tl_matrix_out, wrong_type};
use crate::pointer::{self, In, Out, Span};
use crate::status::Result;
use crate::{machine, memory, sized};

options! {
    tl_run_options {
        level: *const c_char = std::ptr::null(),
        threads: usize = 1,
    }
    first: threads: usize
}

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

/// # Safety
/// The options are NULL or as the header asks.
unsafe fn how(options: *const tl_run_options) -> Result<(Level, Threads)> {
    // SAFETY: as of this function.
    let options = unsafe { sized::read(options) }?;
    let level = match options.level.is_null() {
        true => Level::best(),
        // SAFETY: as of this function.
        false => machine::level(unsafe { pointer::text(options.level, "level") }?)?,
    };
    Ok((level, machine::threads(options.threads, 1)?))
}

fn gemm<T: Precision>(
    (level, threads): (Level, Threads),
    (alpha, beta): (f64, f64),
    (a, b): (tl_matrix, tl_matrix),
    c: tl_matrix_out,
) -> Result<()> {
    let ((a, a_span), (b, b_span)) = (a.view::<T>("a")?, b.view::<T>("b")?);
    let c = c.view("c", &[a_span, b_span])?;
    // Blocks of A and B are packed, for each thread its own: of B up to 1024 x 2048.
    let packed = b.rows().min(1024).saturating_mul(b.cols().min(2048) + 96);
    let sharing = gemm_threads((c.rows(), a.cols(), c.cols()), threads.count());
    memory::check(MemoryEstimate::default().elements(sharing * packed, size_of::<T>()), sharing)?;
    twolayer_core::gemm_parallel(level, &threads, T::from_f64(alpha), a, b, T::from_f64(beta), c)?;
    Ok(())
}

fn in_place<T: Precision>((level, _): (Level, Threads), x: tl_matrix_out, f: impl Fn(Level, &mut [T])) -> Result<()> {
    let mut x = x.view::<T>("x", &[])?;
    let rows = if x.cols() == 0 { 0 } else { x.rows() };
    (0..rows).for_each(|r| f(level, x.row_mut(r)));
    Ok(())
}

/// Logits, if there is memory for a band of 16 rows.
fn logits<'a, T: Precision>(logits: tl_matrix_out, others: &[Span]) -> Result<MatMut<'a, T>> {
    let logits = logits.view::<T>("logits", others)?;
    memory::check(MemoryEstimate::default().elements(16 * logits.cols(), size_of::<T>()), 1)?;
    Ok(logits)
}

fn softmax<T: Precision>((level, _): (Level, Threads), x: tl_matrix_out) -> Result<()> {
    twolayer_core::softmax(level, logits::<T>(x, &[])?);
    Ok(())
}

fn softmax_cross_entropy<T: Precision>(
    (level, _): (Level, Threads),
    x: tl_matrix_out,
    labels: In<u32>,
    loss: Out<f64>,
) -> Result<()> {
    let spans = [labels.span()?, x.buffer::<T>("logits")?.span()?];
    let (loss, logits) = (loss.slice(&spans)?, logits::<T>(x, &spans[..1])?);
    loss[0] = twolayer_core::softmax_cross_entropy(level, logits, labels.slice()?)?;
    Ok(())
}

functions! {
    fn tl_run_options_init(options: *mut tl_run_options, size: usize) {
        sized::write(options, size, &tl_run_options::default())
    }

    fn tl_gemm(
        options: *const tl_run_options, alpha: f64, a: tl_matrix, b: tl_matrix, beta: f64, c: tl_matrix_out,
    ) {
        by_type!(c, gemm(how(options)?, (alpha, beta), (a, b), c))
    }

    fn tl_exp(options: *const tl_run_options, x: tl_matrix_out) {
        by_type!(x, in_place(how(options)?, x, math::exp))
    }

    fn tl_sigmoid(options: *const tl_run_options, x: tl_matrix_out) {
        by_type!(x, in_place(how(options)?, x, math::sigmoid))
    }

    fn tl_softmax(options: *const tl_run_options, logits: tl_matrix_out) {
        by_type!(logits, softmax(how(options)?, logits))
    }

    fn tl_softmax_cross_entropy(
        options: *const tl_run_options, logits: tl_matrix_out, labels: *const u32, count: usize, loss: *mut f64,
    ) {
        let (labels, loss) = (In::new(labels, count, "labels"), Out::new(loss, 1, "loss"));
        by_type!(logits, softmax_cross_entropy(how(options)?, logits, labels, loss))
    }
}
