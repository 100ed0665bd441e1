//! Measures errors in ULP against a reference, over dense ranges and over all floats; the checker is tested too.

use crate::math::Float;
use crate::simd::Level;

/// A reference value as an unevaluated sum of two doubles: about 100 bits, enough to judge an f64 result.
pub(crate) type Two = (f64, f64);

/// The distance of `got` from `want` in units of the last place of `want`, rounded to `T`; 0 if both are the same
/// infinity or both NaN, infinite if only one of them is.
pub(crate) fn distance<T: Float>(got: T, want: Two) -> f64 {
    let nearest = T::from_f64(want.0);
    let g = got.to_f64();
    if g.is_nan() || want.0.is_nan() {
        return if g.is_nan() && want.0.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if !got.is_finite() || !nearest.is_finite() {
        // Where the true value rounds to infinity, the largest finite number is one ULP short.
        let largest = T::from_bits(T::INFINITY.to_bits() - 1);
        return match (got.is_finite(), nearest.is_finite()) {
            (false, false) if g == nearest.to_f64() => 0.0,
            (true, false) if got.abs() == largest && (g > 0.0) == (want.0 > 0.0) => 1.0,
            (false, true) if nearest.abs() == largest && (g > 0.0) == (want.0 > 0.0) => 1.0,
            _ => f64::INFINITY,
        };
    }
    ((g - want.0) - want.1).abs() / ulp_of(nearest)
}

/// The distance from `x` to the next number of greater magnitude (the smallest subnormal at zero; from the largest
/// number, that to the one below).
fn ulp_of<T: Float>(x: T) -> f64 {
    let bits = x.abs().to_bits();
    let (low, high) = (T::from_bits(bits), T::from_bits(bits + 1));
    if high.is_finite() { high.to_f64() - low.to_f64() } else { low.to_f64() - T::from_bits(bits - 1).to_f64() }
}

/// Specials, and every 1021st float of both signs: all binades, subnormals included, some 8 million numbers.
pub(crate) fn dense_f32() -> Vec<f32> {
    let mut x: Vec<f32> = (0..=u32::MAX).step_by(1021).map(f32::from_bits).collect();
    x.extend([0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, f32::MAX, f32::MIN]);
    x.extend((-2000..2000).map(|i| i as f32 / 16.0));
    // The arguments with the largest errors of the sigmoid.
    x.extend([-3.441_333_8, -1.947_191_8]);
    x
}

/// A million evenly spaced numbers of `[low, high]`, and the specials.
pub(crate) fn dense_f64(low: f64, high: f64) -> Vec<f64> {
    let n = 1_000_000;
    let mut x: Vec<f64> = (0..=n).map(|i| low + (high - low) * f64::from(i) / f64::from(n)).collect();
    x.extend([0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, f64::MAX, f64::MIN]);
    x.extend([
        f64::from_bits(1),
        -f64::from_bits(1),
        f64::MIN_POSITIVE / 3.0,
        1.0 + f64::EPSILON,
        1.0 - f64::EPSILON / 2.0,
    ]);
    // All binades.
    x.extend((0..0x7ff0u64).map(|i| f64::from_bits(i << 48 | 0x0123_4567_89ab)));
    x
}

/// Collects the worst error over `x` at every level, then reports.
fn check<T: Float>(name: &str, x: &[T], bound: f64, f: fn(Level, &mut [T]), want: &[Two]) {
    let mut failures = String::new();
    for level in Level::available() {
        let mut y = x.to_vec();
        f(level, &mut y);
        let (mut worst, mut at) = (0.0, 0);
        for (i, (&got, &want)) in y.iter().zip(want).enumerate() {
            let d = distance(got, want);
            if d > worst {
                (worst, at) = (d, i);
            }
        }
        println!("{name} {} {level}: {worst:.4} ULP at {:?}", T::NAME, x[at]);
        if worst > bound {
            failures += &format!("\n{level}: {worst} ULP at {:?}: {:?}, not {:?}", x[at], y[at], want[at].0);
        }
    }
    assert!(failures.is_empty(), "{name} {} exceeds its bound of {bound} ULP:{failures}", T::NAME);
}

pub(crate) fn check_f32(name: &str, x: &[f32], bound: f64, f: fn(Level, &mut [f32]), reference: fn(f64) -> f64) {
    let want: Vec<Two> = x.iter().map(|&x| (reference(f64::from(x)), 0.0)).collect();
    check(name, x, bound, f, &want);
}

pub(crate) fn check_f64(name: &str, x: &[f64], bound: f64, f: fn(Level, &mut [f64]), reference: fn(f64) -> Two) {
    let want: Vec<Two> = x.iter().map(|&x| reference(x)).collect();
    check(name, x, bound, f, &want);
}

/// All 2^32 floats, a slice of 2^20 at a time.
pub(crate) fn check_every_f32(name: &str, bound: f64, f: fn(Level, &mut [f32]), reference: fn(f64) -> f64) {
    for block in 0..1u32 << 12 {
        let x: Vec<f32> = (0..1 << 20).map(|i| f32::from_bits(block << 20 | i)).collect();
        let want: Vec<f64> = x.iter().map(|&x| reference(f64::from(x))).collect();
        for level in Level::available() {
            let mut y = x.clone();
            f(level, &mut y);
            for ((&x, &got), &want) in x.iter().zip(&y).zip(&want) {
                let d = distance(got, (want, 0.0));
                assert!(d <= bound, "{name} {level}: {d} ULP at {x:?}: {got:?}, not {want:?}");
            }
        }
    }
}

/// The exact sum of two doubles, as the rounded one and its error.
fn two_sum(a: f64, b: f64) -> Two {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// The exact product of two doubles, as the rounded one and its error.
fn two_product(a: f64, b: f64) -> Two {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

fn add(a: Two, b: Two) -> Two {
    let (s, e) = two_sum(a.0, b.0);
    two_sum(s, e + a.1 + b.1)
}

fn mul(a: Two, b: Two) -> Two {
    let (p, e) = two_product(a.0, b.0);
    two_sum(p, e + a.0 * b.1 + a.1 * b.0)
}

fn div(a: Two, b: Two) -> Two {
    let q = a.0 / b.0;
    let (p, e) = two_product(q, b.0);
    two_sum(q, ((a.0 - p) - e + a.1 - q * b.1) / b.0)
}

/// ln 2 in two doubles.
const LN2: Two = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

/// e^x to about 100 bits: reduced to |r| ≤ ln 2 / 512, Taylor to the 12th power, squared eight times.
pub(crate) fn exp_two(x: f64) -> Two {
    let rough = x.exp();
    if rough == 0.0 || !rough.is_finite() {
        return (rough, 0.0);
    }
    let n = (x / std::f64::consts::LN_2).round();
    let r = add((x, 0.0), mul((-n, 0.0), LN2));
    let r = (r.0 / 256.0, r.1 / 256.0);
    let mut sum = (1.0, 0.0);
    for k in (1..=12).rev() {
        sum = add((1.0, 0.0), mul(sum, div(r, (f64::from(k), 0.0))));
    }
    for _ in 0..8 {
        sum = mul(sum, sum);
    }
    let half = (n / 2.0).trunc();
    let scale = |v: f64| v * 2f64.powi(half as i32) * 2f64.powi((n - half) as i32);
    if rough < f64::MIN_POSITIVE {
        // No f64 can hold the low part of a subnormal: the reference itself is up to half an ULP off.
        return (scale(sum.0), 0.0);
    }
    (scale(sum.0), scale(sum.1))
}

/// ln x to about 100 bits: near 1, where it is small, by 2·atanh((x − 1) / (x + 1)); elsewhere by one Newton step on
/// the system's, y + (x − e^y) / e^y.
pub(crate) fn ln_two(x: f64) -> Two {
    let rough = x.ln();
    if !rough.is_finite() || rough == 0.0 {
        return (rough, 0.0);
    }
    if (x - 1.0).abs() < 0.01 {
        let q = div((x - 1.0, 0.0), two_sum(x, 1.0));
        let z = mul(q, q);
        let mut sum = (0.0, 0.0);
        for k in (0..9).rev() {
            sum = add(mul(sum, z), div((2.0, 0.0), (f64::from(2 * k + 1), 0.0)));
        }
        return mul(q, sum);
    }
    let (scaled, k) = if x < 1e-290 { (x * 2f64.powi(200), 200.0) } else { (x, 0.0) };
    let y = scaled.ln();
    let e = exp_two(y);
    let step = div(add((scaled, 0.0), (-e.0, -e.1)), e);
    // The step is about 1e-17, so the next term, half its square, is negligible.
    add(add((y, 0.0), step), mul((-k, 0.0), LN2))
}

pub(crate) fn sigmoid_two(x: f64) -> Two {
    let e = exp_two(-x.abs());
    if x.is_nan() || e.0 < f64::MIN_POSITIVE {
        // e^-|x| is negligible beside 1.
        return if x > 0.0 { (1.0, 0.0) } else { e };
    }
    let below = add((1.0, 0.0), e);
    if x < 0.0 { div(e, below) } else { div((1.0, 0.0), below) }
}

#[test]
fn the_checker_detects_errors() {
    let next = |x: f32| f32::from_bits(x.to_bits() + 1);
    assert_eq!(distance(1.0f32, (1.0, 0.0)), 0.0);
    assert_eq!(distance(next(1.0), (1.0, 0.0)), 1.0);
    assert_eq!(distance(next(0.0), (0.0, 0.0)), 1.0, "an error at zero counts");
    assert!(distance(1e-3f32, (0.0, 0.0)) > 1e6);
    assert!(distance(0.0f32, (1e-3, 0.0)) > 1e6);
    assert_eq!(distance(f32::NAN, (1.0, 0.0)), f64::INFINITY);
    assert_eq!(distance(1.0f32, (f64::NAN, 0.0)), f64::INFINITY);
    assert_eq!(distance(f32::INFINITY, (f64::NEG_INFINITY, 0.0)), f64::INFINITY);
    assert_eq!(distance(f32::INFINITY, (1e300, 0.0)), 0.0);
    assert_eq!(distance(1.0f32, (1e300, 0.0)), f64::INFINITY);
    assert_eq!(distance(1.0f64, (1.0, f64::EPSILON / 4.0)), 0.25);
}

/// Against values of arbitrary-precision arithmetic, as the two nearest doubles.
#[test]
fn the_references_are_exact_enough() {
    let close = |got: Two, want: Two, what: &str| {
        let off = ((got.0 - want.0) + (got.1 - want.1)).abs();
        assert!(off <= want.0.abs() * 1e-28, "{what}: {got:?} is not {want:?}");
    };
    for (x, want) in EXP_EXACT {
        close(exp_two(x), want, "exp");
    }
    for (x, want) in LN_EXACT {
        close(ln_two(x), want, "ln");
    }
}

const EXP_EXACT: [(f64, Two); 6] = [
    (1.0, (std::f64::consts::E, 1.4456468917292502e-16)),
    (-1.0, (0.36787944117144233, -1.2428753672788363e-17)),
    (0.1, (1.1051709180756477, -8.149523913327619e-17)),
    (100.5, (4.4319559098458955e+43, -6.1101039529390445e+26)),
    (-300.25, (4.009422364622857e-131, -9.421845746665655e-148)),
    (700.0, (1.0142320547350045e+304, 1.6666571920734673e+287)),
];

const LN_EXACT: [(f64, Two); 6] = [
    (2.0, (std::f64::consts::LN_2, 2.3190468138462996e-17)),
    (0.75, (-0.2876820724517809, -2.607160616442564e-17)),
    (1.1, (0.09531017980432493, 5.927240202146761e-18)),
    (1e-300, (-690.7755278982137, -2.3670096176709832e-14)),
    (12345.678, (9.421061321291832, -1.9085650743481053e-16)),
    (1.0000001, (9.999999505838704e-08, 1.5249709528441489e-24)),
];
