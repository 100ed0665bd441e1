//! Probabilities for 1, 100 and 10,000 digits, from pixels and from floats, in f32 at each level; elements are digits.

use common::{INPUTS, assert_close, data, epsilon, group, oracle, shape};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use twolayer_core::{Labels, Level, Rows};

/// Digits at once.
const COUNTS: [usize; 3] = [1, 100, 10_000];

fn predictions(c: &mut Criterion) {
    let digits = data::digits();
    let net = data::trained::<f32>(&digits.train);
    let (pixels, labels) = (digits.test.images(), digits.test.labels());
    let floats: Vec<f32> = data::floats(pixels);
    let parameters: Vec<f64> = net.parameters.to_vec().iter().map(|&p| f64::from(p)).collect();
    let expected = oracle::Plain::new(shape(), pixels, labels).predict(&parameters);
    let accuracy = net.accuracy(Rows::Pixels(pixels), Labels::Classes(labels)).expect("an accuracy");
    assert!(accuracy > 0.8, "trained to an accuracy of {accuracy} only");

    for (name, rows) in COUNTS.iter().flat_map(|&rows| [("pixels", rows), ("floats", rows)]) {
        let x = match name {
            "pixels" => Rows::Pixels(&pixels[..rows * INPUTS]),
            _ => Rows::Floats(&floats[..rows * INPUTS]),
        };
        for (kind, threads) in common::threads() {
            let case = format!("{name}-{rows}-{kind}");
            let mut group = group(c, "predict", &case, Throughput::Elements(rows as u64));
            for level in Level::available() {
                let net = net.clone().with_level(level).with_threads(threads.clone());
                let found = net.predict(x).expect("probabilities");
                assert_close(&format!("{case} at {level}"), &found, &expected[..found.len()], 100.0 * epsilon::<f32>());
                group.bench_function(level.name(), |b| b.iter(|| net.predict(black_box(x))));
            }
        }
    }
}

fn main() {
    common::run(&[predictions]);
}
