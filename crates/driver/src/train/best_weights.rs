//! The best weights so far, by validation accuracy.

use twolayer_core::{Float, Parameters};

/// The best weights and their accuracy.
pub struct BestWeights<T: Float> {
    pub accuracy: f64,
    /// The index of the measurement.
    pub epoch: usize,
    /// The iterations up to them.
    pub iterations: usize,
    pub parameters: Parameters<T>,
}

impl<T: Float> BestWeights<T> {
    /// Before the first measurement.
    pub fn new(parameters: &Parameters<T>) -> Self {
        BestWeights { accuracy: f64::NEG_INFINITY, epoch: 0, iterations: 0, parameters: parameters.clone() }
    }

    /// Stores the weights if their accuracy is the best so far.
    pub fn see(&mut self, (epoch, iterations): (usize, usize), accuracy: f64, parameters: &Parameters<T>) {
        if accuracy > self.accuracy {
            *self = BestWeights { accuracy, epoch, iterations, parameters: parameters.clone() };
        }
    }

    /// Whether the best is at least `patience` of the `measurements` ago.
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
