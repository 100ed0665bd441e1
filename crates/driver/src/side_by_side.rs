//! Independent pieces of work side by side, each on one thread.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::args::{ThreadCount, available_threads};
use crate::interrupt;

/// How many of `pieces` are done at once.
pub fn at_once(threads: ThreadCount, pieces: usize) -> usize {
    let most = match threads {
        ThreadCount::Auto => available_threads(),
        ThreadCount::Fixed(threads) => threads,
    };
    most.min(pieces)
}

/// Calls `one` with the number of each piece, from 0, on at most `at_once` threads, of which the caller's is one, and
/// `end` with each result as it comes, until that breaks. After Ctrl-C or a panic no piece begins. Where the system
/// refuses a thread, there are fewer.
pub fn run<R>(
    pieces: usize,
    at_once: usize,
    one: impl Fn(usize) -> R + Sync,
    end: impl FnMut(usize, R) -> ControlFlow<()> + Send,
) {
    let (next, end) = (AtomicUsize::new(0), Mutex::new(Some(end)));
    let work = || {
        let _end = EndOnPanic(&next, pieces);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= pieces || interrupt::asked() {
                return;
            }
            let result = one(n);
            // None after a break, when other pieces may still be under way.
            let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
            if end.as_mut().is_none_or(|end| end(n, result).is_break()) {
                *end = None;
                return next.store(pieces, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once {
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

/// Lets no further piece begin if it is dropped by a panic: the number of the next one, and how many there are.
struct EndOnPanic<'a>(&'a AtomicUsize, usize);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(self.1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Barrier;

    #[test]
    fn every_piece_is_done_once_and_one_thread_is_the_callers() {
        for at_once in [0, 1, 3] {
            let (mut done, mut threads) = (Vec::new(), HashSet::new());
            let one = |n: usize| (n, thread::current().id());
            run(40, at_once, one, |n, (same, id)| {
                assert_eq!(n, same);
                done.push(n);
                threads.insert(id);
                ControlFlow::Continue(())
            });
            done.sort_unstable();
            assert_eq!(done, (0..40).collect::<Vec<_>>());
            assert!(threads.len() <= at_once.max(1));
            assert!(at_once > 1 || threads.contains(&thread::current().id()));
        }
    }

    #[test]
    fn none_begins_after_a_panic() {
        const PIECES: usize = 10_000;
        for at_once in [1, 3] {
            let begun = AtomicUsize::new(0);
            let one = |n| {
                begun.fetch_add(1, Ordering::Relaxed);
                if n == 0 {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                thread::sleep(std::time::Duration::from_millis(1));
            };
            let run = || run(PIECES, at_once, one, |_, ()| ControlFlow::Continue(()));
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
            assert!(begun.into_inner() < PIECES, "{at_once}");
        }
    }

    #[test]
    fn none_begins_or_is_told_after_a_break() {
        for at_once in [1, 3] {
            // Each thread has a piece when the first is told.
            let (all, mut told) = (Barrier::new(at_once), 0);
            let begun = AtomicUsize::new(0);
            let one = |_| {
                begun.fetch_add(1, Ordering::Relaxed);
                all.wait();
            };
            run(40, at_once, one, |_, ()| {
                told += 1;
                ControlFlow::Break(())
            });
            assert_eq!((told, begun.into_inner()), (1, at_once));
        }
    }
}
