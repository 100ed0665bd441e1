//! The updates of optimisers with state (momentum, Adam, …), and weight decay.

use crate::math::Float;
use crate::simd::{Kernel, Simd};

/// State variables per parameter: m and v.
pub(crate) const STATES: usize = 2;

/// Keeps quotients finite while a mean of squares is zero.
const EPSILON: f64 = 1e-7;

/// One step. In the rules, `g` is the gradient plus `decay` times the parameter `w`; `m` and `v` are the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<T> {
    pub rule: UpdateRule<T>,
    pub rate: T,
    pub decay: T,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum UpdateRule<T> {
    /// w ← w − rate · g
    Sgd,
    /// m ← μ · m − rate · g;  w ← w + m
    Momentum { mu: T },
    /// m ← μ · m − rate · g;  w ← w + μ · m − rate · g
    Nesterov { mu: T },
    /// m ← m + g²;  w ← w − rate · g / (√m + epsilon)
    AdaGrad,
    /// m ← ρ · m + (1 − ρ) · g²;  w ← w − rate · g / (√m + epsilon)
    RmsProp { rho: T },
    /// m ← m + (1 − β1) · (g − m);  v ← v + (1 − β2) · (g² − v);  w ← w − rate · m / (√v + epsilon)
    Adam { one_minus_beta1: T, one_minus_beta2: T },
}

impl<T: Float> Step<T> {
    /// The same step for biases, which do not decay.
    pub fn without_decay(self) -> Self {
        Step { decay: T::ZERO, ..self }
    }
}

/// Applies a step to `w`, whose length is in whole vectors.
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
        assert!(w.len().is_multiple_of(S::LANES) && [g.len(), m.len(), v.len()] == [w.len(); 3]);
        let (rate, decay, epsilon) = (s.splat(step.rate), s.splat(step.decay), s.splat(T::from_f64(EPSILON)));
        let mut check = s.zero();
        for at in (0..w.len()).step_by(S::LANES) {
            // SAFETY: LANES divides all four lengths.
            unsafe {
                let (w, m, v) = (w.as_mut_ptr().add(at), m.as_mut_ptr().add(at), v.as_mut_ptr().add(at));
                let old = s.load(w);
                let g = s.mul_add(decay, old, s.load(g.as_ptr().add(at)));
                let new = match step.rule {
                    UpdateRule::Sgd => s.neg_mul_add(rate, g, old),
                    UpdateRule::Momentum { mu } => {
                        let m_new = s.neg_mul_add(rate, g, s.mul(s.splat(mu), s.load(m)));
                        s.store(m, m_new);
                        s.add(old, m_new)
                    }
                    UpdateRule::Nesterov { mu } => {
                        let m_new = s.neg_mul_add(rate, g, s.mul(s.splat(mu), s.load(m)));
                        s.store(m, m_new);
                        s.neg_mul_add(rate, g, s.mul_add(s.splat(mu), m_new, old))
                    }
                    UpdateRule::AdaGrad => {
                        let m_new = s.mul_add(g, g, s.load(m));
                        s.store(m, m_new);
                        s.neg_mul_add(rate, s.div(g, s.add(s.sqrt(m_new), epsilon)), old)
                    }
                    UpdateRule::RmsProp { rho } => {
                        let rho = s.splat(rho);
                        let m_new = s.mul_add(s.sub(s.splat(T::ONE), rho), s.mul(g, g), s.mul(rho, s.load(m)));
                        s.store(m, m_new);
                        s.neg_mul_add(rate, s.div(g, s.add(s.sqrt(m_new), epsilon)), old)
                    }
                    UpdateRule::Adam { one_minus_beta1, one_minus_beta2 } => {
                        let (mean, square) = (s.load(m), s.load(v));
                        let mean = s.mul_add(s.splat(one_minus_beta1), s.sub(g, mean), mean);
                        let square = s.mul_add(s.splat(one_minus_beta2), s.sub(s.mul(g, g), square), square);
                        s.store(m, mean);
                        s.store(v, square);
                        s.neg_mul_add(rate, s.div(mean, s.add(s.sqrt(square), epsilon)), old)
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
