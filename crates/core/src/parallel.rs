//! Independent pieces of work, on rayon's current pool or, without that feature, one after the other.

#[cfg(feature = "rayon")]
use crate::error::Error;
use crate::error::Result;

/// `work(state, i)` for every `i` below `n`, in order; each thread makes its own state.
#[cfg(feature = "rayon")]
pub(crate) fn map<S, R: Send>(
    n: usize,
    prepare: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, usize) -> R + Sync + Send,
) -> Vec<R> {
    use rayon::prelude::*;
    let threads = rayon::current_num_threads();
    if n < 2 || threads < 2 {
        let mut state = prepare();
        return (0..n).map(|i| work(&mut state, i)).collect();
    }
    // A few pieces for each thread, so that the state is made rarely and the ends even out.
    let least = n.div_ceil(threads * 4);
    (0..n).into_par_iter().with_min_len(least).map_init(prepare, work).collect()
}

/// As above, on the calling thread.
#[cfg(not(feature = "rayon"))]
pub(crate) fn map<S, R>(n: usize, prepare: impl Fn() -> S, work: impl Fn(&mut S, usize) -> R) -> Vec<R> {
    let mut state = prepare();
    (0..n).map(|i| work(&mut state, i)).collect()
}

/// So many threads of one's own for [`map`]; without rayon, the calling one.
pub(crate) struct Pool(#[cfg(feature = "rayon")] rayon::ThreadPool);

impl Pool {
    /// # Errors
    /// [`Error::Thread`] if the system refuses one.
    #[cfg(feature = "rayon")]
    pub fn new(threads: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(Pool).map_err(|refused| Error::Thread { threads, what: refused.to_string() })
    }

    #[cfg(not(feature = "rayon"))]
    pub fn new(_: usize) -> Result<Self> {
        Ok(Pool())
    }

    /// Runs `work`, whose `map`s use these threads.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "rayon")]
        return self.0.install(work);
        #[cfg(not(feature = "rayon"))]
        work()
    }
}
