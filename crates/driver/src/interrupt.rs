//! Ctrl-C: the first ends the run after the current iteration, the second ends the program and removes its temporary
//! files. On Windows, too: there the handler runs on a thread of its own.
#![allow(unsafe_code)]

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);
/// Whether to print the note.
static TELLS: AtomicBool = AtomicBool::new(false);

/// The exit code of programs ended by Ctrl-C.
const ENDED: i32 = 130;

const NOTE: &[u8] = b"\nstopping after this iteration;\npress Ctrl-C again to quit at once without saving\n";

/// Handles Ctrl-C and signals to end from now on, without a thread. If no handler can be set, they end the program as
/// before. With `quiet`, no note is printed.
pub fn listen(quiet: bool) {
    TELLS.store(!quiet && stderr().is_terminal(), Ordering::Relaxed);
    #[cfg(unix)]
    let signals = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
    #[cfg(not(unix))]
    let signals = [libc::SIGINT, libc::SIGTERM];
    for signal in signals {
        // SAFETY: `on_signal` does nothing that a handler must not: it uses atomic flags, `unlink`,
        // `write` and `_exit`.
        unsafe { libc::signal(signal, on_signal as *const () as libc::sighandler_t) };
    }
}

extern "C" fn on_signal(_: libc::c_int) {
    let again = ASKED.swap(true, Ordering::Relaxed);
    if again {
        twolayer_atomic::remove_unfinished();
    }
    // SAFETY: both may be called in a handler; the note is static.
    unsafe {
        if again {
            libc::_exit(ENDED);
        }
        if TELLS.load(Ordering::Relaxed) {
            libc::write(2, NOTE.as_ptr().cast(), NOTE.len() as _);
        }
    }
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
