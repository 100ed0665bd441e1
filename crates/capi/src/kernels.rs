//! Kernels: matrix product, sigmoid, softmax, cross-entropy.

use std::ffi::c_char;

use twolayer_core::{Float, Level, MatMut, MatRef, MemoryEstimate, Threads};

use crate::machine;
use crate::memory;
use crate::pointer::{self, In, Out, Span, one};
use crate::sized::{self, Versioned};
use crate::status::{Result, tl_status};

/// Options of a kernel. NULL means the best level on one thread.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_run_options {
    /// `sizeof(tl_run_options)`, the version of the struct.
    pub size: usize,
    /// The name of an instruction-set level; NULL for the best one that this processor has. See `tl_level_name`.
    pub level: *const c_char,
    /// Threads, including the calling one: 1 to 1024. Large calls start them, and they end before the call
    /// returns. Results do not depend on it.
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

/// Fills in the options' defaults. `size` is `sizeof(tl_run_options)`; it is also stored in the first field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_run_options_init(options: *mut tl_run_options, size: usize) -> tl_status {
    call!(sized::write(options, size))
}

/// A matrix of single precision that is read: element (r, c) is `data[r * row_stride + c * col_stride]`. A row-major
/// matrix without gaps has the strides `cols` and 1, its transpose 1 and `cols`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_f32 {
    /// The first element.
    pub data: *const f32,
    /// The number of readable elements, at least those of the matrix.
    pub length: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub col_stride: usize,
}

/// A matrix of single precision that is written: element (r, c) is `data[r * row_stride + c]`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_mut_f32 {
    /// The first element.
    pub data: *mut f32,
    /// The number of writable elements, at least those of the matrix. The gaps between its rows
    /// are not written.
    pub length: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements from one row to the next; at least `cols`.
    pub row_stride: usize,
}

/// A matrix of double precision that is read: element (r, c) is `data[r * row_stride + c * col_stride]`. A row-major
/// matrix without gaps has the strides `cols` and 1, its transpose 1 and `cols`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_f64 {
    /// The first element.
    pub data: *const f64,
    /// The number of readable elements, at least those of the matrix.
    pub length: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub col_stride: usize,
}

/// A matrix of double precision that is written: element (r, c) is `data[r * row_stride + c]`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_matrix_mut_f64 {
    /// The first element.
    pub data: *mut f64,
    /// The number of writable elements, at least those of the matrix. The gaps between its rows
    /// are not written.
    pub length: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements from one row to the next; at least `cols`.
    pub row_stride: usize,
}

/// The matrix product C = alpha A B + beta C, where A is m x k, B is k x n and C is m x n. With `beta` 0, C is not
/// read and may be uninitialised. C must not overlap A or B.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gemm_f32(
    options: *const tl_run_options,
    alpha: f32,
    a: *const tl_matrix_f32,
    b: *const tl_matrix_f32,
    beta: f32,
    c: *const tl_matrix_mut_f32,
) -> tl_status {
    call!(gemm::<f32>(options, (alpha, beta), (a, b), c))
}

/// As `tl_gemm_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gemm_f64(
    options: *const tl_run_options,
    alpha: f64,
    a: *const tl_matrix_f64,
    b: *const tl_matrix_f64,
    beta: f64,
    c: *const tl_matrix_mut_f64,
) -> tl_status {
    call!(gemm::<f64>(options, (alpha, beta), (a, b), c))
}

/// Replaces each element x by the sigmoid 1 / (1 + e^-x), on one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_sigmoid_f32(options: *const tl_run_options, x: *mut f32, x_length: usize) -> tl_status {
    call!({
        let (level, _) = how(options)?;
        twolayer_core::math::sigmoid(level, Out(x, x_length, "x").slice(&[])?);
        Ok(())
    })
}

/// As `tl_sigmoid_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_sigmoid_f64(options: *const tl_run_options, x: *mut f64, x_length: usize) -> tl_status {
    call!({
        let (level, _) = how(options)?;
        twolayer_core::math::sigmoid(level, Out(x, x_length, "x").slice(&[])?);
        Ok(())
    })
}

/// Replaces each row of logits by its softmax, probabilities that sum to 1, on one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax_f32(options: *const tl_run_options, logits: *const tl_matrix_mut_f32) -> tl_status {
    call!(softmax::<f32>(options, logits))
}

/// As `tl_softmax_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax_f64(options: *const tl_run_options, logits: *const tl_matrix_mut_f64) -> tl_status {
    call!(softmax::<f64>(options, logits))
}

/// The mean over the rows of logits of the cross-entropy, -ln of the softmax at the label. `labels` holds a column for
/// each row. Runs on one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_cross_entropy_f32(
    options: *const tl_run_options,
    logits: *const tl_matrix_f32,
    labels: *const u32,
    labels_length: usize,
    loss: *mut f64,
) -> tl_status {
    call!(cross_entropy::<f32>(options, logits, In(labels, labels_length, "labels"), loss))
}

/// As `tl_cross_entropy_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_cross_entropy_f64(
    options: *const tl_run_options,
    logits: *const tl_matrix_f64,
    labels: *const u32,
    labels_length: usize,
    loss: *mut f64,
) -> tl_status {
    call!(cross_entropy::<f64>(options, logits, In(labels, labels_length, "labels"), loss))
}

/// As `tl_cross_entropy_f32`, and replaces the logits by the gradient, (softmax - one-hot) / rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax_cross_entropy_f32(
    options: *const tl_run_options,
    logits: *const tl_matrix_mut_f32,
    labels: *const u32,
    labels_length: usize,
    loss: *mut f64,
) -> tl_status {
    call!(softmax_cross_entropy::<f32>(options, logits, In(labels, labels_length, "labels"), loss))
}

/// As `tl_softmax_cross_entropy_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_softmax_cross_entropy_f64(
    options: *const tl_run_options,
    logits: *const tl_matrix_mut_f64,
    labels: *const u32,
    labels_length: usize,
    loss: *mut f64,
) -> tl_status {
    call!(softmax_cross_entropy::<f64>(options, logits, In(labels, labels_length, "labels"), loss))
}

/// What differs between the two kinds of matrices: only their names.
trait Element: Float {
    type Matrix: Copy;
    type MatrixMut: Copy;
    /// Data, dimensions and strides.
    fn view(matrix: Self::Matrix) -> (In<Self>, [usize; 4]);
    fn view_mut(matrix: Self::MatrixMut) -> (Out<Self>, [usize; 3]);
}

impl Element for f32 {
    type Matrix = tl_matrix_f32;
    type MatrixMut = tl_matrix_mut_f32;
    fn view(m: tl_matrix_f32) -> (In<f32>, [usize; 4]) {
        (In(m.data, m.length, "the data of a matrix"), [m.rows, m.cols, m.row_stride, m.col_stride])
    }
    fn view_mut(m: tl_matrix_mut_f32) -> (Out<f32>, [usize; 3]) {
        (Out(m.data, m.length, "the data of a matrix"), [m.rows, m.cols, m.row_stride])
    }
}

impl Element for f64 {
    type Matrix = tl_matrix_f64;
    type MatrixMut = tl_matrix_mut_f64;
    fn view(m: tl_matrix_f64) -> (In<f64>, [usize; 4]) {
        (In(m.data, m.length, "the data of a matrix"), [m.rows, m.cols, m.row_stride, m.col_stride])
    }
    fn view_mut(m: tl_matrix_mut_f64) -> (Out<f64>, [usize; 3]) {
        (Out(m.data, m.length, "the data of a matrix"), [m.rows, m.cols, m.row_stride])
    }
}

/// # Safety
/// The options are NULL or as the header asks.
unsafe fn how(options: *const tl_run_options) -> Result<(Level, Threads)> {
    if options.is_null() {
        return Ok((Level::best(), Threads::one()));
    }
    // SAFETY: as of this function.
    let options = unsafe { sized::read(options) }?;
    let level = match options.level.is_null() {
        true => Level::best(),
        // SAFETY: as of this function.
        false => machine::level(unsafe { pointer::text(options.level, "level") }?)?,
    };
    Ok((level, machine::threads(options.threads, 1)?))
}

/// # Safety
/// The matrix is NULL or as the header asks.
unsafe fn matrix<'a, T: Element>(matrix: *const T::Matrix, name: &'static str) -> Result<(MatRef<'a, T>, Span)> {
    pointer::check(matrix, name)?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    let (In(data, length, _), [rows, cols, row_stride, col_stride]) = T::view(unsafe { *matrix });
    let data = In(data, length, name);
    // SAFETY: as of this function.
    let slice = unsafe { data.slice() }?;
    Ok((MatRef::with_strides(slice, rows, cols, row_stride, col_stride)?, data.span()?))
}

/// # Safety
/// The matrix is NULL or as the header asks.
unsafe fn matrix_mut<'a, T: Element>(
    matrix: *const T::MatrixMut,
    name: &'static str,
    others: &[Span],
) -> Result<(MatMut<'a, T>, Span)> {
    pointer::check(matrix, name)?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    let (Out(data, length, _), [rows, cols, row_stride]) = T::view_mut(unsafe { *matrix });
    let data = Out(data, length, name);
    // SAFETY: as of this function.
    let slice = unsafe { data.slice(others) }?;
    Ok((MatMut::with_stride(slice, rows, cols, row_stride)?, data.span()?))
}

unsafe fn gemm<T: Element>(
    options: *const tl_run_options,
    (alpha, beta): (T, T),
    (a, b): (*const T::Matrix, *const T::Matrix),
    c: *const T::MatrixMut,
) -> Result<()> {
    // SAFETY: as of this function.
    let ((level, threads), (a, a_span), (b, b_span)) =
        unsafe { (how(options)?, matrix::<T>(a, "a")?, matrix::<T>(b, "b")?) };
    // SAFETY: as of this function.
    let (c, _) = unsafe { matrix_mut::<T>(c, "c", &[a_span, b_span]) }?;
    // Blocks of A and B are packed, for each thread its own: of B up to 1024 x 2048.
    let packed = b.rows().min(1024).saturating_mul(b.cols().min(2048) + 96);
    memory::check(MemoryEstimate::default().elements(threads.count() * packed, size_of::<T>()), threads.count())?;
    twolayer_core::gemm_parallel(level, &threads, alpha, a, b, beta, c)?;
    Ok(())
}

unsafe fn softmax<T: Element>(options: *const tl_run_options, logits: *const T::MatrixMut) -> Result<()> {
    // SAFETY: as of this function.
    let ((level, _), (logits, _)) = unsafe { (how(options)?, matrix_mut::<T>(logits, "logits", &[])?) };
    memory::check(MemoryEstimate::default().elements(logits.cols(), 16 * size_of::<T>()), 1)?;
    twolayer_core::softmax(level, logits);
    Ok(())
}

unsafe fn cross_entropy<T: Element>(
    options: *const tl_run_options,
    logits: *const T::Matrix,
    labels: In<u32>,
    loss: *mut f64,
) -> Result<()> {
    // SAFETY: as of this function.
    let ((level, _), (logits, span)) = unsafe { (how(options)?, matrix::<T>(logits, "logits")?) };
    // SAFETY: as of this function.
    let (labels, loss) = unsafe { (labels.slice()?, one(loss, "loss").slice(&[span, labels.span()?])?) };
    let copy = logits.rows().saturating_add(16).saturating_mul(logits.cols());
    memory::check(MemoryEstimate::default().elements(copy, size_of::<T>()), 1)?;
    loss[0] = twolayer_core::cross_entropy(level, logits, labels)?;
    Ok(())
}

unsafe fn softmax_cross_entropy<T: Element>(
    options: *const tl_run_options,
    logits: *const T::MatrixMut,
    labels: In<u32>,
    loss: *mut f64,
) -> Result<()> {
    // SAFETY: as of this function.
    let ((level, _), labels_span) = (unsafe { how(options) }?, labels.span()?);
    // SAFETY: as of this function.
    let (logits, span) = unsafe { matrix_mut::<T>(logits, "logits", std::slice::from_ref(&labels_span)) }?;
    // SAFETY: as of this function.
    let (labels, loss) = unsafe { (labels.slice()?, one(loss, "loss").slice(&[span, labels_span])?) };
    memory::check(MemoryEstimate::default().elements(logits.cols(), 16 * size_of::<T>()), 1)?;
    loss[0] = twolayer_core::softmax_cross_entropy(level, logits, labels)?;
    Ok(())
}
