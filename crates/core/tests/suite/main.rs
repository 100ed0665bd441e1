//! The public functions, at every level and with every kind of threads.

mod gemm;
mod gemm_oracle;
mod network;
mod network_oracle;
mod optimizers;
#[path = "../digests/random.rs"]
mod random;
mod same_bits;
mod train;

use twolayer_core::{ThreadPool, Threads};

/// Runs `test` with so many threads: a fixed number, at most that number, and with the feature those of a pool of rayon's.
fn with_all_kinds(threads: usize, test: impl Fn(Threads) + Send + Sync) {
    test(Threads::new(threads));
    test(Threads::Pool(ThreadPool::auto_up_to(threads).into()));
    #[cfg(feature = "rayon")]
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| test(Threads::Current));
}
