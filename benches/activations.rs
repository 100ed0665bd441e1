//! e^x, ln x and the sigmoid over 5,000 elements in place, ours at each level beside a plain loop over the standard
//! library's and, in f32, rten-vecmath (which chooses the best instruction set by itself). ln has no peer there.
//!
//! Only the calls are timed, on a buffer that stays in the first- (f32) or second-level (f64) cache. A result is the
//! next call's argument, for as many calls as all arguments stay in range; then the buffer is restored, untimed.

use common::data::spread;
use common::{assert_close, epsilon, group, time_in_place};
use criterion::{Criterion, Throughput};
use rten_simd::SimdUnaryOp;
use twolayer_core::{Float, Level, math};

const ELEMENTS: usize = 5_000;

/// A function: the range of its arguments, how often it may be applied in a row, and its value in f64.
struct Function {
    name: &'static str,
    from: f64,
    to: f64,
    rounds: u64,
    exact: fn(f64) -> f64,
}

/// From here e^x leads to 0..1, 1..e, 2.7..15.2 and 15..4e6.
const EXP: Function = Function { name: "exp", from: -10.0, to: 0.0, rounds: 4, exact: f64::exp };
/// The same way back.
const LN: Function = Function { name: "ln", from: 15.2, to: 3.8e6, rounds: 4, exact: f64::ln };
/// Its values are always valid arguments again.
const SIGMOID: Function = Function { name: "sigmoid", from: -20.0, to: 20.0, rounds: 16, exact: plain_sigmoid };

fn plain_sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A way to apply a function to a buffer.
type Way<T> = (String, Box<dyn Fn(&mut [T])>);

fn ours<T: Float>(f: fn(Level, &mut [T])) -> Vec<Way<T>> {
    let way = |level: Level| -> Way<T> { (level.name().into(), Box::new(move |x| f(level, x))) };
    Level::available().into_iter().map(way).collect()
}

fn other<T>(name: &str, f: impl Fn(&mut [T]) + 'static) -> Vec<Way<T>> {
    vec![(name.into(), Box::new(f))]
}

fn plain<T: Copy>(f: impl Fn(T) -> T + 'static) -> Vec<Way<T>> {
    other("plain", move |x: &mut [T]| x.iter_mut().for_each(|x| *x = f(*x)))
}

fn bench<T: Float>(c: &mut Criterion, function: &Function, ways: Vec<Vec<Way<T>>>) {
    let source: Vec<T> = spread(ELEMENTS, function.from, function.to);
    let case = format!("{}-{}", function.name, T::NAME);
    let mut group = group(c, "activations", &case, Throughput::Elements(ELEMENTS as u64));
    for (name, way) in ways.into_iter().flatten() {
        check(function, &name, &source, &way);
        group.bench_function(name, |b| time_in_place(b, &source, function.rounds, &way));
    }
}

/// Every application, up to the last before the buffer is restored.
fn check<T: Float>(function: &Function, name: &str, source: &[T], way: &dyn Fn(&mut [T])) {
    let mut x = source.to_vec();
    for _ in 0..function.rounds {
        let expected: Vec<f64> = x.iter().map(|x| (function.exact)(x.to_f64())).collect();
        way(&mut x);
        // Relative where the result is large, absolute where it is small: ln passes through 0.
        let relative = |x: f64, e: f64| x / e.abs().max(1.0);
        let found: Vec<f64> = x.iter().zip(&expected).map(|(x, &e)| relative(x.to_f64(), e)).collect();
        let expected: Vec<f64> = expected.iter().map(|&e| relative(e, e)).collect();
        assert_close(&format!("{name}'s {}", function.name), &found, &expected, 4.0 * epsilon::<T>());
    }
}

fn exp(c: &mut Criterion) {
    let rten = other("rten", |x: &mut [f32]| {
        rten_vecmath::Exp {}.map_mut(x);
    });
    bench(c, &EXP, vec![ours::<f32>(math::exp), plain(f32::exp), rten]);
    bench(c, &EXP, vec![ours::<f64>(math::exp), plain(f64::exp)]);
}

fn ln(c: &mut Criterion) {
    bench(c, &LN, vec![ours::<f32>(math::ln), plain(f32::ln)]);
    bench(c, &LN, vec![ours::<f64>(math::ln), plain(f64::ln)]);
}

fn sigmoid(c: &mut Criterion) {
    let rten = other("rten", |x: &mut [f32]| {
        rten_vecmath::Sigmoid {}.map_mut(x);
    });
    let plain_f32 = plain(|x: f32| 1.0 / (1.0 + (-x).exp()));
    bench(c, &SIGMOID, vec![ours::<f32>(math::sigmoid), plain_f32, rten]);
    bench(c, &SIGMOID, vec![ours::<f64>(math::sigmoid), plain(plain_sigmoid)]);
}

fn main() {
    common::run(&[exp, ln, sigmoid]);
}
