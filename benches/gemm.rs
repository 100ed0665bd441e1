//! C ← A·B in f32, ours at each level beside matrixmultiply and the gemm crate; elements are floating-point operations.
//!
//! The shapes are the network's own (forward, gradient of W1, output layer), then larger ones. Where a side is 784, A
//! is a batch of digits. Both peers choose the best instruction set by themselves: gemm has its AVX-512 kernels turned
//! on, matrixmultiply's are AVX-512 too. matrixmultiply takes part on one thread only.

use common::{THREADS, data, oracle};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use twolayer_core::{Level, MatMut, MatRef, Threads};
use twolayer_idx::DataSet;

/// m, k, n, and whether A is stored transposed.
const SHAPES: [(usize, usize, usize, bool); 6] = [
    (100, 784, 50, false),
    (784, 100, 50, true),
    (100, 50, 10, false),
    (256, 784, 512, false),
    (1024, 1024, 1024, false),
    (4096, 784, 1024, false),
];

/// Rows of a large product that are checked.
const CHECKED_ROWS: usize = 128;

/// From this many operations on, the scalar level takes tenths of a second.
const LARGE: usize = 1 << 30;

struct Case {
    name: String,
    m: usize,
    k: usize,
    n: usize,
    transposed: bool,
    a: Vec<f32>,
    b: Vec<f32>,
    expected: oracle::Product,
}

impl Case {
    fn new(digits: &DataSet, (m, k, n, transposed): (usize, usize, usize, bool)) -> Case {
        let name = format!("{m}x{k}x{n}{}", if transposed { "-transposed" } else { "" });
        let (stored_rows, stored_cols) = if transposed { (k, m) } else { (m, k) };
        let a = if stored_cols == common::INPUTS {
            data::floats(&digits.train.images()[..stored_rows * stored_cols])
        } else {
            data::spread(m * k, -1.0, 1.0)
        };
        let b = data::spread(k * n, -0.1, 0.1);
        let right = MatRef::new(&b, k, n).expect("the size of B");
        let expected = oracle::Product::new(view(&a, m, k, transposed), right, CHECKED_ROWS);
        Case { name, m, k, n, transposed, a, b, expected }
    }

    fn a(&self) -> MatRef<'_, f32> {
        view(&self.a, self.m, self.k, self.transposed)
    }

    fn operations(&self) -> usize {
        2 * self.m * self.n * self.k
    }

    fn ours(&self, level: Level, threads: &Threads, c: &mut [f32]) {
        let b = MatRef::new(&self.b, self.k, self.n).expect("the size of B");
        let c = MatMut::new(c, self.m, self.n).expect("the size of C");
        twolayer_core::gemm_parallel(level, threads, 1.0, self.a(), b, 0.0, c).expect("shapes that fit");
    }

    fn matrixmultiply(&self, c: &mut [f32]) {
        let (m, k, n) = (self.m, self.k, self.n);
        let (rows, cols) = (self.a().row_stride() as isize, self.a().col_stride() as isize);
        let (a, b, c) = (self.a.as_ptr(), self.b.as_ptr(), checked(c, m * n));
        // SAFETY: A was viewed as m × k with these strides, B as k × n; C has m × n elements and is borrowed mutably.
        unsafe {
            matrixmultiply::sgemm(m, k, n, 1.0, a, rows, cols, b, n as isize, 1, 0.0, c, n as isize, 1);
        }
    }

    fn gemm_crate(&self, parallelism: gemm::Parallelism, c: &mut [f32]) {
        let (m, k, n) = (self.m, self.k, self.n);
        let (rows, cols) = (self.a().row_stride() as isize, self.a().col_stride() as isize);
        let (a, b, c) = (self.a.as_ptr(), self.b.as_ptr(), checked(c, m * n));
        let width = n as isize;
        // SAFETY: as above; the strides stand in the order column, row.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                c,
                1,
                width,
                false,
                a,
                cols,
                rows,
                b,
                1,
                width,
                0.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
}

fn view(a: &[f32], m: usize, k: usize, transposed: bool) -> MatRef<'_, f32> {
    if transposed {
        MatRef::new(a, k, m).expect("the size of A").t()
    } else {
        MatRef::new(a, m, k).expect("the size of A")
    }
}

/// The pointer to a result of that many elements.
fn checked(c: &mut [f32], elements: usize) -> *mut f32 {
    assert_eq!(c.len(), elements);
    c.as_mut_ptr()
}

/// A way to compute a case's product.
type Way<'a> = (String, Box<dyn Fn(&mut [f32]) + Sync + 'a>);

fn ways(case: &Case, threads: usize) -> Vec<Way<'_>> {
    let mut ways: Vec<Way<'_>> = Vec::new();
    for level in Level::available() {
        let threads = Threads::new(threads);
        ways.push((level.name().into(), Box::new(move |c| case.ours(level, &threads, c))));
    }
    let parallelism = match threads {
        1 => gemm::Parallelism::None,
        _ => gemm::Parallelism::Rayon(threads),
    };
    ways.push(("gemm".into(), Box::new(move |c| case.gemm_crate(parallelism, c))));
    if threads == 1 {
        ways.push(("matrixmultiply".into(), Box::new(|c| case.matrixmultiply(c))));
    }
    ways
}

fn products(c: &mut Criterion) {
    let digits = data::digits();
    let pools = THREADS.map(common::pool);
    for shape in SHAPES {
        if common::only_once() && 2 * shape.0 * shape.1 * shape.2 >= LARGE {
            continue;
        }
        let case = Case::new(&digits, shape);
        for pool in &pools {
            let threads = pool.current_num_threads();
            let work = Throughput::Elements(case.operations() as u64);
            let mut group = common::group(c, "gemm", &format!("{}-t{threads}", case.name), work);
            if case.operations() >= LARGE {
                common::slow(&mut group);
            }
            for (name, way) in ways(&case, threads) {
                let mut result = vec![f32::NAN; case.m * case.n];
                pool.install(|| way(&mut result));
                case.expected.check(&format!("{name} at {}", case.name), &result);
                group.bench_function(name, |b| pool.install(|| b.iter(|| way(black_box(&mut result)))));
            }
        }
    }
}

fn main() {
    common::run(&[products]);
}
