//! NumPy's legacy generator: `np.random.seed(s)`, `randn` and `choice(n, k)` with the same draws.
//!
//! The notebook draws its weights and its batches from `np.random`'s global `RandomState`. NumPy has frozen that stream
//! (NEP 19), so a run with the same draws has the notebook's weights and batches, and can be compared with
//! it number by number. Three of the generator's functions are used; each has a rule that is easy to get wrong:
//!
//! - a double takes two 32-bit draws, 27 bits of the first and 26 of the second;
//! - a normal comes from Marsaglia's polar method, which yields two: the *second* is returned first, and the other is
//!   returned by the next call, even if other draws happen in between;
//! - an index below `n` is a 32-bit draw masked to the bits of `n - 1`, repeated while it is too large; when `n` is 1,
//!   nothing is drawn.

use rand_mt::Mt;
use twolayer_core::Sampler;

/// `np.random.RandomState(seed)`: the methods that the notebook uses.
pub struct LegacyRandom {
    bits: Mt,
    /// The second normal of the last pair, if not yet returned.
    spare: Option<f64>,
}

impl LegacyRandom {
    /// `np.random.seed(seed)`. NumPy takes seeds below 2^32.
    pub fn new(seed: u32) -> Self {
        LegacyRandom { bits: Mt::new(seed), spare: None }
    }

    /// `random_sample()`: uniform in [0, 1), with 53 bits.
    fn double(&mut self) -> f64 {
        let high = f64::from(self.bits.next_u32() >> 5);
        let low = f64::from(self.bits.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// One value of `randn`.
    ///
    /// Exact where the platform's logarithm rounds as NumPy's did, which on Linux is the same function; elsewhere the
    /// last bit may differ.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.double() - 1.0;
            let y = 2.0 * self.double() - 1.0;
            let r2 = x * x + y * y;
            if r2 < 1.0 && r2 != 0.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.spare = Some(f * x);
                return f * y;
            }
        }
    }

    /// One value of `choice(n, ..)` for `n = largest + 1`: uniform in `0..=largest`.
    fn up_to(&mut self, largest: u32) -> u32 {
        if largest == 0 {
            return 0;
        }
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let value = self.bits.next_u32() & mask;
            if value <= largest {
                return value;
            }
        }
    }
}

/// `np.random.choice(rows, batch)` for every iteration, from the generator that drew the weights.
pub struct LegacyChoice {
    random: LegacyRandom,
    largest: u32,
}

impl LegacyChoice {
    /// Batches of the indices `0..rows`; `None` unless `rows` is between 1 and 2^32, beyond which NumPy draws 64 bits.
    pub fn new(random: LegacyRandom, rows: usize) -> Option<Self> {
        let largest = u32::try_from(rows.checked_sub(1)?).ok()?;
        Some(LegacyChoice { random, largest })
    }
}

impl Sampler for LegacyChoice {
    fn next_batch(&mut self, indices: &mut [usize]) {
        for index in indices {
            *index = self.random.up_to(self.largest) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn fixture(text: &str) -> Value {
        serde_json::from_str(text).expect("a fixture is JSON")
    }

    fn floats(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    fn integers(value: &Value) -> Vec<usize> {
        value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
    }

    fn seeded(run: &Value) -> LegacyRandom {
        LegacyRandom::new(u32::try_from(run["seed"].as_u64().unwrap()).unwrap())
    }

    #[test]
    fn draws_what_numpy_draws() {
        let runs = fixture(include_str!("../../../tests/fixtures/generator.json"));
        assert!(runs.as_array().unwrap().len() >= 6);
        for run in runs.as_array().unwrap() {
            let mut random = seeded(run);
            for expected in floats(&run["normals"]) {
                assert_eq!(random.normal().to_bits(), expected.to_bits(), "seed {}", run["seed"]);
            }
            for choice in run["choices"].as_array().unwrap() {
                let expected = integers(&choice["values"]);
                let rows = choice["rows"].as_u64().unwrap() as usize;
                let mut sampler = LegacyChoice::new(random, rows).unwrap();
                let mut found = vec![usize::MAX; expected.len()];
                sampler.next_batch(&mut found);
                assert_eq!(found, expected, "seed {}, {rows} rows", run["seed"]);
                random = sampler.random;
            }
            for expected in floats(&run["more_normals"]) {
                assert_eq!(random.normal().to_bits(), expected.to_bits(), "seed {}, second part", run["seed"]);
            }
        }
    }

    /// The notebook's own order: W1, W2, then the first batch of MNIST's 60,000 rows and of the bundled digits.
    #[test]
    fn replays_the_weights_and_the_first_batch_of_every_recorded_run() {
        let mnist = fixture(include_str!("../../../tests/fixtures/mnist_seed0.json"));
        let digits = fixture(include_str!("../../../tests/fixtures/digits_runs.json"));
        let runs = std::iter::once((784, 60_000, &mnist));
        for (inputs, rows, run) in runs.chain(digits.as_array().unwrap().iter().map(|run| (64, 1437, run))) {
            let hidden = run["hidden"].as_u64().unwrap() as usize;
            let mut random = seeded(run);
            let w1: Vec<f64> = (0..inputs * hidden).map(|_| 0.01 * random.normal()).collect();
            let w2: Vec<f64> = (0..hidden * 10).map(|_| 0.01 * random.normal()).collect();
            assert_eq!(w1[..hidden], floats(&run["W1_first_row"]), "seed {}", run["seed"]);
            assert_eq!(w2[..10], floats(&run["W2_first_row"]), "seed {}", run["seed"]);
            let mut batch = vec![0; run["batch"].as_u64().unwrap() as usize];
            LegacyChoice::new(random, rows).unwrap().next_batch(&mut batch);
            assert_eq!(batch, integers(&run["first_batch"]), "seed {}", run["seed"]);
        }
    }

    #[test]
    fn rejects_numbers_of_rows_that_numpy_draws_differently() {
        assert!(LegacyChoice::new(LegacyRandom::new(0), 0).is_none());
        assert!(LegacyChoice::new(LegacyRandom::new(0), 1).is_some());
        if let Ok(rows) = usize::try_from((1u64 << 32) + 1) {
            assert!(LegacyChoice::new(LegacyRandom::new(0), rows).is_none());
            assert!(LegacyChoice::new(LegacyRandom::new(0), rows - 1).is_some());
        }
    }
}
