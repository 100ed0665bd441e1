//! Checks the network against its definition, at every level and for sizes that are not multiples of a vector.

use crate::network_oracle::Oracle;
use crate::random::Random;
use crate::with_all_kinds;
use twolayer_core::{
    Activation, Backpropagation, Error, Float, Labels, Level, Parameter, Parameters, Rows, Shape, Threads, TwoLayerNet,
};

/// Inputs, hidden units, classes and rows: below, at and above the sizes of pairs, blocks, panels and mask words.
const SHAPES: [[usize; 4]; 12] = [
    [1, 1, 2, 1],
    [2, 1, 2, 2],
    [3, 5, 2, 3],
    [5, 16, 3, 7],
    [64, 17, 10, 8],
    [127, 31, 16, 9],
    [128, 32, 17, 63],
    [129, 33, 5, 64],
    [200, 48, 33, 65],
    [784, 50, 10, 100],
    [260, 65, 2, 130],
    [31, 100, 40, 5],
];

struct Case<T: Float> {
    net: TwoLayerNet<T>,
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl<T: Float> Case<T> {
    fn new([inputs, hidden, classes, rows]: [usize; 4], size: f64) -> Self {
        let mut random = Random((inputs * 7 + hidden * 3 + rows) as u64);
        let shape = Shape::new(inputs, hidden, classes).unwrap();
        let mut parameters = Parameters::zeros(shape);
        for p in Parameter::ALL {
            let (r, c) = p.dims(shape);
            let values: Vec<T> = (0..r * c).map(|_| T::from_f64(random.value() * size)).collect();
            parameters.set(p, &values).unwrap();
        }
        let mut pixel = || if random.below(4) == 0 { random.bits() as u8 } else { 0 };
        let pixels = (0..inputs * rows).map(|_| pixel()).collect();
        let labels = (0..rows).map(|_| random.below(classes) as u32).collect();
        Case { net: TwoLayerNet::new(parameters), pixels, labels }
    }

    fn with(mut self, activation: Activation) -> Self {
        self.net.activation = activation;
        self
    }

    fn rows(&self) -> Vec<Vec<f64>> {
        let wide = |p: &u8| f64::from(f32::from(*p) / 255.0);
        self.pixels.chunks_exact(self.net.shape().inputs()).map(|x| x.iter().map(wide).collect()).collect()
    }

    fn floats(&self) -> Vec<T> {
        self.rows().concat().into_iter().map(T::from_f64).collect()
    }
}

/// A tolerance: the rounding of a dot product of n terms of about 1, times a factor for the network's depth.
fn within<T: Float>(n: usize) -> f64 {
    4.0 * (n as f64 + 10.0) * 2f64.powi(-(T::MANTISSA_BITS as i32))
}

fn check_forward<T: Float>() {
    let mut failures = Vec::new();
    for (size, activation) in SHAPES.iter().flat_map(|&size| Activation::ALL.map(|a| (size, a))) {
        let case = Case::<T>::new(size, 1.0).with(activation);
        let oracle = Oracle::new(&case.net);
        // ReLU is unbounded, so logits may be as large as the sums.
        let close = within::<T>(size[0].max(size[1])) * if activation == Activation::Relu { 4.0 } else { 1.0 };
        let want: Vec<f64> = case.rows().iter().flat_map(|x| oracle.forward(x).2).collect();
        let losses = case.rows().iter().zip(&case.labels).map(|(x, &t)| oracle.loss(x, t as usize)).sum::<f64>();
        for level in Level::available() {
            let net = case.net.clone().with_level(level);
            let from_pixels = net.predict(Rows::Pixels(&case.pixels)).unwrap();
            assert_eq!(from_pixels, net.predict(Rows::Floats(&case.floats())).unwrap(), "{level} {size:?}");
            let worst = from_pixels.iter().zip(&want).map(|(a, b)| (a.to_f64() - b).abs()).fold(0.0, f64::max);
            let loss = net.loss(Rows::Pixels(&case.pixels), Labels::Classes(&case.labels)).unwrap();
            let off = (loss - losses / size[3] as f64).abs();
            if !(worst <= close && off <= close * 4.0) {
                failures.push(format!(
                    "{level} {} {size:?} {activation:?}: {worst:e} and {off:e} exceed {close:e}",
                    T::NAME
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn predictions_and_losses_are_right() {
    check_forward::<f32>();
    check_forward::<f64>();
}

fn check_gradient<T: Float>() {
    let mut failures = Vec::new();
    for (size, activation) in SHAPES.iter().flat_map(|&size| Activation::ALL.map(|a| (size, a))) {
        let case = Case::<T>::new(size, 0.5).with(activation);
        let want = Oracle::new(&case.net).gradient(&case.rows(), &case.labels);
        let close = within::<T>(size[0].max(size[1]).max(size[3]));
        for level in Level::available() {
            let net = case.net.clone().with_level(level);
            let labels = Labels::Classes(&case.labels);
            let got = net.gradient(Rows::Pixels(&case.pixels), labels).unwrap();
            let floats = net.gradient(Rows::Floats(&case.floats()), labels).unwrap();
            assert_eq!(got.to_vec(), floats.to_vec(), "{level} {size:?}");
            let worst = got.to_vec().iter().zip(&want).map(|(a, b)| (a.to_f64() - b).abs()).fold(0.0, f64::max);
            if !(worst <= close) {
                failures.push(format!("{level} {} {size:?} {activation:?}: {worst:e} exceeds {close:e}", T::NAME));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn backpropagation_is_right() {
    check_gradient::<f32>();
    check_gradient::<f64>();
}

#[test]
fn used_buffers_give_the_gradients_of_new_ones() {
    let [many, few, other] = [[31, 20, 10, 130], [31, 20, 10, 5], [3, 5, 2, 5]].map(|size| Case::<f32>::new(size, 0.5));
    for level in Level::available() {
        let mut used = Backpropagation::new(&many.net.clone().with_level(level), 130);
        for case in [&many, &few, &many] {
            used.load(&case.net.parameters).unwrap();
            let (floats, t) = (case.floats(), Labels::Classes(&case.labels));
            for x in [Rows::Pixels(&case.pixels), Rows::Floats(&floats)] {
                let mut gradient = Parameters::zeros(case.net.shape());
                used.gradient(x, t, &mut gradient.all_mut()).unwrap();
                assert_eq!(gradient, case.net.gradient(x, t).unwrap(), "{level}, {} rows", case.labels.len());
            }
        }
        assert!(matches!(used.load(&other.net.parameters), Err(Error::Shape { .. })));
        let (x, t) = (Rows::Pixels(&few.pixels), Labels::Classes(&few.labels));
        let mut gradient = Parameters::zeros(other.net.shape());
        assert!(matches!(used.gradient(x, t, &mut gradient.all_mut()), Err(Error::Shape { .. })));
    }
}

#[test]
fn central_differences_agree_with_backpropagation() {
    for size in [[1, 1, 2, 1], [3, 5, 2, 3], [17, 20, 4, 6], [70, 18, 17, 2]] {
        let case = Case::<f64>::new(size, 0.5);
        for level in Level::available() {
            let net = case.net.clone().with_level(level);
            let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
            let (a, b) = (net.gradient(x, t).unwrap(), net.numerical_gradient(x, t, 1e-4).unwrap());
            assert!(furthest(&a, &b) < 2e-10, "{level} {size:?}: {:e}", furthest(&a, &b));
        }
    }
}

fn furthest(a: &Parameters<f64>, b: &Parameters<f64>) -> f64 {
    let worst = |most: f64, (a, b): (&f64, &f64)| if (a - b).abs() <= most { most } else { (a - b).abs() };
    a.to_vec().iter().zip(&b.to_vec()).fold(0.0, worst)
}

/// The structured differences recompute everything that a parameter affects: with small to saturating weights, and
/// rows of zeros, of equal values, of a single pixel and of random pixels.
#[test]
fn central_differences_match_brute_force() {
    let mut failures = Vec::new();
    let shapes = [[1, 1, 2], [1, 1, 1], [2, 1, 3], [1, 17, 2], [3, 2, 17], [5, 16, 3], [33, 7, 10], [18, 33, 16]];
    for [inputs, hidden, classes] in shapes {
        for (rows, scale) in [(1, 0.01), (1, 1.0), (2, 30.0), (5, 1.0), (66, 0.5)] {
            let mut case = Case::<f64>::new([inputs, hidden, classes, rows], scale);
            for kind in ["any", "zero", "one value", "one pixel"] {
                case.pixels = match kind {
                    "any" => case.pixels,
                    "zero" => vec![0; inputs * rows],
                    "one value" => vec![200; inputs * rows],
                    _ => (0..inputs * rows).map(|k| if k % inputs == k / inputs % inputs { 255 } else { 0 }).collect(),
                };
                for activation in Activation::ALL {
                    let net = case.net.clone().with_activation(activation);
                    let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
                    let brute = net.numerical_gradient_brute_force(x, t, 1e-4).unwrap();
                    for level in Level::available() {
                        let net = net.clone().with_level(level);
                        let fast = net.numerical_gradient(x, t, 1e-4).unwrap();
                        let off = furthest(&fast, &brute);
                        // The rounding error is proportional to the loss, which is large with ReLU.
                        if !(off < 1e-9 * net.loss(x, t).unwrap().max(1.0)) {
                            failures.push(format!(
                                "{level} {activation:?} {inputs} x {hidden} x {classes}, {rows} of {kind}, {scale}: \
                                 {off:e}"
                            ));
                        }
                        assert_eq!(fast, net.numerical_gradient(Rows::Floats(&case.floats()), t, 1e-4).unwrap());
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

/// In one call, in several with other weights in between, and by several callers at the same time.
#[test]
fn gradients_do_not_depend_on_threads() {
    let case = Case::<f32>::new([40, 100, 5, 300], 0.5);
    let other = Case::<f32>::new([40, 100, 5, 299], 2.0).net.parameters;
    let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
    let one = case.net.clone().with_threads(Threads::one()).gradient(x, t).unwrap();
    for threads in [1, 2, 3, 8] {
        with_all_kinds(threads, |whose| {
            let net = case.net.clone().with_threads(whose);
            let (floats, mut gradient) = (case.floats(), Parameters::zeros(one.shape()));
            let mut backpropagation = Backpropagation::new(&net, 300);
            for _ in 0..3 {
                backpropagation.load(&other).unwrap();
                backpropagation.gradient(x, t, &mut gradient.all_mut()).unwrap();
                assert_ne!(gradient, one);
                backpropagation.load(&net.parameters).unwrap();
                for x in [x, Rows::Floats(&floats)] {
                    backpropagation.gradient(x, t, &mut gradient.all_mut()).unwrap();
                    assert_eq!(gradient, one, "{threads} threads");
                }
            }
            let gradients = || assert_eq!(net.gradient(x, t).unwrap(), one, "{threads} threads");
            std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(gradients))));
        });
    }
}

/// Steps that change which logit is largest, saturate units, overflow naive formulas, or are subnormal.
#[test]
fn central_differences_match_brute_force_for_extreme_steps() {
    for h in [0.1, 3.0, 1e3, 1e5, 1e200, 1e-320] {
        for level in Level::available() {
            let case = Case::<f64>::new([6, 9, 4, 5], 1.0);
            let net = case.net.with_level(level);
            let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
            let brute = net.numerical_gradient_brute_force(x, t, h).unwrap();
            let off = furthest(&net.numerical_gradient(x, t, h).unwrap(), &brute);
            assert!(off < 1e-13, "{level} {h}: {off:e}");
        }
    }
}

#[test]
fn all_differences_are_nan_if_the_loss_is() {
    let mut case = Case::<f64>::new([3, 2, 2, 2], 0.5);
    case.pixels[0] = 0;
    case.pixels[3] = 0;
    case.net.parameters.get_mut(Parameter::W2).row_mut(0)[0] = f64::NAN;
    let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
    assert!(case.net.numerical_gradient(x, t, 1e-4).unwrap().to_vec().iter().all(|g| g.is_nan()));
    assert!(case.net.numerical_gradient_brute_force(x, t, 1e-4).unwrap().to_vec().iter().all(|g| g.is_nan()));
}

#[test]
fn central_differences_do_not_depend_on_threads_or_on_the_precision_of_the_weights() {
    let case = Case::<f32>::new([40, 35, 5, 70], 0.5);
    let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
    let one = case.net.numerical_gradient(x, t, 1e-4).unwrap();
    let wide = TwoLayerNet::new(case.net.parameters.to_f64());
    assert_eq!(
        wide.numerical_gradient(Rows::Pixels(&case.pixels), Labels::Classes(&case.labels), 1e-4),
        Ok(one.clone())
    );
    for threads in [1, 2, 3, 8] {
        with_all_kinds(threads, |whose| {
            let net = case.net.clone().with_threads(whose.clone());
            assert_eq!(net.numerical_gradient(x, t, 1e-4).unwrap(), one, "{whose:?}, {threads} threads");
        });
    }
}

/// Finite parameters give finite probabilities, losses and gradients, even where units saturate or values underflow.
#[test]
fn finite_parameters_never_give_nan() {
    for size in [1e-42, 1.0, 1e3, 1e20, 1e35] {
        let case = Case::<f32>::new([9, 20, 5, 12], size);
        for level in Level::available() {
            let net = case.net.clone().with_level(level);
            let p = net.predict(Rows::Pixels(&case.pixels)).unwrap();
            assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{level} {size}: {p:?}");
            let loss = net.loss(Rows::Pixels(&case.pixels), Labels::Classes(&case.labels)).unwrap();
            assert!(loss >= 0.0 && loss.is_finite(), "{level} {size}: {loss}");
            let g = net.gradient(Rows::Pixels(&case.pixels), Labels::Classes(&case.labels)).unwrap();
            assert_eq!(g.first_not_finite(), None, "{level} {size}");
        }
    }
}

#[test]
fn ties_go_to_the_first_class_and_counts_are_right() {
    let shape = Shape::new(2, 3, 4).unwrap();
    let mut parameters = Parameters::<f32>::zeros(shape);
    let net = TwoLayerNet::new(parameters.clone());
    let x = [0u8, 1, 2, 3, 4, 5];
    assert_eq!(net.classify(Rows::Pixels(&x)).unwrap(), [0, 0, 0]);
    parameters.set(Parameter::B2, &[0.0, 1.0, 1.0, 0.5]).unwrap();
    let net = TwoLayerNet::new(parameters);
    assert_eq!(net.classify(Rows::Pixels(&x)).unwrap(), [1, 1, 1]);
    let e = net.evaluate(Rows::Pixels(&x), Labels::Classes(&[1, 2, 1])).unwrap();
    assert_eq!((e.rows, e.correct), (3, 2));
    assert_eq!(net.accuracy(Rows::Pixels(&x), Labels::Classes(&[1, 1, 1])).unwrap(), 1.0);
}

#[test]
fn an_invalid_step_is_an_error() {
    let case = Case::<f64>::new([3, 2, 2, 1], 0.5);
    for h in [0.0, -1e-4, f64::NAN, f64::INFINITY] {
        let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
        for result in [case.net.numerical_gradient(x, t, h), case.net.numerical_gradient_brute_force(x, t, h)] {
            assert!(matches!(result, Err(Error::Option { name: "h", .. })), "{h}");
        }
    }
}

#[test]
fn one_hot_labels_give_the_same_results_as_classes() {
    let case = Case::<f32>::new([20, 18, 3, 10], 1.0);
    let hot: Vec<f32> = case.labels.iter().flat_map(|&t| (0..3).map(move |c| f32::from(u8::from(c == t)))).collect();
    let x = Rows::Pixels(&case.pixels);
    let (a, b) = (Labels::Classes(&case.labels), Labels::OneHot(&hot));
    assert_eq!(case.net.evaluate(x, a), case.net.evaluate(x, b));
    assert_eq!(case.net.gradient(x, a), case.net.gradient(x, b));
}

#[test]
fn many_rows_give_the_same_results_as_few() {
    // Enough rows for packed weights, and units for several panels, the last one partly filled.
    let case = Case::<f32>::new([9, 131, 3, 600], 2.0);
    assert_eq!(case.net.inference_threads(0), 1);
    for level in Level::available() {
        let net = case.net.clone().with_level(level);
        let few: Vec<f32> = case.pixels.chunks(9 * 100).flat_map(|x| net.predict(Rows::Pixels(x)).unwrap()).collect();
        assert_eq!(net.predict(Rows::Pixels(&case.pixels)).unwrap(), few, "{level}");
    }
}

#[test]
fn results_do_not_depend_on_threads_or_on_other_rows() {
    let mut case = Case::<f32>::new([100, 50, 10, 500], 1.0);
    // Some chunks are dense: they are computed as matrix products, and a row by itself is not.
    case.pixels[..20_000].iter_mut().for_each(|pixel| *pixel |= 1);
    let (x, t) = (Rows::Pixels(&case.pixels), Labels::Classes(&case.labels));
    let all = (case.net.predict(x).unwrap(), case.net.evaluate(x, t).unwrap());
    for (n, row) in case.pixels.chunks_exact(100).enumerate() {
        assert_eq!(case.net.predict(Rows::Pixels(row)).unwrap(), all.0[n * 10..][..10], "row {n}");
    }
    for threads in [1, 2, 3, 8] {
        with_all_kinds(threads, |whose| {
            let net = case.net.clone().with_threads(whose.clone());
            assert_eq!(all, (net.predict(x).unwrap(), net.evaluate(x, t).unwrap()), "{whose:?}, {threads} threads");
        });
    }
}
