//! What the benches share: data, naive oracles, thread counts and measuring times.
//!
//! Every bench checks its results against [`oracle`] before timing, and names its cases
//! `<kernel>/<case>/<level or peer>`, so that ours and the peers' are measured one after the other.

pub mod data;
mod medians;
pub mod oracle;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, Criterion, SamplingMode, Throughput};
use std::time::{Duration, Instant, SystemTime};
use twolayer_core::{Float, Shape, Threads};

/// The notebook's network and batch.
pub const INPUTS: usize = 784;
/// Hidden units of the notebook's network.
pub const HIDDEN: usize = 50;
/// Digits.
pub const CLASSES: usize = 10;
/// Rows of the notebook's mini-batch.
pub const BATCH: usize = 100;

/// Thread counts that are compared.
pub const THREADS: [usize; 2] = [1, 2];

/// 784-50-10.
pub fn shape() -> Shape {
    Shape::new(INPUTS, HIDDEN, CLASSES).expect("a valid shape")
}

/// Runs benches with this project's measuring times, unless overridden, and prints the medians.
///
/// A case takes under a second, so that all of them take minutes. Medians need no more than 20 samples.
pub fn run(benches: &[fn(&mut Criterion)]) {
    let (folder, start) = (medians::folder(), SystemTime::now());
    let mut criterion = Criterion::default()
        .output_directory(&folder)
        .warm_up_time(Duration::from_millis(150))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20)
        .nresamples(5_000)
        .configure_from_args();
    for bench in benches {
        bench(&mut criterion);
    }
    criterion.final_summary();
    medians::print(&folder, start);
}

/// Whether each case runs only once, unmeasured, to see that it works (`--test`). What takes long is left out then, if
/// tests check it anyway.
pub fn only_once() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Where criterion keeps its results.
pub fn results() -> std::path::PathBuf {
    medians::folder()
}

/// The group `<kernel>/<case>`, whose iterations have `work` elements or bytes.
pub fn group<'a>(c: &'a mut Criterion, kernel: &str, case: &str, work: Throughput) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(format!("{kernel}/{case}"));
    group.throughput(work);
    group
}

/// For iterations that take tenths of a second: as few samples as criterion allows, one iteration each.
pub fn slow(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
}

/// Ways to choose the threads, by name.
pub fn threads() -> [(&'static str, Threads); 3] {
    [("t1", Threads::one()), ("t2", Threads::new(2)), ("auto", Threads::auto())]
}

/// Rayon's pool of that many threads, for peers. A whole benchmark loop runs inside it, so that entering it is not
/// measured.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// Times `f` on a buffer that it overwrites with another valid input.
///
/// Every `rounds` calls the buffer is restored from `source`, untimed: only the calls are timed, `rounds` of
/// them at a time.
pub fn time_in_place<T: Copy>(b: &mut Bencher<'_, WallTime>, source: &[T], rounds: u64, mut f: impl FnMut(&mut [T])) {
    let mut buffer = source.to_vec();
    b.iter_custom(|iterations| {
        let mut elapsed = Duration::ZERO;
        let mut left = iterations;
        while left > 0 {
            buffer.copy_from_slice(source);
            let calls = left.min(rounds);
            let start = Instant::now();
            for _ in 0..calls {
                f(std::hint::black_box(&mut buffer));
            }
            elapsed += start.elapsed();
            left -= calls;
        }
        elapsed
    });
}

/// Panics unless every element of `found` is within `within` of `expected`, naming the worst one.
pub fn assert_close<T: Float>(what: &str, found: &[T], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: number of elements");
    let error = |i: usize| {
        let difference = (found[i].to_f64() - expected[i]).abs();
        if difference.is_nan() { f64::INFINITY } else { difference }
    };
    let worst = (0..found.len()).max_by(|&i, &j| error(i).total_cmp(&error(j))).expect("an element");
    assert!(
        error(worst) <= within,
        "{what}: element {worst} is {}, not {}: off by {:e}, more than {within:e}",
        found[worst],
        expected[worst],
        error(worst)
    );
}

/// The largest magnitude.
pub fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// Tolerances are multiples of the type's rounding error.
pub fn epsilon<T: Float>() -> f64 {
    if T::NAME == "f32" { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// Floating-point operations of a gradient and its step if no zero were skipped: three products with W1's shape less
/// the one that would lead to the pixels, and three with W2's.
pub fn dense_operations(shape: Shape, batch: usize) -> u64 {
    let (first, second) = (shape.inputs() * shape.hidden(), shape.hidden() * shape.classes());
    (2 * batch * (2 * first + 3 * second)) as u64
}
