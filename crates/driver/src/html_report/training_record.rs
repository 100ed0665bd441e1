//! The record of a training run: losses, in bounded memory, and accuracies.

use crate::epoch_table::Measurement;

/// The most windows; a picture has not many more columns.
const MOST_WINDOWS: usize = 400;

/// The losses of neighbouring iterations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// The first iteration.
    pub from: usize,
    /// The number of iterations with a finite loss.
    pub count: usize,
    pub sum: f64,
    pub least: f64,
    pub most: f64,
}

impl Window {
    fn new(iteration: usize, loss: f64) -> Self {
        Window { from: iteration, count: 1, sum: loss, least: loss, most: loss }
    }

    /// The iteration in the middle.
    pub fn middle(&self) -> f64 {
        self.from as f64 + (self.count - 1) as f64 / 2.0
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    fn join(&mut self, later: Window) {
        self.count += later.count;
        self.sum += later.sum;
        self.least = self.least.min(later.least);
        self.most = self.most.max(later.most);
    }
}

/// The losses of a run as means and ranges over windows of equal length. When there are too many windows,
/// pairs are merged, so memory does not grow with the run.
#[derive(Clone, Debug, Default)]
pub struct LossCurve {
    length: usize,
    windows: Vec<Window>,
}

impl LossCurve {
    /// Adds the loss of the next iteration. Losses that are not finite are skipped.
    pub fn push(&mut self, iteration: usize, loss: f64) {
        if !loss.is_finite() {
            return;
        }
        let length = self.length.max(1);
        match self.windows.last_mut() {
            Some(last) if last.count < length => last.join(Window::new(iteration, loss)),
            _ => self.windows.push(Window::new(iteration, loss)),
        }
        self.length = length;
        if self.windows.len() > MOST_WINDOWS {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.length *= 2;
        let mut joined: Vec<Window> = Vec::with_capacity(MOST_WINDOWS);
        for pair in self.windows.chunks(2) {
            let mut first = pair[0];
            pair[1..].iter().for_each(|later| first.join(*later));
            joined.push(first);
        }
        self.windows = joined;
    }

    /// The curve as numbers, for a checkpoint.
    pub fn numbers(&self) -> Vec<f64> {
        let window = |w: &Window| [w.from as f64, w.count as f64, w.sum, w.least, w.most];
        [self.length as f64].into_iter().chain(self.windows.iter().flat_map(window)).collect()
    }

    /// The curve from such numbers; `None` if they are invalid.
    pub fn of_numbers(numbers: &[f64]) -> Option<Self> {
        let (&length, windows) = numbers.split_first()?;
        let window = |w: &[f64]| match *w {
            [from, count, sum, least, most] => {
                Some(Window { from: from as usize, count: count as usize, sum, least, most })
            }
            _ => None,
        };
        let windows = windows.chunks(5).map(window).collect::<Option<Vec<_>>>()?;
        (windows.len() <= MOST_WINDOWS && windows.iter().all(|w| w.count > 0))
            .then_some(LossCurve { length: length as usize, windows })
    }

    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Iterations per window; the last may have fewer.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The record of a run, also of one that diverged.
#[derive(Default)]
pub struct TrainingRecord {
    logs: bool,
    /// Iterations per epoch.
    pub epoch: usize,
    /// Iterations with a loss, finite or not.
    pub iterations: usize,
    /// The loss of every iteration, if logged.
    pub losses: Vec<f64>,
    pub curve: LossCurve,
    /// The sum and the number of the losses since the last measurement.
    pub since: (f64, usize),
    pub history: Vec<Measurement>,
}

impl TrainingRecord {
    /// An empty record; with `logs`, it keeps every loss.
    pub fn new(logs: bool, epoch: usize) -> Self {
        TrainingRecord { logs, epoch, ..TrainingRecord::default() }
    }

    /// Adds the loss of an iteration.
    pub fn push(&mut self, iteration: usize, loss: f64) {
        self.iterations = iteration + 1;
        if self.logs {
            self.losses.push(loss);
        }
        self.curve.push(iteration, loss);
        self.since = (self.since.0 + loss, self.since.1 + 1);
    }

    /// Adds a measurement.
    pub fn measure(&mut self, m: Measurement) {
        self.since = (0.0, 0);
        self.history.push(m);
    }

    /// At most about `most` measurements, including the first and the last.
    pub fn some_of_history(&self, most: usize) -> Vec<Measurement> {
        let every = self.history.len().div_ceil(most).max(1);
        let last = self.history.len().saturating_sub(1);
        let chosen = self.history.iter().enumerate().filter(|(i, _)| i.is_multiple_of(every) || *i == last);
        chosen.map(|(_, m)| *m).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(losses: impl IntoIterator<Item = f64>) -> LossCurve {
        let mut curve = LossCurve::default();
        losses.into_iter().enumerate().for_each(|(i, loss)| curve.push(i, loss));
        curve
    }

    #[test]
    fn a_curve_continues_from_a_checkpoint() {
        let whole = curve((0..5000).map(f64::from));
        let mut part = LossCurve::of_numbers(&curve((0..1234).map(f64::from)).numbers()).unwrap();
        (1234..5000).for_each(|i| part.push(i, i as f64));
        assert_eq!(part.numbers(), whole.numbers());
        assert!(LossCurve::of_numbers(&[]).is_none() && LossCurve::of_numbers(&[1.0, 2.0]).is_none());
    }

    #[test]
    fn a_short_run_keeps_every_loss() {
        let curve = curve([3.0, 1.0, 2.0]);
        assert_eq!((curve.length(), curve.windows().len()), (1, 3));
        assert_eq!(curve.windows()[1], Window { from: 1, count: 1, sum: 1.0, least: 1.0, most: 1.0 });
    }

    #[test]
    fn a_long_run_keeps_means_and_ranges_of_equal_windows() {
        for iterations in [401, 402, 1000, 10_000, 123_457] {
            let loss = |i: usize| (i % 7) as f64 + i as f64 / 1000.0;
            let curve = curve((0..iterations).map(loss));
            let (length, windows) = (curve.length(), curve.windows());
            assert!(length.is_power_of_two() && (200..=MOST_WINDOWS).contains(&windows.len()), "{}", windows.len());
            for (k, window) in windows.iter().enumerate() {
                let range = k * length..((k + 1) * length).min(iterations);
                let expected: Vec<f64> = range.clone().map(loss).collect();
                assert_eq!((window.from, window.count), (range.start, range.len()));
                let sum: f64 = expected.iter().sum();
                assert!((window.mean() - sum / expected.len() as f64).abs() < 1e-9);
                assert_eq!(window.least, expected.iter().copied().fold(f64::INFINITY, f64::min));
                assert_eq!(window.most, expected.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                assert_eq!(window.middle(), (range.start + range.end - 1) as f64 / 2.0);
            }
        }
    }

    #[test]
    fn non_finite_losses_are_skipped_and_a_run_may_start_at_any_iteration() {
        let mut curve = LossCurve::default();
        for (iteration, loss) in [(500, 1.0), (501, f64::NAN), (502, f64::INFINITY), (503, 2.0)] {
            curve.push(iteration, loss);
        }
        assert_eq!(curve.windows().iter().map(|w| w.from).collect::<Vec<_>>(), [500, 503]);
    }

    #[test]
    fn a_sample_of_a_long_history_includes_both_ends() {
        let mut record = TrainingRecord::new(false, 1);
        for iterations in 0..1000 {
            let m = Measurement {
                iterations,
                loss: 1.0,
                test_loss: 1.0,
                train_accuracy: 0.5,
                test_accuracy: 0.5,
                validation_accuracy: None,
            };
            record.measure(m);
        }
        let some: Vec<usize> = record.some_of_history(30).iter().map(|m| m.iterations).collect();
        assert!(some.len() <= 31 && some[0] == 0 && some[some.len() - 1] == 999, "{some:?}");
        assert_eq!(record.some_of_history(1000).len(), 1000);
        assert!(TrainingRecord::new(false, 1).some_of_history(30).is_empty());
    }
}
