//! The table of epochs that `train` prints.

use crate::number_format::{grouped, loss, percent};
use crate::schedule::Schedule;

/// The most rows that are all shown without `--every-epoch`.
const MOST_ROWS: usize = 40;
/// About as many rows of a longer table are shown, so that it fits a screen.
const SCREENFUL: usize = 24;

/// The columns.
const COLUMNS: [&str; 7] = ["epoch", "iterations", "loss", "test loss", "train", "test", "valid"];
/// The columns that are dropped on a narrow terminal, in this order.
const DISPENSABLE: [usize; 3] = [1, 4, 3];

/// The state of a run after some iterations.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Measurement {
    /// The iterations done, that is, updates of the weights.
    pub iterations: usize,
    /// The mean loss of the batches since the measurement before, each before its update.
    pub loss: f64,
    /// The mean loss on the test set.
    pub test_loss: f64,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    /// The accuracy on the validation rows, if there are any.
    pub validation_accuracy: Option<f64>,
}

/// The table. Its columns are wide enough for the last row.
pub struct EpochTable {
    /// The width of each column; 0 for those that are dropped.
    widths: [usize; COLUMNS.len()],
    /// Every how many epochs a row is shown.
    every: usize,
    schedule: Schedule,
}

impl EpochTable {
    /// The table of a run. Unless `all` epochs are asked for, a long one shows every n-th; one wider than `width` drops
    /// columns.
    pub fn new(schedule: Schedule, all: bool, validates: bool, width: Option<usize>) -> Self {
        let last = schedule.measurements().saturating_sub(1);
        // The last row may be within an epoch, such as 16.6.
        let epoch = (grouped(last).len() + 2).max("epoch".len());
        let iterations = grouped(schedule.iterations).len().max("iterations".len());
        let mut widths = [epoch, iterations, 9, 9, 7, 7, if validates { 7 } else { 0 }];
        for column in DISPENSABLE {
            let total: usize = widths.iter().filter(|&&width| width > 0).map(|width| width + 2).sum();
            if width.is_some_and(|width| total > width + 2) {
                widths[column] = 0;
            }
        }
        let every = if !all && last >= MOST_ROWS { (last + 1).div_ceil(SCREENFUL) } else { 1 };
        EpochTable { widths, every, schedule }
    }

    /// A note on rows that are not shown.
    pub fn note(&self) -> Option<String> {
        let every = self.every;
        (every > 1).then(|| format!("One epoch in {every} is shown; --every-epoch shows all, and --json has them."))
    }

    /// The names of the columns.
    pub fn header(&self) -> String {
        self.line(COLUMNS)
    }

    /// The row of a measurement, if it is shown; the last of a run always is.
    pub fn row(&self, m: &Measurement, last: bool) -> Option<String> {
        let (epoch, done) = self.schedule.epochs(m.iterations);
        (last || epoch.is_multiple_of(self.every)).then(|| {
            let epoch = if done == 0 { grouped(epoch) } else { format!("{}.{done}", grouped(epoch)) };
            let (train, test) = (percent(m.train_accuracy), percent(m.test_accuracy));
            let valid = m.validation_accuracy.map(percent).unwrap_or_default();
            self.line([&epoch, &grouped(m.iterations), &loss(m.loss), &loss(m.test_loss), &train, &test, &valid])
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
        let table = EpochTable::new(schedule, true, true, None);
        for (epoch, loss, accuracy) in [(0, 2.25, 0.0987), (205, 1.5e9, 1.0)] {
            let validation_accuracy = Some(accuracy);
            let (train_accuracy, test_accuracy, test_loss) = (accuracy, accuracy, loss);
            for iterations in [epoch * 60_000 + 1, epoch * 60_000 + 59_999] {
                let m = Measurement { iterations, loss, test_loss, train_accuracy, test_accuracy, validation_accuracy };
                assert_eq!(table.row(&m, false).unwrap().len(), table.header().len());
            }
        }
    }

    #[test]
    fn a_long_table_gets_a_screenful_with_the_last_epoch() {
        let at = |iterations| Measurement {
            iterations,
            loss: 0.0,
            test_loss: 0.0,
            train_accuracy: 0.0,
            test_accuracy: 0.0,
            validation_accuracy: None,
        };
        for (epochs, all, expected) in [(715, false, 25), (715, true, 715), (40, false, 40), (41, false, 21)] {
            let schedule = Schedule::new(14, 1, 0, Some(epochs)).unwrap();
            let table = EpochTable::new(schedule, all, false, None);
            let row = |epoch: usize| table.row(&at(14 * epoch + 1), epoch + 1 == epochs);
            let shown = (0..epochs).filter(|&epoch| row(epoch).is_some()).count();
            assert_eq!(shown, expected, "{epochs} epochs, all: {all}");
            assert!(row(epochs - 1).is_some());
        }
    }
}
