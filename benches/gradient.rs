//! The gradient of every parameter by backpropagation, for a batch of 100 digits and 784-50-10, at each level; in f64
//! beside the notebook's loops in plain Rust. Elements are the floating-point operations of dense products.

use common::{BATCH, assert_close, data, dense_operations, epsilon, group, largest, oracle, shape};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use twolayer_core::{Float, Labels, Level, Rows};
use twolayer_idx::DataSet;

fn bench<T: Float>(c: &mut Criterion, digits: &DataSet) {
    let net = data::trained::<T>(&digits.train);
    let pixels = &digits.train.images()[..BATCH * shape().inputs()];
    let labels = &digits.train.labels()[..BATCH];
    let plain = oracle::Plain::new(shape(), pixels, labels);
    let parameters: Vec<f64> = net.parameters.to_vec().iter().map(|p| p.to_f64()).collect();
    let expected = plain.gradient(&parameters);

    let work = Throughput::Elements(dense_operations(shape(), BATCH));
    let mut group = group(c, "gradient", T::NAME, work);
    for level in Level::available() {
        let net = net.clone().with_level(level);
        let gradient = || net.gradient(Rows::Pixels(pixels), Labels::Classes(labels)).expect("a gradient");
        let within = 64.0 * epsilon::<T>() * largest(&expected);
        assert_close(level.name(), &gradient().to_vec(), &expected, within);
        group.bench_function(level.name(), |b| b.iter(gradient));
    }
    if T::NAME == "f64" {
        group.bench_function("plain", |b| b.iter(|| plain.gradient(black_box(&parameters))));
    }
}

fn gradients(c: &mut Criterion) {
    let digits = data::digits();
    bench::<f32>(c, &digits);
    bench::<f64>(c, &digits);
}

fn main() {
    common::run(&[gradients]);
}
