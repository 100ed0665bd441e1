//! The sparse and the dense path give the same bits.

use super::activation::Activation;
use super::hidden_layer::{Panel, PanelGradient, backward, forward};
use super::mini_batch::{Input, MiniBatch};
use super::prefetch::Prefetch;
use crate::math::Float;
use crate::matmul::Store;
use crate::random::Random;
use crate::simd::Level;

/// Rows, inputs and width: around words of 64 pairs, pairs, tiles and blocks of rows.
const SIZES: [[usize; 3]; 8] =
    [[8, 1, 16], [9, 2, 32], [13, 37, 48], [24, 127, 112], [25, 128, 64], [31, 129, 96], [64, 200, 80], [128, 785, 16]];

/// Runs both passes over `data` at one level, by the dense path if `finite`; returns the bits of all results.
fn passes<T: Float, P: Input<T>>(level: Level, data: &[P], size: [usize; 3], finite: bool) -> Vec<u64> {
    let [rows, inputs, width] = size;
    let mut random = Random(inputs as u64);
    let padded = inputs.next_multiple_of(2);
    let mut w1: Vec<T> = random.values(padded * width, 1.0);
    w1.iter_mut().step_by(3).for_each(|w| *w = T::from_f64(-0.0));
    w1[inputs * width..].fill(T::ZERO);
    let b1: Vec<T> = random.values(width, 1.0);
    let da: Vec<T> = random.values(rows * width, 1.0);
    let mut batch = MiniBatch::for_training(inputs, rows);
    batch.gather(level, data, &mut (0..rows));
    assert!(batch.dense().is_some(), "{size:?} must be dense");
    let mut results = Vec::new();
    for activation in Activation::ALL {
        let panel = Panel { w1: &w1, stride: width, b1: &b1, width, activation, finite };
        let (mut z, mut odd) = (vec![T::ZERO; rows * width], vec![T::ZERO; rows * width]);
        forward(level, &batch, panel, (&mut z, &mut odd), &mut Prefetch::none());
        results.extend(z);
    }
    for accumulate in [false, true] {
        let mut sums = w1.clone();
        let w1 = &mut sums;
        backward(level, &batch, PanelGradient { da: &da, finite, w1, width, accumulate, epilogue: Store });
        results.extend(sums);
    }
    results.into_iter().map(|x| x.to_f64().to_bits()).collect()
}

fn check<T: Float, P: Input<T>>(mut value: impl FnMut(&mut Random) -> P) {
    for size in SIZES {
        let mut random = Random(size[0] as u64);
        let data: Vec<P> = (0..size[0] * size[1]).map(|_| value(&mut random)).collect();
        let want = passes::<T, P>(Level::SCALAR, &data, size, false);
        for level in Level::available() {
            for finite in [false, true] {
                assert!(passes::<T, P>(level, &data, size, finite) == want, "{level} {} {size:?} {finite}", T::NAME);
            }
        }
    }
}

#[test]
fn dense_and_sparse_paths_give_the_same_bits() {
    let pixel = |random: &mut Random| if random.below(8) == 0 { 0 } else { random.bits() as u8 };
    check::<f32, u8>(pixel);
    check::<f64, u8>(pixel);
    let float = |random: &mut Random| match random.below(8) {
        0 => -0.0,
        1 => random.value() * 1e-42,
        _ => random.value(),
    };
    check::<f32, f32>(|random| float(random) as f32);
    check::<f64, f64>(float);
}
