//! What the hidden units do with their sums.

use crate::error::{Error, Result};
use crate::float::Float;
use crate::simd::{Level, Simd};
use crate::vector::{Map, MapSlice, sigmoid_v};

/// The function of the hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// 1 / (1 + e^−x), the notebook's.
    #[default]
    Sigmoid,
    /// max(0, x); NaN of NaN. Its derivative is taken to be 0 at 0.
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

    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::Option`] if there is none.
    pub fn by_name(name: &str) -> Result<Activation> {
        let found = Self::ALL.into_iter().find(|a| a.name() == name);
        found
            .ok_or_else(|| Error::Option { name: "activation", what: format!("is '{name}'; expected sigmoid or relu") })
    }

    /// Replaces every element by its activation.
    pub(crate) fn apply_to<T: Float>(self, level: Level, x: &mut [T]) {
        level.dispatch(MapSlice(x, self));
    }
}

impl<T: Float> Map<T> for Activation {
    #[inline(always)]
    fn apply<S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        match self {
            Activation::Sigmoid => sigmoid_v(s, x),
            // The second operand where either is NaN.
            Activation::Relu => s.max(s.zero(), x),
        }
    }
}
