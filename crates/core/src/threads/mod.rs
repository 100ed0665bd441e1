//! Distributes independent pieces of work over threads.

mod barrier;
mod clock;
mod pool;
mod shared;
pub(crate) mod sync;
mod tuner;
mod workers;

#[cfg(all(test, loom))]
pub(crate) mod model_tests;

pub(crate) use barrier::{Barrier, Broken};
pub(crate) use clock::Instant;
pub(crate) use pool::NotRun;
pub use pool::{THREAD_NAME, ThreadPool};
pub(crate) use shared::Shared;
pub(crate) use tuner::{Choice, First};
pub(crate) use workers::run_workers;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use sync::{AtomicUsize, Mutex};

/// The threads that share the work of a call. Results do not depend on it. The default is [`Threads::auto`].
#[derive(Clone, Debug)]
pub enum Threads {
    /// Rayon's current pool; without the feature `rayon`, the calling thread alone. Training, whose workers wait for
    /// each other, starts as many threads of its own for the call.
    Current,
    /// The threads of a pool, which may be shared by several networks. A call that finds them in use does its work on
    /// the calling thread.
    Pool(Arc<ThreadPool>),
}

impl Default for Threads {
    fn default() -> Self {
        Threads::auto()
    }
}

impl Threads {
    /// The calling thread alone.
    pub fn one() -> Threads {
        Threads::new(1)
    }

    /// A new pool of `threads` threads.
    pub fn new(threads: usize) -> Threads {
        Threads::Pool(Arc::new(ThreadPool::new(threads)))
    }

    /// A new pool that chooses by measuring how many threads to use; see [`ThreadPool::auto`].
    pub fn auto() -> Threads {
        Threads::Pool(Arc::new(ThreadPool::auto()))
    }

    /// Whether the number of threads of a call is chosen by measuring.
    pub fn is_auto(&self) -> bool {
        matches!(self, Threads::Pool(pool) if pool.is_auto())
    }

    /// The most threads that a call uses.
    pub fn count(&self) -> usize {
        match self {
            #[cfg(feature = "rayon")]
            Threads::Current => rayon::current_num_threads(),
            #[cfg(not(feature = "rayon"))]
            Threads::Current => 1,
            Threads::Pool(pool) => pool.threads(),
        }
    }

    /// A pool for threads that wait for each other.
    pub(crate) fn pool(&self) -> Arc<ThreadPool> {
        match self {
            Threads::Current => Arc::new(ThreadPool::new(self.count())),
            Threads::Pool(pool) => Arc::clone(pool),
        }
    }
}

/// Identifies a kind of work, for the choice of the number of threads.
pub(crate) fn kind_of_work(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The results of `work(state, i)` for every `i` below `n`, in order. Each thread makes its own state, and takes the
/// next `i` when it is free. At most `n / least` threads take part.
pub(crate) fn map<S, R: Send>(
    threads: &Threads,
    (n, least): (usize, usize),
    prepare: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> Vec<R> {
    let pieces = n / least;
    // Asked for one piece, rayon would start its pool.
    let most = if pieces > 1 { threads.count().min(pieces) } else { 1 };
    if most == 1 {
        let mut state = prepare();
        return (0..n).map(|i| work(&mut state, i)).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new((0..n).map(|_| None).collect());
    let worker = |_| {
        let mut state = None;
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n {
                break;
            }
            done.push((i, work(state.get_or_insert_with(&prepare), i)));
        }
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        done.into_iter().for_each(|(i, result)| results[i] = Some(result));
    };
    match threads {
        #[cfg(feature = "rayon")]
        Threads::Current => run_on_rayon(most, &worker),
        #[cfg(not(feature = "rayon"))]
        Threads::Current => unreachable!("that is one thread"),
        Threads::Pool(pool) => {
            let kind = kind_of_work(&(std::any::type_name_of_val(&work), n.next_power_of_two()));
            run_on_pool(pool, (kind, n), most, &worker);
        }
    }
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(|result| result.expect("every piece was done")).collect()
}

/// Runs `worker` on this thread and on others of rayon's current pool.
#[cfg(feature = "rayon")]
fn run_on_rayon(threads: usize, worker: &(dyn Fn(usize) + Sync)) {
    rayon::in_place_scope(|scope| {
        (1..threads).for_each(|w| scope.spawn(move |_| worker(w)));
        worker(0);
    });
}

/// Runs `worker` on this thread and on others of a pool, `most` at most. One function for all kinds of work: inlined in
/// each, it would make a C program 4 kB larger.
#[inline(never)]
fn run_on_pool(pool: &ThreadPool, (kind, n): (u64, usize), most: usize, worker: &(dyn Fn(usize) + Sync)) {
    pool.run_measured((kind, First::Most), most, n, |threads| pool.run(threads, || worker(0), worker));
}
