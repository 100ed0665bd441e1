//! Networks of any small shape: the same bits at every level and for any number of threads, and gradients close to
//! differences.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::ops::ControlFlow;
use twolayer_core::{
    Activation, Float, Init, Labels, Level, Optimizer, OptimizerKind, Parameters, Rows, Shape, Threads, TrainOptions,
    TwoLayerNet,
};

fuzz_target!(|input: &[u8]| {
    let u = &mut Unstructured::new(input);
    let _ = if u.arbitrary().unwrap_or(false) { check::<f64>(u) } else { check::<f32>(u) };
});

struct Case<T: Float> {
    net: TwoLayerNet<T>,
    pixels: Vec<u8>,
    floats: Option<Vec<T>>,
    labels: Vec<u32>,
    kind: OptimizerKind,
    weight_decay: f64,
    options: TrainOptions,
}

fn check<T: Float>(u: &mut Unstructured) -> Result<()> {
    let case = case::<T>(u)?;
    let want = case.outcome(Level::available()[0], 1);
    for (i, level) in Level::available().into_iter().enumerate() {
        let threads = 1 + (i + case.labels.len()) % 3;
        assert!(case.outcome(level, threads) == want, "other bits at {level} with {threads} threads");
    }
    // ReLU has kinks, at which differences are no gradient.
    if case.net.activation == Activation::Sigmoid && case.net.shape().parameters() < 500 && size_of::<T>() == 8 {
        let (x, t) = (case.rows(), Labels::Classes(&case.labels));
        let gradient = case.net.gradient(x, t).unwrap();
        let differences = case.net.numerical_gradient(x, t, 1e-4).unwrap();
        for (g, d) in gradient.to_vec().iter().zip(differences.to_vec()) {
            assert!((g.to_f64() - d).abs() <= 1e-5 * d.abs().max(1.0), "gradient {}, differences {d}", g.to_f64());
        }
    }
    Ok(())
}

fn case<T: Float>(u: &mut Unstructured) -> Result<Case<T>> {
    let shape = Shape::new(u.int_in_range(1..=70)?, u.int_in_range(1..=50)?, u.int_in_range(1..=20)?).unwrap();
    let rows = u.int_in_range(1..=20)?;
    let kind = match u.int_in_range(0..=5)? {
        0 => OptimizerKind::Sgd,
        1 => OptimizerKind::Momentum { momentum: 0.9 },
        2 => OptimizerKind::Nesterov { momentum: 0.9 },
        3 => OptimizerKind::AdaGrad,
        4 => OptimizerKind::RmsProp { decay_rate: 0.9 },
        _ => OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 },
    };
    let batch = if u.ratio(1, 8)? { u.int_in_range(129..=140)? } else { u.int_in_range(1..=20)? };
    let options = TrainOptions { batch, iterations: u.int_in_range(0..=3)?, learning_rate: 0.1, ..Default::default() };
    let activation = *u.choose(&Activation::ALL)?;
    let weight_decay = *u.choose(&[0.0, 0.01])?;
    let (is_float, zeros) = (u.arbitrary::<bool>()?, u.int_in_range(0..=8)?);
    let mut seed: u64 = u.arbitrary()?;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let parameters = Parameters::normal(shape, Init::Normal(0.3), || (random() % 2001) as f64 / 1000.0 - 1.0);
    let pixels: Vec<u8> =
        (0..shape.inputs() * rows).map(|_| if random() % 8 < zeros { 0 } else { random() as u8 }).collect();
    let labels = (0..rows).map(|_| (random() % shape.classes()) as u32).collect();
    let floats = is_float.then(|| pixels.iter().map(|&p| T::from_f64(f64::from(p) / 64.0 - 1.0)).collect());
    let net = TwoLayerNet::new(parameters).with_activation(activation);
    Ok(Case { net, pixels, floats, labels, kind, weight_decay, options })
}

impl<T: Float> Case<T> {
    fn rows(&self) -> Rows<'_, T> {
        self.floats.as_ref().map_or(Rows::Pixels(&self.pixels), |floats| Rows::Floats(floats))
    }

    /// All bits of what a network gives, and of its training.
    fn outcome(&self, level: Level, threads: usize) -> Vec<u64> {
        let mut net = self.net.clone().with_level(level).with_threads(Threads::new(threads));
        let (x, t) = (self.rows(), Labels::Classes(&self.labels));
        let mut numbers = net.predict(x).unwrap();
        numbers.extend(net.gradient(x, t).unwrap().to_vec());
        let mut optimizer = Optimizer::new(net.shape(), self.kind, self.weight_decay).unwrap();
        let mut turn = 0;
        let mut sampler = |rows: &mut [usize]| {
            rows.iter_mut().enumerate().for_each(|(i, row)| *row = (turn + i * i) % self.labels.len());
            turn += 1;
        };
        let observer = &mut |_| ControlFlow::Continue(());
        let result = optimizer.train(&mut net, x, t, &mut sampler, &self.options, observer);
        numbers.extend(net.parameters.to_vec());
        let loss = result.map_or(f64::NAN, |summary| summary.final_loss);
        let bits = |x: f64| if x.is_nan() { u64::MAX } else { x.to_bits() };
        numbers.iter().map(|x| bits(x.to_f64())).chain([bits(loss)]).collect()
    }
}
