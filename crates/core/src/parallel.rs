//! Independent pieces of work, and whose threads they are shared by.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

/// Which threads share the work of a call that can be split: prediction over many rows, numerical gradients, products
/// of large matrices. Results do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Those of rayon's current pool; without the feature `rayon`, the calling one alone.
    #[default]
    Current,
    /// So many, the calling one among them. The others are started for the call and have ended when it returns; if the
    /// system refuses them, the calling one does their work. Worth it from some 0.1 ms of work on.
    Own(NonZeroUsize),
}

impl Threads {
    /// The calling thread alone.
    pub const ONE: Threads = Threads::Own(NonZeroUsize::MIN);

    /// `threads` of one's own; none are as good as one.
    pub fn own(threads: usize) -> Threads {
        Threads::Own(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))
    }

    /// How many there are.
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

/// Pieces that a thread has at least, so that its start is a small part of its work.
const LEAST: usize = 4;

/// What the core's own threads are called.
pub const THREAD_NAME: &str = "twolayer";

/// A thread of the core's own. With its stack's size given, the standard library does not ask the environment for one.
pub(crate) fn builder() -> Builder {
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
            // A few pieces for each thread, so that the state is made rarely and the ends even out.
            let least = n.div_ceil(rayon::current_num_threads() * 4);
            (0..n).into_par_iter().with_min_len(least).map_init(prepare, work).collect()
        }
        Threads::Own(threads) if threads.get().min(n / LEAST) > 1 => {
            share(threads.get().min(n / LEAST), n, prepare, work)
        }
        _ => {
            let mut state = prepare();
            (0..n).map(|i| work(&mut state, i)).collect()
        }
    }
}

/// As [`map`], on `threads` threads that end with it; each takes the next piece when it is done with one.
fn share<S, R: Send>(
    threads: usize,
    n: usize,
    prepare: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let member = || {
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
        let others: Vec<_> = (1..threads).map_while(|_| builder().spawn_scoped(scope, member).ok()).collect();
        let mut keep = |done: Vec<(usize, R)>| done.into_iter().for_each(|(i, r)| results[i] = Some(r));
        keep(member());
        for other in others {
            keep(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    results.into_iter().map(|r| r.expect("each piece was done by somebody")).collect()
}

/// Both, at the same time if there is more than one thread: for work that splits into halves.
pub(crate) fn join(threads: Threads, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    match threads {
        #[cfg(feature = "rayon")]
        Threads::Current => {
            rayon::join(a, b);
        }
        Threads::Own(threads) if threads.get() > 1 => {
            // Whoever comes first takes it: the other thread, or this one if there is no other.
            let b = Mutex::new(Some(b));
            let take = || {
                let b = b.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(b) = b {
                    b();
                }
            };
            std::thread::scope(|scope| {
                let other = builder().spawn_scoped(scope, take);
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
