//! Training: a step on a batch, or many steps on batches drawn from the caller's data.

use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;

use twolayer_core::{
    Error, MemoryEstimate, Optimizer, OptimizerKind, Progress, Sampler, ShuffledSampler, TrainOptions, UniformSampler,
};

use crate::*;

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
            other => return invalid("optimizer", other, "a tl_optimizer, 0 to 5"),
        })
    }

    /// The learning rate of an iteration, and how many iterations have it from there on.
    fn rate(&self, iteration: usize, rows: usize) -> (f64, usize) {
        // At least one iteration.
        let epoch = (rows / self.batch.max(1)).max(1);
        let power = i32::try_from(iteration / epoch).unwrap_or(i32::MAX);
        let left = if self.learning_rate_decay == 1.0 { usize::MAX } else { epoch - iteration % epoch };
        (self.learning_rate * self.learning_rate_decay.powi(power), left)
    }
}

impl<T: Precision> Network<T> {
    /// Trains on batches drawn from the data.
    pub fn train(&mut self, data: Data, options: &tl_train_options, loss: Out<f64>) -> Result<()> {
        // What the core does not look at.
        if !(options.learning_rate_decay > 0.0 && options.learning_rate_decay.is_finite()) {
            return invalid("learning_rate_decay", options.learning_rate_decay, "a finite number above 0");
        }
        let (rows, batch) = (data.x.rows(), data.batch(self.net.shape())?);
        // The new order of the rows, and a copy of the old one.
        let shuffled = if options.sampling == TL_SHUFFLED { rows } else { 0 };
        let orders = shuffled.saturating_add(self.draws.order.0.len());
        memory::check(MemoryEstimate::default().elements(orders, size_of::<usize>()), 1)?;
        // Kept only if anything was drawn for good. Without rows, the core returns the error.
        let Draws { mut rng, mut order } = self.draws.clone();
        let trained = match options.sampling {
            TL_WITH_REPLACEMENT => self.run(&batch, options, loss, &mut UniformSampler::new(&mut rng, rows.max(1)))?,
            TL_SHUFFLED => {
                let mut sampler = match order.0.len() == rows && rows > 0 {
                    true => ShuffledSampler::resume(&mut rng, order.0, order.1),
                    false => ShuffledSampler::new(&mut rng, rows.max(1)),
                };
                let trained = self.run(&batch, options, loss, &mut sampler)?;
                order = sampler.order();
                trained
            }
            other => return invalid("sampling", other, "a tl_sampling, 0 or 1"),
        };
        self.draws = Draws { rng, order };
        trained
    }

    /// Trains, and writes the loss of the last batch. The outer result is an error if nothing was changed; the inner
    /// one if it diverged, or failed after some steps. The optimiser continues if it has the same settings as before.
    fn run(
        &mut self,
        (inputs, labels, spans): &Batch<T>,
        o: &tl_train_options,
        loss: Out<f64>,
        sampler: &mut dyn Sampler,
    ) -> Result<Result<()>> {
        // Checked now, and written after the run: meanwhile the caller's function may read it.
        loss.slice(spans)?;
        let (x, shape, kind) = (inputs.rows(), self.net.shape(), o.kind()?);
        let rows = x.count(shape)?;
        let options = TrainOptions { batch: o.batch, ..TrainOptions::default() };
        let threads = options.max_threads(shape, self.net.threads.count());
        // More is refused by the core.
        if o.batch <= 1 << 24 {
            let need = MemoryEstimate::default().training(shape, size_of::<T>(), &options, threads);
            // Of an optimiser.
            memory::check(need.parameters(shape, size_of::<T>(), 4), threads)?;
        }
        let is_same = self.optimizer.kind() == kind && self.optimizer.weight_decay() == o.weight_decay;
        let mut fresh = (!is_same).then(|| Optimizer::new(shape, kind, o.weight_decay)).transpose()?;
        let optimizer = fresh.as_mut().unwrap_or(&mut self.optimizer);
        let mut observer = |p: Progress| match o.progress {
            // SAFETY: the caller's own function, with what it asked for.
            Some(progress) if unsafe { progress(o.user, p.iteration, p.loss) } != 0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let mut left = o.iterations;
        let ended = loop {
            let first_iteration = usize::try_from(optimizer.steps()).unwrap_or(usize::MAX);
            let (learning_rate, equal) = o.rate(first_iteration, rows);
            let options = TrainOptions { iterations: left.min(equal), first_iteration, learning_rate, ..options };
            let trained = optimizer.train(&mut self.net, x, *labels, sampler, &options, &mut observer);
            let Ok(summary) = trained else { break trained };
            left -= summary.iterations;
            if left == 0 || summary.iterations < options.iterations {
                break trained;
            }
        };
        let (last, result) = match ended {
            Ok(summary) => (summary.final_loss, Ok(())),
            // The core has changed nothing.
            Err(error) if left == o.iterations && !matches!(error, Error::Diverged { .. }) => return Err(error.into()),
            Err(error) => (f64::NAN, Err(error.into())),
        };
        if let Some(fresh) = fresh {
            self.optimizer = fresh;
        }
        loss.slice(spans)?[0] = last;
        Ok(result)
    }
}

functions! {
    fn tl_train_options_init(options: *mut tl_train_options, size: usize) {
        sized::write(options, size, &tl_train_options::default())
    }

    fn tl_train(
        network: *mut tl_network, x: tl_matrix, labels: *const u32, count: usize, options: *const tl_train_options,
        loss: *mut f64,
    ) {
        let (options, loss) = (sized::read(options)?, Out::new(loss, 1, "loss"));
        with!(&mut *handle::write(network)?, n => n.train(Data::new(x, labels, count), &options, loss))
    }
}
