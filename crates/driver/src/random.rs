//! The random numbers of `--seed` and `--rng`: initial weights and batches.
//!
//! The stability promise of `chacha8`: a seed means the same draws on every machine, for any number of threads and in
//! every release with the same major version. ChaCha is a published cipher, `seed_from_u64` is stable by the rand
//! crates' promise, and a test here fixes the first numbers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use twolayer_core::{Float, Init, Parameters, Sampler, Shape, ShuffledSampler, UniformSampler};

use crate::args::{RandomArgs, RngName, SamplingName};
use crate::error::CliError;
use crate::numpy_random::{LegacyChoice, LegacyRandom};

/// A new generator. Weights are drawn before batches, from the same stream.
pub enum Generator {
    Chacha8(Box<ChaCha8Rng>),
    Numpy(Box<LegacyRandom>),
}

impl Generator {
    /// The generator of the options.
    pub fn new(args: &RandomArgs) -> Result<Self, CliError> {
        match args.rng {
            RngName::Chacha8 => Ok(Generator::Chacha8(Box::new(ChaCha8Rng::seed_from_u64(args.seed)))),
            RngName::Numpy => match u32::try_from(args.seed) {
                Ok(seed) => Ok(Generator::Numpy(Box::new(LegacyRandom::new(seed)))),
                Err(_) => Err(CliError::usage(format!(
                    "--seed {} is too large for --rng numpy: NumPy's legacy generator takes seeds from 0 to {}",
                    args.seed,
                    u32::MAX
                ))),
            },
        }
    }

    /// Initial weights: a normal distribution for W1 and W2, zero for the biases.
    pub fn weights<T: Float>(&mut self, shape: Shape, init: Init) -> Parameters<T> {
        match self {
            Generator::Chacha8(rng) => Parameters::random(shape, init, rng.as_mut()),
            Generator::Numpy(random) => Parameters::normal(shape, init, || random.normal()),
        }
    }

    /// The sampler of batches, from where the weights left the generator.
    pub fn sampler(self, rows: usize, sampling: SamplingName) -> Result<Box<dyn Sampler>, CliError> {
        match self {
            Generator::Chacha8(rng) if sampling == SamplingName::Epochs => {
                Ok(Box::new(ShuffledSampler::new(*rng, rows)))
            }
            Generator::Chacha8(rng) => Ok(Box::new(UniformSampler::new(*rng, rows))),
            Generator::Numpy(_) if sampling == SamplingName::Epochs => Err(CliError::usage(
                "--rng numpy replays the notebook, which samples with replacement; leave out --sampling",
            )),
            Generator::Numpy(random) => match LegacyChoice::new(*random, rows) {
                Some(sampler) => Ok(Box::new(sampler)),
                None => {
                    Err(CliError::new(format!("--rng numpy cannot draw from {rows} training rows; it takes 1 to 2^32")))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The promise above: the first draws of seed 0 must never change.
    #[test]
    fn a_seed_means_the_same_run_forever() {
        let mut generator = Generator::new(&RandomArgs { seed: 0, rng: RngName::Chacha8 }).unwrap();
        let weights = generator.weights::<f64>(Shape::new(3, 2, 2).unwrap(), Init::NOTEBOOK).to_vec();
        let mut batch = [0; 6];
        generator.sampler(60_000, SamplingName::Replacement).unwrap().next_batch(&mut batch);
        assert_eq!(weights[..3], [-0.0029816567228548208, 0.01829291736184813, -0.003407611849253231]);
        assert_eq!(batch, [31443, 21047, 45872, 38559, 11377, 25849]);
    }

    #[test]
    fn precisions_share_their_draws() {
        let draw = |rng| Generator::new(&RandomArgs { seed: 7, rng }).unwrap();
        for rng in [RngName::Chacha8, RngName::Numpy] {
            let shape = Shape::new(5, 4, 3).unwrap();
            let narrow = draw(rng).weights::<f32>(shape, Init::NOTEBOOK).to_vec();
            let wide = draw(rng).weights::<f64>(shape, Init::NOTEBOOK).to_vec();
            assert!(narrow.iter().zip(&wide).all(|(n, w)| *n == *w as f32), "{rng:?}");
            assert_eq!(wide.iter().filter(|w| **w == 0.0).count(), 4 + 3, "biases are zero, weights are not");
        }
    }
}
