//! Digits of 28 x 28 pixels: MNIST from the folder that `TWOLAYER_MNIST` names, or the bundled digits enlarged.
//!
//! The bundled digits have 8 x 8 pixels. Enlarged to 20 x 20, without their faint edges, and placed at slightly
//! different positions in a 28 x 28 image, they have MNIST's share of ink (four pixels of five are 0) and MNIST's number
//! of rows, so that sparse kernels and caches behave as with MNIST.

use crate::{INPUTS, shape};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::env;
use std::ops::ControlFlow;
use std::path::PathBuf;
use twolayer_core::{Float, Labels, Level, Rows, TrainOptions, TwoLayerNet, UniformSampler};
use twolayer_idx::{DataSet, Idx, Split};

const SIDE: usize = 28;
/// The box that a digit fills.
const BOX: usize = 20;
const SMALL: usize = 8;
/// Ink up to this is removed.
const FAINT: i32 = 72;

/// The folder of the bundled digits.
pub fn bundled_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data"))
}

/// The folder with MNIST, if `TWOLAYER_MNIST` names one.
pub fn mnist_folder() -> Option<PathBuf> {
    env::var_os("TWOLAYER_MNIST").map(PathBuf::from)
}

/// 60,000 images to train on and 10,000 to test with, of 784 pixels and ten classes.
pub fn digits() -> DataSet {
    let set = match mnist_folder() {
        Some(folder) => DataSet::load(folder).expect("TWOLAYER_MNIST names a folder with MNIST"),
        None => {
            let small = DataSet::load(bundled_folder()).expect("the bundled digits");
            DataSet::new(enlarge(&small.train, 60_000), enlarge(&small.test, 10_000)).expect("one size")
        }
    };
    assert_eq!((set.train.inputs(), set.test.inputs()), (INPUTS, INPUTS), "images of 28 x 28 pixels");
    set.check_labels(shape().classes()).expect("ten digits");
    let ink = set.train.images().iter().filter(|&&p| p > 0).count() as f64 / set.train.images().len() as f64;
    assert!((0.15..0.25).contains(&ink), "a share of {ink} of the pixels has ink, unlike MNIST's 0.19");
    set
}

/// `rows` images: the small ones enlarged, repeatedly, each time at another position.
fn enlarge(small: &Split, rows: usize) -> Split {
    assert_eq!((small.height(), small.width()), (SMALL, SMALL));
    let large: Vec<_> = small.images().chunks_exact(SMALL * SMALL).map(enlarged).collect();
    let mut images = vec![0; rows * INPUTS];
    let mut labels = Vec::with_capacity(rows);
    for (row, image) in images.chunks_exact_mut(INPUTS).enumerate() {
        let (digit, time) = (row % large.len(), row / large.len());
        let (top, left) = (3 + time % 3, 3 + time / 3 % 3);
        for (y, line) in large[digit].chunks_exact(BOX).enumerate() {
            image[(top + y) * SIDE + left..][..BOX].copy_from_slice(line);
        }
        labels.push(small.labels()[digit] as u8);
    }
    let images = Idx::new(vec![rows, SIDE, SIDE], images).expect("sizes of the images");
    let labels = Idx::new(vec![rows], labels).expect("sizes of the labels");
    Split::pair(("enlarged images", images), ("labels", labels)).expect("a label for each image")
}

/// An 8 x 8 image at 20 x 20, bilinearly, its faint ink taken off and the rest stretched to full ink.
fn enlarged(small: &[u8]) -> Vec<u8> {
    let scale = (SMALL - 1) as f32 / (BOX - 1) as f32;
    let mut large = Vec::with_capacity(BOX * BOX);
    for y in 0..BOX {
        for x in 0..BOX {
            let (fy, fx) = (y as f32 * scale, x as f32 * scale);
            let (iy, ix) = ((fy as usize).min(SMALL - 2), (fx as usize).min(SMALL - 2));
            let (fy, fx) = (fy - iy as f32, fx - ix as f32);
            let at = |dy: usize, dx: usize| f32::from(small[(iy + dy) * SMALL + ix + dx]);
            let ink =
                (at(0, 0) * (1.0 - fx) + at(0, 1) * fx) * (1.0 - fy) + (at(1, 0) * (1.0 - fx) + at(1, 1) * fx) * fy;
            let strong = (ink as i32 - FAINT).max(0) * 255 / (255 - FAINT);
            large.push(strong as u8);
        }
    }
    large
}

/// Pixels as floats: p / 255 rounded in `f32`, then widened.
pub fn floats<T: Float>(pixels: &[u8]) -> Vec<T> {
    pixels.iter().map(|&p| T::from_f64(f64::from(f32::from(p) / 255.0))).collect()
}

/// A trained network of the notebook's shape.
pub fn trained<T: Float>(split: &Split) -> TwoLayerNet<T> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut net = TwoLayerNet::random(shape(), &mut rng).with_level(Level::best());
    let mut sampler = UniformSampler::new(rng, split.rows());
    let options = TrainOptions { iterations: 600, learning_rate: 0.5, ..TrainOptions::default() };
    let (x, t) = (Rows::Pixels(split.images()), Labels::Classes(split.labels()));
    net.train(x, t, &mut sampler, &options, &mut |_| ControlFlow::Continue(())).expect("training");
    net
}

/// `n` numbers between `from` and `to`, without a generator: multiples of the golden ratio.
pub fn spread<T: Float>(n: usize, from: f64, to: f64) -> Vec<T> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (1..=n).map(|i| T::from_f64(from + (to - from) * (i as f64 * GOLDEN).fract())).collect()
}
