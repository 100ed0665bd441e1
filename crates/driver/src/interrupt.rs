//! Ctrl-C: the first asks the run to end after the iteration in hand, the second ends the program.

use std::io::{IsTerminal, Write, stderr};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::terminal;

static ASKED: AtomicBool = AtomicBool::new(false);

/// The code by which shells know that a program was ended by Ctrl-C.
const ENDED: i32 = 130;

/// From now on Ctrl-C, and a request of the system to end, are heard. If they cannot be, they end the program at once, as
/// they would without this. One that is `quiet` says nothing of it.
pub fn listen(quiet: bool) {
    let _ = ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            process::exit(ENDED);
        }
        if !quiet && stderr().is_terminal() {
            let note = "stopping after this iteration; Ctrl-C once more quits at once, and saves nothing";
            let _ = writeln!(stderr(), "\n{}", terminal::hanging("", note, terminal::width(stderr())));
        }
    });
}

/// Whether the run has been asked to end.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
