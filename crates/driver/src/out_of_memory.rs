//! A failed allocation ends the program with an error rather than by a signal.
//!
//! Rust's standard library then says how many bytes were refused and calls `abort`, and stable Rust has nothing to
//! change that. So the signal that `abort` raises is handled: unfinished files are removed, and the program exits with
//! code 1. Only what takes no memory is called.
#![allow(unsafe_code)]

use twolayer_core::MemoryEstimate;

use crate::error::CliError;

macro_rules! text {
    () => {
        "out of memory: the system gives this program no more; end other programs, raise a limit such as ulimit -v, or \
         ask for less work at once (smaller pictures or data, a lower --hidden, --batch or --threads)"
    };
}

/// Panics of dependencies are put down to memory if the system refuses this much then: the most that any of them
/// allocates at a time and does not check, the state of a compressor, is a third of it.
const SHORT: usize = 1 << 20;

/// Handles failed allocations from now on.
pub fn listen() {
    // SAFETY: `on_abort` may run in a handler: it calls nothing but `unlink`, `write` and `_exit`.
    unsafe { libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t) };
}

extern "C" fn on_abort(_: libc::c_int) {
    const ERROR: &[u8] = concat!("error: ", text!(), "\n").as_bytes();
    twolayer_atomic::remove_unfinished();
    // SAFETY: both may be called in a handler; the text is static.
    unsafe {
        libc::write(2, ERROR.as_ptr().cast(), ERROR.len() as _);
        libc::_exit(1);
    }
}

/// The error of a panic that memory explains.
pub fn explains_panic() -> Option<CliError> {
    let refused = !MemoryEstimate::default().elements(SHORT, 1).is_available();
    refused.then(|| CliError::new(text!()))
}
