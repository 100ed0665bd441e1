//! Softmax, cross-entropy and its gradient against their definitions.

use super::*;
use crate::random::Random;

/// Probabilities and loss of one row, by the definition, in f64.
fn reference(l: &[f64], label: usize) -> (Vec<f64>, f64) {
    let most = l.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = l.iter().map(|l| (l - most).exp()).sum();
    (l.iter().map(|l| (l - most).exp() / sum).collect(), sum.ln() + most - l[label])
}

fn check<T: Float>() {
    let epsilon = 2f64.powi(-(T::MANTISSA_BITS as i32));
    let mut random = Random(2);
    for level in Level::available() {
        for (rows, cols, gap) in [(1, 1, 0), (1, 2, 0), (3, 10, 0), (100, 10, 6), (65, 17, 1), (16, 1000, 3)] {
            let logits: Vec<T> = random.values::<T>(rows * (cols + gap), 1.0);
            let logits: Vec<T> = logits.iter().map(|l| T::from_f64(l.to_f64() * 15.0)).collect();
            let labels: Vec<u32> = (0..rows).map(|_| random.below(cols) as u32).collect();
            let (mut p, mut d) = (logits.clone(), logits.clone());
            softmax(level, MatMut::with_stride(&mut p, rows, cols, cols + gap).unwrap());
            let m = MatMut::with_stride(&mut d, rows, cols, cols + gap).unwrap();
            let mean = softmax_cross_entropy(level, m, &labels).unwrap();
            let m = MatRef::with_strides(&logits, rows, cols, cols + gap, 1).unwrap();
            assert_eq!(cross_entropy(level, m, &labels).unwrap(), mean, "{level}");
            let mut sum = 0.0;
            for r in 0..rows {
                let row: Vec<f64> = logits[r * (cols + gap)..][..cols].iter().map(|l| l.to_f64()).collect();
                let (want, loss) = reference(&row, labels[r] as usize);
                sum += loss;
                for c in 0..cols {
                    let at = r * (cols + gap) + c;
                    let close = SOFTMAX_MAX_EPSILONS * epsilon * want[c];
                    assert!((p[at].to_f64() - want[c]).abs() <= close, "{level} {rows} x {cols}: {r}, {c}");
                    let hot = f64::from(c == labels[r] as usize);
                    let close = (close + 2.0 * epsilon * (want[c] + hot)) / rows as f64;
                    let off = (d[at].to_f64() - (want[c] - hot) / rows as f64).abs();
                    assert!(off <= close, "{level} {rows} x {cols}: {r}, {c}: {off:e}");
                }
                let between = (r * (cols + gap) + cols..(r + 1) * (cols + gap)).filter(|&i| i < p.len());
                between.for_each(|i| assert_eq!((p[i], d[i]), (logits[i], logits[i]), "between the rows"));
            }
            assert!((mean - sum / rows as f64).abs() <= 64.0 * epsilon * (1.0 + mean), "{level}: {mean}");
        }
    }
}

#[test]
fn stays_within_its_bound() {
    check::<f32>();
    check::<f64>();
}

/// Logits for which every addition to the sum rounds in the same direction.
#[test]
fn stays_within_its_bound_when_rounding_errors_accumulate() {
    let epsilon = f64::from(f32::EPSILON);
    for level in Level::available() {
        for classes in [10, 100, 1000] {
            for k in 0..200 {
                let mut p = vec![-0.0499 - k as f32 * 0.003; classes];
                p[0] = 0.0;
                let wide: Vec<f64> = p.iter().map(|&l| f64::from(l)).collect();
                let (want, _) = reference(&wide, 0);
                softmax(level, MatMut::new(&mut p, 1, classes).unwrap());
                let off = (f64::from(p[1]) - want[1]).abs() / want[1] / epsilon;
                assert!(off <= SOFTMAX_MAX_EPSILONS, "{level}: {classes} classes at {}: {off}", wide[1]);
            }
        }
    }
}

#[test]
fn logits_of_any_size_give_probabilities_and_rows_without_a_softmax_are_nan() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for level in Level::available() {
        let run = |row: [f32; 3]| {
            let mut p = row;
            softmax(level, MatMut::new(&mut p, 1, 3).unwrap());
            let loss = cross_entropy(level, MatRef::new(&row, 1, 3).unwrap(), &[1]).unwrap();
            (p, loss)
        };
        assert_eq!(run([f32::MAX, 0.0, f32::MIN]), ([1.0, 0.0, 0.0], f64::from(f32::MAX)), "{level}");
        assert_eq!(run([-1e30, -1e30, -3e38]).0, [0.5, 0.5, 0.0], "{level}");
        let apart = f64::from(f32::MAX) * 2.0;
        assert_eq!(run([f32::MAX, f32::MIN, 0.0]), ([1.0, 0.0, 0.0], apart), "{level}: beyond f32, but finite");
        assert_eq!(run([-inf, 0.0, -inf]), ([0.0, 1.0, 0.0], 0.0), "{level}");
        assert_eq!(run([0.0, -inf, 0.0]).1, f64::INFINITY, "{level}: a label of probability 0");
        assert_eq!(run([1e-45, -0.0, 0.0]).0[0].to_bits(), (1.0f32 / 3.0).to_bits(), "{level}");
        for row in [[nan, 0.0, 0.0], [0.0, 0.0, nan], [inf, 0.0, 0.0], [inf, inf, 0.0], [-inf; 3]] {
            let (p, loss) = run(row);
            assert!(p.iter().all(|p| p.is_nan()) && loss.is_nan(), "{level} {row:?}: {p:?}, {loss}");
        }
    }
}

#[test]
fn invalid_labels_are_errors() {
    let l = [0.0f64; 6];
    let m = MatRef::new(&l, 2, 3).unwrap();
    assert!(cross_entropy(Level::best(), m, &[0]).is_err());
    assert!(cross_entropy(Level::best(), m, &[0, 3]).is_err());
    assert!(cross_entropy(Level::best(), MatRef::new(&l, 0, 3).unwrap(), &[]).is_err());
}

/// −ln(p + ε) has the same bits at every level, is right, and leaves a loss that is not finite as it is.
#[test]
fn losses_with_epsilon_are_the_same_at_every_level() {
    let exact = [0.0, 1e-9, 0.1, 2.3, 16.0, 40.0, 800.0, f64::INFINITY, f64::NAN, 0.5, 1.5];
    let mut first = exact;
    add_epsilon(Level::SCALAR, &mut first, 1e-7);
    for (loss, exact) in first.iter().zip(exact) {
        match exact.is_finite() {
            true => assert!((loss + ((-exact).exp() + 1e-7).ln()).abs() < 1e-13, "{exact}: {loss}"),
            false => assert_eq!(loss.to_bits(), exact.to_bits()),
        }
    }
    for level in Level::available() {
        let mut losses = exact;
        add_epsilon(level, &mut losses, 1e-7);
        assert_eq!(losses.map(f64::to_bits), first.map(f64::to_bits), "{level}");
        add_epsilon(level, &mut losses, 0.0);
        assert_eq!(losses.map(f64::to_bits), first.map(f64::to_bits), "{level}");
    }
}
