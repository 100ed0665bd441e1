//! The progress bar: on standard error, and only where somebody watches.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two looks at the bar. An iteration takes microseconds, a look not much less.
const EVERY: usize = 64;

/// A bar over the iterations of a run, or nothing at all.
pub struct Progress {
    bar: ProgressBar,
    accuracies: String,
}

impl Progress {
    /// A bar for a run of `iterations`; invisible if `wanted` is false or standard error is no terminal.
    pub fn new(iterations: usize, wanted: bool) -> Self {
        let target =
            if wanted && stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:12} {percent:>3}% {eta:>4} left  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(Some(iterations as u64), target).with_style(style);
        Progress { bar, accuracies: String::new() }
    }

    /// Tells the bar of an iteration's loss.
    pub fn iteration(&self, iteration: usize, loss: f64) {
        if iteration.is_multiple_of(EVERY) && !self.bar.is_hidden() {
            self.bar.set_position(iteration as u64);
            self.bar.set_message(format!("loss {loss:.4}{}", self.accuracies));
        }
    }

    /// Tells the bar of an epoch's accuracies.
    pub fn epoch(&mut self, train: f64, test: f64) {
        self.accuracies = format!("  train {:.2}%  test {:.2}%", 100.0 * train, 100.0 * test);
    }

    /// Prints something, `print`, with the bar out of the way.
    pub fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    /// A run that fails must not leave half a bar in front of its error.
    fn drop(&mut self) {
        self.clear();
    }
}
