//! Numbers for people: grouped, aligned, in columns.

use crate::schedule::Schedule;

/// Most rows of the table of epochs on a terminal; a file or a pipe gets every one.
const TERMINAL_ROWS: usize = 40;
/// About as many rows are left of a longer table, so that it fits on a screen.
const SCREENFUL: usize = 24;

/// The columns of the table of epochs.
const COLUMNS: [&str; 6] = ["epoch", "iteration", "loss", "train", "test", "valid"];
/// Those that a narrow terminal does without, the first one first: an epoch has so many iterations, and the accuracy on
/// the training set is told at the end.
const DISPENSABLE: [usize; 2] = [1, 3];

/// `12,345,678`
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `94.68%`
pub fn percent(fraction: f64) -> String {
    format!("{:.2}%", 100.0 * fraction)
}

/// `1 iteration`, `2 iterations`
pub fn count(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A time, as precisely as anybody wants to know it.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.2} s"),
        s => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
    }
}

/// One epoch of a run.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Measurement {
    /// The iteration after whose update the accuracies were taken.
    pub iteration: usize,
    /// The loss of that iteration's batch, before the update.
    pub loss: f64,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    /// Where rows are kept back to validate with.
    pub validation_accuracy: Option<f64>,
}

/// The table of epochs. Its columns are as wide as the run's last row needs.
pub struct EpochTable {
    /// Of each column; 0 of those that are left out.
    widths: [usize; COLUMNS.len()],
    every: usize,
    last: usize,
}

impl EpochTable {
    /// A table for a run; on a terminal a long one shows every n-th epoch only, and one that is wider than `width` not
    /// all of its columns.
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

    /// A word on what is left out.
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
    fn numbers_are_grouped() {
        let expected = [(0, "0"), (999, "999"), (1000, "1,000"), (60_000, "60,000"), (1_234_567, "1,234,567")];
        for (n, text) in expected {
            assert_eq!(grouped(n), text);
        }
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(2000, "row"), "2,000 rows");
    }

    #[test]
    fn times_have_a_fitting_unit() {
        let expected = [(3.2e-5, "32.0 µs"), (0.25, "250.0 ms"), (1.234, "1.23 s"), (187.9, "3 min 07 s")];
        for (s, text) in expected {
            assert_eq!(seconds(s), text);
        }
    }

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
