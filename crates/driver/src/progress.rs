//! The progress bar, on standard error if that is a terminal.

use std::fmt::Write;
use std::io::{IsTerminal, stderr};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::number_format::{self, percent};
use crate::terminal;

/// The time between updates: an iteration takes microseconds, an update not much less.
const EVERY: usize = 64;

/// A progress bar over the iterations of a run, possibly hidden.
pub struct Progress {
    bar: ProgressBar,
    /// The columns for the message.
    width: usize,
    accuracies: Vec<String>,
}

/// The columns of the bar with its gaps: `━━━ 12%  59s left  `, up to `99m left`.
pub const BAR: usize = 29;

impl Progress {
    /// A bar for `iterations`; hidden if `wanted` is false or standard error is not a terminal.
    pub fn new(iterations: usize, wanted: bool) -> Self {
        let target =
            if wanted && stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = style("{bar:12} {percent:>3}% {time:>4} left  {wide_msg}");
        let bar = ProgressBar::with_draw_target(Some(iterations as u64), target).with_style(style);
        let width = terminal::width(stderr()).map_or(usize::MAX, |width| width.saturating_sub(BAR));
        Progress { bar, width, accuracies: Vec::new() }
    }

    /// Updates the bar with an iteration's loss.
    pub fn iteration(&self, iteration: usize, loss: f64) {
        if iteration.is_multiple_of(EVERY) && !self.bar.is_hidden() {
            self.bar.set_position(iteration as u64);
            let parts = self.accuracies.iter().cloned().chain([format!("loss {}", number_format::loss(loss))]);
            self.bar.set_message(that_fit(parts, self.width));
        }
    }

    /// Updates the bar with an epoch's accuracies.
    pub fn epoch(&mut self, train: f64, test: f64) {
        self.accuracies =
            [("test", test), ("train", train)].map(|(set, share)| format!("{set} {}", percent(share))).into();
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

/// The style of all bars; `{time}` is the time left, once it can be estimated.
pub fn style(template: &str) -> ProgressStyle {
    let left = |state: &ProgressState, text: &mut dyn Write| {
        let _ = match state.pos() {
            0 => write!(text, "?"),
            _ => write!(text, "{:#}", HumanDuration(state.eta())),
        };
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("time", left).progress_chars("━╸─")
}

/// The first of the parts that fit into `width` together, so that none is cut.
fn that_fit(parts: impl IntoIterator<Item = String>, width: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let gap = if text.is_empty() { "" } else { "  " };
        if text.chars().count() + gap.len() + part.chars().count() > width {
            break;
        }
        text += gap;
        text += &part;
    }
    text
}

impl Drop for Progress {
    /// A failed run must not leave a bar in front of its error.
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_a_whole_part() {
        let of = |width| that_fit(["test 94.68%", "train 94.80%", "loss 0.1804"].map(String::from), width);
        assert_eq!(of(80), "test 94.68%  train 94.80%  loss 0.1804");
        assert_eq!(
            (of(60 - BAR), of(24), of(5)),
            ("test 94.68%  train 94.80%".into(), "test 94.68%".into(), "".into())
        );
    }
}
