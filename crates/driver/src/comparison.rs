//! Two models on the same images, and McNemar's test of whether one is better.

use serde::Serialize;
use twolayer_idx::Split as Half;

use crate::args::Split;
use crate::error::CliError;
use crate::network::Network;

/// Below this probability, a difference is called one.
const LEVEL: f64 = 0.05;

/// A model's part, and its object in JSON.
#[derive(Serialize)]
pub struct Side {
    pub model: String,
    pub precision: &'static str,
    pub correct: usize,
    pub accuracy: f64,
    pub mean_loss: f64,
    /// The images that only this model gets right.
    pub only: Vec<usize>,
    #[serde(skip)]
    pub predicted: Vec<usize>,
}

impl Side {
    /// The model on all images; `only` is still empty.
    pub fn new(model: String, net: &dyn Network, half: &Half) -> Result<Side, CliError> {
        let (evaluation, predicted) = (net.evaluate(half)?, net.classify(half)?);
        Ok(Side {
            model,
            precision: net.precision(),
            correct: evaluation.correct,
            accuracy: evaluation.accuracy(),
            mean_loss: evaluation.loss,
            only: Vec::new(),
            predicted,
        })
    }
}

/// The comparison, and the object in JSON.
#[derive(Serialize)]
pub struct Comparison {
    pub data: String,
    pub split: Split,
    pub rows: usize,
    pub a: Side,
    pub b: Side,
    pub both_right: usize,
    pub both_wrong: usize,
    pub p_value: f64,
    pub threads: usize,
    pub isa: &'static str,
    /// What reading the images lost or assumed.
    pub notes: Vec<String>,
    /// The HTML report that was written.
    pub report: Option<String>,
}

impl Comparison {
    /// Sorts the images by who gets them right, and tests the difference.
    pub fn count(&mut self, labels: &[u32]) {
        for (index, &label) in labels.iter().enumerate() {
            match [&self.a, &self.b].map(|side| side.predicted[index] == label as usize) {
                [true, true] => self.both_right += 1,
                [true, false] => self.a.only.push(index),
                [false, true] => self.b.only.push(index),
                [false, false] => self.both_wrong += 1,
            }
        }
        self.p_value = mcnemar(self.a.only.len(), self.b.only.len());
    }

    /// What the test says, in a sentence.
    pub fn verdict(&self) -> String {
        let (a, b, p) = (self.a.only.len(), self.b.only.len(), shown(self.p_value));
        match (a + b, self.p_value < LEVEL) {
            (0, _) => "both models get the same images right".into(),
            (_, true) => {
                format!("{} is better; by chance, such a difference is rare (p = {p})", if a > b { "A" } else { "B" })
            }
            (_, false) => format!("no clear difference; this may be chance (p = {p})"),
        }
    }
}

/// A probability.
pub fn shown(p: f64) -> String {
    match p {
        0.0 => "0 to all digits".into(),
        p if p < 1e-3 => format!("{p:.1e}"),
        p => format!("{p:.3}"),
    }
}

/// McNemar's test, exact and two-sided: the probability that fair coins split the images that only one model gets right
/// at least as unevenly as `a` and `b`.
///
/// p = min(1, 2 Σ C(n, k) / 2ⁿ), k = 0 … min(a, b), n = a + b. McNemar, Psychometrika 12 (1947), 153–157; computed as by
/// statsmodels' `mcnemar(exact=True)`, of any number of images, so that no approximation for large ones is needed.
fn mcnemar(a: usize, b: usize) -> f64 {
    let (n, least) = ((a + b) as f64, a.min(b));
    // The largest term, as a logarithm: 2ⁿ may be beyond the floats.
    let logarithm: f64 = (1..=least).map(|i| ((n - least as f64 + i as f64) / i as f64).ln()).sum();
    let (mut term, mut sum) = (1.0, 1.0);
    for k in (1..=least).rev() {
        term *= k as f64 / (n - k as f64 + 1.0);
        sum += term;
    }
    (2.0 * sum * (logarithm - n * std::f64::consts::LN_2).exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_agrees_with_sums_by_hand() {
        // 2 (1 + 10 + 45 + 120) / 1024; 2 / 64; 2 (1 + 21 + 210) / 2²¹
        for (a, b, expected) in
            [(3, 7, 0.34375), (7, 3, 0.34375), (0, 6, 0.03125), (2, 19, 464.0 / 2_097_152.0), (5, 5, 1.0), (0, 0, 1.0)]
        {
            assert!((mcnemar(a, b) - expected).abs() < 1e-12 * expected, "{a} {b}: {}", mcnemar(a, b));
        }
    }

    /// Against Python's whole numbers.
    #[test]
    fn mcnemar_holds_where_powers_of_two_overflow() {
        for (a, b, expected) in [(900, 1100, 8.457089535503927e-06), (2400, 2600, 0.004883649737517518)] {
            assert!((mcnemar(a, b) / expected - 1.0).abs() < 1e-9, "{a} {b}: {}", mcnemar(a, b));
        }
    }
}
