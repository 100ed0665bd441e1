//! Kinks: where ReLU has no derivative.
//!
//! The slope of ReLU jumps at 0. If a unit's pre-activation is 0 in a row, or a step of ± h takes it across 0, the central
//! difference is a mean of both slopes, and backpropagation has one of them: they differ at any h, and both are right.
//! The elements that such a unit's row touches are compared without that row: its share of the mean is subtracted from
//! both gradients. An element that no row is left of cannot be compared.

use serde::Serialize;
use twolayer_core::{Activation, Error, Parameter, Parameters};

use super::checked_network::{Batch, CheckedNetwork, input};
use super::difference::Difference;

/// A hidden unit that stands on its kink in a row, or crosses it within ± h.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kink {
    pub unit: usize,
    /// The row, that is, the image, from 0.
    pub row: usize,
    pub pre_activation: f64,
}

/// All kinks of a batch within a step.
struct Kinks {
    h: f64,
    /// Row by row.
    found: Vec<Kink>,
}

impl Kinks {
    fn within(h: f64, subject: &CheckedNetwork<'_>) -> Result<Kinks, Error> {
        let mut found = Vec::new();
        if subject.net.activation == Activation::Relu {
            // The bias takes the largest step: pixels are at most 1.
            subject.pre_activations(|row, a| {
                let near = a.iter().enumerate().filter(|(_, a)| a.abs() <= h);
                found.extend(near.map(|(unit, &pre_activation)| Kink { unit, row, pre_activation }));
            })?;
        }
        Ok(Kinks { h, found })
    }

    /// The elements that a kink touches: a parameter and its row; the column is the unit.
    fn touched(&self, subject: &CheckedNetwork<'_>, kink: &Kink) -> Vec<(Parameter, usize)> {
        let crosses = |&(_, &pixel): &(usize, &u8)| pixel > 0 && kink.pre_activation.abs() <= self.h * input(pixel);
        let weights = subject.row(kink.row).iter().enumerate().filter(crosses).map(|(i, _)| (Parameter::W1, i));
        [(Parameter::B1, 0)].into_iter().chain(weights).collect()
    }

    /// Subtracts from each touched element the share of the rows that touch it; `of` is the gradient of one row.
    fn subtract(
        &self,
        subject: &CheckedNetwork<'_>,
        gradient: &mut Parameters<f64>,
        of: &dyn Fn(Batch<'_>) -> Result<Parameters<f64>, Error>,
    ) -> Result<(), Error> {
        for kinks in self.found.chunk_by(|a, b| a.row == b.row) {
            let share = of(subject.batch_of(kinks[0].row))?;
            for kink in kinks {
                for (p, i) in self.touched(subject, kink) {
                    let own = share.get(p).get(i, kink.unit) / subject.rows() as f64;
                    gradient.get_mut(p).row_mut(i)[kink.unit] -= own;
                }
            }
        }
        Ok(())
    }

    /// The elements that no row is left of: 1 for those, 0 for the others.
    fn left_out(&self, subject: &CheckedNetwork<'_>) -> Option<Parameters<f64>> {
        if self.found.is_empty() {
            return None;
        }
        let shape = subject.net.shape();
        let mut touching = Parameters::zeros(shape);
        for kink in &self.found {
            let touched = self.touched(subject, kink);
            touched.into_iter().for_each(|(p, i)| touching.get_mut(p).row_mut(i)[kink.unit] += 1.0);
        }
        let mut inked = vec![0.0; shape.inputs()];
        for row in 0..subject.rows() {
            inked.iter_mut().zip(subject.row(row)).for_each(|(inked, &pixel)| *inked += f64::from(u8::from(pixel > 0)));
        }
        let all = |count: &mut f64, rows: f64| *count = f64::from(u8::from(*count > 0.0 && *count == rows));
        for (i, &rows) in inked.iter().enumerate() {
            touching.get_mut(Parameter::W1).row_mut(i).iter_mut().for_each(|count| all(count, rows));
        }
        let rows = subject.rows() as f64;
        touching.get_mut(Parameter::B1).row_mut(0).iter_mut().for_each(|count| all(count, rows));
        Some(touching)
    }
}

/// Two gradients without the rows in which they may differ.
pub struct Comparable {
    backprop: Parameters<f64>,
    pub numerical: Parameters<f64>,
    left_out: Option<Parameters<f64>>,
    pub kinks: Vec<Kink>,
}

impl Comparable {
    /// From both gradients of all rows. `numerical_of` computes the numerical gradient of one row; its largest step is `h`.
    pub fn new(
        subject: &CheckedNetwork<'_>,
        h: f64,
        (backprop, numerical): (&Parameters<f64>, Parameters<f64>),
        numerical_of: &dyn Fn(Batch<'_>) -> Result<Parameters<f64>, Error>,
    ) -> Result<Comparable, Error> {
        let kinks = Kinks::within(h, subject)?;
        let (mut backprop, mut numerical) = (backprop.clone(), numerical);
        kinks.subtract(subject, &mut backprop, &|(rows, labels)| subject.net.gradient(rows, labels))?;
        kinks.subtract(subject, &mut numerical, numerical_of)?;
        Ok(Comparable { backprop, numerical, left_out: kinks.left_out(subject), kinks: kinks.found })
    }

    /// The difference of the gradients of each parameter.
    pub fn differences(&self) -> [Difference; 4] {
        Parameter::ALL.map(|p| Difference::of(p, &self.backprop, &self.numerical, self.left_out.as_ref()))
    }

    /// The differences between two numerical gradients with the same kinks.
    pub fn noise(&self, other: &Comparable) -> [Difference; 4] {
        Parameter::ALL.map(|p| Difference::of(p, &self.numerical, &other.numerical, self.left_out.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::difference::Verdict;
    use twolayer_core::{Init, Shape, TwoLayerNet};

    /// Two images with ink, and a blank one between them.
    const PIXELS: [u8; 9] = [255, 51, 9, 0, 0, 0, 0, 80, 255];

    /// A ReLU network with zero biases, whose unit 1 crosses 0 in row 0 when a weight of the first pixel moves by 1e-4.
    fn net() -> TwoLayerNet<f64> {
        let mut number = 0.0f64;
        let draw = || {
            number += 1.0;
            (number * 37.0).sin()
        };
        let mut parameters = Parameters::normal(Shape::new(3, 4, 2).unwrap(), Init::Normal(1.0), draw);
        let others: f64 = (1..3).map(|i| parameters.w1().get(i, 1) * input(PIXELS[i])).sum();
        parameters.get_mut(Parameter::W1).row_mut(0)[1] = 3e-5 - others;
        TwoLayerNet::new(parameters).with_activation(Activation::Relu)
    }

    fn compared(net: &TwoLayerNet<f64>, rows: std::ops::Range<usize>, h: f64, factor: f64) -> Comparable {
        let (pixels, labels) = (&PIXELS[3 * rows.start..3 * rows.end], &[1, 0, 0][rows]);
        let subject = CheckedNetwork { net, pixels, labels, h, tolerance: 1e-9 };
        let mut backprop = net.gradient(subject.batch().0, subject.batch().1).unwrap();
        let b1: Vec<f64> = backprop.b1().iter().map(|g| g * factor).collect();
        backprop.set(Parameter::B1, &b1).unwrap();
        let of = |batch: Batch<'_>| subject.numerical(batch, h);
        Comparable::new(&subject, h, (&backprop, of(subject.batch()).unwrap()), &of).unwrap()
    }

    fn verdicts(comparable: &Comparable) -> [Verdict; 4] {
        comparable.differences().map(|d| d.verdict(1e-9))
    }

    #[test]
    fn units_on_their_kink_are_compared_without_that_row() {
        let net = net();
        for h in [1e-4, 5e-5] {
            let comparable = compared(&net, 0..3, h, 1.0);
            let at: Vec<_> = comparable.kinks.iter().map(|kink| (kink.row, kink.unit)).collect();
            assert_eq!(at, [(0, 1), (1, 0), (1, 1), (1, 2), (1, 3)], "{:?}", comparable.kinks);
            assert!(
                (comparable.kinks[0].pre_activation - 3e-5).abs() < 1e-12 && comparable.kinks[1].pre_activation == 0.0
            );
            assert_eq!(verdicts(&comparable), [Verdict::Pass; 4]);
        }
        let subject = CheckedNetwork { net: &net, pixels: &PIXELS, labels: &[1, 0, 0], h: 1e-4, tolerance: 1e-9 };
        let kinks = Kinks::within(1e-4, &subject).unwrap();
        // Of the pixels 255, 51 and 9, only the first moves the pre-activation by 3e-5.
        assert_eq!(kinks.touched(&subject, &kinks.found[0]), [(Parameter::B1, 0), (Parameter::W1, 0)]);
    }

    #[test]
    fn what_no_row_is_left_of_is_left_out() {
        let blank = compared(&net(), 1..2, 1e-4, 1.0).differences();
        assert_eq!([blank[0].left_out, blank[1].left_out], [0, 4]);
        assert_eq!([blank[0], blank[1]].map(|d| d.verdict(1.0)), [Verdict::Unchecked; 2]);
        let first = compared(&net(), 0..1, 1e-4, 1.0).differences();
        assert_eq!([first[0].left_out, first[1].left_out, first[2].left_out], [1, 1, 0]);
    }

    #[test]
    fn a_wrong_gradient_is_not_taken_for_a_kink() {
        let verdicts = verdicts(&compared(&net(), 0..3, 1e-4, 1.001));
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Pass, Verdict::Pass]);
    }
}
