//! The progress bar of a download or of reading, on standard error if that is a terminal, after one second.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::progress::{BAR, style};
use crate::terminal;

/// What takes less time shows no bar.
const MOMENT: Duration = Duration::from_secs(1);

/// The columns of a number of bytes, a second, with its gap: `1,023.99 KiB/s  `.
const RATE: usize = 16;

/// A progress bar over the bytes or the parts of something, possibly hidden.
pub struct WaitingBar {
    bar: ProgressBar,
    started: Instant,
    waiting: bool,
}

impl WaitingBar {
    /// A bar for the download of the file `name`, of which `from` bytes are present, out of `total` if known; hidden unless
    /// `wanted`.
    pub fn bytes(name: &str, from: u64, total: Option<u64>, wanted: bool) -> Self {
        let (template, before) = match total {
            Some(_) => ("{bar:12} {percent:>3}% {time:>4} left  {bytes_per_sec}  {wide_msg}", BAR + RATE),
            None => ("{spinner} {bytes}  {bytes_per_sec}  {wide_msg}", RATE + RATE),
        };
        WaitingBar::new((name, before), from, total, template, wanted)
    }

    /// A bar for reading `name`, of `total` parts; hidden unless `wanted`.
    pub fn parts(name: &str, total: u64, wanted: bool) -> Self {
        WaitingBar::new((name, BAR), 0, Some(total), "{bar:12} {percent:>3}% {time:>4} left  {wide_msg}", wanted)
    }

    fn new((name, before): (&str, usize), from: u64, total: Option<u64>, template: &str, wanted: bool) -> Self {
        let width = terminal::width(stderr()).unwrap_or(usize::MAX);
        let shown = terminal::tail(name, width.saturating_sub(before));
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
            .with_style(style(template))
            .with_message(shown)
            .with_position(from);
        bar.reset_eta();
        WaitingBar { bar, started: Instant::now(), waiting: wanted && stderr().is_terminal() }
    }

    /// Updates the number of bytes or parts.
    pub fn at(&mut self, done: u64) {
        if self.waiting && self.started.elapsed() > MOMENT {
            self.waiting = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }
}

impl Drop for WaitingBar {
    /// A failure must not leave a bar in front of its error.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
