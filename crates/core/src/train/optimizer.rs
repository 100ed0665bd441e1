//! Optimisers: what becomes of a gradient.

use super::member::Training;
use super::{Gradient, Progress, Sampler, TrainOptions, TrainSummary};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::network::{Labels, Parameters, Rows, STATES, Shape, Step, StepRule, TwoLayerNet};
use std::ops::ControlFlow;

/// How a gradient g becomes a step of a parameter w; η is the learning rate.
///
/// The forms are those of the book "Deep Learning from Scratch", chapter 6. Only plain descent is applied as the
/// gradient leaves the registers; the others read and write what they keep, some tenth of an iteration's time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rule {
    /// w ← w − η·g.
    #[default]
    Sgd,
    /// m ← μ·m − η·g; w ← w + m (Polyak 1964).
    Momentum {
        /// μ, from 0 to below 1; usually 0.9.
        momentum: f64,
    },
    /// m ← μ·m − η·g; w ← w + μ·m − η·g (Nesterov 1983, as Bengio et al. 2012 write it).
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

/// An optimiser in the middle of its work: its rule, and what it has kept from the steps so far.
///
/// ```
/// use std::ops::ControlFlow;
/// use twolayer_core::{Labels, Optimizer, Parameters, Rows, Rule, Shape, TrainOptions, TwoLayerNet};
/// let shape = Shape::new(2, 3, 2)?;
/// let mut net = TwoLayerNet::<f32>::new(Parameters::zeros(shape));
/// let mut adam = Optimizer::new(shape, Rule::Adam { beta1: 0.9, beta2: 0.999 }, 0.0)?;
/// let (x, t) = (Rows::Pixels(&[0, 255, 255, 0]), Labels::Classes(&[0, 1]));
/// let mut all = |rows: &mut [usize]| rows.copy_from_slice(&[0, 1]);
/// let options = TrainOptions { batch: 2, iterations: 300, learning_rate: 0.01, ..TrainOptions::default() };
/// adam.train(&mut net, x, t, &mut all, &options, &mut |_| ControlFlow::Continue(()))?;
/// # Ok::<(), twolayer_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer<T: Float> {
    rule: Rule,
    weight_decay: f64,
    /// Steps taken.
    steps: u64,
    /// m and v; none for plain descent without decay.
    state: Option<Box<[Parameters<T>; STATES]>>,
}

impl<T: Float> Optimizer<T> {
    /// An optimiser at its start, for a network of that shape. `weight_decay` times a weight (of W1 or W2) is added to
    /// its gradient: the gradient of ½ · `weight_decay` · Σ w².
    ///
    /// # Errors
    /// [`Error::Option`] for a number that is out of its range.
    pub fn new(shape: Shape, rule: Rule, weight_decay: f64) -> Result<Self> {
        let fraction = |name, x: f64| match (0.0..1.0).contains(&x) {
            true => Ok(()),
            false => Err(Error::Option { name, what: format!("is {x}; expected a number from 0 to below 1") }),
        };
        match rule {
            Rule::Sgd | Rule::AdaGrad => {}
            Rule::Momentum { momentum } | Rule::Nesterov { momentum } => fraction("momentum", momentum)?,
            Rule::RmsProp { decay_rate } => fraction("decay_rate", decay_rate)?,
            Rule::Adam { beta1, beta2 } => fraction("beta1", beta1).and(fraction("beta2", beta2))?,
        }
        if !(T::from_f64(weight_decay).is_finite() && weight_decay >= 0.0) {
            let what = format!("is {weight_decay}; expected a finite number from 0 on");
            return Err(Error::Option { name: "weight_decay", what });
        }
        let plain = rule == Rule::Sgd && weight_decay == 0.0;
        let state = (!plain).then(|| Box::new(std::array::from_fn(|_| Parameters::zeros(shape))));
        Ok(Optimizer { rule, weight_decay, steps: 0, state })
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What it keeps for each parameter: m, then v; nothing for plain descent.
    pub fn state(&self) -> &[Parameters<T>] {
        self.state.as_ref().map_or(&[], |state| &state[..])
    }

    /// Goes on from where another one of the same rule was: after `steps` steps, with that `state`.
    ///
    /// # Errors
    /// [`Error::Length`] unless the state is as long, and of the same shape, as [`state`](Self::state).
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

    /// [`TwoLayerNet::train`] by this optimiser.
    ///
    /// # Errors
    /// As there; and [`Error::Option`] for numerical gradients, which go with plain descent alone.
    pub fn train(
        &mut self,
        net: &mut TwoLayerNet<T>,
        x: Rows<'_, T>,
        t: Labels<'_, T>,
        sampler: &mut dyn Sampler,
        options: &TrainOptions,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainSummary> {
        match self.state {
            Some(_) => self.run::<true>(net, (x, t), sampler, options, observer),
            None => self.run::<false>(net, (x, t), sampler, options, observer),
        }
    }

    /// Trains; `KEEPS` tells whether there is a state. It is known when compiling, so that who only descends plainly
    /// need not carry the other rules: some 70 kB of a program.
    #[inline(always)]
    pub(super) fn run<const KEEPS: bool>(
        &mut self,
        net: &mut TwoLayerNet<T>,
        (x, t): (Rows<'_, T>, Labels<'_, T>),
        sampler: &mut dyn Sampler,
        options: &TrainOptions,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainSummary> {
        let rows = x.count(net.shape())?;
        let labels = t.classes(rows, net.shape())?;
        options.check::<T>()?;
        if let Some(state) = self.state.as_ref().filter(|state| state[0].shape() != net.shape()) {
            let (mine, its) = (state[0].shape(), net.shape());
            return Err(Error::Shape { what: format!("the optimiser is for {mine:?}, the network has {its:?}") });
        }
        if options.gradient != Gradient::Backpropagation && self.state.is_some() {
            let what = "numerical goes with plain gradient descent without weight decay alone".into();
            return Err(Error::Option { name: "gradient", what });
        }
        if let Gradient::Numerical { h } = options.gradient {
            return super::numerical::train(net, (x, &labels), sampler, (options, h), observer);
        }
        let layer = net.layer(x, options.batch)?;
        layer.run(Training::<_, KEEPS> { net, labels: &labels, sampler, optimizer: self, options, observer })
    }

    /// The steps from here on at a learning rate, counted from 0; none for plain descent.
    pub(super) fn ahead(&self, rate: f64) -> impl Fn(usize) -> Option<Step<T>> + Sync + use<T> {
        let (rule, decay, before) = (self.rule, self.weight_decay, self.steps);
        let plain = self.state.is_none();
        move |t| (!plain).then(|| Step::of_rule(rule, before + 1 + t as u64, rate, decay))
    }

    pub(super) fn kept(&self) -> Option<&[Parameters<T>; STATES]> {
        self.state.as_deref()
    }

    pub(super) fn kept_mut(&mut self) -> Option<&mut [Parameters<T>; STATES]> {
        self.state.as_deref_mut()
    }

    /// That so many more steps were taken.
    pub(super) fn advance(&mut self, steps: usize) {
        self.steps += steps as u64;
    }
}

impl<T: Float> Step<T> {
    /// The step of that number, from 1 on.
    fn of_rule(rule: Rule, number: u64, rate: f64, decay: f64) -> Self {
        let narrow = T::from_f64;
        let mut rate = rate;
        let rule = match rule {
            Rule::Sgd => StepRule::Plain,
            Rule::Momentum { momentum } => StepRule::Momentum { mu: narrow(momentum) },
            Rule::Nesterov { momentum } => StepRule::Nesterov { mu: narrow(momentum) },
            Rule::AdaGrad => StepRule::AdaGrad,
            Rule::RmsProp { decay_rate } => StepRule::RmsProp { rho: narrow(decay_rate) },
            Rule::Adam { beta1, beta2 } => {
                // Beyond this, both powers are 0 for any β that a step can tell from 1.
                let t = i32::try_from(number).unwrap_or(i32::MAX);
                rate *= (1.0 - beta2.powi(t)).sqrt() / (1.0 - beta1.powi(t));
                StepRule::Adam { one_less_beta1: narrow(1.0 - beta1), one_less_beta2: narrow(1.0 - beta2) }
            }
        };
        Step { rule, rate: narrow(rate), decay: narrow(decay) }
    }
}
