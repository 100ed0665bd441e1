//! The matrix product, e^x, ln, sigmoid and softmax, against the same in `f64`, at every level.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use twolayer_core::math::{EXP_MAX_ULP, LN_MAX_ULP, SIGMOID_MAX_ULP, exp, ln, sigmoid};
use twolayer_core::{Float, Level, MatMut, MatRef, SOFTMAX_MAX_EPSILONS, Threads, gemm, gemm_parallel, softmax};

fuzz_target!(|input: &[u8]| {
    let u = &mut Unstructured::new(input);
    let _ = match u.int_in_range(0..=4) {
        Ok(0) => functions(u),
        Ok(1) => softmaxes::<f32>(u),
        Ok(2) => softmaxes::<f64>(u),
        Ok(3) => products::<f32>(u),
        _ => products::<f64>(u),
    };
});

/// Floats of any bits.
fn any_floats(u: &mut Unstructured) -> Result<Vec<f32>> {
    let count = u.int_in_range(1..=100)?;
    (0..count).map(|_| Ok(f32::from_bits(u.arbitrary()?))).collect()
}

/// Multiples of 1/16 from -8 to 8, so that products and short sums of them are exact in `f64`.
fn small_floats<T: Float>(u: &mut Unstructured, count: usize) -> Result<Vec<T>> {
    (0..count).map(|_| Ok(T::from_f64(f64::from(u.arbitrary::<i8>().unwrap_or(7)) / 16.0))).collect()
}

/// Calls `f` at every level; all must give the same bits, of which the first are returned.
fn at_every_level<T: Float>(mut f: impl FnMut(Level) -> Vec<T>) -> Vec<T> {
    let mut results = Level::available().into_iter().map(|level| f(level));
    let first = results.next().unwrap();
    let bits = |x: &[T]| x.iter().map(|x| if *x == *x { x.to_f64().to_bits() } else { 0 }).collect::<Vec<_>>();
    results.for_each(|other| assert_eq!(bits(&first), bits(&other)));
    first
}

fn functions(u: &mut Unstructured) -> Result<()> {
    let x = any_floats(u)?;
    let cases: [(fn(Level, &mut [f32]), fn(f64) -> f64, f64); 3] = [
        (exp, f64::exp, EXP_MAX_ULP),
        (ln, f64::ln, LN_MAX_ULP),
        (sigmoid, |x| 1.0 / (1.0 + (-x).exp()), SIGMOID_MAX_ULP),
    ];
    for (function, oracle, bound) in cases {
        let y = at_every_level(|level| {
            let mut y = x.clone();
            function(level, &mut y);
            y
        });
        for (&x, &y) in x.iter().zip(&y) {
            let want = oracle(f64::from(x));
            let single = want as f32;
            let is_close = match single.is_finite() {
                // Below the smallest normal number, a result may be zero.
                true if single.abs() < f32::MIN_POSITIVE => f64::from(y - single).abs() < f64::from(f32::MIN_POSITIVE),
                true => {
                    let ulp = f64::from(single.abs().next_up()) - f64::from(single.abs());
                    (f64::from(y) - want).abs() <= bound * ulp
                }
                false => y.to_bits() == single.to_bits() || y.is_nan() && single.is_nan() || y == f32::MAX,
            };
            assert!(is_close, "f({x:e}) is {y:e}, not {want:e}");
        }
    }
    Ok(())
}

fn softmaxes<T: Float>(u: &mut Unstructured) -> Result<()> {
    let (rows, cols) = (u.int_in_range(1..=6)?, u.int_in_range(1..=70)?);
    let x: Vec<T> = small_floats(u, rows * cols)?;
    let y = at_every_level(|level| {
        let mut y = x.clone();
        softmax(level, MatMut::new(&mut y, rows, cols).unwrap());
        y
    });
    let epsilon = if size_of::<T>() == 4 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    for (x, y) in x.chunks(cols).zip(y.chunks(cols)) {
        let x: Vec<f64> = x.iter().map(|x| x.to_f64().exp()).collect();
        let sum: f64 = x.iter().sum();
        for (x, y) in x.iter().zip(y) {
            // One more for the oracle's own roundings.
            let close = (SOFTMAX_MAX_EPSILONS + 1.0 + cols as f64) * epsilon * x / sum;
            assert!((y.to_f64() - x / sum).abs() <= close, "{} is not {}", y.to_f64(), x / sum);
        }
    }
    Ok(())
}

fn products<T: Float>(u: &mut Unstructured) -> Result<()> {
    let [m, n, k] = [u.int_in_range(0..=40)?, u.int_in_range(0..=70)?, u.int_in_range(0..=300)?];
    let transposed: [bool; 2] = u.arbitrary()?;
    let (gap, beta) = (u.int_in_range(0..=3)?, [0.0, 1.0, -0.5][u.int_in_range(0..=2)?]);
    let threads = Threads::new(u.int_in_range(1..=3)?);
    let (a, b, c): (Vec<T>, Vec<T>, Vec<T>) =
        (small_floats(u, m * k)?, small_floats(u, k * n)?, small_floats(u, m * (n + gap))?);
    let view = |x, rows, cols, turned| match turned {
        true => MatRef::new(x, cols, rows).unwrap().t(),
        false => MatRef::new(x, rows, cols).unwrap(),
    };
    let (a, b) = (view(&a, m, k, transposed[0]), view(&b, k, n, transposed[1]));
    let (alpha, stride) = (T::from_f64(2.0), n + gap);
    let found = at_every_level(|level| {
        let (mut one, mut many) = (c.clone(), c.clone());
        let to = MatMut::with_stride(&mut one, m, n, stride).unwrap();
        gemm(level, alpha, a, b, T::from_f64(beta), to).unwrap();
        let to = MatMut::with_stride(&mut many, m, n, stride).unwrap();
        gemm_parallel(level, &threads, alpha, a, b, T::from_f64(beta), to).unwrap();
        assert!(one == many, "other bits on several threads");
        one
    });
    for (i, (found, was)) in found.iter().zip(&c).enumerate() {
        // All is exact, whatever the order of the sum.
        let (r, col) = (i / stride.max(1), i % stride.max(1));
        let want = match col < n {
            true => {
                let sum: f64 = (0..k).map(|p| a.get(r, p).to_f64() * b.get(p, col).to_f64()).sum();
                2.0 * sum + beta * was.to_f64()
            }
            false => was.to_f64(),
        };
        assert_eq!(found.to_f64(), want, "element {r}, {col} of {m} x {n} x {k}");
    }
    Ok(())
}
