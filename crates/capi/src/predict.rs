//! Inference and gradients.

use twolayer_core::{Labels, MemoryEstimate, Rows, Shape};

use crate::handle::{self, tl_network};
use crate::matrix::{Inputs, Precision, Target, tl_matrix, tl_matrix_out};
use crate::memory;
use crate::network::{Network, with};
use crate::pointer::{In, Out, Span, one};
use crate::status::{Result, TL_ERROR_LENGTH, refuse, tl_status};

/// The rows and labels of a call.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    pub x: tl_matrix,
    pub labels: In<u32>,
}

/// The same, as the core takes them.
pub(crate) struct Batch<'a, T: Precision> {
    inputs: Inputs<'a, T>,
    labels: &'a [u32],
    pub spans: [Span; 2],
}

impl Data {
    pub fn new(x: tl_matrix, labels: *const u32, count: usize) -> Self {
        Data { x, labels: In(labels, count, "labels") }
    }

    /// # Safety
    /// As [`In::slice`].
    pub unsafe fn batch<'a, T: Precision>(self, inputs: usize) -> Result<Batch<'a, T>> {
        let Data { x, labels } = self;
        if x.rows != labels.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {} rows; there are {} labels", x.rows, labels.1));
        }
        // SAFETY: as of this function.
        let (list, (inputs, span)) = unsafe { (labels.slice()?, Inputs::new(x, inputs)?) };
        Ok(Batch { inputs, labels: list, spans: [span, labels.span()?] })
    }
}

impl<T: Precision> Batch<'_, T> {
    pub fn get(&self) -> (Rows<'_, T>, Labels<'_, T>) {
        (self.inputs.rows(), Labels::Indices(self.labels))
    }
}

/// Inference and gradients.
///
/// # Safety
/// The buffers are as the caller promised, in each method.
pub(crate) trait Inference {
    unsafe fn predict(&self, x: tl_matrix, to: tl_matrix_out) -> Result<()>;
    unsafe fn classify(&self, x: tl_matrix, to: Out<u32>) -> Result<()>;
    unsafe fn evaluate(&self, data: Data, to: (Out<f64>, Out<f64>)) -> Result<()>;
    unsafe fn gradient(&self, data: Data, to: tl_matrix_out) -> Result<()>;
    unsafe fn numerical_gradient(&self, data: Data, h: f64, to: tl_matrix_out) -> Result<()>;
}

/// The memory of inference: results for all rows, and buffers for some.
fn check_memory(shape: Shape, width: usize, (rows, each): (usize, usize), threads: usize) -> Result<()> {
    let need = MemoryEstimate::default().elements(rows.saturating_mul(each), 2 * width);
    memory::check(need.batch(rows.min(64), shape, width, threads), threads)
}

impl<T: Precision> Inference for Network<T> {
    unsafe fn predict(&self, x: tl_matrix, to: tl_matrix_out) -> Result<()> {
        let (shape, rows) = (self.net.shape(), x.rows);
        // SAFETY: as of the trait.
        let (x, span) = unsafe { Inputs::new(x, shape.inputs()) }?;
        // SAFETY: as of the trait.
        let to = unsafe { Target::new(to, "probabilities", (rows, shape.classes()), &[span]) }?;
        check_memory(shape, size_of::<T>(), (rows, shape.classes()), self.threads())?;
        to.store(&self.net.predict(x.rows())?);
        Ok(())
    }

    unsafe fn classify(&self, x: tl_matrix, to: Out<u32>) -> Result<()> {
        let (shape, rows) = (self.net.shape(), x.rows);
        if rows != to.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; there is room for {} classes", to.1));
        }
        // SAFETY: as of the trait.
        let (x, span) = unsafe { Inputs::<T>::new(x, shape.inputs()) }?;
        // SAFETY: as of the trait.
        let to = unsafe { to.slice(&[span]) }?;
        check_memory(shape, size_of::<f64>(), (rows, 1), self.threads())?;
        // A class is below 2^40 by the shape's bounds, and no machine has the memory for 2^32 of them.
        to.iter_mut().zip(self.net.classify(x.rows())?).for_each(|(to, class)| *to = class as u32);
        Ok(())
    }

    unsafe fn evaluate(&self, data: Data, (loss, accuracy): (Out<f64>, Out<f64>)) -> Result<()> {
        let (shape, rows) = (self.net.shape(), data.x.rows);
        // SAFETY: as of the trait.
        let batch = unsafe { data.batch::<T>(shape.inputs()) }?;
        let [x, t] = batch.spans.clone();
        // SAFETY: as of the trait.
        let (loss, accuracy) = unsafe { (loss.slice(&[x, t, accuracy.span()?])?, accuracy.slice(&batch.spans)?) };
        check_memory(shape, size_of::<f64>(), (rows, 1), self.threads())?;
        let (x, t) = batch.get();
        let evaluation = self.net.evaluate(x, t)?;
        (loss[0], accuracy[0]) = (evaluation.loss, evaluation.accuracy());
        Ok(())
    }

    unsafe fn gradient(&self, data: Data, to: tl_matrix_out) -> Result<()> {
        let (shape, width, rows) = (self.net.shape(), size_of::<T>(), data.x.rows);
        // SAFETY: as of the trait.
        let batch = unsafe { data.batch::<T>(shape.inputs()) }?;
        // SAFETY: as of the trait.
        let to = unsafe { Target::new(to, "gradient", (1, shape.parameters()), &batch.spans) }?;
        memory::check(MemoryEstimate::default().parameters(shape, width, 5).batch(rows, shape, width, 2), 1)?;
        let (x, t) = batch.get();
        to.store(&self.net.gradient(x, t)?.to_vec());
        Ok(())
    }

    unsafe fn numerical_gradient(&self, data: Data, h: f64, to: tl_matrix_out) -> Result<()> {
        let (shape, width, rows, threads) = (self.net.shape(), size_of::<f64>(), data.x.rows, self.threads());
        // SAFETY: as of the trait.
        let batch = unsafe { data.batch::<T>(shape.inputs()) }?;
        // SAFETY: as of the trait.
        let to = unsafe { Target::new(to, "gradient", (1, shape.parameters()), &batch.spans) }?;
        let need = MemoryEstimate::default().parameters(shape, width, 9).batch(rows, shape, width, 2 + threads);
        // Widened inputs, and a list of those that are not zero.
        memory::check(need.elements(rows.saturating_mul(shape.inputs()), 8 + 16), threads)?;
        let (x, t) = batch.get();
        to.store(&self.net.numerical_gradient(x, t, h)?.to_vec());
        Ok(())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_predict(
    network: *const tl_network,
    x: tl_matrix,
    probabilities: tl_matrix_out,
) -> tl_status {
    call!(with!(&*handle::read(network)?, n => n.predict(x, probabilities)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_classify(
    network: *const tl_network,
    x: tl_matrix,
    classes: *mut u32,
    count: usize,
) -> tl_status {
    call!(with!(&*handle::read(network)?, n => n.classify(x, Out(classes, count, "classes"))))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_evaluate(
    network: *const tl_network,
    x: tl_matrix,
    labels: *const u32,
    count: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> tl_status {
    let to = (one(loss, "loss"), one(accuracy, "accuracy"));
    call!(with!(&*handle::read(network)?, n => n.evaluate(Data::new(x, labels, count), to)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_gradient(
    network: *const tl_network,
    x: tl_matrix,
    labels: *const u32,
    count: usize,
    gradient: tl_matrix_out,
) -> tl_status {
    call!(with!(&*handle::read(network)?, n => n.gradient(Data::new(x, labels, count), gradient)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_numerical_gradient(
    network: *const tl_network,
    x: tl_matrix,
    labels: *const u32,
    count: usize,
    h: f64,
    gradient: tl_matrix_out,
) -> tl_status {
    call!(with!(&*handle::read(network)?, n => n.numerical_gradient(Data::new(x, labels, count), h, gradient)))
}
