//! Runs of the network and its kernels whose results are known to the bit. They use no other source of numbers than
//! whole numbers and exact fractions, so that every machine starts from the same bits.

#[path = "random.rs"]
mod random;

use random::Random;
use std::ops::ControlFlow;
use twolayer_core::{
    Activation, Float, Init, Labels, Level, MatMut, MatRef, Optimizer, OptimizerKind, Parameters, Rows, Shape, Threads,
    TrainOptions, TwoLayerNet, gemm, math, softmax_cross_entropy,
};

/// FNV-1a, over the bits of the numbers as `f64`, lowest byte first. All NaNs count as the same.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Digest(0xcbf2_9ce4_8422_2325)
    }

    fn of<T: Float>(numbers: &[T]) -> u64 {
        let mut digest = Digest::new();
        numbers.iter().for_each(|x| digest.add(x.to_f64()));
        digest.0
    }

    fn add(&mut self, x: f64) {
        let bits = if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        for byte in bits.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// A training run.
struct Recipe {
    name: &'static str,
    /// Inputs, hidden units, classes, training rows.
    size: [usize; 4],
    /// The share of pixels that are not zero, in eighths.
    ink: usize,
    /// Whether the rows are floats rather than pixels.
    floats: bool,
    batch: usize,
    kind: OptimizerKind,
    weight_decay: f64,
    learning_rate: f64,
    activation: Activation,
}

const NOTEBOOK: Recipe = Recipe {
    name: "notebook",
    size: [784, 50, 10, 400],
    ink: 2,
    floats: false,
    batch: 100,
    kind: OptimizerKind::Sgd,
    weight_decay: 0.0,
    learning_rate: 0.1,
    activation: Activation::Sigmoid,
};

const RECIPES: [Recipe; 5] = [
    NOTEBOOK,
    Recipe { name: "dense", size: [64, 33, 17, 300], ink: 8, batch: 33, ..NOTEBOOK },
    Recipe {
        name: "adam-relu",
        size: [130, 100, 3, 300],
        floats: true,
        kind: OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 },
        weight_decay: 1e-4,
        learning_rate: 0.01,
        activation: Activation::Relu,
        ..NOTEBOOK
    },
    Recipe {
        name: "nesterov-large-batch",
        size: [65, 18, 10, 300],
        batch: 290,
        kind: OptimizerKind::Nesterov { momentum: 0.9 },
        ..NOTEBOOK
    },
    Recipe {
        name: "rmsprop-tiny",
        size: [3, 1, 2, 20],
        ink: 6,
        batch: 7,
        kind: OptimizerKind::RmsProp { decay_rate: 0.9 },
        learning_rate: 0.01,
        ..NOTEBOOK
    },
];

/// Appends a line for each result of `recipe`.
fn train<T: Float>(level: Level, recipe: &Recipe, line: &mut dyn FnMut(&str, &str, u64)) {
    let [inputs, hidden, classes, rows] = recipe.size;
    let mut random = Random((inputs * 31 + hidden) as u64);
    let shape = Shape::new(inputs, hidden, classes).unwrap();
    let mut pixel = || if random.below(8) < recipe.ink { random.bits() as u8 } else { 0 };
    let pixels: Vec<u8> = (0..inputs * rows).map(|_| pixel()).collect();
    let floats: Vec<T> =
        pixels.iter().map(|&p| T::from_f64((f64::from(p) - 64.0 * f64::from(p % 3)) / 128.0)).collect();
    let labels: Vec<u32> = (0..rows).map(|_| random.below(classes) as u32).collect();
    let (x, t) = (if recipe.floats { Rows::Floats(&floats) } else { Rows::Pixels(&pixels) }, Labels::Classes(&labels));

    let init = if recipe.activation == Activation::Relu { Init::He } else { Init::Normal(0.25) };
    let mut net = TwoLayerNet::<T>::new(Parameters::normal(shape, init, || 2.0 * random.value()))
        .with_level(level)
        .with_threads(Threads::one())
        .with_activation(recipe.activation);
    let gradient = net.gradient(x, t).unwrap();
    line(recipe.name, "gradient", Digest::of(&gradient.to_vec()));

    let mut losses = Digest::new();
    let mut sampler = |rows_of_batch: &mut [usize]| rows_of_batch.iter_mut().for_each(|row| *row = random.below(rows));
    let options = TrainOptions {
        batch: recipe.batch,
        iterations: 40,
        learning_rate: recipe.learning_rate,
        ..TrainOptions::default()
    };
    let observer = &mut |progress: twolayer_core::Progress| {
        losses.add(progress.loss);
        ControlFlow::Continue(())
    };
    let mut optimizer = Optimizer::new(shape, recipe.kind, recipe.weight_decay).unwrap();
    optimizer.train(&mut net, x, t, &mut sampler, &options, observer).unwrap();
    line(recipe.name, "losses", losses.0);
    line(recipe.name, "model", Digest::of(&net.parameters.to_vec()));
    line(recipe.name, "predictions", Digest::of(&net.predict(x).unwrap()));
    if inputs < 100 {
        let few = if recipe.floats { Rows::Floats(&floats[..inputs * 5]) } else { Rows::Pixels(&pixels[..inputs * 5]) };
        let gradient = net.numerical_gradient(few, Labels::Classes(&labels[..5]), 1e-4).unwrap();
        line(recipe.name, "numerical-gradient", Digest::of(&gradient.to_vec()));
    }
}

/// Appends a line for each kernel.
fn kernels<T: Float>(level: Level, line: &mut dyn FnMut(&str, &str, u64)) {
    let mut random = Random(8);
    let mut x: Vec<T> = random.values(3001, 100.0);
    x.extend([0.0, -0.0, f64::NAN, f64::INFINITY, -f64::INFINITY, 1e-310, 1e-42, 1e300].map(T::from_f64));
    let mut function = |name: &str, function: fn(Level, &mut [T])| {
        let mut y = x.clone();
        function(level, &mut y);
        line("kernel", name, Digest::of(&y));
    };
    function("exp", math::exp);
    function("ln", math::ln);
    function("sigmoid", math::sigmoid);
    let mut logits: Vec<T> = random.values(33 * 17, 20.0);
    let labels: Vec<u32> = (0..33).map(|r| r % 17).collect();
    let loss = softmax_cross_entropy(level, MatMut::new(&mut logits, 33, 17).unwrap(), &labels).unwrap();
    line("kernel", "softmax-gradient", Digest::of(&logits));
    line("kernel", "cross-entropy", Digest::of(&[loss]));
    for (name, [m, n, k]) in [("gemm", [100, 50, 784]), ("gemm-packed", [37, 300, 1500])] {
        let [a, b, mut c] = [m * k, k * n, m * n].map(|size| random.values::<T>(size, 1.0));
        let (a, b) = (MatRef::new(&a, m, k).unwrap(), MatRef::new(&b, k, n).unwrap());
        let [alpha, beta] = [0.75, -1.25].map(T::from_f64);
        gemm(level, alpha, a, b, beta, MatMut::new(&mut c, m, n).unwrap()).unwrap();
        line("kernel", name, Digest::of(&c));
    }
}

/// The digest of every result at `level`, a line each: the recipe, the precision, the result, the digest.
pub fn digests(level: Level) -> String {
    fn of<T: Float>(level: Level, text: &mut String) {
        let mut line = |recipe: &str, result: &str, digest: u64| {
            *text += &format!("{recipe} {} {result} {digest:016x}\n", T::NAME);
        };
        RECIPES.iter().for_each(|recipe| train::<T>(level, recipe, &mut line));
        kernels::<T>(level, &mut line);
    }
    let mut text = String::new();
    of::<f32>(level, &mut text);
    of::<f64>(level, &mut text);
    text
}
