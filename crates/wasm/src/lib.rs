//! A training run for a page's script: the one of `twolayer train` with its default options, so that the model is the
//! same, byte for byte.
//!
//! A script gets memory from [`buffer`], fills it, and calls [`new`]; then [`train`] and [`accuracy`] in turn. The
//! module panics, which ends it, where the script breaks what a function asks for.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::ops::ControlFlow;
use twolayer_core::{Init, Labels, Parameters, Rows, Shape, Threads, TrainOptions, TwoLayerNet, UniformSampler};

/// The program's default.
const HIDDEN: usize = 50;
/// Digits.
const CLASSES: usize = 10;

/// Images and their labels.
struct Part {
    images: Vec<u8>,
    labels: Vec<u32>,
}

/// A training run. Only the script's pointer to it is known outside.
pub struct Run {
    net: TwoLayerNet<f32>,
    sampler: UniformSampler<ChaCha8Rng>,
    training: Part,
    test: Part,
    iterations: usize,
    parameters: Vec<f32>,
}

/// So many bytes of memory, zero, for the script to fill; [`new`] takes it back.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(bytes: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; bytes].into_boxed_slice()).cast()
}

/// # Safety
/// `p` is from `buffer(bytes)` and was not given back before.
unsafe fn take(p: *mut u8, bytes: usize) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(p, bytes)) }.into_vec()
}

/// A run on images of `inputs` pixels, before its first iteration.
///
/// # Safety
/// The four pointers are from [`buffer`], for `inputs` bytes a row of images and one byte a row of labels, and are not
/// used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn new(
    inputs: usize,
    training_rows: usize,
    images: *mut u8,
    labels: *mut u8,
    test_rows: usize,
    test_images: *mut u8,
    test_labels: *mut u8,
) -> *mut Run {
    // SAFETY: the caller's promise.
    let part = |rows: usize, images, labels| unsafe {
        Part { images: take(images, rows * inputs), labels: take(labels, rows).into_iter().map(u32::from).collect() }
    };
    let shape = Shape::new(inputs, HIDDEN, CLASSES).expect("a possible shape");
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let parameters = Parameters::random(shape, Init::NOTEBOOK, &mut random);
    let net = TwoLayerNet::new(parameters).with_threads(Threads::one());
    let sampler = UniformSampler::new(random, training_rows);
    let training = part(training_rows, images, labels);
    let test = part(test_rows, test_images, test_labels);
    Box::into_raw(Box::new(Run { net, sampler, training, test, iterations: 0, parameters: Vec::new() }))
}

/// Trains for so many more iterations; returns the loss of the last one.
///
/// # Safety
/// `run` is from [`new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn train(run: *mut Run, iterations: usize) -> f64 {
    // SAFETY: the caller's promise; a page has one thread.
    let run = unsafe { &mut *run };
    let options = TrainOptions { iterations, first_iteration: run.iterations, ..TrainOptions::default() };
    let (x, t) = (Rows::Pixels(&run.training.images), Labels::Classes(&run.training.labels));
    let summary = run.net.train(x, t, &mut run.sampler, &options, &mut |_| ControlFlow::Continue(()));
    run.iterations += iterations;
    summary.expect("a run that converges").final_loss
}

/// The accuracy on the test set.
///
/// # Safety
/// `run` is from [`new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accuracy(run: *mut Run) -> f64 {
    // SAFETY: the caller's promise.
    let run = unsafe { &*run };
    run.net.accuracy(Rows::Pixels(&run.test.images), Labels::Classes(&run.test.labels)).expect("rows of this network")
}

/// W1, b1, W2 and b2, as in a model file. They stay readable until the next call.
///
/// # Safety
/// `run` is from [`new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn parameters(run: *mut Run) -> *const f32 {
    // SAFETY: the caller's promise.
    let run = unsafe { &mut *run };
    run.parameters = run.net.parameters.to_vec();
    run.parameters.as_ptr()
}
