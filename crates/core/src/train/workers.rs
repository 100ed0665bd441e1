//! The worker threads of a training run, and the memory that they share.

use super::barrier::Barrier;
use crate::buffer::{Aligned, Plain};
use crate::threads::thread_builder;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;

/// Breaks the barrier if its owner unwinds, so that no worker waits forever.
struct BreakOnPanic<'a>(&'a Barrier);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_all();
        }
    }
}

/// Runs `leader` with the first worker's state on this thread, and `other` with each other worker's state on a thread of
/// its own. Returns what `leader` returns.
///
/// # Errors
/// If the system refuses a thread; `leader` has not run then, and no worker has passed the barrier.
///
/// # Panics
/// If one of them does, once all have ended.
pub(super) fn run<M: Send, R>(
    workers: &mut [M],
    leader: impl FnOnce(&mut M, &Barrier) -> R,
    other: impl Fn(&mut M, &Barrier) + Sync,
) -> io::Result<R> {
    let barrier = Barrier::new(workers.len());
    let (first, others) = workers.split_first_mut().expect("at least one worker");
    if others.is_empty() {
        return Ok(leader(first, &barrier));
    }
    let (barrier, other) = (&barrier, &other);
    std::thread::scope(|scope| {
        let _guard = BreakOnPanic(barrier);
        let mut threads = Vec::with_capacity(others.len());
        for worker in others {
            let started = thread_builder().spawn_scoped(scope, move || {
                let _guard = BreakOnPanic(barrier);
                other(worker, barrier);
            });
            match started {
                Ok(thread) => threads.push(thread),
                Err(refused) => {
                    barrier.break_all();
                    return Err(refused);
                }
            }
        }
        let result = leader(first, barrier);
        // Joined explicitly: the scope waits for their closures, and the threads themselves would end a moment later.
        threads.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(result)
    })
}

/// A buffer shared by all workers. Between two barriers, an element is either written by one worker or read by any.
pub(super) struct Shared<T> {
    elements: *mut T,
    len: usize,
    /// Keeps the memory; accessed through the pointer only.
    _owner: Aligned<T>,
}

// SAFETY: a `Shared` is plain numbers, and the callers of its methods keep to the rule above.
unsafe impl<T: Plain> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Send for Shared<T> {}

impl<T: Plain> Shared<T> {
    /// A buffer of zeros, as many as the product of `dims`.
    pub fn new<const D: usize>(dims: [usize; D]) -> Self {
        let mut owner = Aligned::zeroed(dims);
        Shared { elements: owner.as_mut_ptr(), len: owner.len(), _owner: owner }
    }

    /// # Safety
    /// No worker writes to it while the slice is in use.
    pub unsafe fn read(&self) -> &[T] {
        // SAFETY: the pointer and length are the owner's; the caller promises that nobody writes.
        unsafe { std::slice::from_raw_parts(self.elements, self.len) }
    }

    /// # Panics
    /// If the range is not within the buffer.
    ///
    /// # Safety
    /// No other worker reads or writes the range before the caller's next barrier, and the caller has no other
    /// reference into it.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the owner's memory; the caller promises that nobody else is there.
        unsafe { std::slice::from_raw_parts_mut(self.elements.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_before_the_barrier_are_read_after_it() {
        for workers in [1, 2, 3, 8] {
            let shared = [Shared::<u64>::new([workers]), Shared::<u64>::new([workers])];
            let mut ids: Vec<u64> = (0..workers as u64).collect();
            let work = |id: &mut u64, barrier: &Barrier| {
                for t in 0..2000u64 {
                    let here = &shared[t as usize % 2];
                    let mine = *id as usize;
                    // SAFETY: each worker writes its own element, of the buffer that nobody reads before the barrier.
                    unsafe { here.write(mine..mine + 1)[0] = t * *id };
                    barrier.wait().unwrap();
                    // SAFETY: until the next barrier but one, nobody writes to this buffer.
                    let sum: u64 = unsafe { here.read() }.iter().sum();
                    assert_eq!(sum, t * (workers as u64 * (workers as u64 - 1) / 2));
                }
            };
            run(&mut ids, work, work).unwrap();
        }
    }

    #[test]
    fn a_panic_of_one_worker_ends_all() {
        for guilty in [0u64, 1, 2] {
            let work = |id: &mut u64, barrier: &Barrier| {
                for t in 0..100 {
                    if *id == guilty && t == 50 {
                        std::panic::resume_unwind(Box::new("on purpose"));
                    }
                    if barrier.wait().is_err() {
                        return;
                    }
                }
                panic!("met {guilty} after its end");
            };
            let ended = std::panic::catch_unwind(|| run(&mut [0, 1, 2], work, work));
            assert!(ended.is_err());
        }
    }
}
