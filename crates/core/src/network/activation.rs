//! The activation function of the hidden layer and its derivative.

use crate::error::{Error, Result};
use crate::math::{Float, Map, MapSlice, sigmoid_v};
use crate::simd::{Kernel, Level, Simd};

/// The activation function of the hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// 1 / (1 + e^−x), the notebook's.
    #[default]
    Sigmoid,
    /// max(0, x), and NaN for NaN. The derivative at 0 is taken to be 0.
    Relu,
}

impl Activation {
    /// Both.
    pub const ALL: [Activation; 2] = [Activation::Sigmoid, Activation::Relu];

    /// `sigmoid` or `relu`.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Sigmoid => "sigmoid",
            Activation::Relu => "relu",
        }
    }

    /// The activation with that name.
    ///
    /// # Errors
    /// [`Error::Option`] for an unknown name.
    pub fn by_name(name: &str) -> Result<Activation> {
        let found = Self::ALL.into_iter().find(|a| a.name() == name);
        found
            .ok_or_else(|| Error::Option { name: "activation", what: format!("is '{name}'; expected sigmoid or relu") })
    }

    /// Replaces every element by its activation.
    pub(crate) fn apply_to<T: Float>(self, level: Level, x: &mut [T]) {
        level.dispatch(MapSlice(x, self));
    }

    /// The derivative, from the activation's value z: z · (1 − z) for the sigmoid; 1 where z > 0, else 0, for ReLU.
    #[inline(always)]
    fn derivative<T: Float, S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        match self {
            Activation::Sigmoid => s.mul(z, s.sub(s.splat(T::ONE), z)),
            Activation::Relu => s.select(s.lt(s.zero(), z), s.splat(T::ONE), s.zero()),
        }
    }
}

impl<T: Float> Map<T> for Activation {
    #[inline(always)]
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        match self {
            Activation::Sigmoid => sigmoid_v(s, x),
            // max returns its second operand where either is NaN.
            Activation::Relu => s.max(s.zero(), x),
        }
    }
}

/// The backward pass: turns the gradient with respect to the activations Z into that with respect to their arguments,
/// dA = dZ ⊙ activation′, in place. Both lengths are whole vectors. Returns whether dA is finite.
pub(super) struct ActivationGradient<'a, T> {
    pub activation: Activation,
    pub gradient: &'a mut [T],
    pub z: &'a [T],
}

impl<T: Float> Kernel<T> for ActivationGradient<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        assert_eq!(self.gradient.len(), self.z.len());
        assert!(self.z.len().is_multiple_of(S::LANES));
        let mut check = s.zero();
        for at in (0..self.z.len()).step_by(S::LANES) {
            // SAFETY: LANES divides both lengths.
            unsafe {
                let (d, z) = (self.gradient.as_mut_ptr().add(at), s.load(self.z.as_ptr().add(at)));
                let gradient = s.mul(s.load(d), self.activation.derivative(s, z));
                s.store(d, gradient);
                // 0 · x is 0 unless x is infinite or NaN.
                check = s.mul_add(gradient, s.zero(), check);
            }
        }
        s.nonzero_bits(check) == 0
    }
}
