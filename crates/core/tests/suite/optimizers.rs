//! Optimisers against their formulas, one parameter at a time.

use crate::train::Data;
use crate::with_all_kinds;
use std::ops::ControlFlow;
use twolayer_core::{
    Error, Float, GradientMethod, Labels, Level, Optimizer, OptimizerKind, Parameter, Parameters, Rows, Shape, Threads,
    TrainOptions, TwoLayerNet,
};

const KINDS: [(OptimizerKind, f64); 8] = [
    (OptimizerKind::Sgd, 0.01),
    (OptimizerKind::Momentum { momentum: 0.9 }, 0.0),
    (OptimizerKind::Nesterov { momentum: 0.8 }, 0.0),
    (OptimizerKind::Nesterov { momentum: 0.9 }, 0.1),
    (OptimizerKind::AdaGrad, 0.0),
    (OptimizerKind::RmsProp { decay_rate: 0.99 }, 0.0),
    (OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 }, 0.0),
    (OptimizerKind::Adam { beta1: 0.5, beta2: 0.9 }, 0.02),
];

/// The book's formulas, one parameter at a time.
fn book_update(kind: OptimizerKind, t: i32, rate: f64, g: f64, (w, m, v): (&mut f64, &mut f64, &mut f64)) {
    match kind {
        OptimizerKind::Sgd => *w -= rate * g,
        OptimizerKind::Momentum { momentum } => {
            *m = momentum * *m - rate * g;
            *w += *m;
        }
        OptimizerKind::Nesterov { momentum } => {
            *w += momentum * momentum * *m - (1.0 + momentum) * rate * g;
            *m = momentum * *m - rate * g;
        }
        OptimizerKind::AdaGrad => {
            *m += g * g;
            *w -= rate * g / (m.sqrt() + 1e-7);
        }
        OptimizerKind::RmsProp { decay_rate } => {
            *m = decay_rate * *m + (1.0 - decay_rate) * g * g;
            *w -= rate * g / (m.sqrt() + 1e-7);
        }
        OptimizerKind::Adam { beta1, beta2 } => {
            let rate = rate * (1.0 - beta2.powi(t)).sqrt() / (1.0 - beta1.powi(t));
            *m += (1.0 - beta1) * (g - *m);
            *v += (1.0 - beta2) * (g * g - *v);
            *w -= rate * *m / (v.sqrt() + 1e-7);
        }
    }
}

#[test]
fn optimisers_do_as_the_book_says() {
    let data = Data::new(20, 35, 5, 40);
    let (batch, rate, inputs) = (6, 0.02, 20);
    for ((kind, decay), level) in KINDS.iter().flat_map(|&r| Level::available().into_iter().map(move |l| (r, l))) {
        let mut plain = data.net::<f64>(level);
        let (mut batches, mut indices) = (data.batches(1), vec![0; batch]);
        let count = data.shape.parameters();
        let (mut m, mut v) = (vec![0.0; count], vec![0.0; count]);
        for t in 1..=7 {
            batches(&mut indices);
            let x: Vec<u8> = indices.iter().flat_map(|&i| data.pixels[i * inputs..][..inputs].to_vec()).collect();
            let labels: Vec<u32> = indices.iter().map(|&i| data.labels[i]).collect();
            let g = plain.gradient(Rows::Pixels(&x), Labels::Classes(&labels)).unwrap();
            let mut at = 0;
            for p in Parameter::ALL {
                let (mut w, g) = (plain.parameters.get(p).to_vec(), g.get(p).to_vec());
                let decay = if matches!(p, Parameter::W1 | Parameter::W2) { decay } else { 0.0 };
                for (w, g) in w.iter_mut().zip(g) {
                    book_update(kind, t, rate, g + decay * *w, (w, &mut m[at], &mut v[at]));
                    at += 1;
                }
                plain.parameters.set(p, &w).unwrap();
            }
        }
        let options = TrainOptions { batch, learning_rate: rate, iterations: 7, ..TrainOptions::default() };
        let (net, optimizer) = optimized(&data, (level, Threads::new(2)), (kind, decay), &[options]);
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far(&net.parameters.to_vec(), &plain.parameters.to_vec()) < 1e-9, "{level} {kind:?}");
        let state: Vec<_> = optimizer.state().iter().map(Parameters::to_vec).collect();
        assert!(far(&state[0], &m) < 1e-9 && far(&state[1], &v) < 1e-9, "{level} {kind:?}");
        assert_eq!(optimizer.steps(), 7);
    }
}

/// Trains in pieces, the optimiser's state taken out and put into a new one between them.
fn optimized<T: Float>(
    data: &Data,
    (level, threads): (Level, Threads),
    (kind, decay): (OptimizerKind, f64),
    pieces: &[TrainOptions],
) -> (TwoLayerNet<T>, Optimizer<T>) {
    let (mut net, mut batches) = (data.net::<T>(level).with_threads(threads), data.batches(1));
    let mut optimizer = Optimizer::new(data.shape, kind, decay).unwrap();
    for options in pieces {
        let mut fresh = Optimizer::new(data.shape, kind, decay).unwrap();
        fresh.resume(optimizer.steps(), optimizer.state()).unwrap();
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        fresh.train(&mut net, x, t, &mut batches, options, &mut |_| ControlFlow::Continue(())).unwrap();
        optimizer = fresh;
    }
    (net, optimizer)
}

#[test]
fn optimisers_give_the_same_bits_for_any_number_of_workers_and_in_pieces() {
    let data = Data::new(30, 50, 4, 50);
    for kind in KINDS {
        let options =
            |iterations| TrainOptions { batch: 8, iterations, learning_rate: 0.01, ..TrainOptions::default() };
        let (net, state) = optimized::<f32>(&data, (Level::best(), Threads::one()), kind, &[options(20)]);
        for threads in [1, 2, 3, 9] {
            with_all_kinds(threads, |threads| {
                let machine = (Level::best(), threads.clone());
                let (same, kept) = optimized::<f32>(&data, machine, kind, &[1, 0, 12, 7].map(options));
                assert!(net.parameters == same.parameters && state == kept, "{kind:?}, {threads:?}");
            });
        }
    }
}

#[test]
fn optimisers_refuse_what_makes_no_sense() {
    let data = Data::new(3, 4, 2, 5);
    for kind in [
        OptimizerKind::Momentum { momentum: 1.0 },
        OptimizerKind::Nesterov { momentum: -0.1 },
        OptimizerKind::RmsProp { decay_rate: f64::NAN },
        OptimizerKind::Adam { beta1: 0.9, beta2: 1.0 },
    ] {
        assert!(matches!(Optimizer::<f32>::new(data.shape, kind, 0.0), Err(Error::Option { .. })), "{kind:?}");
    }
    for decay in [-1.0, f64::INFINITY, f64::NAN, 1e39] {
        assert!(Optimizer::<f32>::new(data.shape, OptimizerKind::Sgd, decay).is_err(), "{decay}");
    }
    let other = Shape::new(3, 5, 2).unwrap();
    let mut adagrad = Optimizer::<f32>::new(other, OptimizerKind::AdaGrad, 0.0).unwrap();
    assert!(adagrad.resume(1, Optimizer::new(data.shape, OptimizerKind::AdaGrad, 0.0).unwrap().state()).is_err());
    assert!(adagrad.resume(1, &[]).is_err());
    let train = |optimizer: &mut Optimizer<f32>, gradient| {
        let options = TrainOptions { batch: 2, iterations: 1, gradient, ..TrainOptions::default() };
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        let mut net = data.net::<f32>(Level::best());
        optimizer.train(&mut net, x, t, &mut data.batches(1), &options, &mut |_| ControlFlow::Continue(()))
    };
    assert!(matches!(train(&mut adagrad, GradientMethod::Backpropagation), Err(Error::Shape { .. })));
    let mut adagrad = Optimizer::<f32>::new(data.shape, OptimizerKind::AdaGrad, 0.0).unwrap();
    assert!(matches!(train(&mut adagrad, GradientMethod::Numerical { h: 1e-4 }), Err(Error::Option { .. })));
    assert!(train(&mut adagrad, GradientMethod::Backpropagation).is_ok());
}
