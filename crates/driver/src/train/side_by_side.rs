//! Runs side by side, each on one thread.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::args::{ThreadCount, available_threads};
use crate::interrupt;

/// How many of `runs` are run at once.
pub fn at_once(threads: ThreadCount, runs: usize) -> usize {
    let most = match threads {
        ThreadCount::Auto => available_threads(),
        ThreadCount::Fixed(threads) => threads,
    };
    most.min(runs)
}

/// Calls `one` with the number of each run, from 0, `at_once` at a time, and `end` with each result as it comes, until
/// that breaks. After Ctrl-C no run begins.
pub fn run<R: Send>(
    runs: usize,
    at_once: usize,
    one: impl Fn(usize) -> R + Sync,
    mut end: impl FnMut(usize, R) -> ControlFlow<()>,
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let (sender, next, one) = (sender.clone(), &next, &one);
            scope.spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens after a break.
                    if n >= runs || interrupt::asked() || sender.send((n, one(n))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (n, result) in receiver {
            if end(n, result).is_break() {
                break;
            }
        }
    });
}
