//! Which rows make the next mini-batch.

/// Chooses mini-batches. A run is replayed by replaying the list of indices that a sampler gave.
///
/// Any closure `FnMut(&mut [usize])` is a sampler.
pub trait Sampler {
    /// Fills in the row index of each member of the next batch.
    fn next_batch(&mut self, indices: &mut [usize]);
}

impl<F: FnMut(&mut [usize])> Sampler for F {
    fn next_batch(&mut self, indices: &mut [usize]) {
        self(indices);
    }
}

/// Rows drawn uniformly, with replacement, from any generator: the notebook's choice.
///
/// An index is the high half of a random 64-bit word times the number of rows (Lemire 2019, "Fast random integer
/// generation in an interval", with its rejection, so without bias). The same words give the same indices in every
/// version of this crate.
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

/// Every row once an epoch, in an order drawn anew for each (Fisher and Yates): batches are taken from it one after the
/// other, and what is left at its end, less than a batch, is passed over. A batch of more rows than there are is taken
/// from several orders.
///
/// The same words give the same indices in every version of this crate.
#[cfg(feature = "rand")]
pub struct ShuffledSampler<R> {
    rng: R,
    order: Vec<usize>,
    /// Rows of the order that have been given.
    given: usize,
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> ShuffledSampler<R> {
    /// A sampler of the indices 0 to `rows` − 1.
    ///
    /// # Panics
    /// If `rows` is 0.
    pub fn new(rng: R, rows: usize) -> Self {
        assert!(rows > 0, "there are no rows to draw from");
        ShuffledSampler { rng, order: (0..rows).collect(), given: rows }
    }

    fn shuffle(&mut self) {
        for left in (2..=self.order.len()).rev() {
            self.order.swap(left - 1, below(&mut self.rng, left as u64));
        }
        self.given = 0;
    }
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> Sampler for ShuffledSampler<R> {
    fn next_batch(&mut self, indices: &mut [usize]) {
        let rows = self.order.len();
        if rows - self.given < indices.len().min(rows) {
            self.shuffle();
        }
        let mut filled = 0;
        while filled < indices.len() {
            if self.given == rows {
                self.shuffle();
            }
            let some = (indices.len() - filled).min(rows - self.given);
            indices[filled..filled + some].copy_from_slice(&self.order[self.given..self.given + some]);
            (filled, self.given) = (filled + some, self.given + some);
        }
    }
}

/// A number below `n`, each as probable as the others: see [`UniformSampler`].
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

/// Standard normal numbers by Marsaglia's polar method, with this crate's own logarithm at its portable level: the same
/// words give the same numbers on every machine.
#[cfg(feature = "rand")]
pub(crate) struct Normal<'a, R> {
    rng: &'a mut R,
    kept: Option<f64>,
}

#[cfg(feature = "rand")]
impl<'a, R: rand::Rng> Normal<'a, R> {
    pub fn new(rng: &'a mut R) -> Self {
        Normal { rng, kept: None }
    }

    pub fn draw(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        loop {
            let mut uniform = || (self.rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
            let (x, y) = (uniform(), uniform());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let mut ln = [square];
                crate::vector::ln(crate::Level::SCALAR, &mut ln);
                let factor = (-2.0 * ln[0] / square).sqrt();
                self.kept = Some(x * factor);
                return y * factor;
            }
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
            // Three rows are passed over.
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
        let mut all = [0; 25];
        sampler.next_batch(&mut all);
        let counts = (0..11).map(|row| all.iter().filter(|&&r| r == row).count());
        assert!(counts.clone().all(|c| (2..=3).contains(&c)), "{:?}", counts.collect::<Vec<_>>());
    }

    #[test]
    fn normal_numbers_have_the_moments_of_a_normal_distribution() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut normal = Normal::new(&mut rng);
        let n = 100_000;
        let mut moments = [0.0; 4];
        for _ in 0..n {
            let x = normal.draw();
            (1..=4).for_each(|k| moments[k as usize - 1] += x.powi(k) / f64::from(n));
        }
        for (moment, (want, within)) in moments.iter().zip([(0.0, 0.013), (1.0, 0.02), (0.0, 0.05), (3.0, 0.15)]) {
            assert!((moment - want).abs() < within, "{moments:?}");
        }
    }

    /// The promise that a seed means the same run in every version.
    #[test]
    fn the_first_draws_are_what_they_were() {
        let mut indices = [0; 4];
        UniformSampler::new(ChaCha8Rng::seed_from_u64(0), 60_000).next_batch(&mut indices);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut normal = Normal::new(&mut rng);
        let draws = [normal.draw(), normal.draw(), normal.draw()];
        assert_eq!(indices, [42544, 27955, 41948, 3610]);
        assert_eq!(draws, [-0.298_165_672_285_482_1, 1.829_291_736_184_812_9, -0.340_761_184_925_323_1]);
    }
}
