//! Explains why a check failed.
//!
//! A central difference has a truncation error proportional to h² and a rounding error proportional to 1/h. Two
//! differences at h and h/2 give one without the h² term, (4·n(h/2) − n(h)) / 3 (Richardson); two of these at different
//! steps differ only by rounding. If backpropagation differs from them by more, it is wrong; otherwise the step or the
//! tolerance is, and other steps show which. All of these differences are structured ones, without the kinks of ReLU.

use twolayer_core::{Activation, Error, Parameter, Parameters};

use super::checked_network::{Batch, CheckedNetwork};
use super::difference::{Difference, Judged, Verdict, place};
use super::kinks::Comparable;

/// Steps at which both truncation and rounding are small for weights and logits of ordinary size.
const STEPS: [f64; 7] = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];

/// The steps of the two extrapolations.
const EXTRAPOLATED: [f64; 2] = [1e-4, 2e-5];

/// A derivative is wrong if its error exceeds this many times the difference of two extrapolated ones.
const NOISE: f64 = 8.0;

/// The numerical gradient from steps h and h/2, without the error that is proportional to h².
fn extrapolated(subject: &CheckedNetwork<'_>, batch: Batch<'_>, h: f64) -> Result<Parameters<f64>, Error> {
    let (whole, mut half) = (subject.numerical(batch, h)?, subject.numerical(batch, h / 2.0)?);
    for p in Parameter::ALL {
        let pairs = half.get(p).to_vec().into_iter().zip(whole.get(p).to_vec());
        half.set(p, &pairs.map(|(half, whole)| (4.0 * half - whole) / 3.0).collect::<Vec<f64>>())?;
    }
    Ok(half)
}

/// What is known of a failed check.
struct Evidence<'a, 'b> {
    subject: &'a CheckedNetwork<'b>,
    /// Hidden units that say nothing.
    idle_units: usize,
    judged: &'a [Judged; 4],
    /// Backpropagation beside the extrapolated gradient, and that beside the other one.
    off: [Difference; 4],
    noise: [Difference; 4],
    /// Below this, noise is underestimated.
    floor: f64,
    /// Backpropagation beside central differences at other steps.
    tried: Vec<(f64, [Difference; 4])>,
}

/// Sentences that explain all verdicts but a pass.
pub fn failures(
    subject: &CheckedNetwork<'_>,
    backprop: &Parameters<f64>,
    judged: &[Judged; 4],
    idle_units: usize,
) -> Result<Vec<String>, Error> {
    let reference = |h: f64| {
        let of = |batch: Batch<'_>| extrapolated(subject, batch, h);
        Comparable::new(subject, EXTRAPOLATED[0], (backprop, of(subject.batch())?), &of)
    };
    let references = [reference(EXTRAPOLATED[0])?, reference(EXTRAPOLATED[1])?];
    let (rows, labels) = subject.batch();
    let tried = STEPS.iter().map(|&h| {
        let of = |batch: Batch<'_>| subject.numerical(batch, h);
        Ok((h, Comparable::new(subject, h, (backprop, of(subject.batch())?), &of)?.differences()))
    });
    let evidence = Evidence {
        subject,
        idle_units,
        judged,
        off: references[0].differences(),
        noise: references[0].noise(&references[1]),
        // If losses are so large that a step does not change them, all differences are zero.
        floor: f64::EPSILON * subject.net.loss(rows, labels)?.max(1.0) / EXTRAPOLATED[1],
        tried: tried.collect::<Result<Vec<_>, Error>>()?,
    };
    Ok(evidence.sentences())
}

impl Evidence<'_, '_> {
    fn sentences(&self) -> Vec<String> {
        let (mut sentences, mut of_step) = (Vec::new(), vec![true; 4]);
        for k in (0..4).filter(|&k| self.judged[k].verdict != Verdict::Pass) {
            if let Some(sentence) = self.own_fault(k) {
                of_step[k] = false;
                sentences.push(sentence);
            }
        }
        let blamed = |k: &usize| of_step[*k] && self.judged[*k].verdict != Verdict::Pass;
        let failed: Vec<usize> = (0..4).filter(blamed).collect();
        if !failed.is_empty() {
            let others: Vec<usize> = (0..4).filter(|&k| of_step[k]).collect();
            sentences.push(self.step_or_tolerance(&failed, &others));
        }
        sentences
    }

    /// Why no step makes a parameter pass; `None` if the step or the tolerance is at fault.
    fn own_fault(&self, k: usize) -> Option<String> {
        let (name, tolerance) = (Parameter::ALL[k].name(), self.subject.tolerance);
        let Judged { verdict, difference } = &self.judged[k];
        if *verdict == Verdict::Unchecked {
            let helps = |(_, d): &(f64, [Difference; 4])| d[k].verdict(tolerance) == Verdict::Pass;
            return match difference.left_out > 0 && self.tried.iter().any(helps) {
                true => None,
                false => Some(self.nothing_to_compare(k)),
            };
        }
        let (off, noise) = (&self.off[k], self.noise[k].mean_abs);
        let noise = if noise < self.floor { self.floor } else { noise };
        if !off.max_abs.is_finite() || !noise.is_finite() {
            let at = difference.worst.map(|worst| {
                let (a, n) = (worst.backprop, worst.numerical);
                format!(": {} is {a:e} by backpropagation, {n:e} numerically", place(Parameter::ALL[k], &worst))
            });
            return Some(format!("{name}: numbers overflow{}", at.unwrap_or_default()));
        }
        let worst = off.worst.filter(|_| off.mean_abs > NOISE * noise && off.verdict(tolerance) == Verdict::Fail)?;
        Some(format!(
            "{name}: backpropagation is wrong: numerical gradients of different steps agree to {noise:.1e}, but it \
             differs by {:.1e}, most in {}: {:.9e} instead of {:.9e}",
            off.mean_abs,
            place(Parameter::ALL[k], &worst),
            worst.backprop,
            worst.numerical
        ))
    }

    fn nothing_to_compare(&self, k: usize) -> String {
        let Judged { difference, .. } = &self.judged[k];
        let why = match self.subject.net.activation {
            _ if difference.compared == 0 => "in every row, its units stand on the kink of ReLU or cross it within ±h",
            Activation::Relu if self.idle_units == self.subject.net.shape().hidden() => {
                "every hidden unit is below 0 in every row, so that all derivatives are 0"
            }
            Activation::Sigmoid if difference.max_abs > 0.0 => {
                "every hidden unit is saturated in every row, so that derivatives are rounding errors"
            }
            _ => "every derivative is 0 by both methods",
        };
        let name = Parameter::ALL[k].name();
        format!("{name}: nothing to compare: {why}; check more images (--batch), or other weights")
    }

    /// Whether the step or the tolerance is at fault: one step at which all of the parameters `others` pass, or none.
    fn step_or_tolerance(&self, failed: &[usize], others: &[usize]) -> String {
        let (tolerance, h) = (self.subject.tolerance, self.subject.h);
        let names: Vec<&str> = failed.iter().map(|&k| Parameter::ALL[k].name()).collect();
        let names = names.join(", ");
        let mean = |d: &[Difference; 4]| others.iter().map(|&k| d[k].mean_abs).fold(0.0, f64::max);
        let passes = |d: &[Difference; 4]| others.iter().all(|&k| d[k].verdict(tolerance) == Verdict::Pass);
        let least = |passing: bool| {
            let some = self.tried.iter().filter(|(_, d)| !passing || passes(d));
            some.map(|(h, d)| (*h, mean(d))).min_by(|a, b| a.1.total_cmp(&b.1))
        };
        if let Some((better, mean)) = least(true) {
            let all = if others.len() == 4 { "every parameter" } else { "every other parameter" };
            let kinks = failed.iter().any(|&k| self.judged[k].verdict == Verdict::Unchecked);
            let (too, why) = match h > better {
                true if kinks => ("large", "steps cross the kink of ReLU in every row"),
                true => ("large", "truncation dominates"),
                false => ("small", "rounding dominates"),
            };
            return format!(
                "{names}: h is too {too}: {why}; with --h {better:e} {all} passes, with a mean of at most {mean:.1e}"
            );
        }
        let (best, mean) = least(false).unwrap_or((h, f64::NAN));
        format!(
            "{names}: central differences cannot reach the tolerance in every parameter with one step; the best is \
             --h {best:e}, with a mean of at most {mean:.1e}"
        )
    }
}

#[cfg(test)]
mod tests;
