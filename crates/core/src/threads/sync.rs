//! What threads synchronise with: the standard library's types or, under `--cfg loom`, loom's, with which a test runs
//! every order of events (`.ci/loom`, docs/security.md).

use std::io;

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicUsize, fence},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Builder, JoinHandle},
};
#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicUsize, fence},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Builder, JoinHandle},
};

/// How often to poll before sleeping: one time tells a model all that `times` do.
pub(crate) const fn polls(times: usize) -> usize {
    if cfg!(loom) { 1 } else { times }
}

/// Starts a thread.
///
/// # Errors
/// If the system refuses it; in a model, if the thread is one after [`GRANTED`].
pub(crate) fn spawn(builder: Builder, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    #[cfg(loom)]
    if !GRANTED.with(|left| left.replace(left.get().saturating_sub(1)) > 0) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    builder.spawn(work)
}

#[cfg(loom)]
std::thread_local! {
    /// How many more threads the model's system grants.
    pub(crate) static GRANTED: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}
