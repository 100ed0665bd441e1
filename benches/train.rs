//! Training: one step, the notebook's recipe, and one step of other sizes; with 1 and 2 threads, and a number
//! chosen by measuring.
//!
//! Elements are the floating-point operations of dense products, to be compared with the roofline; as kernels skip
//! zeros, the rate may exceed it. A step includes drawing and gathering its batch from 60,000 digits.

use common::{BATCH, CLASSES, INPUTS, assert_close, data, dense_operations, epsilon, group, largest, oracle, shape};
use criterion::{Criterion, Throughput};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::ops::ControlFlow;
use std::time::Instant;
use twolayer_core::{Float, Labels, Level, Rows, Sampler, Shape, Threads, TrainOptions, TwoLayerNet, UniformSampler};
use twolayer_idx::{DataSet, Split};

/// Hidden layers of other sizes.
const SIZES: [usize; 5] = [32, 128, 512, 1024, 4096];
/// Their batches.
const BATCHES: [usize; 3] = [32, 256, 1024];
/// Steps of the recipe.
const RECIPE: usize = 10_000;

fn start<T: Float>(shape: Shape, level: Level, threads: &Threads) -> (TwoLayerNet<T>, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (TwoLayerNet::random(shape, &mut rng).with_level(level).with_threads(threads.clone()), rng)
}

fn train<T: Float>(net: &mut TwoLayerNet<T>, split: &Split, sampler: &mut dyn Sampler, options: &TrainOptions) -> f64 {
    let (x, t) = (Rows::Pixels(split.images()), Labels::Classes(split.labels()));
    let summary = net.train(x, t, sampler, options, &mut |_| ControlFlow::Continue(())).expect("training");
    assert_eq!(summary.iterations, options.iterations);
    summary.final_loss
}

/// One step on the first rows is a step against the plain gradient.
fn check<T: Float>(digits: &DataSet, shape: Shape, level: Level, options: &TrainOptions) {
    let (mut net, _) = start::<T>(shape, level, &Threads::new(2));
    let before: Vec<f64> = net.parameters.to_vec().iter().map(|p| p.to_f64()).collect();
    let options = TrainOptions { iterations: 1, ..options.clone() };
    let mut first = |rows: &mut [usize]| rows.iter_mut().enumerate().for_each(|(i, row)| *row = i);
    train(&mut net, &digits.train, &mut first, &options);
    let pixels = &digits.train.images()[..options.batch * INPUTS];
    let gradient = oracle::Plain::new(shape, pixels, &digits.train.labels()[..options.batch]).gradient(&before);
    let expected: Vec<f64> = before.iter().zip(&gradient).map(|(p, g)| p - options.learning_rate * g).collect();
    let within = 8.0 * epsilon::<T>() * largest(&expected).max(1.0);
    assert_close(&format!("a step at {level}"), &net.parameters.to_vec(), &expected, within);
}

/// Each iteration is one step of a training run.
fn steps<T: Float>(c: &mut Criterion, digits: &DataSet, shape: Shape, batch: usize, levels: &[Level]) {
    for (name, threads) in common::threads() {
        let case = format!("step-{}-{}x{batch}-{name}", T::NAME, shape.hidden());
        let mut group = group(c, "train", &case, Throughput::Elements(dense_operations(shape, batch)));
        if dense_operations(shape, batch) > 1 << 30 {
            common::slow(&mut group);
        }
        for &level in levels {
            let options = TrainOptions { batch, ..TrainOptions::default() };
            let (mut net, rng) = start::<T>(shape, level, &threads);
            let mut sampler = UniformSampler::new(rng, digits.train.rows());
            group.bench_function(level.name(), |b| {
                b.iter_custom(|iterations| {
                    let options = TrainOptions { iterations: iterations as usize, ..options.clone() };
                    let start = Instant::now();
                    train(&mut net, &digits.train, &mut sampler, &options);
                    start.elapsed()
                });
            });
        }
    }
}

/// Each iteration is the whole recipe, from the same start.
fn recipes<T: Float>(c: &mut Criterion, digits: &DataSet, levels: &[Level]) {
    for (name, threads) in common::threads() {
        let work = Throughput::Elements(RECIPE as u64 * dense_operations(shape(), BATCH));
        let mut group = group(c, "train", &format!("recipe-{}-{name}", T::NAME), work);
        common::slow(&mut group);
        for &level in levels {
            let options = TrainOptions::default();
            let mut bytes: Option<Vec<T>> = None;
            group.bench_function(level.name(), |b| {
                b.iter(|| {
                    let (mut net, rng) = start::<T>(shape(), level, &threads);
                    train(&mut net, &digits.train, &mut UniformSampler::new(rng, digits.train.rows()), &options);
                    let found = net.parameters.to_vec();
                    if let Some(bytes) = &bytes {
                        assert_eq!(bytes, &found, "the same seed, other parameters");
                    } else {
                        let (x, t) = (Rows::Pixels(digits.test.images()), Labels::Classes(digits.test.labels()));
                        let accuracy = net.accuracy(x, t).expect("an accuracy");
                        assert!(accuracy >= 0.9, "an accuracy of {accuracy} only");
                        bytes = Some(found);
                    }
                });
            });
        }
    }
}

fn training(c: &mut Criterion) {
    let digits = data::digits();
    let levels = Level::available();
    let best = [Level::best()];
    for &level in &levels {
        let options = TrainOptions::default();
        check::<f32>(&digits, shape(), level, &options);
        check::<f64>(&digits, shape(), level, &options);
    }
    steps::<f32>(c, &digits, shape(), BATCH, &levels);
    steps::<f64>(c, &digits, shape(), BATCH, &levels);
    if common::only_once() {
        return;
    }
    // The scalar level is measured by its step: its recipes would take minutes.
    recipes::<f32>(c, &digits, &levels[1..]);
    recipes::<f64>(c, &digits, &best);
    for (hidden, batch) in SIZES.into_iter().flat_map(|h| BATCHES.map(|b| (h, b))) {
        let shape = Shape::new(INPUTS, hidden, CLASSES).expect("a valid shape");
        steps::<f32>(c, &digits, shape, batch, &best);
    }
}

fn main() {
    common::run(&[training]);
}
