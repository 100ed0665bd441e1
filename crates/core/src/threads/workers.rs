//! Workers that wait for each other.

use super::barrier::Barrier;
use super::pool::{NotRun, ThreadPool};
use std::sync::{Mutex, PoisonError};

/// Runs `lead` with the first worker on this thread, and `follow` with each other worker on a thread of the pool.
///
/// # Errors
/// Those of [`ThreadPool::run`].
pub fn run_workers<W: Send, R>(
    pool: &ThreadPool,
    workers: &mut [W],
    lead: impl FnOnce(&mut W, &Barrier) -> R,
    follow: impl Fn(&mut W, &Barrier) + Sync,
) -> Result<R, NotRun> {
    // More workers than processors would only keep each other from working by spinning.
    let barrier = Barrier::new(workers.len(), workers.len() <= pool.processors());
    let (first, others) = workers.split_first_mut().expect("at least one worker");
    let others: Vec<_> = others.iter_mut().map(Mutex::new).collect();
    let lead = || barrier.break_on_panic(|| lead(first, &barrier));
    pool.run(others.len() + 1, lead, &|w| {
        let mut worker = others[w - 1].lock().unwrap_or_else(PoisonError::into_inner);
        barrier.break_on_panic(|| follow(&mut worker, &barrier));
    })
}
