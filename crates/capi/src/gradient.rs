//! Gradients, by backpropagation and by central differences.

use twolayer_core::{MemoryEstimate, Shape};

use crate::handle::{self, Precision, tl_network_f32, tl_network_f64};
use crate::memory;
use crate::network::{copy_out, tl_parameter};
use crate::pointer::{In, Out};
use crate::predict::{Batch, Element, batch};
use crate::status::{Failure, Result, tl_status};

/// The gradient of the mean loss with respect to every parameter, by backpropagation, in the order of
/// `TL_PARAMETER_ALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gradient_f32(
    network: *const tl_network_f32,
    x: *const f32,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    gradient: *mut f32,
    gradient_length: usize,
) -> tl_status {
    call!(backpropagation::<f32, f32>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_gradient_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gradient_u8_f32(
    network: *const tl_network_f32,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    gradient: *mut f32,
    gradient_length: usize,
) -> tl_status {
    call!(backpropagation::<f32, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_gradient_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gradient_f64(
    network: *const tl_network_f64,
    x: *const f64,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(backpropagation::<f64, f64>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_gradient_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gradient_u8_f64(
    network: *const tl_network_f64,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(backpropagation::<f64, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        Out(gradient, gradient_length, "gradient")
    ))
}

/// The same gradient by central differences, (L(p + h) - L(p - h)) / 2h for every parameter p, computed and
/// returned in double precision, to check `tl_gradient_f32`. `h` is the step, above 0; the notebook's is 1e-4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_numerical_gradient_f32(
    network: *const tl_network_f32,
    x: *const f32,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    h: f64,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(numerical::<f32, f32>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        h,
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_numerical_gradient_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_numerical_gradient_u8_f32(
    network: *const tl_network_f32,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    h: f64,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(numerical::<f32, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        h,
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_numerical_gradient_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_numerical_gradient_f64(
    network: *const tl_network_f64,
    x: *const f64,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    h: f64,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(numerical::<f64, f64>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        h,
        Out(gradient, gradient_length, "gradient")
    ))
}

/// As `tl_numerical_gradient_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_numerical_gradient_u8_f64(
    network: *const tl_network_f64,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    h: f64,
    gradient: *mut f64,
    gradient_length: usize,
) -> tl_status {
    call!(numerical::<f64, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        h,
        Out(gradient, gradient_length, "gradient")
    ))
}

/// An error unless there is room for a gradient.
fn check_length(found: usize, shape: Shape) -> Result<()> {
    if found == shape.parameters() {
        return Ok(());
    }
    let text = format!("gradient has room for {found} numbers; the network has {} parameters", shape.parameters());
    Err(Failure::new(tl_status::Length, text))
}

unsafe fn backpropagation<T: Precision, P: Element<T>>(
    network: *const T::Opaque,
    given: Batch<P>,
    to: Out<T>,
) -> Result<()> {
    let spans = [given.0.span()?, given.1.span()?];
    // SAFETY: as of this function.
    let (network, (x, t), to) = unsafe { (handle::read::<T>(network)?, batch::<T, P>(&given)?, to.slice(&spans)?) };
    let (shape, width) = (network.net.shape(), size_of::<T>());
    check_length(to.len(), shape)?;
    let (rows, need) = (given.1.1, MemoryEstimate::default().parameters(shape, width, 4));
    memory::check(need.batch(rows, shape, width, 2), 1)?;
    copy_out(&network.net.gradient(x, t)?, tl_parameter::All as i32, "gradient", to)
}

unsafe fn numerical<T: Precision, P: Element<T>>(
    network: *const T::Opaque,
    given: Batch<P>,
    h: f64,
    to: Out<f64>,
) -> Result<()> {
    let spans = [given.0.span()?, given.1.span()?];
    // SAFETY: as of this function.
    let (network, (x, t), to) = unsafe { (handle::read::<T>(network)?, batch::<T, P>(&given)?, to.slice(&spans)?) };
    let (shape, width, rows) = (network.net.shape(), size_of::<f64>(), given.1.1);
    check_length(to.len(), shape)?;
    let need = MemoryEstimate::default().parameters(shape, width, 8).batch(rows, shape, width, 2 + network.threads());
    // Widened inputs, and a list of those that are not zero.
    memory::check(need.elements(rows.saturating_mul(shape.inputs()), 8 + 16), network.threads())?;
    copy_out(&network.net.numerical_gradient(x, t, h)?, tl_parameter::All as i32, "gradient", to)
}
