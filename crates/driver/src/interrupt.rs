//! Ctrl-C: the first ends the run after the current iteration, the second ends the program.

use std::io::{IsTerminal, Write, stderr};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::terminal;

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit code of programs ended by Ctrl-C.
const ENDED: i32 = 130;

/// Handles Ctrl-C and termination signals from now on. If no handler can be set, they end the program as
/// before. With `quiet`, no note is printed.
pub fn listen(quiet: bool) {
    let _ = ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            process::exit(ENDED);
        }
        if !quiet && stderr().is_terminal() {
            let note = "stopping after this iteration; press Ctrl-C again to quit at once without saving";
            let _ = writeln!(stderr(), "\n{}", terminal::hanging("", note, terminal::width(stderr())));
        }
    });
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
