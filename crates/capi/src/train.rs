//! Training: a step on a batch, or many steps on batches drawn from the caller's data.

use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;

use twolayer_core::{
    Error as CoreError, GradientMethod, MemoryEstimate, Optimizer, OptimizerKind, Progress, Sampler, ShuffledSampler,
    TrainOptions, UniformSampler,
};

use crate::handle::{self, tl_network};
use crate::matrix::{Precision, tl_matrix};
use crate::memory;
use crate::network::{Network, with};
use crate::pointer::Out;
use crate::predict::{Batch, Data};
use crate::sized;
use crate::status::{Failure, Result, TL_ERROR_LENGTH, TL_ERROR_OPTION, refuse};

constants! {
    tl_optimizer { TL_SGD = 0, TL_MOMENTUM = 1, TL_NESTEROV = 2, TL_ADAGRAD = 3, TL_RMSPROP = 4, TL_ADAM = 5 }
}
constants! { tl_sampling { TL_WITH_REPLACEMENT = 0, TL_SHUFFLED = 1 } }

pub type tl_progress = Option<unsafe extern "C" fn(user: *mut c_void, iteration: usize, loss: f64) -> c_int>;

options! {
    tl_train_options {
        batch: usize = 100,
        iterations: usize = 10_000,
        learning_rate: f64 = 0.1,
        learning_rate_decay: f64 = 1.0,
        optimizer: tl_optimizer = TL_SGD,
        sampling: tl_sampling = TL_WITH_REPLACEMENT,
        momentum: f64 = 0.9,
        decay_rate: f64 = 0.99,
        beta1: f64 = 0.9,
        beta2: f64 = 0.999,
        weight_decay: f64 = 0.0,
        progress: tl_progress = None,
        user: *mut c_void = std::ptr::null_mut(),
    }
    first: user: *mut c_void
}

impl tl_train_options {
    /// The core's rule.
    pub(crate) fn kind(&self) -> Result<OptimizerKind> {
        let (momentum, decay_rate, beta1, beta2) = (self.momentum, self.decay_rate, self.beta1, self.beta2);
        Ok(match self.optimizer {
            TL_SGD => OptimizerKind::Sgd,
            TL_MOMENTUM => OptimizerKind::Momentum { momentum },
            TL_NESTEROV => OptimizerKind::Nesterov { momentum },
            TL_ADAGRAD => OptimizerKind::AdaGrad,
            TL_RMSPROP => OptimizerKind::RmsProp { decay_rate },
            TL_ADAM => OptimizerKind::Adam { beta1, beta2 },
            other => {
                return refuse(TL_ERROR_OPTION, format!("optimizer is {other}; expected a tl_optimizer, 0 to 5"));
            }
        })
    }

    /// The learning rate of an iteration.
    fn rate(&self, iteration: usize, rows: usize) -> f64 {
        let epoch = i32::try_from(iteration / self.epoch(rows)).unwrap_or(i32::MAX);
        self.learning_rate * self.learning_rate_decay.powi(epoch)
    }

    /// The iterations of an epoch: the batches that fit into the rows, at least one.
    fn epoch(&self, rows: usize) -> usize {
        (rows / self.batch.max(1)).max(1)
    }

    /// Refuses what the core does not look at.
    fn check(&self) -> Result<()> {
        if !(self.learning_rate_decay > 0.0 && self.learning_rate_decay.is_finite()) {
            let text = format!("learning_rate_decay is {}; expected a number above 0", self.learning_rate_decay);
            return refuse(TL_ERROR_OPTION, text);
        }
        match self.sampling {
            TL_WITH_REPLACEMENT | TL_SHUFFLED => Ok(()),
            other => refuse(TL_ERROR_OPTION, format!("sampling is {other}; expected a tl_sampling, 0 or 1")),
        }
    }
}

/// Rows that a step takes.
const MOST_ROWS: usize = 1 << 24;

/// Writes the loss, unless nothing was done.
fn finish<T: Precision>(trained: Result<f64, Stop>, loss: Out<f64>, batch: &Batch<'_, T>) -> Result<()> {
    let (last, result) = match trained {
        Ok(last) => (last, Ok(())),
        Err(Stop::Midway(failure)) => (f64::NAN, Err(failure)),
        Err(Stop::Refused(failure)) => return Err(failure),
    };
    loss.slice(&batch.spans)?[0] = last;
    result
}

/// Why a run ended early.
enum Stop {
    /// Nothing was changed.
    Refused(Failure),
    /// It diverged, or failed after some steps.
    Midway(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Refused(error.into())
    }
}

impl<T: Precision> Network<T> {
    pub fn train(&mut self, data: Data, options: &tl_train_options, loss: Out<f64>) -> Result<()> {
        self.sample(data, options, GradientMethod::Backpropagation, loss)
    }

    pub fn train_numerically(&mut self, data: Data, h: f64, options: &tl_train_options, loss: Out<f64>) -> Result<()> {
        self.sample(data, options, GradientMethod::Numerical { h }, loss)
    }

    pub fn step(&mut self, data: Data, options: &tl_train_options, loss: Out<f64>) -> Result<()> {
        let (rows, _) = data.x.dims();
        let batch = data.batch::<T>(self.net.shape().inputs())?;
        loss.slice(&batch.spans)?;
        if rows > MOST_ROWS {
            return refuse(TL_ERROR_LENGTH, format!("x has {rows} rows; a step takes up to {MOST_ROWS}"));
        }
        let options =
            tl_train_options { batch: rows, iterations: 1, learning_rate_decay: 1.0, progress: None, ..*options };
        let mut all = |rows: &mut [usize]| rows.iter_mut().enumerate().for_each(|(i, row)| *row = i);
        let trained = self.run(&batch, &options, GradientMethod::Backpropagation, &mut all);
        finish(trained, loss, &batch)
    }

    /// Trains on batches drawn from the data.
    ///
    /// Inlined, so that programs without numerical gradients do not link their code.
    #[inline(always)]
    fn sample(
        &mut self,
        data: Data,
        options: &tl_train_options,
        gradient: GradientMethod,
        loss: Out<f64>,
    ) -> Result<()> {
        options.check()?;
        let (rows, _) = data.x.dims();
        let batch = data.batch::<T>(self.net.shape().inputs())?;
        // Checked now, and written after the run: meanwhile the caller's function may read it.
        loss.slice(&batch.spans)?;
        // The new order of the rows, and a copy of the old one.
        let shuffled = if options.sampling == TL_SHUFFLED { rows } else { 0 };
        let orders = shuffled.saturating_add(self.order.0.len());
        memory::check(MemoryEstimate::default().elements(orders, size_of::<usize>()), 1)?;
        // Kept only if anything was drawn for good. Without rows, the core returns the error.
        let (mut rng, mut order) = (self.rng.clone(), self.order.clone());
        let trained = match options.sampling {
            TL_SHUFFLED => {
                let mut sampler = match order.0.len() == rows && rows > 0 {
                    true => ShuffledSampler::resume(&mut rng, order.0, order.1),
                    false => ShuffledSampler::new(&mut rng, rows.max(1)),
                };
                let trained = self.run(&batch, options, gradient, &mut sampler);
                order = sampler.order();
                trained
            }
            _ => self.run(&batch, options, gradient, &mut UniformSampler::new(&mut rng, rows.max(1))),
        };
        if !matches!(trained, Err(Stop::Refused(_))) {
            (self.rng, self.order) = (rng, order);
        }
        finish(trained, loss, &batch)
    }

    /// Trains; returns the loss of the last batch. The optimiser continues if it has the same settings as before.
    #[inline(always)]
    fn run(
        &mut self,
        data: &Batch<T>,
        o: &tl_train_options,
        gradient: GradientMethod,
        sampler: &mut dyn Sampler,
    ) -> Result<f64, Stop> {
        let (x, t) = data.get();
        let (shape, kind) = (self.net.shape(), o.kind()?);
        let rows = x.count(shape)?;
        let options = TrainOptions { batch: o.batch, gradient, ..TrainOptions::default() };
        let threads = options.max_threads(shape, self.threads());
        if o.batch <= MOST_ROWS {
            let need = MemoryEstimate::default().training(shape, size_of::<T>(), &options, threads);
            // Of an optimiser.
            memory::check(need.parameters(shape, size_of::<T>(), 4), threads)?;
        }
        let is_same = self.optimizer.kind() == kind && self.optimizer.weight_decay() == o.weight_decay;
        let mut fresh = (!is_same).then(|| Optimizer::new(shape, kind, o.weight_decay)).transpose()?;
        let optimizer = fresh.as_mut().unwrap_or(&mut self.optimizer);
        let mut left = o.iterations;
        let mut observer = |p: Progress| match o.progress {
            // SAFETY: the caller's own function, with what it asked for.
            Some(progress) if unsafe { progress(o.user, p.iteration, p.loss) } != 0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let ended = loop {
            let first = usize::try_from(optimizer.steps()).unwrap_or(usize::MAX);
            // Up to the next change of the learning rate.
            let epoch = if o.learning_rate_decay == 1.0 { usize::MAX } else { o.epoch(rows) };
            let iterations = left.min(epoch - first % epoch);
            let learning_rate = o.rate(first, rows);
            let options = TrainOptions { batch: o.batch, gradient, iterations, first_iteration: first, learning_rate };
            let trained = optimizer.train(&mut self.net, x, t, sampler, &options, &mut observer);
            let Ok(summary) = trained else { break trained };
            left -= summary.iterations;
            if left == 0 || summary.iterations < options.iterations {
                break trained;
            }
        };
        let is_refused = left == o.iterations && matches!(&ended, Err(e) if !matches!(e, CoreError::Diverged { .. }));
        if let Some(fresh) = fresh.filter(|_| !is_refused) {
            self.optimizer = fresh;
        }
        match ended {
            Err(error) if !is_refused => Err(Stop::Midway(error.into())),
            ended => Ok(ended?.final_loss),
        }
    }
}

functions! {
    fn tl_train_options_init(options: *mut tl_train_options, size: usize) {
        sized::write(options, size)
    }

    fn tl_train(
        network: *mut tl_network, x: tl_matrix, labels: *const u32, count: usize, options: *const tl_train_options,
        loss: *mut f64,
    ) {
        let (options, loss) = (sized::read(options)?, Out::new(loss, 1, "loss"));
        with!(&mut *handle::write(network)?, n => n.train(Data::new(x, labels, count), &options, loss))
    }

    fn tl_train_numerically(
        network: *mut tl_network, x: tl_matrix, labels: *const u32, count: usize, h: f64,
        options: *const tl_train_options, loss: *mut f64,
    ) {
        let (options, loss) = (sized::read(options)?, Out::new(loss, 1, "loss"));
        with!(&mut *handle::write(network)?, n => n.train_numerically(Data::new(x, labels, count), h, &options, loss))
    }

    fn tl_step(
        network: *mut tl_network, x: tl_matrix, labels: *const u32, count: usize, options: *const tl_train_options,
        loss: *mut f64,
    ) {
        let (options, loss) = (sized::read(options)?, Out::new(loss, 1, "loss"));
        with!(&mut *handle::write(network)?, n => n.step(Data::new(x, labels, count), &options, loss))
    }
}
