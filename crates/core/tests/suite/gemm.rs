//! Every small shape, stride and offset, at every level, against the definition; failures are collected.

use crate::gemm_oracle;
use crate::random::Random;
use crate::with_all_kinds;
use twolayer_core::{Float, Level, MatMut, MatRef, gemm, gemm_parallel};

/// The layout of a matrix in its buffer.
#[derive(Clone, Copy, Debug)]
struct Layout {
    transposed: bool,
    gap: usize,
    offset: usize,
}

fn view<T: Float>(data: &[T], rows: usize, cols: usize, l: Layout) -> MatRef<'_, T> {
    let data = &data[l.offset..];
    if l.transposed {
        MatRef::with_strides(data, cols, rows, rows + l.gap, 1).unwrap().t()
    } else {
        MatRef::with_strides(data, rows, cols, cols + l.gap, 1).unwrap()
    }
}

struct Case<T> {
    m: usize,
    n: usize,
    k: usize,
    a: Layout,
    b: Layout,
    c_gap: usize,
    alpha: T,
    beta: T,
}

/// An error bound in units of ε·Σ|terms|: k products and sums, and α, β and the last sum.
fn bound<T: Float>(k: usize, size: f64) -> f64 {
    let epsilon = 2f64.powi(-(T::MANTISSA_BITS as i32));
    (k as f64 + 4.0) * epsilon * size + 1e-300
}

fn wrong<T: Float>(level: Level, case: &Case<T>, random: &mut Random) -> Option<String> {
    let Case { m, n, k, a, b, c_gap, alpha, beta } = *case;
    let size = |r: usize, c: usize| (r + 3) * (c + 3) + r.max(c) * 8 + 16;
    let a_data: Vec<T> = random.values(size(m, k), 1.0);
    let b_data: Vec<T> = random.values(size(k, n), 1.0);
    let mut c_data: Vec<T> = random.values(size(m, n), 1.0);
    let c_row = n + c_gap;
    let (a, b) = (view(&a_data, m, k, a), view(&b_data, k, n, b));
    let before = c_data.clone();
    let c_before = MatRef::with_strides(&before[1..], m, n, c_row, 1).unwrap();
    let want = gemm_oracle::product(alpha, a, b, beta, c_before);
    gemm(level, alpha, a, b, beta, MatMut::with_stride(&mut c_data[1..], m, n, c_row).unwrap()).unwrap();
    for (i, (&now, &was)) in c_data.iter().zip(&before).enumerate() {
        let place = i.wrapping_sub(1);
        let (r, c) = (place / c_row.max(1), place % c_row.max(1));
        if i == 0 || r >= m || c >= n {
            if now != was {
                return Some(format!("wrote outside of C, at {i}"));
            }
        } else {
            let (want, size) = want[r * n + c];
            if !((now.to_f64() - want).abs() <= bound::<T>(k, size)) {
                return Some(format!("C[{r}][{c}] is {now}, not {want}"));
            }
        }
    }
    None
}

fn check<T: Float>(cases: &[Case<T>]) {
    let mut failures = Vec::new();
    for level in Level::available() {
        let mut random = Random(1);
        for case in cases {
            if let Some(what) = wrong(level, case, &mut random) {
                let Case { m, n, k, a, b, .. } = case;
                failures.push(format!("{level} {}: {m} x {k} {a:?} by {k} x {n} {b:?}: {what}", T::NAME));
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures[..failures.len().min(20)].join("\n"));
}

fn small_shapes<T: Float>() -> Vec<Case<T>> {
    let mut cases = Vec::new();
    let sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 25, 31, 32, 33, 47];
    for (i, &m) in sizes.iter().enumerate() {
        for (j, &n) in sizes.iter().enumerate() {
            for (l, &k) in [0, 1, 2, 3, 5, 8, 19].iter().enumerate() {
                let seed = i * 31 + j * 7 + l;
                let scales = [(1.0, 0.0), (1.0, 1.0), (-0.5, 2.0), (0.0, 0.5)][seed % 4];
                let a = Layout { transposed: seed % 2 == 0, gap: seed % 3, offset: seed % 5 };
                let b = Layout { transposed: seed % 3 == 0, gap: seed % 4, offset: seed % 7 };
                let (alpha, beta) = (T::from_f64(scales.0), T::from_f64(scales.1));
                cases.push(Case { m, n, k, a, b, c_gap: seed % 3, alpha, beta });
            }
        }
    }
    cases
}

fn large_shapes<T: Float>() -> Vec<Case<T>> {
    let lie = |transposed, gap| Layout { transposed, gap, offset: gap };
    [
        (100, 50, 784),
        (50, 784, 100),
        (131, 70, 513),
        (1, 2100, 300),
        (300, 1, 300),
        (13, 2080, 257),
        (121, 33, 1100),
        (61, 140, 512),
    ]
    .into_iter()
    .flat_map(|(m, n, k)| {
        [(false, false), (true, false), (false, true), (true, true)].map(|(ta, tb)| Case {
            m,
            n,
            k,
            a: lie(ta, 0),
            b: lie(tb, 1),
            c_gap: 1,
            alpha: T::from_f64(1.5),
            beta: T::from_f64(0.5),
        })
    })
    .collect()
}

#[test]
fn small_products_are_right_f32() {
    check::<f32>(&small_shapes());
}

#[test]
fn small_products_are_right_f64() {
    check::<f64>(&small_shapes());
}

#[test]
fn large_products_are_right() {
    check::<f32>(&large_shapes());
    check::<f64>(&large_shapes());
}

#[test]
fn c_is_not_read_when_beta_is_zero() {
    for level in Level::available() {
        let a = [1.0f32; 20];
        let mut c = [f32::NAN; 25];
        let (a, b) = (MatRef::new(&a, 5, 4).unwrap(), MatRef::new(&a, 4, 5).unwrap());
        gemm(level, 1.0, a, b, 0.0, MatMut::new(&mut c, 5, 5).unwrap()).unwrap();
        assert_eq!(c, [4.0; 25]);
    }
}

#[test]
fn special_values_follow_ieee_754() {
    let tiny = f32::from_bits(3);
    for level in Level::available() {
        let run = |a: &[f32], b: &[f32]| {
            let mut c = [7.0f32];
            let k = a.len();
            let (a, b) = (MatRef::new(a, 1, k).unwrap(), MatRef::new(b, k, 1).unwrap());
            gemm(level, 1.0, a, b, 0.0, MatMut::new(&mut c, 1, 1).unwrap()).unwrap();
            c[0]
        };
        assert!(run(&[f32::NAN, 1.0], &[0.0, 1.0]).is_nan(), "{level}");
        assert!(run(&[f32::INFINITY, 1.0], &[0.0, 1.0]).is_nan(), "{level}");
        assert_eq!(run(&[f32::INFINITY, 1.0], &[-1.0, 1.0]), f32::NEG_INFINITY, "{level}");
        assert_eq!(run(&[tiny], &[1.0]), tiny, "{level}");
        assert_eq!(run(&[tiny, tiny], &[1.0, 1.0]), 2.0 * tiny, "{level}");
        assert_eq!(run(&[-0.0], &[1.0]), 0.0, "{level}");
    }
}

#[test]
fn an_empty_depth_scales_c_whatever_the_strides() {
    for level in Level::available() {
        for (beta, want) in [(0.0, [0.0f32; 6]), (2.0, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0])] {
            let mut c = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
            let a = MatRef::with_strides(&[], 3, 0, usize::MAX / 3, usize::MAX).unwrap();
            let b = MatRef::with_strides(&[], 0, 2, usize::MAX, 1).unwrap();
            gemm(level, 1.0, a, b, beta, MatMut::new(&mut c, 3, 2).unwrap()).unwrap();
            assert_eq!(c, want, "{level}");
        }
    }
}

#[test]
fn mismatched_shapes_are_errors() {
    let data = [0.0f32; 64];
    let mut c = [0.0f32; 64];
    for (a, b, c_shape) in [((2, 3), (4, 5), (2, 5)), ((2, 3), (3, 5), (3, 5)), ((2, 3), (3, 5), (2, 4))] {
        let a = MatRef::new(&data, a.0, a.1).unwrap();
        let b = MatRef::new(&data, b.0, b.1).unwrap();
        let c = MatMut::new(&mut c, c_shape.0, c_shape.1).unwrap();
        assert!(gemm(Level::best(), 1.0, a, b, 0.0, c).is_err());
    }
}

/// Checks against an independent BLAS as well as against our own oracle.
#[test]
fn agrees_with_matrixmultiply() {
    let (m, n, k) = (37, 41, 300);
    let mut random = Random(5);
    let (a, b): (Vec<f32>, Vec<f32>) = (random.values(m * k, 1.0), random.values(k * n, 1.0));
    let mut theirs = vec![0.0f32; m * n];
    // SAFETY: the buffers have the sizes that the shapes and strides imply.
    unsafe {
        let (k_, n_) = (k as isize, n as isize);
        matrixmultiply::sgemm(m, k, n, 1.0, a.as_ptr(), k_, 1, b.as_ptr(), n_, 1, 0.0, theirs.as_mut_ptr(), n_, 1);
    }
    for level in Level::available() {
        let mut ours = vec![0.0f32; m * n];
        let (a, b) = (MatRef::new(&a, m, k).unwrap(), MatRef::new(&b, k, n).unwrap());
        gemm(level, 1.0, a, b, 0.0, MatMut::new(&mut ours, m, n).unwrap()).unwrap();
        for (x, y) in ours.iter().zip(&theirs) {
            assert!((x - y).abs() < 1e-3, "{level}: {x} is not {y}");
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let mut random = Random(6);
    for (m, n, k) in
        [(1, 5, 3), (13, 40, 20), (100, 50, 784), (257, 65, 300), (257, 150, 600), (300, 200, 150), (40, 90, 2100)]
    {
        let (a, b): (Vec<f32>, Vec<f32>) = (random.values(m * k, 1.0), random.values(k * n, 1.0));
        let (turned, b) = (MatRef::new(&a, k, m).unwrap().t(), MatRef::new(&b, k, n).unwrap());
        let a = if m % 2 == 0 { turned } else { MatRef::new(&a, m, k).unwrap() };
        for level in Level::available() {
            let mut one = vec![0.0; m * n];
            gemm(level, 1.0, a, b, 0.0, MatMut::new(&mut one, m, n).unwrap()).unwrap();
            for threads in [1, 2, 3, 7] {
                with_all_kinds(threads, |whose| {
                    let mut many = vec![0.0; m * n];
                    let c = MatMut::new(&mut many, m, n).unwrap();
                    gemm_parallel(level, &whose, 1.0, a, b, 0.0, c).unwrap();
                    assert_eq!(one, many, "{level}, {threads} threads, {m} x {n} x {k}");
                });
            }
        }
    }
}

/// A packed product in two blocks of depth, with β = 0 over NaNs; and a single row, whose row stride must be ignored.
#[test]
fn packed_products_read_only_their_operands() {
    let mut random = Random(8);
    let (m, n, k) = (30, 60, 1500);
    for level in Level::available() {
        let (a, b): (Vec<f64>, Vec<f64>) = (random.values(m * k, 1.0), random.values(k * n, 1.0));
        let (a, b) = (MatRef::new(&a, m, k).unwrap(), MatRef::new(&b, k, n).unwrap());
        let mut c = vec![f64::NAN; m * n];
        gemm(level, 1.0, a, b, 0.0, MatMut::new(&mut c, m, n).unwrap()).unwrap();
        let zeros = vec![0.0; m * n];
        let want = gemm_oracle::product(1.0, a, b, 0.0, MatRef::new(&zeros, m, n).unwrap());
        assert!(c.iter().zip(&want).all(|(c, (want, size))| (c - want).abs() <= bound::<f64>(k, *size)), "{level}");
        let turned: Vec<f64> = (0..n * k).map(|i| b.get(i % k, i / k)).collect();
        let b = MatRef::new(&turned, n, k).unwrap().t();
        for stride in [0, usize::MAX] {
            let one = MatRef::with_strides(&turned[..k], 1, k, stride, 1).unwrap();
            let mut row = vec![f64::NAN; n];
            gemm(level, 1.0, one, b, 0.0, MatMut::new(&mut row, 1, n).unwrap()).unwrap();
            let want = gemm_oracle::product(1.0, one, b, 0.0, MatRef::new(&zeros[..n], 1, n).unwrap());
            assert!(row.iter().zip(&want).all(|(c, (want, size))| (c - want).abs() <= bound::<f64>(k, *size)));
        }
    }
}
