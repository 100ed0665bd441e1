//! Steps of optimisers that keep something from step to step, and weight decay.

use super::BLOCK;
use crate::float::Float;
use crate::simd::{Kernel, Simd};

/// Numbers that an optimiser may keep for each parameter.
pub(crate) const STATES: usize = 2;

/// Keeps quotients finite where no gradient has come yet.
const TINY: f64 = 1e-7;

/// One step, with all that depends on its number worked out. `g` is the gradient plus `decay` times the parameter `w`;
/// `m` and `v` are what is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<T> {
    pub rule: StepRule<T>,
    pub rate: T,
    pub decay: T,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StepRule<T> {
    /// w ← w − rate · g
    Plain,
    /// m ← μ · m − rate · g;  w ← w + m
    Momentum { mu: T },
    /// m ← μ · m − rate · g;  w ← w + μ · m − rate · g
    Nesterov { mu: T },
    /// m ← m + g²;  w ← w − rate · g / (√m + tiny)
    AdaGrad,
    /// m ← ρ · m + (1 − ρ) · g²;  w ← w − rate · g / (√m + tiny)
    RmsProp { rho: T },
    /// m ← m + (1 − β1) · (g − m);  v ← v + (1 − β2) · (g² − v);  w ← w − rate · m / (√v + tiny)
    Adam { one_less_beta1: T, one_less_beta2: T },
}

impl<T: Float> Step<T> {
    /// The same for biases, which do not decay.
    pub fn of_biases(self) -> Self {
        Step { decay: T::ZERO, ..self }
    }
}

/// A step for a run of parameters, whole blocks of them.
pub(super) struct Update<'a, T> {
    pub w: &'a mut [T],
    pub g: &'a [T],
    pub state: [&'a mut [T]; STATES],
    pub step: Step<T>,
}

impl<T: Float> Kernel<T> for Update<'_, T> {
    /// Whether all weights stayed finite.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        let Update { w, g, state: [m, v], step } = self;
        assert!(w.len().is_multiple_of(BLOCK) && [g.len(), m.len(), v.len()] == [w.len(); 3]);
        let (rate, decay, tiny) = (s.splat(step.rate), s.splat(step.decay), s.splat(T::from_f64(TINY)));
        let mut check = s.zero();
        for at in (0..w.len()).step_by(S::LANES) {
            // SAFETY: LANES divides BLOCK, which divides all four lengths.
            unsafe {
                let (w, m, v) = (w.as_mut_ptr().add(at), m.as_mut_ptr().add(at), v.as_mut_ptr().add(at));
                let old = s.load(w);
                let g = s.mul_add(decay, old, s.load(g.as_ptr().add(at)));
                let new = match step.rule {
                    StepRule::Plain => s.neg_mul_add(rate, g, old),
                    StepRule::Momentum { mu } => {
                        let kept = s.neg_mul_add(rate, g, s.mul(s.splat(mu), s.load(m)));
                        s.store(m, kept);
                        s.add(old, kept)
                    }
                    StepRule::Nesterov { mu } => {
                        let kept = s.neg_mul_add(rate, g, s.mul(s.splat(mu), s.load(m)));
                        s.store(m, kept);
                        s.neg_mul_add(rate, g, s.mul_add(s.splat(mu), kept, old))
                    }
                    StepRule::AdaGrad => {
                        let kept = s.mul_add(g, g, s.load(m));
                        s.store(m, kept);
                        s.neg_mul_add(rate, s.div(g, s.add(s.sqrt(kept), tiny)), old)
                    }
                    StepRule::RmsProp { rho } => {
                        let (rho, kept) = (s.splat(rho), s.load(m));
                        let kept = s.mul_add(s.sub(s.splat(T::ONE), rho), s.mul(g, g), s.mul(rho, kept));
                        s.store(m, kept);
                        s.neg_mul_add(rate, s.div(g, s.add(s.sqrt(kept), tiny)), old)
                    }
                    StepRule::Adam { one_less_beta1, one_less_beta2 } => {
                        let (mean, square) = (s.load(m), s.load(v));
                        let mean = s.mul_add(s.splat(one_less_beta1), s.sub(g, mean), mean);
                        let square = s.mul_add(s.splat(one_less_beta2), s.sub(s.mul(g, g), square), square);
                        s.store(m, mean);
                        s.store(v, square);
                        s.neg_mul_add(rate, s.div(mean, s.add(s.sqrt(square), tiny)), old)
                    }
                };
                s.store(w, new);
                // 0 · w is 0 unless w is infinite or NaN.
                check = s.add(check, s.mul(new, s.zero()));
            }
        }
        s.nonzero_bits(check) == 0
    }
}
