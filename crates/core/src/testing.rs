//! What the tests of several modules need.

use crate::math::Float;
use crate::threads::{ThreadPool, Threads};

/// Runs `test` with so many threads: a fixed number, at most that number, and with the feature those of a pool of rayon's.
pub(crate) fn with_all_kinds(threads: usize, test: impl Fn(Threads) + Send + Sync) {
    test(Threads::new(threads));
    test(Threads::Pool(ThreadPool::auto_up_to(threads).into()));
    #[cfg(feature = "rayon")]
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| test(Threads::Current));
}

/// A small generator of test data (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// In [-1, 1).
    pub fn value(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn values<T: Float>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from_f64(self.value())).collect()
    }
}
