//! The table of epochs that `train` prints.

use crate::number_format::{grouped, percent};
use crate::schedule::Schedule;

/// The most rows on a terminal; a file or a pipe gets all of them.
const TERMINAL_ROWS: usize = 40;
/// About as many rows of a longer table are shown, so that it fits a screen.
const SCREENFUL: usize = 24;

/// The columns.
const COLUMNS: [&str; 6] = ["epoch", "iteration", "loss", "train", "test", "valid"];
/// The columns that are dropped on a narrow terminal, in this order.
const DISPENSABLE: [usize; 2] = [1, 3];

/// One epoch of a run.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Measurement {
    /// The iteration after whose update the accuracies were taken.
    pub iteration: usize,
    /// The loss of that iteration's batch, before the update.
    pub loss: f64,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    /// The accuracy on the validation rows, if there are any.
    pub validation_accuracy: Option<f64>,
}

/// The table. Its columns are wide enough for the last row.
pub struct EpochTable {
    /// The width of each column; 0 for those that are dropped.
    widths: [usize; COLUMNS.len()],
    every: usize,
    last: usize,
}

impl EpochTable {
    /// The table of a run. On a terminal, a long one shows every n-th epoch, and one wider than `width` drops columns.
    pub fn new(schedule: Schedule, terminal: bool, validates: bool, width: Option<usize>) -> Self {
        let last = schedule.measurements().saturating_sub(1);
        let epoch = grouped(last).len().max("epoch".len());
        let iteration = grouped(schedule.iterations).len().max("iteration".len());
        let mut widths = [epoch, iteration, 9, 7, 7, if validates { 7 } else { 0 }];
        for column in DISPENSABLE {
            let total: usize = widths.iter().filter(|&&width| width > 0).map(|width| width + 2).sum();
            if width.is_some_and(|width| total > width + 2) {
                widths[column] = 0;
            }
        }
        let every = if terminal && last >= TERMINAL_ROWS { (last + 1).div_ceil(SCREENFUL) } else { 1 };
        EpochTable { widths, every, last }
    }

    /// A note on rows that are not shown.
    pub fn note(&self) -> Option<String> {
        let every = self.every;
        (every > 1).then(|| format!("One epoch in {every} is shown; in a pipe, or with --json, all are."))
    }

    /// The names of the columns.
    pub fn header(&self) -> String {
        self.line(COLUMNS)
    }

    /// The row of an epoch, if it is shown.
    pub fn row(&self, epoch: usize, m: &Measurement) -> Option<String> {
        (epoch.is_multiple_of(self.every) || epoch == self.last).then(|| {
            let loss = if m.loss < 1e4 { format!("{:.4}", m.loss) } else { format!("{:.2e}", m.loss) };
            let (train, test) = (percent(m.train_accuracy), percent(m.test_accuracy));
            let valid = m.validation_accuracy.map(percent).unwrap_or_default();
            self.line([&grouped(epoch), &grouped(m.iteration), &loss, &train, &test, &valid])
        })
    }

    fn line(&self, cells: [&str; COLUMNS.len()]) -> String {
        let shown = cells.into_iter().zip(self.widths).filter(|&(_, width)| width > 0);
        let cells: Vec<String> = shown.map(|(cell, width)| format!("{cell:>width$}")).collect();
        cells.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_as_wide_as_the_header() {
        let schedule = Schedule::new(60_000, 1, 12_345_678, None).unwrap();
        let table = EpochTable::new(schedule, false, true, None);
        for (epoch, loss, accuracy) in [(0, 2.25, 0.0987), (205, 1.5e9, 1.0)] {
            let validation_accuracy = Some(accuracy);
            let (train_accuracy, test_accuracy) = (accuracy, accuracy);
            let iteration = epoch * 60_000;
            let m = Measurement { iteration, loss, train_accuracy, test_accuracy, validation_accuracy };
            assert_eq!(table.row(epoch, &m).unwrap().len(), table.header().len());
        }
    }

    #[test]
    fn a_terminal_gets_a_screenful_with_the_last_epoch() {
        let (iteration, loss, validation_accuracy) = (0, 0.0, None);
        let m = Measurement { iteration, loss, train_accuracy: 0.0, test_accuracy: 0.0, validation_accuracy };
        for (epochs, terminal, expected) in [(715, true, 25), (715, false, 715), (40, true, 40), (41, true, 21)] {
            let schedule = Schedule::new(14, 1, 0, Some(epochs)).unwrap();
            let table = EpochTable::new(schedule, terminal, false, None);
            let shown = (0..epochs).filter(|&epoch| table.row(epoch, &m).is_some()).count();
            assert_eq!(shown, expected, "{epochs} epochs, terminal: {terminal}");
            assert!(table.row(epochs - 1, &m).is_some());
        }
    }
}
