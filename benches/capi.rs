//! The overhead of the C interface: predicts one row and trains the recipe through the shared library and by
//! the Rust functions.
//!
//! The library is the one in the prefix that `TWOLAYER_PREFIX` names, or is built first as its documentation says.

use common::{BATCH, CLASSES, HIDDEN, INPUTS, data, dense_operations, group, shape};
use criterion::{Criterion, Throughput};
use libloading::{Library, Symbol};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::env;
use std::ffi::c_void;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use twolayer_core::{Labels, Rows, Threads, TrainOptions, TwoLayerNet, UniformSampler};
use twolayer_idx::Split;

const SEED: u64 = 0;

type Network = *mut c_void;
type New = unsafe extern "C" fn(i32, usize, usize, usize, *const c_void, *mut Network) -> i32;
type Free = unsafe extern "C" fn(*mut Network) -> i32;
type Predict = unsafe extern "C" fn(Network, Matrix, MatrixOut) -> i32;
type Train = unsafe extern "C" fn(Network, Matrix, *const u32, usize, *const c_void, *mut f64) -> i32;

const TL_U8: i32 = 8;
const TL_F32: i32 = 13;

/// `tl_matrix`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Matrix {
    data: *const c_void,
    element: i32,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl Matrix {
    fn new<T>(data: &[T], element: i32, cols: usize) -> Self {
        let rows = data.len() / cols;
        Matrix { data: data.as_ptr().cast(), element, rows, cols, row_stride: cols, col_stride: 1 }
    }
}

/// `tl_matrix_out`.
#[repr(C)]
#[derive(Clone, Copy)]
struct MatrixOut {
    data: *mut c_void,
    element: i32,
    rows: usize,
    cols: usize,
    row_stride: usize,
}

fn path() -> PathBuf {
    if let Some(prefix) = env::var_os("TWOLAYER_PREFIX") {
        return Path::new(&prefix).join("lib/libtwolayer.so");
    }
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let target = root.join("target/capi");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "-p", "twolayer-capi", "--target-dir"]).arg(&target);
    assert!(cargo.current_dir(root).status().expect("cargo runs").success());
    target.join("release/libtwolayer.so")
}

/// The library, and the calls that are timed.
struct C(Library);

impl C {
    fn load() -> Self {
        // SAFETY: our own library, whose loading runs nothing.
        C(unsafe { Library::new(path()) }.expect("the shared library loads"))
    }

    fn symbol<F>(&self, name: &str) -> Symbol<'_, F> {
        // SAFETY: each is used at the type that its header declares.
        unsafe { self.0.get(name.as_bytes()) }.expect("a function of the library")
    }

    /// A network that `work` may use.
    fn with_network<R>(&self, work: impl FnOnce(Network) -> R) -> R {
        let mut network = std::ptr::null_mut();
        // SAFETY: a place for the handle.
        let made = unsafe {
            // The defaults are those of the recipe, seed 0 among them.
            let new = self.symbol::<New>("tl_network_new_f32");
            new(TL_F32, INPUTS, HIDDEN, CLASSES, std::ptr::null(), &mut network)
        };
        assert_eq!(made, 0);
        let result = work(network);
        // SAFETY: made above, and not used any more.
        assert_eq!(unsafe { self.symbol::<Free>("tl_network_free")(&mut network) }, 0);
        result
    }

    /// The recipe, which is the default; gives the time it took.
    fn train(&self, network: Network, split: &Split) -> (f64, Duration) {
        let labels = split.labels();
        let (x, mut loss) = (Matrix::new(split.images(), TL_U8, split.inputs()), 0.0);
        let (train, start) = (self.symbol::<Train>("tl_train"), Instant::now());
        // SAFETY: the lengths are those of the buffers.
        let status = unsafe { train(network, x, labels.as_ptr(), labels.len(), std::ptr::null(), &mut loss) };
        assert_eq!(status, 0);
        (loss, start.elapsed())
    }
}

fn by_rust(split: &Split, options: &TrainOptions) -> (f64, Duration) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut net = TwoLayerNet::<f32>::random(shape(), &mut rng);
    let (x, t) = (Rows::Pixels(split.images()), Labels::Classes(split.labels()));
    let (mut sampler, start) = (UniformSampler::new(rng, split.rows()), Instant::now());
    let summary = net.train(x, t, &mut sampler, options, &mut |_| ControlFlow::Continue(()));
    (summary.expect("training").final_loss, start.elapsed())
}

fn predictions(criterion: &mut Criterion) {
    let c = C::load();
    let split = data::digits().test;
    let x: Vec<f32> = data::floats(&split.images()[..INPUTS]);
    let net = TwoLayerNet::<f32>::random(shape(), &mut ChaCha8Rng::seed_from_u64(SEED)).with_threads(Threads::one());
    let predict = c.symbol::<Predict>("tl_predict");
    let (rows, mut found) = (Matrix::new(&x, TL_F32, INPUTS), vec![0.0f32; CLASSES]);
    let data = found.as_mut_ptr().cast();
    let to = MatrixOut { data, element: TL_F32, rows: 1, cols: CLASSES, row_stride: CLASSES };
    c.with_network(|network| {
        let mut by_c = || {
            // SAFETY: the lengths are those of the buffers.
            unsafe { predict(network, black_box(rows), to) }
        };
        assert_eq!(by_c(), 0);
        let mut group = group(criterion, "capi", "predict-1", Throughput::Elements(1));
        group.bench_function("c", |b| b.iter(&mut by_c));
        group.bench_function("rust", |b| b.iter(|| net.predict(Rows::Floats(black_box(&x)))));
    });
    assert_eq!(found, net.predict(Rows::Floats(&x)).expect("probabilities"));
}

fn recipes(criterion: &mut Criterion) {
    let c = C::load();
    let split = data::digits().train;
    let options = TrainOptions::default();
    let loss = c.with_network(|network| c.train(network, &split).0);
    assert_eq!(loss, by_rust(&split, &options).0, "both train the same network");
    let work = Throughput::Elements(options.iterations as u64 * dense_operations(shape(), BATCH));
    let mut group = group(criterion, "capi", "recipe", work);
    common::slow(&mut group);
    let c_once = |_| c.with_network(|network| c.train(network, &split).1);
    group.bench_function("c", |b| b.iter_custom(|n| (0..n).map(c_once).sum()));
    group.bench_function("rust", |b| b.iter_custom(|n| (0..n).map(|_| by_rust(&split, &options).1).sum()));
}

fn main() {
    common::run(&[predictions, recipes]);
}
