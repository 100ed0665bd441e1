//! The network: parameters, activation, and how its calls are computed.

use super::activation::Activation;
use super::parameters::Parameters;
use super::shape::Shape;
use crate::math::Float;
use crate::simd::Level;
use crate::threads::Threads;

/// A two-layer network: probabilities = softmax(activation(X·W1 + b1)·W2 + b2).
///
/// Rows are pixels (scaled by 1/255) or floats; labels are class indices or one-hot rows. `threads` share training,
/// prediction and evaluation of many rows, and numerical gradients. Results are the same bits at every level and for
/// any number of threads.
///
/// ```
/// use twolayer_core::{Labels, Parameters, Rows, Shape, TwoLayerNet};
/// let net = TwoLayerNet::<f64>::new(Parameters::zeros(Shape::new(4, 3, 2)?));
/// let x = Rows::Pixels(&[0, 255, 0, 255]);
/// assert_eq!(net.predict(x)?, [0.5, 0.5]);
/// assert_eq!(net.loss(x, Labels::Classes(&[1]))?, 2f64.ln());
/// # Ok::<(), twolayer_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TwoLayerNet<T: Float> {
    /// W1, b1, W2, b2.
    pub parameters: Parameters<T>,
    /// The activation function of the hidden layer.
    pub activation: Activation,
    /// The instruction set to use.
    pub level: Level,
    /// The threads that share the work of a call, training included.
    pub threads: Threads,
    /// ε of the losses that evaluation and training report, −ln(p + ε): 0 or more. The notebook's is 1e-7, the default is
    /// 0, the exact cross-entropy. Gradients are those of the exact one, as in the notebook.
    pub loss_epsilon: f64,
}

impl<T: Float> TwoLayerNet<T> {
    /// A network with these parameters, sigmoid units, the best level of this processor and
    /// [`Threads::auto`].
    pub fn new(parameters: Parameters<T>) -> Self {
        let (activation, level, threads) = (Activation::Sigmoid, Level::best(), Threads::default());
        TwoLayerNet { parameters, activation, level, threads, loss_epsilon: 0.0 }
    }

    /// The notebook's initialisation: W1, then W2, are 0.01 · N(0, 1); biases are zero.
    #[cfg(feature = "rand")]
    pub fn random(shape: Shape, rng: &mut impl rand::Rng) -> Self {
        Self::new(Parameters::random(shape, super::initialization::Init::NOTEBOOK, rng))
    }

    /// The same network with this activation.
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        TwoLayerNet { activation, ..self }
    }

    /// The same network, computed at `level`.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        TwoLayerNet { level, ..self }
    }

    /// The same network, computed on `threads`.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        TwoLayerNet { threads, ..self }
    }

    /// The same network, which reports losses −ln(p + `epsilon`).
    #[must_use]
    pub fn with_loss_epsilon(self, epsilon: f64) -> Self {
        TwoLayerNet { loss_epsilon: epsilon, ..self }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    /// The same network in double precision.
    pub(crate) fn to_f64(&self) -> TwoLayerNet<f64> {
        let (activation, level, threads) = (self.activation, self.level, self.threads.clone());
        let (parameters, loss_epsilon) = (self.parameters.to_f64(), self.loss_epsilon);
        TwoLayerNet { parameters, activation, level, threads, loss_epsilon }
    }
}
