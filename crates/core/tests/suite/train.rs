//! The training loop against plain gradients and steps; early ends and errors.

use crate::random::Random;
use crate::with_all_kinds;
use std::ops::ControlFlow;
use twolayer_core::{
    Error, Float, GradientMethod, Init, Labels, Level, Parameter, Parameters, Progress, Rows, Shape, ThreadPool,
    Threads, TrainOptions, TrainSummary, TwoLayerNet,
};

pub struct Data {
    pub pixels: Vec<u8>,
    pub labels: Vec<u32>,
    pub rows: usize,
    pub shape: Shape,
}

impl Data {
    pub fn new(inputs: usize, hidden: usize, classes: usize, rows: usize) -> Self {
        let mut random = Random((inputs + hidden * 5 + rows) as u64);
        let pixels = (0..inputs * rows).map(|_| if random.below(3) == 0 { random.bits() as u8 } else { 0 }).collect();
        let labels = (0..rows).map(|_| random.below(classes) as u32).collect();
        Data { pixels, labels, rows, shape: Shape::new(inputs, hidden, classes).unwrap() }
    }

    pub fn net<T: Float>(&self, level: Level) -> TwoLayerNet<T> {
        let mut random = Random(11);
        let net = TwoLayerNet::new(Parameters::normal(self.shape, Init::Normal(0.3), || random.value()));
        net.with_level(level)
    }

    pub fn batches(&self, seed: u64) -> impl FnMut(&mut [usize]) + use<> {
        let (mut random, rows) = (Random(seed), self.rows);
        move |indices| indices.iter_mut().for_each(|i| *i = random.below(rows))
    }

    /// Trains; returns the network and the losses.
    fn train<T: Float>(&self, level: Level, threads: Threads, options: &TrainOptions) -> (TwoLayerNet<T>, Vec<f64>) {
        let mut net = self.net(level).with_threads(threads);
        let mut losses = Vec::new();
        let summary = net
            .train(
                Rows::Pixels(&self.pixels),
                Labels::Classes(&self.labels),
                &mut self.batches(1),
                options,
                &mut |p: Progress| {
                    assert_eq!(p.iteration, losses.len());
                    losses.push(p.loss);
                    ControlFlow::Continue(())
                },
            )
            .unwrap();
        assert_eq!(summary.iterations, options.iterations);
        (net, losses)
    }
}

fn check_steps<T: Float>() {
    let shapes = [(1, 1, 2, 1), (7, 20, 3, 5), (130, 40, 10, 66), (20, 70, 17, 3)];
    for (inputs, hidden, classes, batch) in shapes {
        let data = Data::new(inputs, hidden, classes, 90);
        for level in Level::available() {
            let rate = 0.5;
            let mut plain = data.net::<T>(level);
            let mut batches = data.batches(1);
            let mut indices = vec![0; batch];
            let mut plain_losses = Vec::new();
            for _ in 0..6 {
                batches(&mut indices);
                let x: Vec<u8> =
                    indices.iter().flat_map(|&i| data.pixels[i * inputs..][..inputs].iter().copied()).collect();
                let t: Vec<u32> = indices.iter().map(|&i| data.labels[i]).collect();
                let (x, t) = (Rows::Pixels(&x), Labels::Classes(&t));
                plain_losses.push(plain.loss(x, t).unwrap());
                let g = plain.gradient(x, t).unwrap();
                for p in Parameter::ALL {
                    let (w, g) = (plain.parameters.get(p).to_vec(), g.get(p).to_vec());
                    let step = |(&w, &g): (&T, &T)| T::mul_add([T::from_f64(-rate)], [g], [w])[0];
                    plain.parameters.set(p, &w.iter().zip(&g).map(step).collect::<Vec<T>>()).unwrap();
                }
            }
            let options = TrainOptions { batch, learning_rate: rate, iterations: 6, ..TrainOptions::default() };
            for threads in [1, 2, 3, 9] {
                with_all_kinds(threads, |threads| {
                    let (net, losses) = data.train::<T>(level, threads.clone(), &options);
                    assert_eq!(net.parameters, plain.parameters, "{level} {} {hidden} {threads:?}", T::NAME);
                    // The same logits; only the order of the sum over many rows differs.
                    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12 * b;
                    assert!(losses.iter().zip(&plain_losses).all(close), "{level} {} {hidden} {threads:?}", T::NAME);
                });
            }
        }
    }
}

#[test]
fn a_step_is_the_gradient_times_the_rate_to_the_bit() {
    check_steps::<f32>();
    check_steps::<f64>();
}

#[test]
fn a_run_may_be_taken_in_pieces() {
    let data = Data::new(30, 33, 4, 50);
    let options = TrainOptions { batch: 8, iterations: 20, ..TrainOptions::default() };
    let (whole, losses) = data.train::<f32>(Level::best(), Threads::new(2), &options);
    let mut net = data.net::<f32>(Level::best()).with_threads(Threads::new(2));
    let (mut batches, mut pieces) = (data.batches(1), Vec::new());
    for (first, iterations) in [(0, 1), (1, 0), (1, 12), (13, 7)] {
        let options = TrainOptions { first_iteration: first, iterations, ..options.clone() };
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        let summary = net.train(x, t, &mut batches, &options, &mut |p| {
            assert_eq!(p.iteration, pieces.len());
            pieces.push(p.loss);
            ControlFlow::Continue(())
        });
        assert_eq!(summary.unwrap().iterations, iterations);
    }
    assert_eq!((net.parameters, pieces), (whole.parameters, losses));
}

/// Runs with this rate and sampler; returns what came of it and how far it got.
fn attempt(
    rate: f64,
    threads: Threads,
    mut sampler: impl FnMut(&mut [usize]),
    stop_at: usize,
) -> (Result<TrainSummary, Error>, usize) {
    let data = Data::new(30, 40, 4, 50);
    let mut net = data.net::<f32>(Level::best()).with_threads(threads);
    let options = TrainOptions { batch: 8, iterations: 300, learning_rate: rate, ..TrainOptions::default() };
    let options = TrainOptions { first_iteration: 1000, ..options };
    let mut seen = 0;
    let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
    let result = net.train(x, t, &mut sampler, &options, &mut |p| {
        seen = p.iteration + 1;
        if p.iteration == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (result, seen)
}

#[test]
fn a_divergence_names_its_iteration_for_any_number_of_workers() {
    let batches = || Data::new(30, 40, 4, 50).batches(2);
    for rate in [1e38, 3e37] {
        let (one, seen) = attempt(rate, Threads::one(), batches(), 0);
        let Err(Error::Diverged { iteration, .. }) = one else { panic!("{one:?}") };
        assert_eq!(seen, iteration + 1, "the observer sees the loss that diverged: {one:?}");
        for threads in [Threads::new(2), Threads::new(3), Threads::auto()] {
            assert_eq!(attempt(rate, threads, batches(), 0), (one.clone(), seen));
        }
    }
}

/// The second batch is on the wrong side of huge but finite logits: its loss is finite, its step of W1 is not.
#[test]
fn a_weight_that_diverges_before_the_loss_does_is_named() {
    for level in Level::available() {
        let mut net = TwoLayerNet::<f32>::new(Parameters::zeros(Shape::new(1, 1, 2).unwrap())).with_level(level);
        let options = TrainOptions { batch: 1, learning_rate: 3e38, ..TrainOptions::default() };
        let (x, t) = (Rows::Pixels(&[255, 255]), Labels::Classes(&[0, 1]));
        let mut turn = 0;
        let mut sampler = |indices: &mut [usize]| {
            indices[0] = turn % 2;
            turn += 1;
        };
        let result = net.train(x, t, &mut sampler, &options, &mut |p| {
            assert!(p.loss.is_finite(), "{level}: {p:?}");
            ControlFlow::Continue(())
        });
        assert_eq!(result, Err(Error::Diverged { iteration: 1, what: "W1" }), "{level}");
    }
}

#[test]
fn a_row_that_is_not_there_is_an_error() {
    for (bad, threads) in [(0, 1), (1, 2), (2, 2), (3, 1), (17, 3)] {
        let mut t = 0;
        let sampler = move |indices: &mut [usize]| {
            indices.fill(if t == bad { 50 } else { 49 });
            t += 1;
        };
        let (result, seen) = attempt(0.1, Threads::new(threads), sampler, usize::MAX);
        assert_eq!(result, Err(Error::Sample { iteration: 1000 + bad, row: 50, rows: 50 }));
        assert_eq!(seen, if bad == 0 { 0 } else { 1000 + bad });
    }
}

#[test]
fn the_observer_ends_a_run_after_the_step_in_hand() {
    let batches = || Data::new(30, 40, 4, 50).batches(2);
    for threads in [Threads::one(), Threads::new(2), Threads::new(3), Threads::auto()] {
        let (result, seen) = attempt(0.1, threads, batches(), 1041);
        assert_eq!((result.unwrap().iterations, seen), (42, 1042));
    }
}

#[test]
fn a_batch_drawn_ahead_of_the_end_is_not_missed() {
    for (bad, stop_at) in [(2, 1000), (2, 1001), (3, 1001)] {
        let mut t = 0;
        let sampler = move |indices: &mut [usize]| {
            indices.fill(if t == bad { 50 } else { 49 });
            t += 1;
        };
        let (result, _) = attempt(0.1, Threads::new(2), sampler, stop_at);
        assert_eq!(result.unwrap().iterations, stop_at - 999);
    }
}

#[test]
fn a_panic_of_the_observer_reaches_the_caller() {
    let ended = std::panic::catch_unwind(|| {
        let data = Data::new(30, 40, 4, 50);
        let mut net = data.net::<f32>(Level::best()).with_threads(Threads::new(3));
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        let _ = net.train(x, t, &mut data.batches(1), &TrainOptions::default(), &mut |p| {
            if p.iteration == 9 {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            ControlFlow::Continue(())
        });
    });
    assert!(ended.is_err());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let data = Data::new(3, 4, 4, 5);
    let good = TrainOptions { iterations: 1, ..TrainOptions::default() };
    for options in [
        TrainOptions { batch: 0, ..good.clone() },
        TrainOptions { batch: usize::MAX, ..good.clone() },
        TrainOptions { learning_rate: f64::NAN, ..good.clone() },
        TrainOptions { learning_rate: f64::INFINITY, ..good.clone() },
        TrainOptions { learning_rate: -1.0, ..good.clone() },
        TrainOptions { learning_rate: 1e39, ..good.clone() },
        TrainOptions { first_iteration: usize::MAX, ..good.clone() },
        TrainOptions { gradient: GradientMethod::Numerical { h: 0.0 }, ..good.clone() },
        TrainOptions { gradient: GradientMethod::Numerical { h: f64::NAN }, ..good.clone() },
    ] {
        let mut net = data.net::<f32>(Level::best());
        let before = net.parameters.clone();
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        let result = net.train(x, t, &mut data.batches(1), &options, &mut |_| ControlFlow::Continue(()));
        assert!(matches!(result, Err(Error::Option { .. })), "{options:?}: {result:?}");
        assert_eq!(net.parameters, before);
    }
}

#[test]
fn float_rows_train_as_pixels_do() {
    let data = Data::new(40, 20, 4, 50);
    let options = TrainOptions { batch: 8, iterations: 10, ..TrainOptions::default() };
    let (pixels, _) = data.train::<f32>(Level::best(), Threads::new(2), &options);
    let floats: Vec<f32> = data.pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
    let mut net = data.net::<f32>(Level::best());
    let (x, t) = (Rows::Floats(&floats), Labels::Classes(&data.labels));
    net.train(x, t, &mut data.batches(1), &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(net.parameters, pixels.parameters);
}

const NUMERICAL: GradientMethod = GradientMethod::Numerical { h: 1e-4 };

fn check_numerical<T: Float>(close: f64) {
    let data = Data::new(30, 20, 4, 50);
    for level in Level::available() {
        let options = TrainOptions { batch: 8, iterations: 20, ..TrainOptions::default() };
        let (backprop, losses) = data.train::<T>(level, Threads::new(2), &options);
        let (numerical, others) =
            data.train::<T>(level, Threads::new(2), &TrainOptions { gradient: NUMERICAL, ..options });
        for (a, b) in backprop.parameters.to_vec().iter().zip(numerical.parameters.to_vec()) {
            assert!((a.to_f64() - b.to_f64()).abs() < close, "{level} {}: {a} and {b}", T::NAME);
        }
        assert!(losses.iter().zip(&others).all(|(a, b)| (a - b).abs() < close), "{level}: {losses:?}, {others:?}");
    }
}

#[test]
fn numerical_gradients_train_as_backpropagation_does() {
    check_numerical::<f64>(1e-9);
    check_numerical::<f32>(1e-5);
}

#[test]
fn numerical_training_ends_and_fails_as_the_other_does() {
    let data = Data::new(30, 40, 4, 50);
    let run = |rate: f64, row: usize, stop_at: usize| {
        let mut net = data.net::<f64>(Level::best());
        let options = TrainOptions { batch: 8, iterations: 30, learning_rate: rate, ..TrainOptions::default() };
        let options = TrainOptions { first_iteration: 100, gradient: NUMERICAL, ..options };
        let mut turn = 0;
        let mut sampler = |indices: &mut [usize]| {
            indices.iter_mut().enumerate().for_each(|(i, index)| *index = if turn == 2 { row } else { i });
            turn += 1;
        };
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        net.train(x, t, &mut sampler, &options, &mut |p| {
            if p.iteration == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    };
    assert_eq!(run(0.1, 2, 999).map(|s| s.iterations), Ok(30));
    assert_eq!(run(0.1, 2, 104).map(|s| s.iterations), Ok(5));
    assert_eq!(run(0.1, 50, 999), Err(Error::Sample { iteration: 102, row: 50, rows: 50 }));
    assert!(matches!(run(1.7e308, 2, 999), Err(Error::Diverged { .. })));
}

/// An observer that sleeps makes segments end early; the number of workers changes between them.
#[test]
fn a_run_whose_number_of_workers_changes_is_the_run_of_one() {
    let data = Data::new(30, 40, 4, 50);
    let train = |threads, sleeps: bool| {
        let mut net = data.net::<f32>(Level::best()).with_threads(threads);
        let options = TrainOptions { batch: 8, iterations: 3000, ..TrainOptions::default() };
        let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
        let mut losses = Vec::new();
        let summary = net.train(x, t, &mut data.batches(1), &options, &mut |p| {
            assert_eq!(p.iteration, losses.len());
            losses.push(p.loss);
            if sleeps && p.iteration % 97 < 3 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            ControlFlow::Continue(())
        });
        assert_eq!(summary.unwrap().iterations, 3000);
        (net.parameters, losses)
    };
    let one = train(Threads::one(), false);
    for most in [2, 3] {
        let threads = Threads::Pool(ThreadPool::auto_up_to(most).into());
        assert!(train(threads, true) == one, "at most {most} threads");
    }
}
