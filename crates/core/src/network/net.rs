//! The network as its users see it.

use super::ahead::Ahead;
use super::batch::Input;
use super::differences::differences;
use super::engine::Work;
use super::evaluate::{Classes, Each, InChunks, Pass, Probabilities, Scores, keep};
use super::first::Keep;
use super::slice::{Head, Slice};
use super::{Activation, BLOCK, Engine, FirstLayer, Floats, Labels, Parameters, Rows, Shape};
use crate::buffer::Aligned;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::numerical;
use crate::parallel::Threads;
use crate::simd::Level;

/// The step of the notebook's numerical gradient.
pub const DEFAULT_H: f64 = 1e-4;

/// A two-layer network: probabilities = softmax(activation(X·W1 + b1)·W2 + b2).
///
/// Rows are pixels (scaled by 1/255) or floats, labels class indices or one-hot rows. Prediction and evaluation of many
/// rows, and numerical gradients, are shared by `threads`; results do not depend on their number.
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
    /// The function of the hidden layer.
    pub activation: Activation,
    /// The instruction-set level in use.
    pub level: Level,
    /// What computes the first layer.
    pub engine: Engine,
    /// Whose threads share the work of a call; training has its own option for them.
    pub threads: Threads,
}

/// What [`TwoLayerNet::evaluate`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Rows that were evaluated.
    pub rows: usize,
    /// Rows whose most probable class is their label.
    pub correct: usize,
    /// Mean loss −ln p(label).
    pub loss: f64,
}

impl Evaluation {
    /// correct / rows.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }
}

impl<T: Float> TwoLayerNet<T> {
    /// A network of these parameters with sigmoid units, computed at the highest level that this processor has, on [`Threads::Current`].
    pub fn new(parameters: Parameters<T>) -> Self {
        let (activation, level, engine, threads) = (Activation::Sigmoid, Level::best(), Engine::Auto, Threads::Current);
        TwoLayerNet { parameters, activation, level, engine, threads }
    }

    /// The notebook's start: weights 0.01 · N(0, 1), W1 then W2, biases zero.
    #[cfg(feature = "rand")]
    pub fn random(shape: Shape, rng: &mut impl rand::Rng) -> Self {
        Self::new(Parameters::random(shape, super::Init::Normal(0.01), rng))
    }

    /// The same network with this function of the hidden layer.
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        TwoLayerNet { activation, ..self }
    }

    /// The same network, computed at `level`.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        TwoLayerNet { level, ..self }
    }

    /// The same network, whose first layer is computed by `engine`.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        TwoLayerNet { engine, ..self }
    }

    /// The same network, whose work is shared by `threads`.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        TwoLayerNet { threads, ..self }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    /// The probability of each class for each row: rows × classes, row by row.
    ///
    /// # Errors
    /// If `x` has no rows or its last is not whole.
    #[inline]
    pub fn predict(&self, x: Rows<'_, T>) -> Result<Vec<T>> {
        Ok(self.chunks(x, Probabilities { classes: self.shape().classes() })?.concat())
    }

    /// The most probable class of each row, the first one of equals.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    #[inline]
    pub fn classify(&self, x: Rows<'_, T>) -> Result<Vec<usize>> {
        Ok(self.chunks(x, Classes { classes: self.shape().classes() })?.concat())
    }

    /// Mean loss and number of rows classified right, in one pass.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and if the labels do not fit the rows and classes.
    #[inline(always)]
    pub fn evaluate(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<Evaluation> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        let chunks = self.chunks(x, Scores { classes: self.shape().classes(), labels: &labels })?;
        let (correct, loss) = chunks.iter().fold((0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        Ok(Evaluation { rows, correct, loss: loss / rows as f64 })
    }

    /// The mean over the rows of −ln p(label).
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn loss(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<f64> {
        Ok(self.evaluate(x, t)?.loss)
    }

    /// The share of rows whose most probable class is their label.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn accuracy(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<f64> {
        Ok(self.evaluate(x, t)?.accuracy())
    }

    /// The gradient of the mean loss with respect to every parameter, by backpropagation:
    /// dY = (softmax − one-hot) / rows, dW2 = Zᵀ·dY, db2 = Σ dY, dA = dY·W2ᵀ ⊙ activation′, dW1 = Xᵀ·dA, db1 = Σ dA.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    #[inline]
    pub fn gradient(&self, x: Rows<'_, T>, t: Labels<'_, T>) -> Result<Parameters<T>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        self.with_layer(x, Backpropagate { net: self, labels: &labels })
    }

    /// The same gradient by central differences in f64, (L(θ + h·e) − L(θ − h·e)) / 2h for every parameter, evaluating
    /// anew only what a parameter moves. The notebook's h is [`DEFAULT_H`]. The
    /// result does not depend on the number of threads.
    ///
    /// Without rounding it is what [`numerical_gradient_brute_force`](Self::numerical_gradient_brute_force) gives, some
    /// hundreds of times faster on MNIST's shape. Its error is h²/6 times the third derivative (truncation), and some
    /// ε/h of rounding: 1e-12 at h = 1e-4 for logits and weights about 1. Parameters of `f32` are widened first, so
    /// that the result checks their gradient without the rounding of `f32` differences. With a loss that is not finite
    /// it is NaN.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); and [`Error::Option`] unless h is finite and above 0.
    pub fn numerical_gradient(&self, x: Rows<'_, T>, t: Labels<'_, T>, h: f64) -> Result<Parameters<f64>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        check_step(h)?;
        Ok(differences(&self.to_f64(), &x.to_f64(0..rows, self.shape()), &labels, h).1)
    }

    /// The same network in double precision.
    pub(crate) fn to_f64(&self) -> TwoLayerNet<f64> {
        let TwoLayerNet { activation, level, threads, .. } = *self;
        TwoLayerNet { parameters: self.parameters.to_f64(), activation, level, engine: Engine::Float, threads }
    }

    /// The same central differences as their definition has them: the whole forward pass, in `T`, twice for each
    /// parameter. It is what [`numerical_gradient`](Self::numerical_gradient) is tested against, and shows the rounding
    /// of `T`.
    ///
    /// # Errors
    /// As [`numerical_gradient`](Self::numerical_gradient).
    pub fn numerical_gradient_brute_force(&self, x: Rows<'_, T>, t: Labels<'_, T>, h: T) -> Result<Parameters<T>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        check_step(h.to_f64())?;
        Ok(match x {
            Rows::Pixels(x) => self.differentiate(x, &labels, h),
            Rows::Floats(x) => self.differentiate(x, &labels, h),
        })
    }

    fn differentiate<P: Input<T>>(&self, x: &[P], labels: &[u32], h: T) -> Parameters<T> {
        let (shape, level) = (self.shape(), self.level);
        let places: Vec<usize> = Parameters::<T>::places(shape).collect();
        let layer = Floats::<P>::new(level);
        let kept = keep(layer, self);
        let prepare = || {
            let mut pass = Pass::new(layer, &self.parameters, labels.len());
            pass.gather(x, 0..labels.len());
            (pass, self.parameters.clone())
        };
        let differences = numerical::differences(
            self.threads,
            (&places, h),
            prepare,
            |(_, parameters), place| &mut parameters.padded_mut()[place],
            |(pass, parameters)| {
                pass.forward(self.activation, parameters, &kept);
                pass.head.losses(level, labels) / labels.len() as f64
            },
        );
        let mut gradient = Parameters::zeros(shape);
        for (&place, g) in places.iter().zip(differences) {
            gradient.padded_mut()[place] = T::from_f64(g);
        }
        gradient
    }

    #[inline(always)]
    fn chunks<E: Each<T>>(&self, x: Rows<'_, T>, each: E) -> Result<Vec<E::Made>> {
        let rows = x.count(self.shape())?;
        self.with_layer(x, InChunks { net: self, rows, each })
    }
}

/// The gradient by backpropagation of all rows as one batch.
struct Backpropagate<'a, T: Float> {
    net: &'a TwoLayerNet<T>,
    labels: &'a [u32],
}

impl<T: Float> Work<T> for Backpropagate<'_, T> {
    type Output = Parameters<T>;

    fn run<L: FirstLayer<T>>(self, layer: L, x: &[L::Pixel]) -> Parameters<T> {
        let Backpropagate { net, labels } = self;
        let (shape, level, rows) = (net.shape(), layer.rounding(), labels.len());
        let mut batch = layer.batch(shape.inputs(), rows, true);
        layer.gather(&mut batch, x, &mut (0..rows));
        let blocks = shape.hidden_padded() / BLOCK;
        let mut slice = Slice::new(layer, net, 0..blocks, rows);
        let mut head = Head::new(&net.parameters, rows);
        let mut parts = Aligned::zeroed([blocks, rows, shape.classes_padded()]);
        slice.forward(&mut batch, &mut Ahead::nothing(), &mut parts);
        head.combine(level, &parts, rows);
        head.derivatives(level, labels);
        slice.backward(&batch, head.dy(rows), Keep);
        head.backward(level, rows, Keep);
        let mut gradient = Parameters::zeros(shape);
        slice.store(&mut gradient);
        head.store(&mut gradient);
        gradient
    }
}

/// A central difference's step is finite and above 0.
pub(crate) fn check_step(h: f64) -> Result<()> {
    if h > 0.0 && h.is_finite() {
        return Ok(());
    }
    Err(Error::Option { name: "h", what: format!("is {h}; expected a finite step above 0") })
}
