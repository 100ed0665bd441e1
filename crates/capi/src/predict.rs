//! Inference and gradients.

use twolayer_core::{Labels, MemoryEstimate, Rows, Shape};

use crate::handle::{self, tl_network};
use crate::matrix::{Inputs, Precision, Target, tl_matrix, tl_matrix_out};
use crate::memory;
use crate::network::{Network, with};
use crate::pointer::{In, Out, Span};
use crate::status::{Result, TL_ERROR_LENGTH, refuse};

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
    /// # Safety
    /// As of [`In`].
    pub unsafe fn new(x: tl_matrix, labels: *const u32, count: usize) -> Self {
        // SAFETY: as of this function.
        Data { x, labels: unsafe { In::new(labels, count, "labels") } }
    }

    pub fn batch<'a, T: Precision>(self, inputs: usize) -> Result<Batch<'a, T>> {
        let (Data { x, labels }, (rows, _)) = (self, self.x.dims());
        if rows != labels.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; there are {} labels", labels.1));
        }
        let (list, (inputs, span)) = (labels.slice()?, Inputs::new(x, inputs)?);
        Ok(Batch { inputs, labels: list, spans: [span, labels.span()?] })
    }
}

impl<T: Precision> Batch<'_, T> {
    pub fn get(&self) -> (Rows<'_, T>, Labels<'_, T>) {
        (self.inputs.rows(), Labels::Indices(self.labels))
    }
}

/// The memory of inference: results for all rows, and buffers for some.
fn check_memory(shape: Shape, width: usize, (rows, each): (usize, usize), threads: usize) -> Result<()> {
    let need = MemoryEstimate::default().elements(rows.saturating_mul(each), 2 * width);
    memory::check(need.batch(rows.min(64), shape, width, threads), threads)
}

impl<T: Precision> Network<T> {
    pub fn predict(&self, x: tl_matrix, to: tl_matrix_out) -> Result<()> {
        let (shape, (rows, _)) = (self.net.shape(), x.dims());
        let (x, span) = Inputs::new(x, shape.inputs())?;
        let to = Target::new(to, "probabilities", (rows, shape.classes()), &[span])?;
        check_memory(shape, size_of::<T>(), (rows, shape.classes()), self.net.inference_threads(rows))?;
        to.store(&self.net.predict(x.rows())?);
        Ok(())
    }

    pub fn classify(&self, x: tl_matrix, to: Out<u32>) -> Result<()> {
        let (shape, (rows, _)) = (self.net.shape(), x.dims());
        if rows != to.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; there is room for {} classes", to.1));
        }
        let (x, span) = Inputs::<T>::new(x, shape.inputs())?;
        let to = to.slice(&[span])?;
        check_memory(shape, size_of::<f64>(), (rows, 1), self.net.inference_threads(rows))?;
        // A class is below 2^40 by the shape's bounds, and no machine has the memory for 2^32 of them.
        to.iter_mut().zip(self.net.classify(x.rows())?).for_each(|(to, class)| *to = class as u32);
        Ok(())
    }

    pub fn evaluate(&self, data: Data, (loss, accuracy): (Out<f64>, Out<f64>)) -> Result<()> {
        let (shape, (rows, _)) = (self.net.shape(), data.x.dims());
        let batch = data.batch::<T>(shape.inputs())?;
        let [x, t] = batch.spans.clone();
        let (loss, accuracy) = (loss.slice(&[x, t, accuracy.span()?])?, accuracy.slice(&batch.spans)?);
        check_memory(shape, size_of::<f64>(), (rows, 1), self.net.inference_threads(rows))?;
        let (x, t) = batch.get();
        let evaluation = self.net.evaluate(x, t)?;
        (loss[0], accuracy[0]) = (evaluation.loss, evaluation.accuracy());
        Ok(())
    }

    pub fn gradient(&self, data: Data, to: tl_matrix_out) -> Result<()> {
        let (shape, width, (rows, _)) = (self.net.shape(), size_of::<T>(), data.x.dims());
        let batch = data.batch::<T>(shape.inputs())?;
        let to = Target::new(to, "gradient", (1, shape.parameters()), &batch.spans)?;
        memory::check(MemoryEstimate::default().parameters(shape, width, 5).batch(rows, shape, width, 2), 1)?;
        let (x, t) = batch.get();
        to.store(&self.net.gradient(x, t)?.to_vec());
        Ok(())
    }

    pub fn numerical_gradient(&self, data: Data, h: f64, to: tl_matrix_out) -> Result<()> {
        let (shape, width, (rows, _), threads) = (self.net.shape(), size_of::<f64>(), data.x.dims(), self.threads());
        let batch = data.batch::<T>(shape.inputs())?;
        let to = Target::new(to, "gradient", (1, shape.parameters()), &batch.spans)?;
        let need = MemoryEstimate::default().parameters(shape, width, 9).batch(rows, shape, width, 2 + threads);
        // Widened inputs, and a list of those that are not zero.
        memory::check(need.elements(rows.saturating_mul(shape.inputs()), 8 + 16), threads)?;
        let (x, t) = batch.get();
        to.store(&self.net.numerical_gradient(x, t, h)?.to_vec());
        Ok(())
    }
}

functions! {
    fn tl_predict(network: *const tl_network, x: tl_matrix, probabilities: tl_matrix_out) {
        with!(&*handle::read(network)?, n => n.predict(x, probabilities))
    }

    fn tl_classify(network: *const tl_network, x: tl_matrix, classes: *mut u32, count: usize) {
        with!(&*handle::read(network)?, n => n.classify(x, Out::new(classes, count, "classes")))
    }

    fn tl_evaluate(
        network: *const tl_network, x: tl_matrix, labels: *const u32, count: usize, loss: *mut f64, accuracy: *mut f64,
    ) {
        let to = (Out::new(loss, 1, "loss"), Out::new(accuracy, 1, "accuracy"));
        with!(&*handle::read(network)?, n => n.evaluate(Data::new(x, labels, count), to))
    }

    fn tl_gradient(
        network: *const tl_network, x: tl_matrix, labels: *const u32, count: usize, gradient: tl_matrix_out,
    ) {
        with!(&*handle::read(network)?, n => n.gradient(Data::new(x, labels, count), gradient))
    }

    fn tl_numerical_gradient(
        network: *const tl_network, x: tl_matrix, labels: *const u32, count: usize, h: f64, gradient: tl_matrix_out,
    ) {
        with!(&*handle::read(network)?, n => n.numerical_gradient(Data::new(x, labels, count), h, gradient))
    }
}
