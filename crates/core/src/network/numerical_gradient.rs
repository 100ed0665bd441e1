//! Numerical gradients of the network: structured, or by brute force.

use super::finite_differences::differences;
use super::inference::{ForwardPass, Weights};
use super::mini_batch::Input;
use super::parameters::Parameters;
use super::rows_and_labels::{Labels, Rows};
use super::two_layer_net::TwoLayerNet;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::numerical_gradient::central_differences;

/// The h of the notebook's numerical gradient.
pub const DEFAULT_H: f64 = 1e-4;

impl<T: Float> TwoLayerNet<T> {
    /// The gradient of the mean loss by central differences in `f64`, (L(θ + h) − L(θ − h)) / 2h for every parameter θ,
    /// recomputing only what a parameter affects. The notebook's h is [`DEFAULT_H`].
    ///
    /// Without rounding it equals [`numerical_gradient_brute_force`](Self::numerical_gradient_brute_force); on MNIST's
    /// shape it is some hundreds of times faster. Its truncation error is h²/6 times the third derivative; its rounding
    /// error is some ε/h, which is 1e-12 at h = 1e-4 for logits and weights about 1. Parameters of `f32` are widened
    /// first, so the result checks their gradient without the rounding of `f32` differences. If the loss is not finite,
    /// the result is NaN.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); and [`Error::Option`] unless h is finite and above 0.
    pub fn numerical_gradient(&self, x: Rows<'_, T>, t: Labels<'_, T>, h: f64) -> Result<Parameters<f64>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        check_h(h)?;
        Ok(differences(&self.to_f64(), &x.to_f64(0..rows, self.shape()), &labels, h).1)
    }

    /// The same central differences by definition: the whole forward pass, in `T`, twice for each parameter. It is the
    /// oracle of [`numerical_gradient`](Self::numerical_gradient), and shows the rounding of `T`.
    ///
    /// # Errors
    /// As [`numerical_gradient`](Self::numerical_gradient).
    pub fn numerical_gradient_brute_force(&self, x: Rows<'_, T>, t: Labels<'_, T>, h: T) -> Result<Parameters<T>> {
        let rows = x.count(self.shape())?;
        let labels = t.classes(rows, self.shape())?;
        check_h(h.to_f64())?;
        Ok(match x {
            Rows::Pixels(x) => self.brute_force(x, &labels, h),
            Rows::Floats(x) => self.brute_force(x, &labels, h),
        })
    }

    fn brute_force<P: Input<T>>(&self, x: &[P], labels: &[u32], h: T) -> Parameters<T> {
        let places: Vec<usize> = Parameters::<T>::places(self.shape()).collect();
        let prepare = || {
            let mut pass = ForwardPass::new(self, labels.len());
            pass.gather(x, 0..labels.len());
            (pass, self.parameters.clone())
        };
        let differences = central_differences(
            &self.threads,
            (&places, h),
            prepare,
            |(_, parameters), place| &mut parameters.padded_mut()[place],
            |(pass, parameters)| {
                pass.forward(&Weights::in_place(parameters));
                pass.output.losses(labels, 0.0) / labels.len() as f64
            },
        );
        let mut gradient = Parameters::zeros(self.shape());
        for (&place, g) in places.iter().zip(differences) {
            gradient.padded_mut()[place] = T::from_f64(g);
        }
        gradient
    }
}

/// Returns an error unless h is finite and above 0.
pub(crate) fn check_h(h: f64) -> Result<()> {
    if h > 0.0 && h.is_finite() {
        return Ok(());
    }
    Err(Error::Option { name: "h", what: format!("is {h}; expected a finite number above 0") })
}
