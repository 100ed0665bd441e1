//! Every operation of every instruction set, lane by lane, against plain arithmetic, special values included.

use super::SimdElement;
use super::{Kernel, Level, MAX_LANES, Simd, transpose};
use crate::element::Element;
use crate::random::Random;

/// The operations on one or two vectors, so that tests can select one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    Abs,
    Sqrt,
    Round,
    Select,
    Mantissa,
    Exponent,
    Ldexp,
}

/// `op` of each element of `a` and `b`, by vectors and a tail.
struct Run<'a, T>(Op, &'a [T], &'a [T]);

impl<T: Element> Kernel<T> for Run<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> Vec<T> {
        let Run(op, a, b) = self;
        let mut out = vec![T::ZERO; a.len()];
        for at in (0..a.len()).step_by(S::LANES) {
            let n = S::LANES.min(a.len() - at);
            // SAFETY: n elements from `at` on are within the three slices.
            unsafe {
                let (x, y) = (s.load_partial(a.as_ptr().add(at), n), s.load_partial(b.as_ptr().add(at), n));
                let z = match op {
                    Op::Add => s.add(x, y),
                    Op::Sub => s.sub(x, y),
                    Op::Mul => s.mul(x, y),
                    Op::Div => s.div(x, y),
                    Op::Max => s.max(x, y),
                    Op::Min => s.min(x, y),
                    Op::Abs => s.abs(x),
                    Op::Sqrt => s.sqrt(x),
                    Op::Round => s.round(x),
                    Op::Select => s.select(s.lt(x, y), s.splat(T::ONE), s.zero()),
                    Op::Mantissa => s.frexp(x).0,
                    Op::Exponent => s.frexp(x).1,
                    Op::Ldexp => s.ldexp(x, y),
                };
                s.store_partial(out.as_mut_ptr().add(at), n, z);
            }
        }
        out
    }
}

fn specials<T: SimdElement>() -> Vec<T> {
    let tiny = T::from_bits(1);
    let mut x = vec![T::ZERO, T::ONE, T::INFINITY, T::NAN, tiny, T::from_f64(0.5), T::from_f64(2.5)];
    x.extend([T::from_bits(T::INFINITY.to_bits() - 1), T::from_f64(1e30), T::from_f64(1e-30), T::from_f64(3.0)]);
    let negative: Vec<T> = x.iter().map(|&v| T::from_f64(-v.to_f64())).collect();
    x.extend(negative);
    x
}

fn same<T: SimdElement>(a: T, b: T) -> bool {
    a.to_bits() == b.to_bits() || (a.to_f64().is_nan() && b.to_f64().is_nan())
}

/// Checks `op` over all pairs of special values and many others, at every level; failures are collected.
fn check<T: SimdElement>(op: Op, inputs: &[(T, T)], want: impl Fn(T, T) -> T) {
    let (a, b): (Vec<T>, Vec<T>) = inputs.iter().copied().unzip();
    let mut failures = Vec::new();
    for level in Level::available() {
        let got = level.dispatch(Run(op, &a, &b));
        for ((&got, &a), &b) in got.iter().zip(&a).zip(&b) {
            if !same(got, want(a, b)) {
                failures.push(format!("{level} {op:?}({a:?}, {b:?}) = {got:?}, not {:?}", want(a, b)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures[..failures.len().min(20)].join("\n"));
}

fn pairs<T: SimdElement>() -> Vec<(T, T)> {
    let x = specials();
    let mut pairs: Vec<(T, T)> = x.iter().flat_map(|&a| x.iter().map(move |&b| (a, b))).collect();
    let mut random = Random(9);
    pairs.extend((0..999).map(|_| (T::from_f64(random.value() * 100.0), T::from_f64(random.value() * 100.0))));
    pairs
}

fn check_arithmetic<T: SimdElement>() {
    check::<T>(Op::Add, &pairs(), T::add);
    check::<T>(Op::Sub, &pairs(), T::sub);
    check::<T>(Op::Mul, &pairs(), T::mul);
    check::<T>(Op::Div, &pairs(), T::div);
    check::<T>(Op::Max, &pairs(), |a, b| if a > b { a } else { b });
    check::<T>(Op::Min, &pairs(), |a, b| if a < b { a } else { b });
    check::<T>(Op::Sqrt, &pairs(), |a, _| T::from_f64(a.to_f64().sqrt()));
    check::<T>(Op::Abs, &pairs(), |a, _| T::from_f64(a.to_f64().abs()));
    check::<T>(Op::Select, &pairs(), |a, b| if a < b { T::ONE } else { T::ZERO });
}

#[test]
fn arithmetic_matches_scalar_rust() {
    check_arithmetic::<f32>();
    check_arithmetic::<f64>();
}

fn check_round<T: SimdElement>() {
    let halves: Vec<(T, T)> = (-4000..4000).map(|i| (T::from_f64(f64::from(i) / 8.0), T::ZERO)).collect();
    // The sign of a zero is unspecified.
    for level in Level::available() {
        let (a, b): (Vec<T>, Vec<T>) = halves.iter().copied().unzip();
        for (got, a) in level.dispatch(Run(Op::Round, &a, &b)).iter().zip(&a) {
            assert_eq!(got.to_f64(), a.to_f64().round_ties_even(), "{level} {a:?}");
        }
    }
}

#[test]
fn rounding_is_to_nearest_even() {
    check_round::<f32>();
    check_round::<f64>();
}

/// The same by definition: halve or double until within [0.75, 1.5).
fn split<T: SimdElement>(x: T) -> (T, T) {
    let (mut m, mut e) = (x.to_f64(), 0.0);
    while m >= 1.5 {
        (m, e) = (m / 2.0, e + 1.0);
    }
    while m < 0.75 {
        (m, e) = (m * 2.0, e - 1.0);
    }
    (T::from_f64(m), T::from_f64(e))
}

fn check_powers<T: SimdElement>() {
    let biggest = T::INFINITY.to_bits() - 1;
    let mut random = Random(4);
    let mut x: Vec<(T, T)> = (0..3000).map(|_| (T::from_bits(1 + random.bits() % biggest), T::ZERO)).collect();
    x.extend([1, 2, 3, biggest, biggest - 1].map(|bits| (T::from_bits(bits), T::ZERO)));
    x.extend([0.75, 1.0, 1.4999999, 1.5, 0.7499999, 0.5].map(|v| (T::from_f64(v), T::ZERO)));
    check::<T>(Op::Mantissa, &x, |a, _| split(a).0);
    check::<T>(Op::Exponent, &x, |a, _| split(a).1);
    let range = 2 * T::BIAS;
    let scaled: Vec<(T, T)> = (-range..range)
        .flat_map(|n| [1.0, 0.75, 1.41, 1.4999].map(|m| (T::from_f64(m), T::from_f64(n as f64))))
        .collect();
    // In two steps, since 2^n alone may overflow. In f64 only the last step may round, to a subnormal.
    check::<T>(Op::Ldexp, &scaled, |a, n| {
        let n = n.to_f64() as i32;
        let half = |v: f64, n: i32| v * 2f64.powi(n / 2) * 2f64.powi(n - n / 2);
        T::from_f64(half(a.to_f64(), n))
    });
}

#[test]
fn frexp_and_ldexp_match_their_definitions() {
    check_powers::<f32>();
    check_powers::<f64>();
}

/// a · b + c and c − a · b for one vector.
struct Fused<'a, T>([&'a [T]; 3]);

impl<T: Element> Kernel<T> for Fused<'_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> Self::Output {
        let (mut plus, mut minus) = (vec![T::ZERO; 16], vec![T::ZERO; 16]);
        for at in (0..16).step_by(S::LANES) {
            let [a, b, c] = self.0.map(|x| {
                assert_eq!(x.len(), 16);
                // SAFETY: LANES divides 16, the length.
                unsafe { s.load(x.as_ptr().add(at)) }
            });
            // SAFETY: as above.
            unsafe {
                s.store(plus.as_mut_ptr().add(at), s.mul_add(a, b, c));
                s.store(minus.as_mut_ptr().add(at), s.neg_mul_add(a, b, c));
            }
        }
        (plus, minus)
    }
}

fn check_fused<T: SimdElement>() {
    let specials = specials::<T>();
    let mut random = Random(8);
    for _ in 0..20_000 {
        let [a, b, c]: [Vec<T>; 3] = std::array::from_fn(|_| {
            let mut value = || match random.below(3) {
                0 => specials[random.below(specials.len())],
                1 => T::from_bits(random.bits()),
                _ => T::from_f64(random.value()),
            };
            (0..16).map(|_| value()).collect()
        });
        for level in Level::available() {
            let (plus, minus) = level.dispatch(Fused([&a, &b, &c]));
            for i in 0..16 {
                let [want, want_minus] = T::mul_add([a[i], a[i].neg()], [b[i]; 2], [c[i]; 2]);
                assert!(same(plus[i], want), "{level}: {} * {} + {} = {}", a[i], b[i], c[i], plus[i]);
                assert!(same(minus[i], want_minus), "{level}: {} - {} * {} = {}", c[i], a[i], b[i], minus[i]);
            }
        }
    }
}

#[test]
fn multiply_adds_are_rounded_once() {
    check_fused::<f32>();
    check_fused::<f64>();
}

/// Copies the first `n` elements through a vector; the buffers end directly after them.
struct Partial<'a, T>(&'a [T], &'a mut [T]);

impl<T: Element> Kernel<T> for Partial<'_, T> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> usize {
        let n = S::LANES.min(self.0.len());
        // SAFETY: n elements are within both slices.
        unsafe { s.store_partial(self.1.as_mut_ptr(), n, s.load_partial(self.0.as_ptr(), n)) };
        n
    }
}

fn check_partial<T: SimdElement>() {
    for level in Level::available() {
        for n in 0..=16 {
            let from: Vec<T> = (0..n).map(|i| T::from_f64(i as f64 + 1.0)).collect();
            let mut to = [T::NAN; 20];
            let copied = level.dispatch(Partial(&from, &mut to[..]));
            assert_eq!(to[..copied], from[..copied], "{level}");
            assert!(to[copied..].iter().all(|x| x.to_f64().is_nan()), "{level} wrote past {n}");
        }
    }
}

#[test]
fn partial_loads_and_stores_access_only_n_elements() {
    check_partial::<f32>();
    check_partial::<f64>();
}

/// Checks `interleave` and `transpose` on vectors of consecutive integers.
struct Turn<T>(std::marker::PhantomData<T>);

impl<T: Element> Kernel<T> for Turn<T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let numbers = |from: usize| -> [T; MAX_LANES] { std::array::from_fn(|i| T::from_f64((from + i) as f64)) };
        let lanes = |v: S::V| {
            let mut x = [T::ZERO; MAX_LANES];
            // SAFETY: no vector has more than MAX_LANES elements.
            unsafe { s.store(x.as_mut_ptr(), v) };
            x
        };
        // SAFETY: `numbers` returns MAX_LANES elements, and no vector has more.
        let vector = |from: usize| unsafe { s.load(numbers(from).as_ptr()) };
        let (low, high) = s.interleave(vector(0), vector(100));
        let (low, high) = (lanes(low), lanes(high));
        for i in 0..S::LANES {
            let (half, from) = if i < S::LANES / 2 { (&low, 0) } else { (&high, S::LANES / 2) };
            let got = [half[2 * (i - from)].to_f64(), half[2 * (i - from) + 1].to_f64()];
            assert_eq!(got, [i as f64, (100 + i) as f64], "lane {i} of {}", S::LANES);
        }
        let mut rows = [s.zero(); MAX_LANES];
        rows.iter_mut().enumerate().for_each(|(r, row)| *row = vector(100 * r));
        let turned = transpose(s, rows);
        for (c, &column) in turned.iter().enumerate().take(S::LANES) {
            for (r, x) in lanes(column).iter().enumerate().take(S::LANES) {
                assert_eq!(x.to_f64(), (100 * r + c) as f64, "row {r} and column {c} of {}", S::LANES);
            }
        }
    }
}

#[test]
fn interleave_and_transpose_move_every_element() {
    for level in Level::available() {
        level.dispatch(Turn::<f32>(std::marker::PhantomData));
        level.dispatch(Turn::<f64>(std::marker::PhantomData));
    }
}

/// The bits of 64 bytes and of one vector.
struct Bits<'a, T>(&'a [u8; 64], &'a [T; 16]);

impl<T: Element> Kernel<T> for Bits<'_, T> {
    type Output = (u32, u64);

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> (u32, u64) {
        let mut bits = 0;
        for at in (0..16).step_by(S::LANES) {
            // SAFETY: LANES divides 16, the length.
            bits |= s.nonzero_bits(unsafe { s.load(self.1.as_ptr().add(at)) }) << at;
        }
        (s.nonzero_pairs(self.0), bits)
    }
}

#[test]
fn nonzero_bits_match_their_definitions() {
    let mut random = Random(7);
    for round in 0..2000 {
        let bytes: [u8; 64] = std::array::from_fn(|_| if random.below(4) == 0 { random.bits() as u8 } else { 0 });
        let values = [0.0f32, -0.0, 1.0, f32::NAN, f32::from_bits(1), f32::NEG_INFINITY];
        let floats: [f32; 16] = std::array::from_fn(|_| values[random.below(values.len())]);
        for level in Level::available() {
            let (pairs, lanes) = level.dispatch(Bits(&bytes, &floats));
            let wide = level.dispatch(Bits(&bytes, &floats.map(f64::from)));
            for i in 0..32 {
                assert_eq!(pairs >> i & 1 == 1, bytes[2 * i] != 0 || bytes[2 * i + 1] != 0, "{level} {round} {i}");
            }
            for i in 0..16 {
                assert_eq!(lanes >> i & 1 == 1, floats[i] != 0.0, "{level} {:?}", floats[i]);
            }
            // f32's subnormal is a normal f64, and not zero either.
            assert_eq!(wide, (pairs, lanes), "{level}");
        }
    }
}

/// Tests loop over `Level::available`, so they silently skip levels that the processor lacks. A run that must cover
/// certain levels lists them in `TWOLAYER_TEST_LEVELS`, separated by commas; this test fails if one is missing.
#[test]
fn the_processor_has_the_levels_to_test() {
    let available: Vec<&str> = Level::available().into_iter().map(Level::name).collect();
    println!("levels exercised: {}", available.join(", "));
    assert_eq!(available[0], "scalar");
    for name in std::env::var("TWOLAYER_TEST_LEVELS").unwrap_or_default().split(',').filter(|n| !n.is_empty()) {
        assert!(available.contains(&name), "TWOLAYER_TEST_LEVELS lists {name}, which this processor lacks");
    }
}

#[test]
fn the_best_level_is_the_last_of_those_available() {
    assert_eq!(Some(&Level::best()), Level::available().last());
    assert!(Level::available().into_iter().all(|level| Level::by_name(level.name()) == Ok(level)));
}
