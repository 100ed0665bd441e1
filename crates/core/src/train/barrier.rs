//! A barrier that spins, then sleeps.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Polls before a waiting thread sleeps: some 200 µs where it was measured. That is longer than waking an idle core
/// takes on a virtual machine; otherwise workers that have slept once would keep sending each other to sleep.
///
/// Sleeping, not yielding: on a busy machine a thread that yields waits for a whole time slice of another one, while one
/// that is woken runs at once.
const SPINS: u32 = 20_000;

/// On a cache line of its own, so that polling one does not slow the writing of another.
#[repr(align(128))]
struct Padded<A>(A);

/// Where workers wait for each other, phase after phase.
pub(super) struct Barrier {
    workers: usize,
    spins: u32,
    arrived: Padded<AtomicUsize>,
    phase: Padded<AtomicUsize>,
    /// Workers that sleep or are about to.
    sleeping: AtomicUsize,
    mutex: Mutex<()>,
    condvar: Condvar,
    broken: AtomicBool,
}

/// A worker panicked: no further phase will be reached.
#[derive(Debug)]
pub(super) struct Broken;

impl Barrier {
    /// `spins`: whether waiting workers spin before they sleep.
    pub fn new(workers: usize, spins: bool) -> Self {
        let line = || Padded(AtomicUsize::new(0));
        Barrier {
            workers,
            spins: if spins { SPINS } else { 0 },
            arrived: line(),
            phase: line(),
            sleeping: AtomicUsize::new(0),
            mutex: Mutex::new(()),
            condvar: Condvar::new(),
            broken: AtomicBool::new(false),
        }
    }

    /// Returns once all workers have called it. What any worker wrote before is visible to all after.
    pub fn wait(&self) -> Result<(), Broken> {
        let phase = self.phase.0.load(Ordering::Relaxed);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == self.workers {
            self.arrived.0.store(0, Ordering::Relaxed);
            self.phase.0.store(phase.wrapping_add(1), Ordering::SeqCst);
            self.wake_all();
            return Ok(());
        }
        let passed = || self.phase.0.load(Ordering::SeqCst) != phase;
        for _ in 0..self.spins {
            if passed() || self.broken.load(Ordering::Relaxed) {
                break;
            }
            std::hint::spin_loop();
        }
        if !passed() {
            self.sleep_until(passed);
        }
        if passed() { Ok(()) } else { Err(Broken) }
    }

    /// Sleeps until `passed`, or until the barrier breaks.
    fn sleep_until(&self, passed: impl Fn() -> bool) {
        let mut guard = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        // Counts itself before it checks again; `wake_all` reads the count after the change that it announces. So one of
        // the two sees the other.
        self.sleeping.fetch_add(1, Ordering::SeqCst);
        while !passed() && !self.broken.load(Ordering::SeqCst) {
            guard = self.condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleeping.fetch_sub(1, Ordering::SeqCst);
    }

    /// Ends every wait, now and later, with [`Broken`].
    pub fn break_all(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    fn wake_all(&self) {
        if self.sleeping.load(Ordering::SeqCst) > 0 {
            // A worker that has counted itself releases the lock only when it waits for the condition variable.
            drop(self.mutex.lock().unwrap_or_else(PoisonError::into_inner));
            self.condvar.notify_all();
        }
    }
}

/// Breaks the barrier if its owner unwinds, so that no worker waits forever.
pub(super) struct BreakOnPanic<'a>(pub &'a Barrier);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::ThreadPool;

    #[test]
    fn breaking_the_barrier_ends_the_wait() {
        for spins in [false, true] {
            let barrier = Barrier::new(2, spins);
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| barrier.wait().is_err());
                std::thread::sleep(std::time::Duration::from_millis(20));
                barrier.break_all();
                assert!(waiting.join().unwrap());
            });
        }
    }

    #[test]
    fn a_panic_of_one_worker_ends_all() {
        for guilty in [0, 1, 2] {
            let barrier = Barrier::new(3, true);
            let work = |id: usize| {
                let _guard = BreakOnPanic(&barrier);
                for t in 0..100 {
                    if id == guilty && t == 50 {
                        std::panic::resume_unwind(Box::new("on purpose"));
                    }
                    if barrier.wait().is_err() {
                        return;
                    }
                }
                panic!("worker {guilty} did not panic");
            };
            let pool = ThreadPool::new(3);
            let run = std::panic::AssertUnwindSafe(|| pool.run(3, || work(0), &work));
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }
}
