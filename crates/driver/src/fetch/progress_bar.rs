//! The progress bar of a download, on standard error if that is a terminal, after one second.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter downloads show no bar.
const MOMENT: Duration = Duration::from_secs(1);

/// A progress bar over the bytes of a file, possibly hidden.
pub struct DownloadBar {
    bar: ProgressBar,
    started: Instant,
    waiting: bool,
}

impl DownloadBar {
    /// A bar for the file `name`, of which `from` bytes are present, out of `total` if known; hidden unless
    /// `wanted`.
    pub fn new(name: &str, from: u64, total: Option<u64>, wanted: bool) -> Self {
        let template = match total {
            Some(_) => "{bar:12} {percent:>3}% {eta:>4} left  {bytes_per_sec}  {wide_msg}",
            None => "{spinner} {bytes}  {bytes_per_sec}  {wide_msg}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
            .with_style(style.progress_chars("━╸─"))
            .with_message(name.to_string())
            .with_position(from);
        bar.reset_eta();
        DownloadBar { bar, started: Instant::now(), waiting: wanted && stderr().is_terminal() }
    }

    /// Updates the number of bytes.
    pub fn at(&mut self, bytes: u64) {
        if self.waiting && self.started.elapsed() > MOMENT {
            self.waiting = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(bytes);
    }
}

impl Drop for DownloadBar {
    /// A failed download must not leave a bar in front of its error.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
