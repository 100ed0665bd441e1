//! Distributes independent pieces of work over threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

/// The threads that share the work of a call: prediction over many rows, numerical gradients, large matrix products.
/// Results do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Rayon's current pool; without the feature `rayon`, the calling thread alone.
    #[default]
    Current,
    /// This many threads, including the calling one. The others are started for the call and end with it; if the system
    /// refuses them, the calling thread does their work. Worth it from some 0.1 ms of work on.
    Own(NonZeroUsize),
}

impl Threads {
    /// The calling thread alone.
    pub const ONE: Threads = Threads::Own(NonZeroUsize::MIN);

    /// `threads` threads; 0 counts as 1.
    pub fn own(threads: usize) -> Threads {
        Threads::Own(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))
    }

    /// The number of threads.
    pub fn count(self) -> usize {
        match self {
            #[cfg(feature = "rayon")]
            Threads::Current => rayon::current_num_threads(),
            #[cfg(not(feature = "rayon"))]
            Threads::Current => 1,
            Threads::Own(threads) => threads.get(),
        }
    }
}

/// The fewest pieces per thread, so that starting it is a small part of its work.
const MIN_PIECES: usize = 4;

/// The name of the core's own threads.
pub const THREAD_NAME: &str = "twolayer";

/// Builds a thread. The stack size is given so that the standard library does not read one from the environment.
pub(crate) fn thread_builder() -> Builder {
    Builder::new().name(THREAD_NAME.to_owned()).stack_size(2 << 20)
}

/// `work(state, i)` for every `i` below `n`, in order; each thread makes its own state.
pub(crate) fn map<S, R: Send>(
    threads: Threads,
    n: usize,
    prepare: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, usize) -> R + Sync + Send,
) -> Vec<R> {
    match threads {
        #[cfg(feature = "rayon")]
        Threads::Current if n > 1 && rayon::current_num_threads() > 1 => {
            use rayon::prelude::*;
            // A few pieces per thread: the state is made rarely, and threads finish at about the same time.
            let least = n.div_ceil(rayon::current_num_threads() * 4);
            (0..n).into_par_iter().with_min_len(least).map_init(prepare, work).collect()
        }
        Threads::Own(threads) if threads.get().min(n / MIN_PIECES) > 1 => {
            map_on_own_threads(threads.get().min(n / MIN_PIECES), n, prepare, work)
        }
        _ => {
            let mut state = prepare();
            (0..n).map(|i| work(&mut state, i)).collect()
        }
    }
}

/// As [`map`], on `threads` threads started for it; each takes the next piece when it has finished one.
fn map_on_own_threads<S, R: Send>(
    threads: usize,
    n: usize,
    prepare: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut state = prepare();
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n {
                return done;
            }
            done.push((i, work(&mut state, i)));
        }
    };
    let mut results: Vec<Option<R>> = (0..n).map(|_| None).collect();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map_while(|_| thread_builder().spawn_scoped(scope, worker).ok()).collect();
        let mut collect = |done: Vec<(usize, R)>| done.into_iter().for_each(|(i, r)| results[i] = Some(r));
        collect(worker());
        for other in others {
            collect(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    results.into_iter().map(|r| r.expect("every piece was done")).collect()
}

/// Runs both, at the same time if there is more than one thread.
pub(crate) fn join(threads: Threads, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    match threads {
        #[cfg(feature = "rayon")]
        Threads::Current => {
            rayon::join(a, b);
        }
        Threads::Own(threads) if threads.get() > 1 => {
            // Taken by the other thread, or by this one if no thread could be started.
            let b = Mutex::new(Some(b));
            let take = || {
                let b = b.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(b) = b {
                    b();
                }
            };
            std::thread::scope(|scope| {
                let other = thread_builder().spawn_scoped(scope, take);
                a();
                match other {
                    Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                    Err(_) => take(),
                }
            });
        }
        _ => {
            a();
            b();
        }
    }
}
