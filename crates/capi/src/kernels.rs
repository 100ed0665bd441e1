//! Kernels by themselves: matrix product, e^x, ln, sigmoid, softmax, cross-entropy.

use std::ffi::c_char;

use twolayer_core::{Float, Level, MemoryEstimate, Threads, math};

use crate::machine;
use crate::matrix::{Precision, TL_F32, TL_F64, tl_matrix, tl_matrix_out, wrong_type};
use crate::memory;
use crate::pointer::{self, In, one};
use crate::sized::{self, Versioned};
use crate::status::{Result, tl_status};

#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_run_options {
    pub size: usize,
    pub level: *const c_char,
    pub threads: usize,
}

impl Default for tl_run_options {
    fn default() -> Self {
        tl_run_options { size: size_of::<Self>(), level: std::ptr::null(), threads: 1 }
    }
}

// SAFETY: plain numbers and a pointer that may be anything, the first of them the size.
unsafe impl Versioned for tl_run_options {
    const NAME: &'static str = "tl_run_options";
    const FIRST: usize = std::mem::offset_of!(tl_run_options, threads) + size_of::<usize>();
}

/// Calls a generic function with the type of a matrix.
macro_rules! by_type {
    ($matrix:expr, $name:literal, $function:ident, $($argument:expr),*) => {
        call!(match $matrix.r#type {
            TL_F32 => $function::<f32>($($argument),*),
            TL_F64 => $function::<f64>($($argument),*),
            other => wrong_type($name, other, "TL_F32 or TL_F64"),
        })
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

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_run_options_init(options: *mut tl_run_options, size: usize) -> tl_status {
    call!(sized::write(options, size))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gemm(
    options: *const tl_run_options,
    alpha: f64,
    a: tl_matrix,
    b: tl_matrix,
    beta: f64,
    c: tl_matrix_out,
) -> tl_status {
    by_type!(c, "c", gemm, options, (alpha, beta), (a, b), c)
}

/// # Safety
/// The arguments are as the header asks; so in the functions below.
unsafe fn gemm<T: Precision>(
    options: *const tl_run_options,
    (alpha, beta): (f64, f64),
    (a, b): (tl_matrix, tl_matrix),
    c: tl_matrix_out,
) -> Result<()> {
    // SAFETY: as of this function.
    let ((level, threads), (a, a_span), (b, b_span)) = unsafe { (how(options)?, a.view::<T>("a")?, b.view::<T>("b")?) };
    // SAFETY: as of this function.
    let c = unsafe { c.view("c", &[a_span, b_span]) }?;
    // Blocks of A and B are packed, for each thread its own: of B up to 1024 x 2048.
    let packed = b.rows().min(1024).saturating_mul(b.cols().min(2048) + 96);
    memory::check(MemoryEstimate::default().elements(threads.count() * packed, size_of::<T>()), threads.count())?;
    twolayer_core::gemm_parallel(level, &threads, T::from_f64(alpha), a, b, T::from_f64(beta), c)?;
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_exp(options: *const tl_run_options, x: tl_matrix_out) -> tl_status {
    by_type!(x, "x", in_place, options, x, math::exp)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_log(options: *const tl_run_options, x: tl_matrix_out) -> tl_status {
    by_type!(x, "x", in_place, options, x, math::ln)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_sigmoid(options: *const tl_run_options, x: tl_matrix_out) -> tl_status {
    by_type!(x, "x", in_place, options, x, math::sigmoid)
}

unsafe fn in_place<T: Precision>(
    options: *const tl_run_options,
    x: tl_matrix_out,
    function: impl Fn(Level, &mut [T]),
) -> Result<()> {
    // SAFETY: as of `gemm`.
    let ((level, _), mut x) = unsafe { (how(options)?, x.view::<T>("x", &[])?) };
    (0..x.rows()).for_each(|r| function(level, x.row_mut(r)));
    Ok(())
}

/// The memory of a band of rows, transposed.
fn check_memory<T: Float>(rows: usize, cols: usize) -> Result<()> {
    memory::check(MemoryEstimate::default().elements(rows.saturating_mul(cols), size_of::<T>()), 1)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax(options: *const tl_run_options, logits: tl_matrix_out) -> tl_status {
    by_type!(logits, "logits", softmax, options, logits)
}

unsafe fn softmax<T: Precision>(options: *const tl_run_options, logits: tl_matrix_out) -> Result<()> {
    // SAFETY: as of `gemm`.
    let ((level, _), logits) = unsafe { (how(options)?, logits.view::<T>("logits", &[])?) };
    check_memory::<T>(16, logits.cols())?;
    twolayer_core::softmax(level, logits);
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_cross_entropy(
    options: *const tl_run_options,
    logits: tl_matrix,
    labels: *const u32,
    count: usize,
    loss: *mut f64,
) -> tl_status {
    by_type!(logits, "logits", cross_entropy, options, logits, In(labels, count, "labels"), loss)
}

unsafe fn cross_entropy<T: Precision>(
    options: *const tl_run_options,
    logits: tl_matrix,
    labels: In<u32>,
    loss: *mut f64,
) -> Result<()> {
    // SAFETY: as of `gemm`.
    let ((level, _), (logits, span)) = unsafe { (how(options)?, logits.view::<T>("logits")?) };
    // SAFETY: as of `gemm`.
    let (labels, loss) = unsafe { (labels.slice()?, one(loss, "loss").slice(&[span, labels.span()?])?) };
    check_memory::<T>(logits.rows().saturating_add(16), logits.cols())?;
    loss[0] = twolayer_core::cross_entropy(level, logits, labels)?;
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax_cross_entropy(
    options: *const tl_run_options,
    logits: tl_matrix_out,
    labels: *const u32,
    count: usize,
    loss: *mut f64,
) -> tl_status {
    by_type!(logits, "logits", softmax_cross_entropy, options, logits, In(labels, count, "labels"), loss)
}

unsafe fn softmax_cross_entropy<T: Precision>(
    options: *const tl_run_options,
    logits: tl_matrix_out,
    labels: In<u32>,
    loss: *mut f64,
) -> Result<()> {
    // SAFETY: as of `gemm`.
    let (level, _) = unsafe { how(options) }?;
    let (labels_span, logits_span) = (labels.span()?, logits.buffer::<T>("logits")?.span()?);
    // SAFETY: as of `gemm`.
    let logits = unsafe { logits.view::<T>("logits", std::slice::from_ref(&labels_span)) }?;
    // SAFETY: as of `gemm`.
    let (labels, loss) = unsafe { (labels.slice()?, one(loss, "loss").slice(&[logits_span, labels_span])?) };
    check_memory::<T>(16, logits.cols())?;
    loss[0] = twolayer_core::softmax_cross_entropy(level, logits, labels)?;
    Ok(())
}
