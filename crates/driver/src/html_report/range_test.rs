//! The record of a learning-rate range test, and the rate that it suggests.

use serde::Serialize;

/// The share of the earlier losses in the smoothed one: some 20 batches weigh.
const SMOOTHING: f64 = 0.95;
/// The test ends when the smoothed loss is this many times its least.
const DIVERGED: f64 = 4.0;
/// The suggestion is the rate of the least smoothed loss, divided by this.
const CAUTION: f64 = 10.0;
/// A least loss above this share of the first is none: batches differ by as much.
const FALL: f64 = 0.97;

/// A batch: its rate, its loss before the update, and the smoothed loss.
#[derive(Serialize)]
pub struct Step {
    pub lr: f64,
    pub loss: f64,
    pub smoothed: f64,
}

/// The steps of a range test.
#[derive(Default)]
pub struct RangeTest {
    pub steps: Vec<Step>,
    /// Whether the test ended because the loss rose.
    pub diverged: bool,
    average: f64,
}

impl RangeTest {
    /// Adds a batch. False if the test ends with it.
    pub fn push(&mut self, lr: f64, loss: f64) -> bool {
        self.average = SMOOTHING * self.average + (1.0 - SMOOTHING) * loss;
        // The average began at zero.
        let smoothed = self.average / (1.0 - SMOOTHING.powi(self.steps.len() as i32 + 1));
        self.diverged = self.least().is_some_and(|least| smoothed > DIVERGED * least.smoothed);
        self.steps.push(Step { lr, loss, smoothed });
        !self.diverged
    }

    /// The step with the least smoothed loss.
    pub fn least(&self) -> Option<&Step> {
        self.steps.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))
    }

    /// A tenth of the rate with the least smoothed loss, to two digits; none if the loss hardly fell.
    pub fn suggestion(&self) -> Option<f64> {
        let (first, least) = (self.steps.first()?, self.least()?);
        let falls = least.smoothed < FALL * first.smoothed;
        falls.then(|| short(least.lr / CAUTION))
    }
}

/// A rate to two digits.
pub fn short(lr: f64) -> f64 {
    format!("{lr:.1e}").parse().unwrap_or(lr)
}
