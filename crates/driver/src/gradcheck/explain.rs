//! Explains why a check failed, and what could not be checked.
//!
//! A central difference has a truncation error proportional to h² and a rounding error proportional to 1/h. Two
//! differences at h and h/2 give one without the h² term, (4·n(h/2) − n(h)) / 3 (Richardson); two of these at different
//! steps differ only by rounding. If backpropagation differs from them by more, it is wrong; otherwise the step or the
//! tolerance is, and other steps show which. All of these differences are structured ones.

use twolayer_core::{Activation, Error, Labels, MatMut, MatRef, Parameter, Parameters, Rows, TwoLayerNet, gemm};

use super::difference::{Difference, place};

/// Steps at which both truncation and rounding are small for weights and logits of ordinary size.
const STEPS: [f64; 7] = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];

/// A derivative is wrong if its error exceeds this many times the difference of two extrapolated ones.
const NOISE: f64 = 8.0;

/// The derivatives of a unit whose activations are all this close to 0 or 1 are rounding errors.
const SATURATED: f64 = 1e-9;

/// Rows per matrix product.
const CHUNK: usize = 256;

/// The network to check, and its data.
pub struct CheckedNetwork<'a> {
    pub net: &'a TwoLayerNet<f64>,
    pub rows: Rows<'a, f64>,
    pub labels: Labels<'a, f64>,
    /// The number of rows.
    pub batch: usize,
    pub h: f64,
    pub tolerance: f64,
}

impl CheckedNetwork<'_> {
    fn numerical(&self, h: f64) -> Result<Parameters<f64>, Error> {
        self.net.numerical_gradient(self.rows, self.labels, h)
    }

    /// The numerical gradient from steps h and h/2, without the error that is proportional to h².
    fn extrapolated(&self, h: f64) -> Result<Parameters<f64>, Error> {
        let (whole, mut half) = (self.numerical(h)?, self.numerical(h / 2.0)?);
        for p in Parameter::ALL {
            let pairs = half.get(p).to_vec().into_iter().zip(whole.get(p).to_vec());
            half.set(p, &pairs.map(|(half, whole)| (4.0 * half - whole) / 3.0).collect::<Vec<f64>>())?;
        }
        Ok(half)
    }
}

/// A sentence for each failed parameter.
pub fn failures(
    subject: &CheckedNetwork<'_>,
    backprop: &Parameters<f64>,
    failed: &[(Parameter, Difference)],
) -> Result<Vec<String>, Error> {
    let references = [subject.extrapolated(1e-4)?, subject.extrapolated(2e-5)?];
    // If losses are so large that a step does not change them, all differences are zero.
    let floor = f64::EPSILON * subject.net.loss(subject.rows, subject.labels)?.max(1.0) / 2e-5;
    let tried = STEPS.iter().map(|&h| Ok((h, subject.numerical(h)?))).collect::<Result<Vec<_>, Error>>()?;
    let cause = |&(p, ref d): &(Parameter, Difference)| {
        let element = place(p, &d.worst);
        let off = Difference::of(p, backprop, &references[0]);
        let noise = Difference::of(p, &references[0], &references[1]).mean_abs;
        let noise = if noise < floor { floor } else { noise };
        if !off.max_abs.is_finite() || !noise.is_finite() {
            let (a, n) = (d.worst.backprop, d.worst.numerical);
            return format!("{}: numbers overflow: {element} is {a:e} by backpropagation, {n:e} numerically", p.name());
        }
        if off.mean_abs > NOISE * noise && !off.passes(subject.tolerance) {
            return format!(
                "{}: backpropagation is wrong: numerical gradients of different steps agree to {noise:.1e}, but it \
                 differs by {:.1e}, most in {}: {:.9e} instead of {:.9e}",
                p.name(),
                off.mean_abs,
                place(p, &off.worst),
                off.worst.backprop,
                off.worst.numerical
            );
        }
        step_or_tolerance(subject, p, tried.iter().map(|(h, n)| (*h, Difference::of(p, backprop, n))).collect())
    };
    Ok(failed.iter().map(cause).collect())
}

/// Whether the step or the tolerance is at fault.
fn step_or_tolerance(subject: &CheckedNetwork<'_>, p: Parameter, tried: Vec<(f64, Difference)>) -> String {
    let best = tried.into_iter().min_by(|(_, a), (_, b)| a.mean_abs.total_cmp(&b.mean_abs));
    let Some((h, d)) = best else { return String::new() };
    let (name, mean) = (p.name(), d.mean_abs);
    if d.passes(subject.tolerance) {
        let (too, why) = if subject.h > h { ("large", "truncation") } else { ("small", "rounding") };
        return format!("{name}: h is too {too}: {why} dominates; with --h {h:e} it passes with a mean of {mean:.1e}");
    }
    format!("{name}: central differences cannot reach the tolerance; the least mean is {mean:.1e}, with --h {h:e}")
}

/// The hidden units that are saturated in every row: the derivatives of their W1 and b1 are lost in rounding by either
/// method, so agreement proves nothing.
pub fn saturated_units(subject: &CheckedNetwork<'_>) -> Result<usize, Error> {
    let (Rows::Pixels(pixels), Activation::Sigmoid) = (subject.rows, subject.net.activation) else { return Ok(0) };
    let (w1, b1) = (subject.net.parameters.w1(), subject.net.parameters.b1());
    let (inputs, hidden) = (w1.rows(), w1.cols());
    let mut saturated = vec![true; hidden];
    for rows in pixels.chunks(CHUNK * inputs) {
        let x: Vec<f64> = rows.iter().map(|&p| f64::from(p) / 255.0).collect();
        let mut a = b1.repeat(x.len() / inputs);
        let out = MatMut::new(&mut a, x.len() / inputs, hidden)?;
        gemm(subject.net.level, 1.0, MatRef::new(&x, x.len() / inputs, inputs)?, w1, 1.0, out)?;
        for a in a.chunks_exact(hidden) {
            // 1 - z for a positive sum, z for a negative one.
            saturated.iter_mut().zip(a).for_each(|(s, a)| *s &= 1.0 / (1.0 + a.abs().exp()) < SATURATED);
        }
    }
    Ok(saturated.iter().filter(|&&s| s).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use twolayer_core::{Init, Shape};

    fn net() -> TwoLayerNet<f64> {
        let mut number = 0.0f64;
        let draw = || {
            number += 1.0;
            (number * 37.0).sin()
        };
        TwoLayerNet::new(Parameters::normal(Shape::new(6, 3, 4).unwrap(), Init::Normal(1.0), draw))
    }

    const PIXELS: [u8; 12] = [255, 0, 9, 200, 17, 0, 0, 80, 255, 255, 3, 1];

    fn subject(net: &TwoLayerNet<f64>, h: f64, tolerance: f64) -> CheckedNetwork<'_> {
        CheckedNetwork { net, rows: Rows::Pixels(&PIXELS), labels: Labels::Classes(&[3, 1]), batch: 2, h, tolerance }
    }

    /// The explanation for `p` when `wrong` is added to its gradient by backpropagation.
    fn explanation(net: &TwoLayerNet<f64>, p: Parameter, (h, tolerance): (f64, f64), wrong: f64) -> String {
        let subject = subject(net, h, tolerance);
        let mut backprop = net.gradient(subject.rows, subject.labels).unwrap();
        let values: Vec<f64> = backprop.get(p).to_vec().iter().map(|g| g + wrong).collect();
        backprop.set(p, &values).unwrap();
        let d = [(p, Difference::of(p, &backprop, &subject.numerical(h).unwrap()))];
        failures(&subject, &backprop, &d).unwrap().join("\n")
    }

    #[test]
    fn each_cause_of_failure_is_identified() {
        for p in Parameter::ALL {
            for h in [0.01, 1.0, 30.0, 1e3, 1e300] {
                let why = explanation(&net(), p, (h, 1e-9), 0.0);
                assert!(why.contains("h is too large"), "{h:e}: {why}");
            }
            for h in [1e-11, 1e-17, 1e-40, 1e-320] {
                let why = explanation(&net(), p, (h, 1e-9), 0.0);
                assert!(why.contains("h is too small"), "{h:e}: {why}");
            }
            for (h, wrong) in [(1e-4, 1e-8), (1e-4, -0.1), (1e-2, 1e-6), (1e-40, 1e-8)] {
                let why = explanation(&net(), p, (h, 1e-9), wrong);
                assert!(why.contains("backpropagation is wrong"), "{wrong:e} at {h:e}: {why}");
            }
            let why = explanation(&net(), p, (1e-4, 1e-16), 0.0);
            assert!(why.contains("cannot reach the tolerance"), "{why}");
        }
    }

    #[test]
    fn overflow_is_not_blamed_on_backpropagation() {
        let mut net = net();
        net.parameters.get_mut(Parameter::B2).row_mut(0)[0] = 1e300;
        let why = explanation(&net, Parameter::B2, (1e-4, 1e-9), 0.0);
        assert!(why.contains("cannot reach the tolerance"), "{why}");
        (0..3).for_each(|j| net.parameters.get_mut(Parameter::W2).row_mut(j)[0] = 1.7e308);
        let why = explanation(&net, Parameter::W1, (1e-4, 1e-9), 0.0);
        assert!(why.contains("overflow"), "{why}");
    }

    #[test]
    fn saturated_units_are_counted() {
        let mut net = net();
        assert_eq!(saturated_units(&subject(&net, 1e-4, 1e-9)), Ok(0));
        net.parameters.get_mut(Parameter::B1).row_mut(0).copy_from_slice(&[40.0, 0.0, -50.0]);
        assert_eq!(saturated_units(&subject(&net, 1e-4, 1e-9)), Ok(2));
    }
}
