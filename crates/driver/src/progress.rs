//! The progress bar, on standard error if that is a terminal.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time between updates: an iteration takes microseconds, an update not much less.
const EVERY: usize = 64;

/// A progress bar over the iterations of a run, possibly hidden.
pub struct Progress {
    bar: ProgressBar,
    accuracies: String,
}

impl Progress {
    /// A bar for `iterations`; hidden if `wanted` is false or standard error is not a terminal.
    pub fn new(iterations: usize, wanted: bool) -> Self {
        let target =
            if wanted && stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:12} {percent:>3}% {eta:>4} left  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(Some(iterations as u64), target).with_style(style);
        Progress { bar, accuracies: String::new() }
    }

    /// Updates the bar with an iteration's loss.
    pub fn iteration(&self, iteration: usize, loss: f64) {
        if iteration.is_multiple_of(EVERY) && !self.bar.is_hidden() {
            self.bar.set_position(iteration as u64);
            self.bar.set_message(format!("loss {loss:.4}{}", self.accuracies));
        }
    }

    /// Updates the bar with an epoch's accuracies.
    pub fn epoch(&mut self, train: f64, test: f64) {
        self.accuracies = format!("  train {:.2}%  test {:.2}%", 100.0 * train, 100.0 * test);
    }

    /// Calls `print` with the bar hidden.
    pub fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    /// A failed run must not leave a bar in front of its error.
    fn drop(&mut self) {
        self.clear();
    }
}
