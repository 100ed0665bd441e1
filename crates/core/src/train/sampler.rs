//! Samplers: which rows make up each mini-batch.

/// Chooses the rows of mini-batches. Replaying a sampler's indices replays a run.
///
/// Any closure `FnMut(&mut [usize])` is a sampler.
pub trait Sampler {
    /// Fills in the row indices of the next batch.
    fn next_batch(&mut self, indices: &mut [usize]);
}

impl<F: FnMut(&mut [usize])> Sampler for F {
    fn next_batch(&mut self, indices: &mut [usize]) {
        self(indices);
    }
}

/// Draws rows uniformly with replacement, as the notebook does.
///
/// An index is the high half of a random 64-bit word times the number of rows, with rejection, so without bias (Lemire
/// 2019, "Fast random integer generation in an interval"). The same words give the same indices in every version of
/// this crate.
#[cfg(feature = "rand")]
pub struct UniformSampler<R> {
    rng: R,
    rows: u64,
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> UniformSampler<R> {
    /// A sampler of the indices 0 to `rows` − 1.
    ///
    /// # Panics
    /// If `rows` is 0.
    pub fn new(rng: R, rows: usize) -> Self {
        assert!(rows > 0, "there are no rows to draw from");
        UniformSampler { rng, rows: rows as u64 }
    }
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> Sampler for UniformSampler<R> {
    fn next_batch(&mut self, indices: &mut [usize]) {
        indices.iter_mut().for_each(|index| *index = below(&mut self.rng, self.rows));
    }
}

/// Takes batches from a random permutation of the rows (Fisher and Yates), a new one each epoch. A remainder smaller
/// than a batch is skipped. A batch larger than the data is taken from several permutations.
///
/// The same words give the same indices in every version of this crate.
#[cfg(feature = "rand")]
#[derive(Clone)]
pub struct ShuffledSampler<R> {
    rng: R,
    order: Vec<usize>,
    /// Rows of the order already taken.
    taken: usize,
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> ShuffledSampler<R> {
    /// A sampler of the indices 0 to `rows` − 1.
    ///
    /// # Panics
    /// If `rows` is 0.
    pub fn new(rng: R, rows: usize) -> Self {
        Self::resume(rng, (0..rows).collect(), rows)
    }

    /// A sampler that continues from another one's [`order`](Self::order) with the same generator.
    ///
    /// # Panics
    /// If there are no rows, or fewer than `taken`.
    pub fn resume(rng: R, order: Vec<usize>, taken: usize) -> Self {
        assert!(!order.is_empty() && taken <= order.len(), "{taken} of {} rows are taken", order.len());
        ShuffledSampler { rng, order, taken }
    }

    /// The permutation of the rows, and how many of them have been taken.
    pub fn order(self) -> (Vec<usize>, usize) {
        (self.order, self.taken)
    }

    fn shuffle(&mut self) {
        for left in (2..=self.order.len()).rev() {
            self.order.swap(left - 1, below(&mut self.rng, left as u64));
        }
        self.taken = 0;
    }
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> Sampler for ShuffledSampler<R> {
    fn next_batch(&mut self, indices: &mut [usize]) {
        let rows = self.order.len();
        if rows - self.taken < indices.len().min(rows) {
            self.shuffle();
        }
        let mut filled = 0;
        while filled < indices.len() {
            if self.taken == rows {
                self.shuffle();
            }
            let some = (indices.len() - filled).min(rows - self.taken);
            indices[filled..filled + some].copy_from_slice(&self.order[self.taken..self.taken + some]);
            (filled, self.taken) = (filled + some, self.taken + some);
        }
    }
}

/// A uniform number below `n`; see [`UniformSampler`].
#[cfg(feature = "rand")]
fn below(rng: &mut impl rand::Rng, n: u64) -> usize {
    let biased = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= biased {
            return (product >> 64) as usize;
        }
    }
}

#[cfg(all(test, feature = "rand"))]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn indices_are_uniform() {
        let mut counts = [0; 7];
        let mut indices = [0; 7000];
        UniformSampler::new(ChaCha8Rng::seed_from_u64(1), 7).next_batch(&mut indices);
        indices.iter().for_each(|&i| counts[i] += 1);
        // Four standard deviations of a binomial of 7000 and 1/7 are 117.
        assert!(counts.iter().all(|c| (883..1117).contains(c)), "{counts:?}");
    }

    #[test]
    fn an_epoch_has_every_row_once_in_an_order_of_its_own() {
        let mut sampler = ShuffledSampler::new(ChaCha8Rng::seed_from_u64(3), 11);
        let mut batch = [0; 4];
        let mut epochs = Vec::new();
        for _ in 0..50 {
            let mut epoch = Vec::new();
            for _ in 0..2 {
                sampler.next_batch(&mut batch);
                epoch.extend(batch);
            }
            // Three rows are skipped.
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert!(sorted.len() == 8 && sorted[7] < 11, "{epoch:?}");
            epochs.push(epoch);
        }
        let counts = (0..11).map(|row| epochs.concat().iter().filter(|&&r| r == row).count());
        // Four standard deviations of a binomial of 50 and 8/11 are 13.
        assert!(counts.clone().all(|c| (24..50).contains(&c)), "{:?}", counts.collect::<Vec<_>>());
        epochs.dedup();
        assert_eq!(epochs.len(), 50, "orders repeat");
        let (order, taken) = sampler.clone().order();
        let mut resumed = ShuffledSampler::resume(sampler.rng.clone(), order, taken);
        let mut all = [0; 25];
        resumed.next_batch(&mut all);
        let again = all;
        sampler.next_batch(&mut all);
        assert_eq!(all, again);
        let counts = (0..11).map(|row| all.iter().filter(|&&r| r == row).count());
        assert!(counts.clone().all(|c| (2..=3).contains(&c)), "{:?}", counts.collect::<Vec<_>>());
    }

    /// The promise that a seed means the same run in every version.
    #[test]
    fn the_first_indices_of_a_seed_are_fixed() {
        let mut indices = [0; 4];
        UniformSampler::new(ChaCha8Rng::seed_from_u64(0), 60_000).next_batch(&mut indices);
        assert_eq!(indices, [42544, 27955, 41948, 3610]);
    }
}
