//! From `--seed` and `--rng` to initial weights and a sampler of batches.
//!
//! The stability promise of `chacha8`: a seed means the same draws on every machine, for any number of threads and in
//! every release with the same major version. ChaCha is a published cipher, `seed_from_u64` is value-stable by the rand
//! family's own promise, and a test here pins the first numbers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use twolayer_core::{Float, Parameters, Sampler, Shape, TwoLayerNet, UniformSampler};

use crate::args::{RandomArgs, RngName};
use crate::error::Failure;
use crate::numpy::{LegacyChoice, LegacyRandom};

/// The notebook's `weight_init_std`.
const WEIGHT_STD: f64 = 0.01;

/// A generator in its first state. Weights must be drawn before batches: both come from the one stream.
pub enum Generator {
    Chacha8(Box<ChaCha8Rng>),
    Numpy(Box<LegacyRandom>),
}

impl Generator {
    /// The generator that the options name.
    pub fn new(args: &RandomArgs) -> Result<Self, Failure> {
        match args.rng {
            RngName::Chacha8 => Ok(Generator::Chacha8(Box::new(ChaCha8Rng::seed_from_u64(args.seed)))),
            RngName::Numpy => match u32::try_from(args.seed) {
                Ok(seed) => Ok(Generator::Numpy(Box::new(LegacyRandom::new(seed)))),
                Err(_) => Err(Failure::usage(format!(
                    "--seed {} is too large for --rng numpy: NumPy's legacy generator takes seeds from 0 to {}",
                    args.seed,
                    u32::MAX
                ))),
            },
        }
    }

    /// The notebook's initial weights: 0.01 times a normal for W1 and W2, zero for the biases.
    pub fn weights<T: Float>(&mut self, shape: Shape) -> Parameters<T> {
        match self {
            Generator::Chacha8(rng) => TwoLayerNet::random(shape, rng.as_mut()).parameters,
            Generator::Numpy(random) => Parameters::normal(shape, WEIGHT_STD, || random.normal()),
        }
    }

    /// Batches of rows drawn uniformly with replacement, from where the weights left the generator.
    pub fn sampler(self, rows: usize) -> Result<Box<dyn Sampler>, Failure> {
        match self {
            Generator::Chacha8(rng) => Ok(Box::new(UniformSampler::new(*rng, rows))),
            Generator::Numpy(random) => match LegacyChoice::new(*random, rows) {
                Some(sampler) => Ok(Box::new(sampler)),
                None => {
                    Err(Failure::new(format!("--rng numpy cannot draw from {rows} training rows; it takes 1 to 2^32")))
                }
            },
        }
    }
}
