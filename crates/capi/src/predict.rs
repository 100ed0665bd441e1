//! Inference: probabilities, classes, loss and accuracy.

use twolayer_core::{Float, Labels, MemoryEstimate, Rows, Shape};

use crate::handle::{self, Precision, tl_network_f32, tl_network_f64};
use crate::memory;
use crate::pointer::{In, Out, one};
use crate::status::{Failure, Result, tl_status};

/// The probability of each class for each row: rows x classes. `x` is rows x inputs, used as
/// it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_predict_f32(
    network: *const tl_network_f32,
    x: *const f32,
    x_length: usize,
    probabilities: *mut f32,
    probabilities_length: usize,
) -> tl_status {
    call!(predict::<f32, f32>(network, In(x, x_length, "x"), Out(probabilities, probabilities_length, "probabilities")))
}

/// As `tl_predict_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_predict_u8_f32(
    network: *const tl_network_f32,
    x: *const u8,
    x_length: usize,
    probabilities: *mut f32,
    probabilities_length: usize,
) -> tl_status {
    call!(predict::<f32, u8>(network, In(x, x_length, "x"), Out(probabilities, probabilities_length, "probabilities")))
}

/// As `tl_predict_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_predict_f64(
    network: *const tl_network_f64,
    x: *const f64,
    x_length: usize,
    probabilities: *mut f64,
    probabilities_length: usize,
) -> tl_status {
    call!(predict::<f64, f64>(network, In(x, x_length, "x"), Out(probabilities, probabilities_length, "probabilities")))
}

/// As `tl_predict_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_predict_u8_f64(
    network: *const tl_network_f64,
    x: *const u8,
    x_length: usize,
    probabilities: *mut f64,
    probabilities_length: usize,
) -> tl_status {
    call!(predict::<f64, u8>(network, In(x, x_length, "x"), Out(probabilities, probabilities_length, "probabilities")))
}

/// The most probable class of each row, the first one of equals: a number for each row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_classify_f32(
    network: *const tl_network_f32,
    x: *const f32,
    x_length: usize,
    classes: *mut u32,
    classes_length: usize,
) -> tl_status {
    call!(classify::<f32, f32>(network, In(x, x_length, "x"), Out(classes, classes_length, "classes")))
}

/// As `tl_classify_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_classify_u8_f32(
    network: *const tl_network_f32,
    x: *const u8,
    x_length: usize,
    classes: *mut u32,
    classes_length: usize,
) -> tl_status {
    call!(classify::<f32, u8>(network, In(x, x_length, "x"), Out(classes, classes_length, "classes")))
}

/// As `tl_classify_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_classify_f64(
    network: *const tl_network_f64,
    x: *const f64,
    x_length: usize,
    classes: *mut u32,
    classes_length: usize,
) -> tl_status {
    call!(classify::<f64, f64>(network, In(x, x_length, "x"), Out(classes, classes_length, "classes")))
}

/// As `tl_classify_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_classify_u8_f64(
    network: *const tl_network_f64,
    x: *const u8,
    x_length: usize,
    classes: *mut u32,
    classes_length: usize,
) -> tl_status {
    call!(classify::<f64, u8>(network, In(x, x_length, "x"), Out(classes, classes_length, "classes")))
}

/// The mean loss over the rows, -ln p(label), and the accuracy, the share of rows whose most probable class is their
/// label. `labels` holds a class for each row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_evaluate_f32(
    network: *const tl_network_f32,
    x: *const f32,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> tl_status {
    call!(evaluate::<f32, f32>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), (loss, accuracy)))
}

/// As `tl_evaluate_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_evaluate_u8_f32(
    network: *const tl_network_f32,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> tl_status {
    call!(evaluate::<f32, u8>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), (loss, accuracy)))
}

/// As `tl_evaluate_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_evaluate_f64(
    network: *const tl_network_f64,
    x: *const f64,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> tl_status {
    call!(evaluate::<f64, f64>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), (loss, accuracy)))
}

/// As `tl_evaluate_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_evaluate_u8_f64(
    network: *const tl_network_f64,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> tl_status {
    call!(evaluate::<f64, u8>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), (loss, accuracy)))
}

/// An element of rows: a pixel, or a number of the network's precision.
pub(crate) trait Element<T: Float>: Copy {
    fn rows(x: &[Self]) -> Rows<'_, T>;
}

impl<T: Float> Element<T> for u8 {
    fn rows(x: &[u8]) -> Rows<'_, T> {
        Rows::Pixels(x)
    }
}

impl Element<f32> for f32 {
    fn rows(x: &[f32]) -> Rows<'_, f32> {
        Rows::Floats(x)
    }
}

impl Element<f64> for f64 {
    fn rows(x: &[f64]) -> Rows<'_, f64> {
        Rows::Floats(x)
    }
}

/// The rows and labels of a call.
pub(crate) type Batch<P> = (In<P>, In<u8>);

/// # Safety
/// As [`In::slice`].
pub(crate) unsafe fn batch<'a, T: Float, P: Element<T> + 'a>(
    (x, labels): &Batch<P>,
) -> Result<(Rows<'a, T>, Labels<'a, T>)> {
    // SAFETY: as of this function.
    unsafe { Ok((P::rows(x.slice()?), Labels::Classes(labels.slice()?))) }
}

/// An error unless a buffer has `each` elements for each row.
fn check_length(found: usize, name: &str, rows: usize, each: usize) -> Result<()> {
    match rows.checked_mul(each) {
        Some(expected) if expected == found => Ok(()),
        _ => {
            let text = format!("{name} has room for {found} numbers; expected {rows} x {each}");
            Err(Failure::new(tl_status::Length, text))
        }
    }
}

/// The memory of inference: results for all rows, and buffers for some.
fn check_memory<T: Float>(shape: Shape, rows: usize, each: usize, threads: usize) -> Result<()> {
    let need = MemoryEstimate::default().elements(rows.saturating_mul(each), 2 * size_of::<T>());
    let need = need.batch(rows.min(64), shape, size_of::<T>(), threads);
    memory::check(need, threads)
}

unsafe fn predict<T: Precision, P: Element<T>>(network: *const T::Opaque, x: In<P>, to: Out<T>) -> Result<()> {
    // SAFETY: as of this function.
    let (network, to, x) = unsafe { (handle::read::<T>(network)?, to.slice(&[x.span()?])?, P::rows(x.slice()?)) };
    let shape = network.net.shape();
    let rows = x.count(shape)?;
    check_length(to.len(), "probabilities", rows, shape.classes())?;
    check_memory::<T>(shape, rows, shape.classes(), network.threads())?;
    to.copy_from_slice(&network.net.predict(x)?);
    Ok(())
}

unsafe fn classify<T: Precision, P: Element<T>>(network: *const T::Opaque, x: In<P>, to: Out<u32>) -> Result<()> {
    // SAFETY: as of this function.
    let (network, to, x) = unsafe { (handle::read::<T>(network)?, to.slice(&[x.span()?])?, P::rows(x.slice()?)) };
    let shape = network.net.shape();
    let rows = x.count(shape)?;
    check_length(to.len(), "classes", rows, 1)?;
    check_memory::<f64>(shape, rows, 1, network.threads())?;
    // A class is below 2^40 by the shape's bounds, and no machine has the memory for 2^32 of them.
    to.iter_mut().zip(network.net.classify(x)?).for_each(|(to, class)| *to = class as u32);
    Ok(())
}

unsafe fn evaluate<T: Precision, P: Element<T>>(
    network: *const T::Opaque,
    given: Batch<P>,
    (loss, accuracy): (*mut f64, *mut f64),
) -> Result<()> {
    let (loss, accuracy) = (one(loss, "loss"), one(accuracy, "accuracy"));
    let given_spans = [given.0.span()?, given.1.span()?];
    let [x_span, t_span] = given_spans.clone();
    // SAFETY: as of this function.
    let (network, (x, t)) = unsafe { (handle::read::<T>(network)?, batch::<T, P>(&given)?) };
    // SAFETY: as of this function.
    let (loss, accuracy) = unsafe { (loss.slice(&[x_span, t_span, accuracy.span()?])?, accuracy.slice(&given_spans)?) };
    check_memory::<f64>(network.net.shape(), given.1.1, 1, network.threads())?;
    let evaluation = network.net.evaluate(x, t)?;
    (loss[0], accuracy[0]) = (evaluation.loss, evaluation.accuracy());
    Ok(())
}
