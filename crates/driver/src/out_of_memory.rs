//! A failed allocation ends the program with an error rather than by a signal.
//!
//! Rust's standard library then says how many bytes were refused and calls `abort`, and stable Rust has nothing to
//! change that. So the program's allocator notes what is refused, and the signal that `abort` raises is handled:
//! unfinished files are removed, and if an allocation was refused, the program exits with code 1. Any other abort keeps
//! its meaning, unless it comes soon after a refusal. The handler calls only what takes no memory. The standard library
//! allocates a thread's handle from the system directly; if that is refused, only `errno` shows it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;

macro_rules! text {
    () => {
        "out of memory: the system gives this program no more; end other programs, raise a limit such as ulimit -v, or \
         ask for less work at once (smaller pictures or data, a lower --hidden, --batch or --threads)"
    };
}

/// Whether the system refused an allocation.
static REFUSED: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Noting = Noting;

/// The system's allocator; notes what it refuses.
struct Noting;

fn noted(allocated: *mut u8) -> *mut u8 {
    if allocated.is_null() {
        REFUSED.store(true, Ordering::Relaxed);
    }
    allocated
}

// SAFETY: the system's allocator is one, and does all.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for; so below.
        noted(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        noted(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; `old` is from `System`.
        noted(unsafe { System.realloc(old, layout, size) })
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as above; `old` is from `System`.
        unsafe { System.dealloc(old, layout) }
    }
}

/// Handles failed allocations from now on.
pub fn listen() {
    // SAFETY: `on_abort` may run in a handler: it reads `errno`, and calls nothing but `unlink`, `write`, `_exit`,
    // `signal` and `raise`.
    unsafe { libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t) };
}

extern "C" fn on_abort(_: libc::c_int) {
    const ERROR: &[u8] = concat!("error: ", text!(), "\n").as_bytes();
    let last = io::Error::last_os_error().raw_os_error();
    twolayer_atomic::remove_unfinished();
    // SAFETY: all may be called in a handler; the text is static.
    unsafe {
        if REFUSED.load(Ordering::Relaxed) || last == Some(libc::ENOMEM) {
            libc::write(2, ERROR.as_ptr().cast(), ERROR.len() as _);
            libc::_exit(1);
        }
        // Ends the program as if it had not been handled, on return at the latest.
        libc::signal(libc::SIGABRT, libc::SIG_DFL);
        libc::raise(libc::SIGABRT);
    }
}

/// The error of a panic that memory explains: that of a dependency which does not check an allocation.
pub fn explains_panic() -> Option<CliError> {
    REFUSED.load(Ordering::Relaxed).then(|| CliError::new(text!()))
}
