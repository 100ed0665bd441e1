//! Optimisers, and the entry points of training.

use super::numerical_sgd;
use super::options::{GradientMethod, Progress, TrainOptions, TrainSummary};
use super::run::Training;
use super::sampler::Sampler;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::network::{Labels, Parameters, Rows, STATES, Shape, Step, TwoLayerNet, UpdateRule};
use std::ops::ControlFlow;

/// The rule by which a gradient g updates a parameter w; η is the learning rate.
///
/// The forms are those of the book "Deep Learning from Scratch", chapter 6. SGD without weight decay, on batches of at
/// most 128 rows, is applied as the gradient leaves the registers; the others also read and write state, which takes some
/// tenth of an iteration's time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum OptimizerKind {
    /// w ← w − η·g.
    #[default]
    Sgd,
    /// m ← μ·m − η·g; w ← w + m (Polyak 1964).
    Momentum {
        /// μ, from 0 to below 1; usually 0.9.
        momentum: f64,
    },
    /// m ← μ·m − η·g; w ← w + μ·m − η·g (Nesterov 1983, in the form of Bengio et al. 2012).
    Nesterov {
        /// μ, from 0 to below 1; usually 0.9.
        momentum: f64,
    },
    /// m ← m + g²; w ← w − η·g / (√m + 1e-7) (Duchi et al. 2011).
    AdaGrad,
    /// m ← ρ·m + (1 − ρ)·g²; w ← w − η·g / (√m + 1e-7) (Tieleman and Hinton 2012).
    RmsProp {
        /// ρ, from 0 to below 1; usually 0.99.
        decay_rate: f64,
    },
    /// m ← m + (1 − β1)(g − m); v ← v + (1 − β2)(g² − v); w ← w − η·√(1 − β2^t) / (1 − β1^t) · m / (√v + 1e-7) in step
    /// t = 1, 2, … (Kingma and Ba 2015).
    Adam {
        /// β1, from 0 to below 1; usually 0.9.
        beta1: f64,
        /// β2, from 0 to below 1; usually 0.999.
        beta2: f64,
    },
}

/// An optimiser: its rule, and its state after the steps so far.
///
/// ```
/// use std::ops::ControlFlow;
/// use twolayer_core::{Labels, Optimizer, OptimizerKind, Parameters, Rows, Shape, TrainOptions, TwoLayerNet};
/// let shape = Shape::new(2, 3, 2)?;
/// let mut net = TwoLayerNet::<f32>::new(Parameters::zeros(shape));
/// let mut adam = Optimizer::new(shape, OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 }, 0.0)?;
/// let (x, t) = (Rows::Pixels(&[0, 255, 255, 0]), Labels::Classes(&[0, 1]));
/// let mut all = |rows: &mut [usize]| rows.copy_from_slice(&[0, 1]);
/// let options = TrainOptions { batch: 2, iterations: 300, learning_rate: 0.01, ..TrainOptions::default() };
/// adam.train(&mut net, x, t, &mut all, &options, &mut |_| ControlFlow::Continue(()))?;
/// # Ok::<(), twolayer_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer<T: Float> {
    kind: OptimizerKind,
    weight_decay: f64,
    /// Steps taken.
    steps: u64,
    /// m and v; none for SGD without weight decay.
    state: Option<Box<[Parameters<T>; STATES]>>,
}

impl<T: Float> Optimizer<T> {
    /// A new optimiser for networks of that shape. `weight_decay` times a weight (of W1 or W2) is added to its gradient:
    /// the gradient of ½ · `weight_decay` · Σ w².
    ///
    /// # Errors
    /// [`Error::Option`] for a number out of its range.
    pub fn new(shape: Shape, kind: OptimizerKind, weight_decay: f64) -> Result<Self> {
        let fraction = |name, x: f64| match (0.0..1.0).contains(&x) {
            true => Ok(()),
            false => Err(Error::Option { name, what: format!("is {x}; expected a number from 0 to below 1") }),
        };
        match kind {
            OptimizerKind::Sgd | OptimizerKind::AdaGrad => {}
            OptimizerKind::Momentum { momentum } | OptimizerKind::Nesterov { momentum } => {
                fraction("momentum", momentum)?;
            }
            OptimizerKind::RmsProp { decay_rate } => fraction("decay_rate", decay_rate)?,
            OptimizerKind::Adam { beta1, beta2 } => fraction("beta1", beta1).and(fraction("beta2", beta2))?,
        }
        if !(T::from_f64(weight_decay).is_finite() && weight_decay >= 0.0) {
            let what = format!("is {weight_decay}; expected a finite number, 0 or more");
            return Err(Error::Option { name: "weight_decay", what });
        }
        let stateless = kind == OptimizerKind::Sgd && weight_decay == 0.0;
        let state = (!stateless).then(|| Box::new(std::array::from_fn(|_| Parameters::zeros(shape))));
        Ok(Optimizer { kind, weight_decay, steps: 0, state })
    }

    /// Its rule.
    pub fn kind(&self) -> OptimizerKind {
        self.kind
    }

    /// Its weight decay.
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The state of each parameter: m, then v; empty for SGD without weight decay.
    pub fn state(&self) -> &[Parameters<T>] {
        self.state.as_ref().map_or(&[], |state| &state[..])
    }

    /// Continues from the state of another optimiser of the same kind after `steps` steps.
    ///
    /// # Errors
    /// [`Error::Length`] unless `state` has the length and shapes of [`state`](Self::state).
    pub fn resume(&mut self, steps: u64, state: &[Parameters<T>]) -> Result<()> {
        let fits = |(to, from): (&Parameters<T>, &Parameters<T>)| to.shape() == from.shape();
        if state.len() != self.state().len() || !self.state().iter().zip(state).all(fits) {
            let expected = format!("{} of the network's shape", self.state().len());
            return Err(Error::Length { what: "the optimiser's state", found: state.len(), expected });
        }
        if let Some(mine) = &mut self.state {
            mine.iter_mut().zip(state).for_each(|(to, from)| to.clone_from(from));
        }
        self.steps = steps;
        Ok(())
    }

    /// [`TwoLayerNet::train`] with this optimiser.
    ///
    /// # Errors
    /// As there; and [`Error::Option`] for numerical gradients, which only SGD without weight decay can use.
    // Inlined, so that programs that never ask for numerical gradients do not link their code (90 kB).
    #[inline(always)]
    pub fn train(
        &mut self,
        net: &mut TwoLayerNet<T>,
        x: Rows<'_, T>,
        t: Labels<'_, T>,
        sampler: &mut dyn Sampler,
        options: &TrainOptions,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainSummary> {
        let gradient = options.gradient;
        let rows = x.count(net.shape())?;
        let labels = t.classes(rows, net.shape())?;
        options.check::<T>()?;
        if let Some(state) = self.state.as_ref().filter(|state| state[0].shape() != net.shape()) {
            let (mine, its) = (state[0].shape(), net.shape());
            return Err(Error::Shape { what: format!("the optimiser is for {mine:?}, the network has {its:?}") });
        }
        if let GradientMethod::Numerical { h } = gradient {
            if self.state.is_some() {
                let what = "numerical is possible for SGD without weight decay only".into();
                return Err(Error::Option { name: "gradient", what });
            }
            return numerical_sgd::train(net, (x, &labels), sampler, (options, h), observer);
        }
        let (kind, decay, before) = (self.kind, self.weight_decay, self.steps);
        let step = |t: usize| Step::new(kind, before + 1 + t as u64, options.learning_rate, decay);
        let training = Training {
            net,
            labels: &labels,
            sampler,
            options,
            observer,
            optimizer: self.state.as_deref_mut().map(|state| (state, &step as &(dyn Fn(usize) -> Step<T> + Sync))),
        };
        let (steps, result) = match x {
            Rows::Pixels(x) => training.run(x),
            Rows::Floats(x) => training.run(x),
        }?;
        self.steps += steps as u64;
        result
    }
}

impl<T: Float> TwoLayerNet<T> {
    /// Trains by mini-batch SGD ([`Optimizer`] has other rules): in each iteration, computes the gradient of the rows
    /// that `sampler` chooses and takes a step against it.
    ///
    /// Threads share the hidden layer; the result is the same, to the bit, for any number of them. `observer` is called
    /// on the calling thread once an iteration (also with a loss that is not finite), and may end training after the
    /// current step by returning `Break`. The sampler is called once for each iteration, in order, up to two iterations
    /// ahead, and never beyond the last; after a `Break`, up to two of its batches are not used.
    ///
    /// # Errors
    /// If rows and labels do not fit the network or each other, or an option is invalid, before anything is changed;
    /// [`Error::Thread`] if the system refuses a thread. [`Error::Sample`] for a row that does not exist and
    /// [`Error::Diverged`] for a loss or weight that is not finite: the parameters are then those of that moment.
    ///
    /// # Panics
    /// If the sampler or the observer does.
    #[inline(always)]
    pub fn train(
        &mut self,
        x: Rows<'_, T>,
        t: Labels<'_, T>,
        sampler: &mut dyn Sampler,
        options: &TrainOptions,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainSummary> {
        Optimizer::new(self.shape(), OptimizerKind::Sgd, 0.0)?.train(self, x, t, sampler, options, observer)
    }
}

impl<T: Float> Step<T> {
    /// The step with that number, from 1 on.
    fn new(kind: OptimizerKind, number: u64, rate: f64, decay: f64) -> Self {
        let narrow = T::from_f64;
        let mut rate = rate;
        let rule = match kind {
            OptimizerKind::Sgd => UpdateRule::Sgd,
            OptimizerKind::Momentum { momentum } => UpdateRule::Momentum { mu: narrow(momentum) },
            OptimizerKind::Nesterov { momentum } => UpdateRule::Nesterov { mu: narrow(momentum) },
            OptimizerKind::AdaGrad => UpdateRule::AdaGrad,
            OptimizerKind::RmsProp { decay_rate } => UpdateRule::RmsProp { rho: narrow(decay_rate) },
            OptimizerKind::Adam { beta1, beta2 } => {
                // Beyond i32::MAX both powers are 0.
                let t = i32::try_from(number).unwrap_or(i32::MAX);
                rate *= (1.0 - beta2.powi(t)).sqrt() / (1.0 - beta1.powi(t));
                UpdateRule::Adam { one_minus_beta1: narrow(1.0 - beta1), one_minus_beta2: narrow(1.0 - beta2) }
            }
        };
        Step { rule, rate: narrow(rate), decay: narrow(decay) }
    }
}
