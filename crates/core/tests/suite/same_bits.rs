//! Every result is bit-identical at every instruction-set level and for any number of threads.

use crate::random::Random;
use std::ops::ControlFlow;
use twolayer_core::{
    Activation, Float, GradientMethod, Init, Labels, Level, MatMut, MatRef, Optimizer, OptimizerKind, Parameters, Rows,
    Shape, Threads, TrainOptions, TwoLayerNet, gemm, gemm_parallel, math, softmax, softmax_cross_entropy,
};

fn bits<T: Float>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// Asserts that `f` returns the same at every level; returns it.
fn check<R: PartialEq + std::fmt::Debug>(what: &str, f: impl Fn(Level) -> R) -> R {
    let want = f(Level::available()[0]);
    for level in Level::available() {
        // Not `assert_eq`, which would print all of both.
        assert!(f(level) == want, "{what} at {level} differs from {}", Level::available()[0]);
    }
    want
}

struct Data<T> {
    shape: Shape,
    pixels: Vec<u8>,
    floats: Vec<T>,
    labels: Vec<u32>,
}

impl<T: Float> Data<T> {
    /// `ink` is the share of pixels that are not zero, in eighths.
    fn new([inputs, hidden, classes, rows]: [usize; 4], ink: usize) -> Self {
        let mut random = Random((inputs * 31 + hidden) as u64);
        let shape = Shape::new(inputs, hidden, classes).unwrap();
        let pixels = (0..inputs * rows).map(|_| if random.below(8) < ink { random.bits() as u8 } else { 0 });
        let pixels: Vec<u8> = pixels.collect();
        let floats = pixels.iter().map(|&p| T::from_f64(f64::from(p) / 100.0 - f64::from(p % 2))).collect();
        let labels = (0..rows).map(|_| random.below(classes) as u32).collect();
        Data { shape, pixels, floats, labels }
    }

    fn net(&self, level: Level, activation: Activation) -> TwoLayerNet<T> {
        let mut random = Random(5);
        let init = if activation == Activation::Relu { Init::He } else { Init::Normal(0.3) };
        let net = TwoLayerNet::new(Parameters::normal(self.shape, init, || 2.0 * random.value()));
        net.with_level(level).with_activation(activation)
    }

    fn rows(&self) -> [Rows<'_, T>; 2] {
        [Rows::Pixels(&self.pixels), Rows::Floats(&self.floats)]
    }
}

const SHAPES: [[usize; 4]; 4] = [[1, 1, 2, 3], [70, 18, 17, 70], [130, 33, 3, 150], [260, 130, 10, 40]];

fn check_network<T: Float>() {
    for (size, ink) in SHAPES.into_iter().flat_map(|size| [1, 4, 8].map(|ink| (size, ink))) {
        let data = Data::<T>::new(size, ink);
        for (x, activation) in data.rows().into_iter().flat_map(|x| Activation::ALL.map(|a| (x, a))) {
            for threads in [1, 3] {
                check(&format!("the network {size:?}, {threads} threads"), |level| {
                    let net = data.net(level, activation).with_threads(Threads::new(threads));
                    let t = Labels::Classes(&data.labels);
                    let (p, g) = (net.predict(x).unwrap(), net.gradient(x, t).unwrap());
                    (bits(&p), net.loss(x, t).unwrap().to_bits(), bits(&g.to_vec()))
                });
            }
            if size[0] < 100 {
                check(&format!("the numerical gradient {size:?}"), |level| {
                    let net = data.net(level, activation).with_threads(Threads::new(2));
                    let g = net.numerical_gradient(x, Labels::Classes(&data.labels), 1e-4).unwrap();
                    bits(&g.to_vec())
                });
            }
        }
    }
}

#[test]
fn networks_give_the_same_bits() {
    check_network::<f32>();
    check_network::<f64>();
}

fn check_training<T: Float>() {
    const KINDS: [OptimizerKind; 4] = [
        OptimizerKind::Sgd,
        OptimizerKind::Momentum { momentum: 0.9 },
        OptimizerKind::RmsProp { decay_rate: 0.9 },
        OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 },
    ];
    let data = Data::<T>::new([130, 50, 10, 300], 2);
    for (kind, activation) in KINDS.into_iter().flat_map(|kind| Activation::ALL.map(|a| (kind, a))) {
        let [pixels, floats] = data.rows();
        for (batch, x, iterations) in [(33, pixels, 8), (33, floats, 8), (290, pixels, 3)] {
            let train = |level, threads| {
                let mut net = data.net(level, activation).with_threads(Threads::new(threads));
                let mut optimizer = Optimizer::new(data.shape, kind, 0.0).unwrap();
                let mut random = Random(3);
                let mut sampler = |rows: &mut [usize]| rows.iter_mut().for_each(|row| *row = random.below(300));
                let mut losses = Vec::new();
                let options = TrainOptions { batch, iterations, learning_rate: 0.02, ..TrainOptions::default() };
                let observer = &mut |p: twolayer_core::Progress| {
                    losses.push(p.loss.to_bits());
                    ControlFlow::Continue(())
                };
                let t = Labels::Classes(&data.labels);
                optimizer.train(&mut net, x, t, &mut sampler, &options, observer).unwrap();
                (bits(&net.parameters.to_vec()), losses)
            };
            let with =
                |threads| check(&format!("{kind:?} {activation:?}, {threads} threads"), |level| train(level, threads));
            let want = with(1);
            for threads in [2, 3, 4] {
                assert!(with(threads) == want, "{kind:?} {activation:?} with {threads} threads");
            }
        }
    }
}

#[test]
fn training_gives_the_same_bits() {
    check_training::<f32>();
    check_training::<f64>();
}

fn check_numerical_training<T: Float>() {
    let data = Data::<T>::new([20, 17, 3, 30], 3);
    for threads in [1, 2] {
        check("training by numerical gradients", |level| {
            let mut net = data.net(level, Activation::Sigmoid).with_threads(Threads::new(threads));
            let mut sampler = |rows: &mut [usize]| (0..rows.len()).for_each(|i| rows[i] = i * 3 % 30);
            let gradient = GradientMethod::Numerical { h: 1e-4 };
            let options = TrainOptions { batch: 7, iterations: 4, gradient, ..TrainOptions::default() };
            let (x, t) = (Rows::Pixels(&data.pixels), Labels::Classes(&data.labels));
            net.train(x, t, &mut sampler, &options, &mut |_| ControlFlow::Continue(())).unwrap();
            bits(&net.parameters.to_vec())
        });
    }
}

#[test]
fn training_by_numerical_gradients_gives_the_same_bits() {
    check_numerical_training::<f32>();
    check_numerical_training::<f64>();
}

fn check_kernels<T: Float>() {
    let mut random = Random(8);
    let mut x: Vec<T> = random.values(3001, 100.0);
    x.extend([0.0, -0.0, f64::NAN, f64::INFINITY, -f64::INFINITY, 1e-310, 1e-42, 1e300].map(T::from_f64));
    for function in [math::exp, math::ln, math::sigmoid] {
        check("an elementary function", |level| {
            let mut y = x.clone();
            function(level, &mut y);
            // NaN has many bit patterns, all of which mean the same.
            bits(&y.iter().map(|y| if y.to_f64().is_nan() { T::NAN } else { *y }).collect::<Vec<T>>())
        });
    }
    for (rows, cols) in [(1, 1), (7, 10), (33, 17), (4, 200)] {
        let logits: Vec<T> = random.values(rows * cols, 20.0);
        let labels: Vec<u32> = (0..rows).map(|r| (r % cols) as u32).collect();
        check("softmax", |level| {
            let (mut p, mut d) = (logits.clone(), logits.clone());
            softmax(level, MatMut::new(&mut p, rows, cols).unwrap());
            let loss = softmax_cross_entropy(level, MatMut::new(&mut d, rows, cols).unwrap(), &labels).unwrap();
            (bits(&p), bits(&d), loss.to_bits())
        });
    }
    for [m, n, k] in [[1, 1, 1], [5, 7, 30], [100, 50, 784], [37, 300, 1500], [64, 64, 2100]] {
        let (a, b, c): (Vec<T>, Vec<T>, Vec<T>) =
            (random.values(m * k, 1.0), random.values(k * n, 1.0), random.values(m * n, 1.0));
        for (alpha, beta) in [(1.0, 0.0), (0.7, -1.3)] {
            let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
            let (a, b) = (MatRef::new(&a, m, k).unwrap(), MatRef::new(&b, k, n).unwrap());
            let at = a.to_vec();
            let transposed = MatRef::with_strides(&at, m, k, k, 1).unwrap();
            check(&format!("gemm {m} x {n} x {k}"), |level| {
                let (mut one, mut two) = (c.clone(), c.clone());
                gemm(level, alpha, a, b, beta, MatMut::new(&mut one, m, n).unwrap()).unwrap();
                let many = MatMut::new(&mut two, m, n).unwrap();
                gemm_parallel(level, &Threads::new(3), alpha, transposed, b, beta, many).unwrap();
                assert!(one == two, "gemm on several threads");
                bits(&one)
            });
        }
    }
}

#[test]
fn kernels_give_the_same_bits() {
    check_kernels::<f32>();
    check_kernels::<f64>();
}
