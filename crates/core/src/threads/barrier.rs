//! A barrier that spins, then sleeps.

use super::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, fence, polls, spin_loop};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Polls before a waiting thread sleeps: some 200 µs where it was measured. That is longer than waking an idle core
/// takes on a virtual machine; otherwise workers that have slept once would keep sending each other to sleep.
///
/// Sleeping, not yielding: on a busy machine a thread that yields waits for a whole time slice of another one, while one
/// that is woken runs at once.
const SPINS: usize = polls(20_000);

/// On a cache line of its own, so that polling one does not slow the writing of another.
#[repr(align(128))]
struct Padded<A>(A);

/// Where workers wait for each other, phase after phase.
pub struct Barrier {
    workers: usize,
    spins: usize,
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
pub struct Broken;

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
            self.phase.0.store(phase.wrapping_add(1), Ordering::Release);
            self.wake_all();
            return Ok(());
        }
        let passed = || self.phase.0.load(Ordering::Acquire) != phase;
        for _ in 0..self.spins {
            if passed() || self.broken.load(Ordering::Relaxed) {
                break;
            }
            spin_loop();
        }
        if !passed() {
            self.sleep_until(passed);
        }
        if passed() { Ok(()) } else { Err(Broken) }
    }

    /// Sleeps until `passed`, or until the barrier breaks.
    fn sleep_until(&self, passed: impl Fn() -> bool) {
        let mut guard = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        // Counts itself before it checks again; `wake_all` reads the count after the change that it announces. So, with a
        // fence between the two on either side, one sees the other.
        self.sleeping.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while !passed() && !self.broken.load(Ordering::Relaxed) {
            guard = self.condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleeping.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends every wait, now and later, with [`Broken`].
    pub fn break_all(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.wake_all();
    }

    /// Calls a worker's part, and breaks if that panics, so that no other worker waits forever.
    ///
    /// # Panics
    /// If `work` does.
    pub fn break_on_panic<R>(&self, work: impl FnOnce() -> R) -> R {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            self.break_all();
            resume_unwind(panic)
        })
    }

    fn wake_all(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) > 0 {
            // A worker that has counted itself releases the lock only when it waits for the condition variable.
            drop(self.mutex.lock().unwrap_or_else(PoisonError::into_inner));
            self.condvar.notify_all();
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
            let phases = |id: usize| {
                for t in 0..100 {
                    if id == guilty && t == 50 {
                        resume_unwind(Box::new("on purpose"));
                    }
                    if barrier.wait().is_err() {
                        return;
                    }
                }
                panic!("worker {guilty} did not panic");
            };
            let work = |id| barrier.break_on_panic(|| phases(id));
            let pool = ThreadPool::new(3);
            assert!(catch_unwind(AssertUnwindSafe(|| pool.run(3, || work(0), &work))).is_err());
        }
    }
}
