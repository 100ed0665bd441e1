//! Inference and gradients.

use twolayer_core::{Float, Labels, MemoryEstimate, Parameters, Rows, Shape};

use crate::*;

/// The rows and labels of a call.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    pub x: tl_matrix,
    pub labels: In<u32>,
}

/// The same, as the core takes them, and their memory.
pub(crate) type Batch<'a, T> = (Inputs<'a, T>, Labels<'a, T>, [Span; 2]);

impl Data {
    pub unsafe fn new(x: tl_matrix, labels: *const u32, count: usize) -> Self {
        // SAFETY: as of this function.
        Data { x, labels: unsafe { In::new(labels, count, "labels") } }
    }

    pub fn batch<'a, T: Precision>(self, shape: Shape) -> Result<Batch<'a, T>> {
        let (Data { x, labels }, rows) = (self, self.x.rows());
        if rows != labels.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; there are {} labels", labels.1));
        }
        let (list, (inputs, span)) = (labels.slice()?, Inputs::new(x, shape.inputs())?);
        Ok((inputs, Labels::Classes(list), [span, labels.span()?]))
    }
}

impl<T: Precision> Network<T> {
    /// Checks the memory of inference: for each row so many results of that width, and buffers for some rows.
    fn check_memory(&self, rows: usize, (each, width): (usize, usize)) -> Result<()> {
        let threads = self.net.inference_threads(rows);
        let need = MemoryEstimate::default().inference(self.net.shape(), width, rows, threads);
        memory::check(need.elements(rows.saturating_mul(each), 2 * width), threads)
    }

    pub fn predict(&self, x: tl_matrix, to: tl_matrix_out) -> Result<()> {
        let (shape, rows) = (self.net.shape(), x.rows());
        let (x, span) = Inputs::new(x, shape.inputs())?;
        let to = Target::new(to, "probabilities", (rows, shape.classes()), &[span])?;
        self.check_memory(rows, (shape.classes(), size_of::<T>()))?;
        to.store(&self.net.predict(x.rows())?);
        Ok(())
    }

    pub fn classify(&self, x: tl_matrix, to: Out<u32>) -> Result<()> {
        let rows = x.rows();
        if rows != to.1 {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; there is room for {} classes", to.1));
        }
        let (x, span) = Inputs::<T>::new(x, self.net.shape().inputs())?;
        let to = to.slice(&[span])?;
        self.check_memory(rows, (1, size_of::<f64>()))?;
        // A class is below 2^40 by the shape's bounds, and no machine has the memory for 2^32 of them.
        to.iter_mut().zip(self.net.classify(x.rows())?).for_each(|(to, class)| *to = class as u32);
        Ok(())
    }

    pub fn evaluate(&self, data: Data, (loss, accuracy): (Out<f64>, Out<f64>)) -> Result<()> {
        let (inputs, labels, [x, t]) = data.batch::<T>(self.net.shape())?;
        let loss = loss.slice(&[x.clone(), t.clone(), accuracy.span()?])?;
        let accuracy = accuracy.slice(&[x, t])?;
        self.check_memory(data.x.rows(), (1, size_of::<f64>()))?;
        let evaluation = self.net.evaluate(inputs.rows(), labels)?;
        (loss[0], accuracy[0]) = (evaluation.loss, evaluation.accuracy());
        Ok(())
    }

    pub fn gradient(&self, data: Data, to: tl_matrix_out) -> Result<()> {
        let (shape, rows, width) = (self.net.shape(), data.x.rows(), size_of::<T>());
        let threads = self.net.threads.count().min(shape.max_threads());
        // The result twice, the weights once more and packed, their gradient, and buffers for each thread.
        let need = MemoryEstimate::default().parameters(shape, width, 6).batch(rows, shape, width, 1 + threads);
        self.store_gradient(data, to, (need, threads), |x, t| self.net.gradient(x, t))
    }

    pub fn numerical_gradient(&self, data: Data, h: f64, to: tl_matrix_out) -> Result<()> {
        let (shape, rows, width, threads) =
            (self.net.shape(), data.x.rows(), size_of::<f64>(), self.net.threads.count());
        let need = MemoryEstimate::default().parameters(shape, width, 9).batch(rows, shape, width, 2 + threads);
        // Widened inputs, and a list of those that are not zero.
        let need = need.elements(rows.saturating_mul(shape.inputs()), 8 + 16);
        self.store_gradient(data, to, (need, threads), |x, t| self.net.numerical_gradient(x, t, h))
    }

    fn store_gradient<G: Float>(
        &self,
        data: Data,
        to: tl_matrix_out,
        (need, threads): (MemoryEstimate, usize),
        gradient: impl FnOnce(Rows<'_, T>, Labels<'_, T>) -> Result<Parameters<G>, twolayer_core::Error>,
    ) -> Result<()> {
        let (x, labels, spans) = data.batch::<T>(self.net.shape())?;
        let to = Target::new(to, "gradient", (1, self.net.shape().parameters()), &spans)?;
        memory::check(need, threads)?;
        to.store(&gradient(x.rows(), labels)?.to_vec());
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
