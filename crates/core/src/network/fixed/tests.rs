//! The passes against sums in f64 and i64, at every unit, and each unit's bits against the others'.

use super::{ByteBatch, DIGIT, Digits, FIXED_MAX_ERROR, Forward, Gradient, SEGMENT};
use crate::network::first::{Descend, Keep};
use crate::network::{Activation, Ahead};
use crate::simd::{Level, Unit};
use crate::testing::Random;

/// Those that the processor has, and those that it does not but that are emulated.
pub fn units() -> Vec<Unit> {
    Unit::available(Level::best()).chain(Unit::emulated(Level::best())).collect()
}

/// Columns of different sizes, the first few with what is seldom.
fn matrix(random: &mut Random, rows: usize, width: usize) -> Vec<f32> {
    let mut m: Vec<f32> =
        (0..rows * width).map(|at| (random.value() * 3f64.powi((at % width % 40) as i32 - 8)) as f32).collect();
    for (column, value) in [0.0, -0.0, 1e-45, 3e38, -1e-38, 2f32.powi(-101), 1.0, 127.0 / 64.0].into_iter().enumerate()
    {
        (0..rows).for_each(|row| m[row * width + column] = if (row + column) % 3 == 0 { -value } else { value });
    }
    // The first magnitudes that the larger scale is for, and the last that it is not.
    for (column, bits) in [(8, 0x3f7e_fefe), (9, 0x3f7e_feff), (10, 0x3f7f_ffff), (11, 0x0080_0000)] {
        (0..rows).for_each(|row| m[row * width + column] *= f32::from_bits(bits) / 1e5);
        m[column] = -f32::from_bits(bits);
        m[(rows - 1) * width + column] = f32::from_bits(bits);
    }
    m
}

/// The integer that three digits of a column make, and its scale.
fn read(digits: &Digits, row: usize, column: usize) -> (i64, f64) {
    let at = |k: usize| digits.place(row / 4, column) + k * DIGIT + row % 4;
    let d = |k| i64::from(digits.bytes()[at(k)] as i8);
    (d(2) * 65536 + d(1) * 256 + d(0), f64::from(digits.scale()[column]) * 255.0)
}

#[test]
fn digits_are_the_nearest_whole_numbers_at_the_scale_of_the_largest() {
    let (rows, width) = (37, 48);
    let m = matrix(&mut Random::new(1), rows, width);
    for unit in units() {
        let digits = Digits::of(unit, &m, rows, width, width);
        for column in 0..width {
            let w = |row: usize| f64::from(m[row * width + column]);
            let most = (0..rows).fold(0.0, |most: f64, row| most.max(w(row).abs()));
            // Products with what is subnormal would be many times as slow.
            assert!(digits.scale()[column].is_normal(), "{} {column}", unit.name());
            let scale = read(&digits, 0, column).1;
            let scale = 2f64.powi(scale.log2().round() as i32);
            let fits = |scale: f64| (most / scale).round_ties_even() <= 8_355_711.0;
            assert!(fits(scale) && (scale == 2f64.powi(-118) || !fits(scale / 2.0)), "{} {column}", unit.name());
            for row in 0..rows {
                assert_eq!(read(&digits, row, column).0 as f64, (w(row) / scale).round_ties_even(), "{row} {column}");
            }
        }
    }
}

#[test]
fn a_column_that_is_no_number_has_no_scale() {
    for unit in units() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN] {
            let mut m = vec![1.0; 5 * 16];
            m[3 * 16 + 7] = bad;
            let digits = Digits::of(unit, &m, 5, 16, 16);
            assert!((0..16).all(|c| digits.scale()[c].is_nan() == (c == 7)), "{} {bad}", unit.name());
        }
    }
}

/// Rows of bytes, some dark, some light, some of the largest value alone.
fn pixels(random: &mut Random, rows: usize, inputs: usize) -> Vec<u8> {
    let byte = |random: &mut Random, row: usize| match row % 5 {
        0 => 255,
        1 => random.bits() as u8,
        _ if random.below(4) == 0 => random.bits() as u8,
        _ => 0,
    };
    (0..rows * inputs).map(|at| byte(random, at / inputs)).collect()
}

/// Those for work of that shape. A signal for each sum of four products takes long where there is much to do.
fn units_for((inputs, rows, width): (usize, usize, usize)) -> impl Iterator<Item = Unit> {
    let small = inputs * rows * width < 600_000;
    units().into_iter().filter(move |unit| small || !unit.is_slowly_emulated())
}

const SHAPES: [(usize, usize, usize); 11] = [
    (1, 1, 16),
    (2, 3, 16),
    (4, 4, 32),
    (5, 17, 48),
    (63, 16, 64),
    (64, 33, 16),
    (257, 20, 112),
    (784, 100, 64),
    (300, 270, 16),
    // Three words of a mask; and a batch of a word less after one of more.
    (600, 256, 16),
    (3, 600, 16),
];

/// X·W, of which ReLU units show what is above zero, and those of −W the rest.
fn sums(unit: Unit, batch: &mut ByteBatch, w: &[f32], width: usize) -> Vec<f32> {
    let mut half = |w: &[f32]| {
        let (digits, b1) = (Digits::of(unit, w, w.len() / width, width, width), vec![0.0; width]);
        let mut z = vec![f32::NAN; batch.rows() * width];
        let activation = Activation::Relu;
        let ahead = &mut Ahead::nothing();
        unit.dispatch(Forward { batch, digits: &digits, b1: &b1, activation, z: &mut z, ahead });
        z
    };
    let (above, below) = (half(w), half(&w.iter().map(|w| -w).collect::<Vec<_>>()));
    above.iter().zip(&below).map(|(a, b)| a - b).collect()
}

#[test]
fn sums_are_within_the_bound_and_alike_at_every_unit() {
    for (inputs, rows, width) in SHAPES {
        let mut random = Random::new(inputs as u64);
        let x = pixels(&mut random, rows + 3, inputs);
        let mut w = matrix(&mut random, inputs.max(12), width);
        w.truncate(inputs * width);
        let mut first: Option<Vec<f32>> = None;
        for unit in units_for((inputs, rows, width)) {
            let mut batch = ByteBatch::new(unit, inputs, rows, false);
            batch.gather(unit, &x, &mut ((0..rows).map(|n| n + 3)));
            let z = sums(unit, &mut batch, &w, width);
            for n in 0..rows {
                let row = &x[(n + 3) * inputs..][..inputs];
                let ink = row.iter().map(|&x| f64::from(x) / 255.0).sum::<f64>();
                for c in 0..width {
                    let w = |i: usize| f64::from(w[i * width + c]);
                    let most = (0..inputs).fold(0.0, |most: f64, i| most.max(w(i).abs()));
                    let want = row.iter().enumerate().map(|(i, &x)| f64::from(x) / 255.0 * w(i)).sum::<f64>();
                    let off = (f64::from(z[n * width + c]) - want).abs();
                    let bound = ink * (FIXED_MAX_ERROR * most).max(2f64.powi(-118));
                    let large = want.abs() > f64::from(f32::MAX) / 2.0;
                    assert!(off <= bound || large, "{} {inputs} {n} {c}: {off:e}, {bound:e}", unit.name());
                }
            }
            let first = first.get_or_insert_with(|| z.clone());
            assert!(first.iter().zip(&z).all(|(a, b)| a.to_bits() == b.to_bits()), "{} {inputs}", unit.name());
        }
    }
}

#[test]
fn gradients_are_within_the_bound_and_alike_at_every_unit() {
    for (inputs, rows, width) in SHAPES {
        let mut random = Random::new(rows as u64);
        let x = pixels(&mut random, rows, inputs);
        let mut d = matrix(&mut random, rows.max(12), width);
        d.truncate(rows * width);
        let mut first: Option<Vec<f32>> = None;
        for unit in units_for((inputs, rows, width)) {
            let mut batch = ByteBatch::new(unit, inputs, rows + 5, true);
            // A batch before, with more rows and ink, leaves nothing behind.
            batch.gather(unit, &vec![255; inputs * (rows + 5)], &mut (0..rows + 5));
            batch.gather(unit, &x, &mut (0..rows));
            let mut da = Digits::new(rows + 5, width);
            da.cut(unit, &vec![1.0; (rows + 5) * width], rows + 5, width);
            da.cut(unit, &d, rows, width);
            let mut g = vec![f32::NAN; inputs.next_multiple_of(2) * width];
            let digits = &mut Digits::new(inputs, width);
            let gradient = Gradient { batch: &batch, da: &da, w1: &mut g, digits, inputs, sink: Keep };
            assert_eq!(unit.dispatch(gradient), (true, false));
            assert!(g[inputs * width..].iter().all(|&g| g == 0.0), "what fills the last pair has no gradient");
            for (i, g) in g.chunks_exact(width).take(inputs).enumerate() {
                let ink = (0..rows).map(|n| f64::from(x[n * inputs + i]) / 255.0).sum::<f64>();
                for (c, &g) in g.iter().enumerate() {
                    let d = |n: usize| f64::from(d[n * width + c]);
                    let most = (0..rows).fold(0.0, |most: f64, n| most.max(d(n).abs()));
                    let want = (0..rows).map(|n| f64::from(x[n * inputs + i]) / 255.0 * d(n)).sum::<f64>();
                    let off = (f64::from(g) - want).abs();
                    let bound = ink * (FIXED_MAX_ERROR * most).max(2f64.powi(-118));
                    let large = want.abs() > f64::from(f32::MAX) / 2.0;
                    assert!(off <= bound || large, "{} {inputs} {i} {c}: {off:e}, {bound:e}", unit.name());
                }
            }
            let first = first.get_or_insert_with(|| g.clone());
            assert!(first.iter().zip(&g).all(|(a, b)| a.to_bits() == b.to_bits()), "{} {inputs}", unit.name());
        }
    }
}

#[test]
fn digits_follow_the_step() {
    for (inputs, rows, width) in SHAPES {
        let mut random = Random::new(rows as u64 + 9);
        let x = pixels(&mut random, rows, inputs);
        let d: Vec<f32> = random.values(rows * width);
        let mut w: Vec<f32> = random.values(inputs * width);
        w.resize(inputs.next_multiple_of(2) * width, 0.0);
        for unit in units_for((inputs, rows, width)) {
            let mut batch = ByteBatch::new(unit, inputs, rows, true);
            batch.gather(unit, &x, &mut (0..rows));
            let da = Digits::of(unit, &d, rows, width, width);
            for rate in [1e-6, 10.0] {
                let (mut w, mut digits) = (w.clone(), Digits::of(unit, &w, inputs, width, width));
                let sink = Descend(rate);
                let gradient = Gradient { batch: &batch, da: &da, w1: &mut w, digits: &mut digits, inputs, sink };
                let (finite, rescaled) = unit.dispatch(gradient);
                assert!(finite);
                if rescaled {
                    digits.cut(unit, &w, inputs, width);
                }
                assert_eq!(rescaled, rate > 1.0);
                let anew = Digits::of(unit, &w, inputs, width, width);
                assert!(digits.bytes() == anew.bytes() && digits.scale() == anew.scale(), "{} {inputs}", unit.name());
            }
        }
    }
}

/// In a column of the first vector and in one of the last, by the step or from before, where there is ink and where there
/// is none.
#[test]
fn a_weight_that_is_no_number_is_told() {
    let (inputs, rows, width) = (9, 5, 48);
    let x: Vec<u8> = (0..rows * inputs).map(|at| if at % inputs == 8 { 0 } else { 255 }).collect();
    let d = vec![1.0; rows * width];
    for unit in units() {
        let mut batch = ByteBatch::new(unit, inputs, rows, true);
        batch.gather(unit, &x, &mut (0..rows));
        let da = Digits::of(unit, &d, rows, width, width);
        for (row, column) in [(0, 0), (3, 17), (7, 47), (8, 31)] {
            for (bad, rate, good) in [(1.0, 1.0, true), (f32::NAN, 1.0, false), (f32::MAX, -1e37, row == 8)] {
                let mut w = vec![0.5; inputs.next_multiple_of(2) * width];
                let mut digits = Digits::of(unit, &w, inputs, width, width);
                w[row * width + column] = bad;
                let sink = Descend(rate);
                let gradient = Gradient { batch: &batch, da: &da, w1: &mut w, digits: &mut digits, inputs, sink };
                assert_eq!(unit.dispatch(gradient).0, good, "{} {row} {column} {bad}", unit.name());
            }
        }
    }
}

/// The largest sums that a segment may have, and more: so many terms of the largest digits there are, 127·256² + 127·256
/// + 127, and of as much below zero.
fn longest(terms: usize, width: usize) -> (Vec<u8>, Vec<f32>, f64) {
    let most = 8_355_711.0;
    let w = (0..terms * width).map(|at| if at % 2 == 0 { most } else { -most }).collect();
    (vec![255; terms], w, terms as f64 * f64::from(most))
}

const LONG: [usize; 2] = [SEGMENT + 9, 2 * SEGMENT + 9];

/// As the bound says, for so many terms.
fn close(sum: f32, want: f64, terms: usize) -> bool {
    let bound = FIXED_MAX_ERROR + if terms > 2 * SEGMENT { 2f64.powi(-24) } else { 0.0 };
    ((f64::from(sum) - want) / want).abs() < bound
}

#[test]
fn sums_beyond_a_segment_are_exact_in_parts() {
    for inputs in LONG {
        let (x, w, want) = longest(inputs, 16);
        for unit in units() {
            let mut batch = ByteBatch::new(unit, inputs, 1, false);
            batch.gather(unit, &x, &mut (0..1));
            let z = sums(unit, &mut batch, &w, 16);
            assert!(close(z[0], want, inputs), "{} {} {want}", unit.name(), z[0]);
            assert_eq!(z[1], -z[0]);
        }
    }
}

#[test]
fn gradients_beyond_a_segment_are_exact_in_parts() {
    for rows in LONG {
        let (x, d, want) = longest(rows, 32);
        for unit in units().into_iter().filter(|unit| !unit.is_slowly_emulated()) {
            let mut batch = ByteBatch::new(unit, 1, rows, true);
            batch.gather(unit, &x, &mut (0..rows));
            let (da, digits) = (Digits::of(unit, &d, rows, 32, 32), &mut Digits::new(1, 32));
            let mut g = vec![f32::NAN; 2 * 32];
            let gradient = Gradient { batch: &batch, da: &da, w1: &mut g, digits, inputs: 1, sink: Keep };
            assert_eq!(unit.dispatch(gradient), (true, false));
            assert!(close(g[0], want, rows), "{} {} {want}", unit.name(), g[0]);
            assert!(g[..32].chunks(2).all(|pair| pair == [g[0], -g[0]]) && g[32..].iter().all(|&g| g == 0.0));
        }
    }
}
