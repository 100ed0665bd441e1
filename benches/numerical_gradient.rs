//! The gradient of every parameter by central differences, in f64 at the best level: recomputing only what a
//! parameter affects (`network`), by definition (`brute-force`), and by the general form over a closure that computes
//! the loss by matrix products (`closure`); backpropagation beside them. Then wider networks.
//!
//! Elements are parameters.

use common::{BATCH, HIDDEN, INPUTS, THREADS, assert_close, data, group, shape};
use criterion::{Criterion, Throughput};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::hint::black_box;
use twolayer_core::{
    Labels, Level, MatMut, MatRef, Rows, Shape, Threads, TwoLayerNet, cross_entropy, gemm, math, numerical_gradient,
};
use twolayer_idx::DataSet;

/// The notebook's step.
const H: f64 = 1e-4;
/// The error of a central difference at that step, for losses about 1.
const WITHIN: f64 = 1e-7;
/// Rows of the notebook's gradient check.
const FEW: usize = 3;

/// The first images and their labels, in several forms.
struct Batch<'a> {
    rows: usize,
    pixels: &'a [u8],
    floats: Vec<f64>,
    labels: &'a [u32],
}

impl<'a> Batch<'a> {
    fn new(digits: &'a DataSet, rows: usize) -> Self {
        let pixels = &digits.train.images()[..rows * INPUTS];
        let labels = &digits.train.labels()[..rows];
        Batch { rows, pixels, floats: data::floats(pixels), labels }
    }

    /// The loss as a function of a flat list of parameters.
    fn loss(&self, p: &[f64]) -> f64 {
        let level = Level::best();
        let (w1, rest) = p.split_at(INPUTS * HIDDEN);
        let (b1, rest) = rest.split_at(HIDDEN);
        let (w2, b2) = rest.split_at(HIDDEN * shape().classes());
        let mut hidden = affine(level, &self.floats, self.rows, w1, b1);
        math::sigmoid(level, &mut hidden);
        let logits = affine(level, &hidden, self.rows, w2, b2);
        let logits = MatRef::new(&logits, self.rows, b2.len()).expect("the size of the logits");
        cross_entropy(level, logits, self.labels).expect("labels that fit")
    }
}

/// x·w + b for every row of x.
fn affine(level: Level, x: &[f64], rows: usize, w: &[f64], b: &[f64]) -> Vec<f64> {
    let depth = x.len() / rows;
    let mut out = b.repeat(rows);
    let x = MatRef::new(x, rows, depth).expect("the size of x");
    let w = MatRef::new(w, depth, b.len()).expect("the size of w");
    let result = MatMut::new(&mut out, rows, b.len()).expect("the size of the result");
    gemm(level, 1.0, x, w, 1.0, result).expect("shapes that fit");
    out
}

fn bench(c: &mut Criterion, net: &TwoLayerNet<f64>, batch: &Batch<'_>, with_closure: bool) {
    let with_brute_force = with_closure || !common::only_once();
    let (x, t) = (Rows::Pixels(batch.pixels), Labels::Classes(batch.labels));
    let parameters = net.parameters.to_vec();
    let expected = net.gradient(x, t).expect("a gradient").to_vec();
    let network = |net: &TwoLayerNet<f64>| net.numerical_gradient(x, t, H).expect("a gradient").to_vec();
    let brute_force =
        |net: &TwoLayerNet<f64>| net.numerical_gradient_brute_force(x, t, H).expect("a gradient").to_vec();
    let closure = || numerical_gradient(|p: &[f64]| batch.loss(p), black_box(&parameters), H);
    assert_close("the network's", &network(net), &expected, WITHIN);
    if with_brute_force {
        assert_close("brute force's", &brute_force(net), &expected, WITHIN);
    }
    if with_closure {
        assert_close("the closure's", &closure(), &expected, WITHIN);
    }
    for threads in THREADS {
        let pool = common::pool(threads);
        let work = Throughput::Elements(parameters.len() as u64);
        let mut group = group(c, "numerical_gradient", &format!("batch-{}-t{threads}", batch.rows), work);
        let net = net.clone().with_threads(Threads::new(threads));
        group.bench_function("network", |b| b.iter(|| network(&net)));
        group.bench_function("backpropagation", |b| b.iter(|| net.gradient(x, t)));
        common::slow(&mut group);
        if with_brute_force {
            group.bench_function("brute-force", |b| b.iter(|| brute_force(&net)));
        }
        if with_closure {
            group.bench_function("closure", |b| pool.install(|| b.iter(closure)));
        }
    }
}

/// The forward pass that brute force computes twice for each parameter.
fn forward(c: &mut Criterion, net: &TwoLayerNet<f64>, batch: &Batch<'_>) {
    let (x, t) = (Rows::Pixels(batch.pixels), Labels::Classes(batch.labels));
    let mut group = group(c, "numerical_gradient", &format!("loss-{}", batch.rows), Throughput::Elements(1));
    let net = net.clone().with_threads(Threads::one());
    group.bench_function("network", |b| b.iter(|| net.loss(x, t)));
}

/// Wider hidden layers with random weights.
fn widths(c: &mut Criterion, batch: &Batch<'_>) {
    for &hidden in if common::only_once() { &[64][..] } else { &[64, 256, 1024] } {
        let shape = Shape::new(INPUTS, hidden, shape().classes()).expect("a shape");
        let net = TwoLayerNet::<f64>::random(shape, &mut ChaCha8Rng::seed_from_u64(0));
        let (x, t) = (Rows::Pixels(batch.pixels), Labels::Classes(batch.labels));
        let expected = net.gradient(x, t).expect("a gradient").to_vec();
        let found = net.numerical_gradient(x, t, H).expect("a gradient").to_vec();
        assert_close(&format!("{hidden} units"), &found, &expected, WITHIN);
        let work = Throughput::Elements(shape.parameters() as u64);
        let mut group = group(c, "numerical_gradient", &format!("hidden-{hidden}-t2"), work);
        common::slow(&mut group);
        let net = net.with_threads(Threads::new(2));
        group.bench_function("network", |b| b.iter(|| net.numerical_gradient(x, t, H)));
    }
}

fn differences(c: &mut Criterion) {
    let digits = data::digits();
    let net = data::trained::<f64>(&digits.train);
    let few = if common::only_once() { 1 } else { FEW };
    let (few, batch) = (Batch::new(&digits, few), Batch::new(&digits, BATCH));
    bench(c, &net, &few, true);
    // With a closure, tens of thousands of products of 100 rows would take too long.
    bench(c, &net, &batch, false);
    forward(c, &net, &batch);
    widths(c, &batch);
}

fn main() {
    common::run(&[differences]);
}
