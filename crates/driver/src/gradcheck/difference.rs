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

/// The difference of two gradients of one parameter.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Difference {
    pub mean_abs: f64,
    pub max_abs: f64,
    /// The largest `|a - n| / max(|a|, |n|, 1e-6)`.
    pub max_rel: f64,
    /// The element with `max_abs`.
    pub worst: Element,
}

impl Difference {
    /// Compares two gradients of one parameter.
    pub fn of(p: Parameter, backprop: &Parameters<f64>, numerical: &Parameters<f64>) -> Self {
        let (_, columns) = p.dims(backprop.shape());
        Difference::between(&backprop.get(p).to_vec(), &numerical.get(p).to_vec(), columns)
    }

    /// Compares matrices with `columns` columns.
    pub fn between(backprop: &[f64], numerical: &[f64], columns: usize) -> Self {
        let (mut sum, mut max_abs, mut max_rel, mut worst) = (0.0, 0.0, 0.0, 0);
        for (i, (&a, &n)) in backprop.iter().zip(numerical).enumerate() {
            let abs = (a - n).abs();
            sum += abs;
            // NaN counts as the largest value (`f64::max` would ignore it).
            if !(abs <= max_abs) && !f64::is_nan(max_abs) {
                (max_abs, worst) = (abs, i);
            }
            let rel = abs / a.abs().max(n.abs()).max(RELATIVE_FLOOR);
            max_rel = if rel <= max_rel || f64::is_nan(max_rel) { max_rel } else { rel };
        }
        let (row, column) = (worst / columns, worst % columns);
        let worst = Element { row, column, backprop: backprop[worst], numerical: numerical[worst] };
        Difference { mean_abs: sum / backprop.len() as f64, max_abs, max_rel, worst }
    }

    /// Whether the mean is below the tolerance and no single element is far beyond it; false for
    /// NaN.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.mean_abs < tolerance && self.max_abs < OUTLIER * tolerance
    }
}

/// The differences of the four parameters.
pub struct ByName(pub [Difference; 4]);

impl ByName {
    /// The parameter with the largest difference.
    pub fn worst(&self) -> (Parameter, &Difference) {
        let further = |a: &(Parameter, &Difference), b: &(Parameter, &Difference)| a.1.max_abs.total_cmp(&b.1.max_abs);
        self.iter().max_by(further).expect("there are four")
    }

    /// Each parameter with its difference.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, &Difference)> {
        Parameter::ALL.into_iter().zip(&self.0)
    }
}

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        for (parameter, difference) in self.iter() {
            map.serialize_entry(parameter.name(), difference)?;
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

    #[test]
    fn differences_match_values_computed_by_hand() {
        let d = Difference::between(&[1.0, -2.0, 0.0, 0.0], &[1.0, -2.5, 0.0, 1e-9], 2);
        assert_eq!((d.max_abs, d.max_rel), (0.5, 0.2));
        assert!((d.mean_abs - 0.125).abs() < 1e-9);
        assert!(!d.passes(0.1) && d.passes(0.2));
        assert_eq!(d.worst, Element { row: 0, column: 1, backprop: -2.0, numerical: -2.5 });
        assert_eq!(Difference::between(&[0.0], &[1e-9], 1).max_rel, 1e-3);
        assert_eq!(place(Parameter::W2, &d.worst), "W2[0][1]");
        assert_eq!(place(Parameter::B1, &d.worst), "b1[1]");
    }

    #[test]
    fn nan_never_passes() {
        for bad in [f64::NAN, f64::INFINITY] {
            for (a, n) in [([bad, 0.0], [0.0, 0.0]), ([0.0, 0.0], [bad, 0.0]), ([0.0, bad], [0.0, bad])] {
                let d = Difference::between(&a, &n, 2);
                assert!(!d.passes(1.0) && !d.max_abs.is_finite(), "{d:?}");
                assert!(!d.worst.backprop.is_finite() || !d.worst.numerical.is_finite(), "{d:?}");
            }
        }
        assert!(Difference::between(&[0.25], &[0.25], 1).passes(1e-30));
    }

    #[test]
    fn one_wrong_element_of_many_fails() {
        let (mut wrong, right) = (vec![1e-4; 100_000], vec![1e-4; 100_000]);
        wrong[77_777] = 0.0;
        let d = Difference::between(&wrong, &right, 100);
        assert!(d.mean_abs < 1.1e-9 && !d.passes(2e-9), "{d:?}");
        assert_eq!((d.worst.row, d.worst.column), (777, 77));
    }
}
