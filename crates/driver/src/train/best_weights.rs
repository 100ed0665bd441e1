//! The best weights so far, by the accuracy on rows that are not trained on.

use twolayer_core::{Float, Parameters};

/// What validation has found best.
pub struct BestWeights<T: Float> {
    pub accuracy: f64,
    /// The number of the measurement, from 0 on.
    pub epoch: usize,
    /// Iterations that led to them.
    pub iterations: usize,
    pub parameters: Parameters<T>,
}

impl<T: Float> BestWeights<T> {
    /// Nothing has been measured yet.
    pub fn new(parameters: &Parameters<T>) -> Self {
        BestWeights { accuracy: f64::NEG_INFINITY, epoch: 0, iterations: 0, parameters: parameters.clone() }
    }

    /// Takes the weights after so many iterations, if their accuracy is better than any before.
    pub fn see(&mut self, (epoch, iterations): (usize, usize), accuracy: f64, parameters: &Parameters<T>) {
        if accuracy > self.accuracy {
            *self = BestWeights { accuracy, epoch, iterations, parameters: parameters.clone() };
        }
    }

    /// Whether `patience` epochs have gone by without anything better, when so many measurements were made.
    pub fn is_over(&self, measurements: usize, patience: Option<usize>) -> bool {
        patience.is_some_and(|patience| measurements > self.epoch + patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twolayer_core::Shape;

    #[test]
    fn patience_counts_epochs_since_the_best_and_equals_are_no_better() {
        let at = |x: f64| {
            let mut p = Parameters::<f64>::zeros(Shape::new(1, 1, 1).unwrap());
            p.set(twolayer_core::Parameter::B2, &[x]).unwrap();
            p
        };
        let mut best = BestWeights::new(&at(0.0));
        let accuracies = [0.1, 0.5, 0.4, 0.5, 0.6, 0.5, 0.6, 0.2];
        let mut over = Vec::new();
        for (i, &a) in accuracies.iter().enumerate() {
            best.see((i, 10 * i), a, &at(a));
            over.push(best.is_over(i + 1, Some(3)));
        }
        assert_eq!(over, [false, false, false, false, false, false, false, true]);
        assert_eq!((best.accuracy, best.epoch, best.iterations, best.parameters.b2()[0]), (0.6, 4, 40, 0.6));
        assert!(!best.is_over(1000, None));
    }
}
