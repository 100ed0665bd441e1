//! The difference of two gradients.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use twolayer_core::{Parameter, Parameters};

/// Central differences do not resolve derivatives below this to three digits; the relative error is
/// relative to at least this, so that noise around zero is not reported as a large error.
const RELATIVE_FLOOR: f64 = 1e-6;

/// An element may differ by this many times the tolerance of the mean: far less than one that is wrong.
const OUTLIER: f64 = 100.0;

/// An element of a parameter and its two derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Element {
    pub row: usize,
    pub column: usize,
    pub backprop: f64,
    pub numerical: f64,
}

/// What a comparison says about a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Fail,
    /// Nothing was compared, or only derivatives that are 0 by both methods.
    Unchecked,
}

/// The difference of two gradients of one parameter.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Difference {
    /// The number of elements that were compared.
    pub compared: usize,
    /// The number of elements that could not be.
    pub left_out: usize,
    pub mean_abs: f64,
    pub max_abs: f64,
    /// The largest `|a - n| / max(|a|, |n|, 1e-6)`.
    pub max_rel: f64,
    /// The element with `max_abs`; none if nothing was compared.
    pub worst: Option<Element>,
    /// Whether every derivative is 0 by both methods.
    #[serde(skip)]
    all_zero: bool,
}

impl Difference {
    /// Compares two gradients of one parameter, without the elements that are not 0 in `left_out`.
    pub fn of(
        p: Parameter,
        backprop: &Parameters<f64>,
        numerical: &Parameters<f64>,
        left_out: Option<&Parameters<f64>>,
    ) -> Self {
        let (_, columns) = p.dims(backprop.shape());
        let left_out = left_out.map_or(Vec::new(), |left_out| left_out.get(p).to_vec());
        Difference::between(&backprop.get(p).to_vec(), &numerical.get(p).to_vec(), &left_out, columns)
    }

    /// Compares matrices with `columns` columns. An empty `left_out` leaves nothing out.
    fn between(backprop: &[f64], numerical: &[f64], left_out: &[f64], columns: usize) -> Self {
        let (mut compared, mut sum, mut max_abs, mut max_rel) = (0, 0.0, 0.0, 0.0);
        let (mut worst, mut all_zero) = (None, true);
        for (i, (&a, &n)) in backprop.iter().zip(numerical).enumerate() {
            if left_out.get(i).is_some_and(|&left_out| left_out != 0.0) {
                continue;
            }
            let abs = (a - n).abs();
            compared += 1;
            sum += abs;
            all_zero &= a == 0.0 && n == 0.0;
            // NaN counts as the largest value (`f64::max` would ignore it).
            if worst.is_none() || !(abs <= max_abs) && !f64::is_nan(max_abs) {
                max_abs = abs;
                worst = Some(Element { row: i / columns, column: i % columns, backprop: a, numerical: n });
            }
            let rel = abs / a.abs().max(n.abs()).max(RELATIVE_FLOOR);
            max_rel = if rel <= max_rel || f64::is_nan(max_rel) { max_rel } else { rel };
        }
        let mean_abs = if compared == 0 { 0.0 } else { sum / compared as f64 };
        let left_out = backprop.len() - compared;
        Difference { compared, left_out, mean_abs, max_abs, max_rel, worst, all_zero }
    }

    /// A pass if the mean is below the tolerance and no single element is far beyond it; never for NaN.
    pub fn verdict(&self, tolerance: f64) -> Verdict {
        if self.all_zero {
            return Verdict::Unchecked;
        }
        if self.mean_abs < tolerance && self.max_abs < OUTLIER * tolerance { Verdict::Pass } else { Verdict::Fail }
    }
}

/// The difference in one parameter, and the verdict.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Judged {
    pub verdict: Verdict,
    #[serde(flatten)]
    pub difference: Difference,
}

/// The four parameters.
pub struct ByName(pub [Judged; 4]);

impl ByName {
    /// The parameter with the largest difference.
    pub fn worst(&self) -> (Parameter, &Difference) {
        let further = |a: &(Parameter, &Difference), b: &(Parameter, &Difference)| a.1.max_abs.total_cmp(&b.1.max_abs);
        self.iter().map(|(p, judged)| (p, &judged.difference)).max_by(further).expect("there are four")
    }

    /// Each parameter with its difference and verdict.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, &Judged)> {
        Parameter::ALL.into_iter().zip(&self.0)
    }

    /// Whether all pass.
    pub fn all_pass(&self) -> bool {
        self.0.iter().all(|judged| judged.verdict == Verdict::Pass)
    }

    /// The names of the parameters with this verdict.
    pub fn with(&self, verdict: Verdict) -> Vec<&'static str> {
        self.iter().filter(|(_, judged)| judged.verdict == verdict).map(|(p, _)| p.name()).collect()
    }
}

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        for (parameter, judged) in self.iter() {
            map.serialize_entry(parameter.name(), judged)?;
        }
        map.end()
    }
}

/// `W1[300][12]`, or `b1[12]`.
pub fn place(p: Parameter, element: &Element) -> String {
    match p {
        Parameter::W1 | Parameter::W2 => format!("{}[{}][{}]", p.name(), element.row, element.column),
        Parameter::B1 | Parameter::B2 => format!("{}[{}]", p.name(), element.column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(backprop: &[f64], numerical: &[f64], columns: usize) -> Difference {
        Difference::between(backprop, numerical, &[], columns)
    }

    #[test]
    fn differences_match_values_computed_by_hand() {
        let d = between(&[1.0, -2.0, 0.0, 0.0], &[1.0, -2.5, 0.0, 1e-9], 2);
        assert_eq!((d.max_abs, d.max_rel, d.compared, d.left_out), (0.5, 0.2, 4, 0));
        assert!((d.mean_abs - 0.125).abs() < 1e-9);
        assert_eq!((d.verdict(0.1), d.verdict(0.2)), (Verdict::Fail, Verdict::Pass));
        let worst = Element { row: 0, column: 1, backprop: -2.0, numerical: -2.5 };
        assert_eq!(d.worst, Some(worst));
        assert_eq!(between(&[0.0], &[1e-9], 1).max_rel, 1e-3);
        assert_eq!(place(Parameter::W2, &worst), "W2[0][1]");
        assert_eq!(place(Parameter::B1, &worst), "b1[1]");
    }

    #[test]
    fn elements_that_are_left_out_do_not_count() {
        let d = Difference::between(&[1.0, -2.0, 3.0], &[1.0, -2.5, 3.25], &[0.0, 1.0, 0.0], 3);
        assert_eq!((d.max_abs, d.mean_abs, d.compared, d.left_out), (0.25, 0.125, 2, 1));
        let d = Difference::between(&[1.0], &[2.0], &[1.0], 1);
        assert_eq!((d.verdict(10.0), d.worst, d.mean_abs), (Verdict::Unchecked, None, 0.0));
    }

    #[test]
    fn zeros_alone_are_no_pass() {
        assert_eq!(between(&[0.0, 0.0], &[0.0, -0.0], 2).verdict(1.0), Verdict::Unchecked);
        assert_eq!(between(&[0.0, 0.0], &[0.0, 1e-12], 2).verdict(1.0), Verdict::Pass);
    }

    #[test]
    fn nan_never_passes() {
        for bad in [f64::NAN, f64::INFINITY] {
            for (a, n) in [([bad, 0.0], [0.0, 0.0]), ([0.0, 0.0], [bad, 0.0]), ([0.0, bad], [0.0, bad])] {
                let d = between(&a, &n, 2);
                assert!(d.verdict(1.0) == Verdict::Fail && !d.max_abs.is_finite(), "{d:?}");
                let worst = d.worst.unwrap();
                assert!(!worst.backprop.is_finite() || !worst.numerical.is_finite(), "{d:?}");
            }
        }
        assert_eq!(between(&[0.25], &[0.25], 1).verdict(1e-30), Verdict::Pass);
    }

    #[test]
    fn one_wrong_element_of_many_fails() {
        let (mut wrong, right) = (vec![1e-4; 100_000], vec![1e-4; 100_000]);
        wrong[77_777] = 0.0;
        let d = between(&wrong, &right, 100);
        assert!(d.mean_abs < 1.1e-9 && d.verdict(2e-9) == Verdict::Fail, "{d:?}");
        let worst = d.worst.unwrap();
        assert_eq!((worst.row, worst.column), (777, 77));
    }
}
