//! The network to check, its images, and what its hidden units compute.

use twolayer_core::{Activation, Error, Labels, MatMut, MatRef, Parameters, Rows, TwoLayerNet, gemm};

/// The derivatives of a unit whose activations are all this close to 0 or 1 are rounding errors.
const SATURATED: f64 = 1e-9;

/// Rows per matrix product.
const CHUNK: usize = 256;

/// Some rows and their labels.
pub type Batch<'a> = (Rows<'a, f64>, Labels<'a, f64>);

/// The network to check, and its images.
pub struct CheckedNetwork<'a> {
    pub net: &'a TwoLayerNet<f64>,
    /// rows × inputs.
    pub pixels: &'a [u8],
    /// A class for each row.
    pub labels: &'a [u32],
    pub h: f64,
    pub tolerance: f64,
}

impl CheckedNetwork<'_> {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// All rows.
    pub fn batch(&self) -> Batch<'_> {
        (Rows::Pixels(self.pixels), Labels::Classes(self.labels))
    }

    /// The pixels of one row.
    pub fn row(&self, row: usize) -> &[u8] {
        let inputs = self.net.shape().inputs();
        &self.pixels[row * inputs..][..inputs]
    }

    /// One row as a batch.
    pub fn batch_of(&self, row: usize) -> Batch<'_> {
        (Rows::Pixels(self.row(row)), Labels::Classes(&self.labels[row..=row]))
    }

    /// The structured central differences of `batch` with step `h`.
    pub fn numerical(&self, (rows, labels): Batch<'_>, h: f64) -> Result<Parameters<f64>, Error> {
        self.net.numerical_gradient(rows, labels, h)
    }

    /// Calls `see` with each row's number and the pre-activations x·W1 + b1 of its hidden units.
    pub fn pre_activations(&self, mut see: impl FnMut(usize, &[f64])) -> Result<(), Error> {
        let (w1, b1) = (self.net.parameters.w1(), self.net.parameters.b1());
        let (inputs, hidden) = (w1.rows(), w1.cols());
        for (chunk, pixels) in self.pixels.chunks(CHUNK * inputs).enumerate() {
            let x: Vec<f64> = pixels.iter().map(|&pixel| input(pixel)).collect();
            let rows = x.len() / inputs;
            let mut a = b1.repeat(rows);
            let out = MatMut::new(&mut a, rows, hidden)?;
            gemm(self.net.level, 1.0, MatRef::new(&x, rows, inputs)?, w1, 1.0, out)?;
            a.chunks_exact(hidden).enumerate().for_each(|(n, a)| see(chunk * CHUNK + n, a));
        }
        Ok(())
    }

    /// The hidden units that say nothing about backpropagation: a sigmoid saturated in every row, whose derivatives of W1
    /// and b1 are lost in rounding by either method, or a ReLU below 0 in every row, whose derivatives are 0.
    pub fn idle_units(&self) -> Result<usize, Error> {
        let activation = self.net.activation;
        let idle = |a: f64| match activation {
            // 1 - z for a positive sum, z for a negative one.
            Activation::Sigmoid => 1.0 / (1.0 + a.abs().exp()) < SATURATED,
            Activation::Relu => a < 0.0,
        };
        let mut all = vec![true; self.net.shape().hidden()];
        self.pre_activations(|_, a| all.iter_mut().zip(a).for_each(|(all, &a)| *all &= idle(a)))?;
        Ok(all.into_iter().filter(|&idle| idle).count())
    }
}

/// What the network sees of a pixel, to the bit.
pub fn input(pixel: u8) -> f64 {
    f64::from(f32::from(pixel) / 255.0)
}
