//! Softmax, cross-entropy and its gradient for 100 rows of 10 logits, in place, ours at each level beside a plain loop.
//!
//! Elements are rows. The derivatives are the next call's logits; the buffer is restored now and then, untimed.

use common::{BATCH, CLASSES, assert_close, data, epsilon, group, oracle, time_in_place};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::ops::{AddAssign, Div, DivAssign, Sub};
use twolayer_core::{Float, Level, MatMut, softmax_cross_entropy};

/// Calls before the logits are restored.
const ROUNDS: u64 = 8;

/// The plain loop, in the type's own arithmetic; `exp` and `ln` are the standard library's.
fn plain<T>(logits: &mut [T], labels: &[u32], exp: fn(T) -> T, ln: fn(T) -> T) -> T
where
    T: Float + AddAssign + DivAssign + Sub<Output = T> + Div<Output = T>,
{
    let rows = T::from_f64(labels.len() as f64);
    let mut loss = T::ZERO;
    for (row, &label) in logits.chunks_exact_mut(CLASSES).zip(labels) {
        let most = row.iter().fold(row[0], |most, &x| if x > most { x } else { most });
        let chosen = row[label as usize] - most;
        let mut sum = T::ZERO;
        for x in row.iter_mut() {
            *x = exp(*x - most);
            sum += *x;
        }
        loss += ln(sum) - chosen;
        for x in row.iter_mut() {
            *x = *x / sum / rows;
        }
        row[label as usize] = row[label as usize] - T::ONE / rows;
    }
    loss / rows
}

fn bench<T>(c: &mut Criterion, exp: fn(T) -> T, ln: fn(T) -> T)
where
    T: Float + AddAssign + DivAssign + Sub<Output = T> + Div<Output = T>,
{
    let digits = data::digits();
    let labels = &digits.train.labels()[..BATCH];
    let source: Vec<T> = data::spread(BATCH * CLASSES, -8.0, 8.0);
    let mut expected: Vec<f64> = source.iter().map(|x| x.to_f64()).collect();
    let loss = oracle::softmax_cross_entropy(&mut expected, CLASSES, labels);
    let check = |name: &str, way: &dyn Fn(&mut [T]) -> f64| {
        let mut logits = source.clone();
        let found = way(&mut logits);
        assert!((found - loss).abs() < 50.0 * epsilon::<T>() * loss, "{name}: a loss of {found}, not {loss}");
        assert_close(name, &logits, &expected, 20.0 * epsilon::<T>() / BATCH as f64);
    };
    let mut group = group(c, "softmax", T::NAME, Throughput::Elements(BATCH as u64));
    for level in Level::available() {
        let ours = |x: &mut [T]| {
            let logits = MatMut::new(x, BATCH, CLASSES).expect("the size of the logits");
            softmax_cross_entropy(level, logits, labels).expect("labels that fit")
        };
        check(level.name(), &ours);
        group.bench_function(level.name(), |b| {
            time_in_place(b, &source, ROUNDS, |x| {
                black_box(ours(x));
            });
        });
    }
    let plain = |x: &mut [T]| plain(x, labels, exp, ln).to_f64();
    check("plain", &plain);
    group.bench_function("plain", |b| {
        time_in_place(b, &source, ROUNDS, |x| {
            black_box(plain(x));
        });
    });
}

fn main() {
    common::run(&[|c| bench(c, f32::exp, f32::ln), |c| bench(c, f64::exp, f64::ln)]);
}
