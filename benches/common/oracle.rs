//! Oracles: plain loops in f64.

use crate::data;
use twolayer_core::{Float, MatRef, Shape};

/// Some rows of a product, and for each of their elements Σ|a·b|, by which its rounding error is measured.
pub struct Product {
    rows: Vec<usize>,
    values: Vec<f64>,
    magnitudes: Vec<f64>,
    depth: usize,
}

impl Product {
    /// Rows of A·B: the first, the last and others in between, `most` at most.
    pub fn new<T: Float>(a: MatRef<'_, T>, b: MatRef<'_, T>, most: usize) -> Product {
        let (m, n, depth) = (a.rows(), b.cols(), a.cols());
        let count = m.min(most);
        let rows: Vec<usize> = (0..count).map(|i| i * (m - 1) / (count - 1).max(1)).collect();
        let right = b.to_vec();
        let mut values = vec![0.0; rows.len() * n];
        let mut magnitudes = vec![0.0; rows.len() * n];
        for (i, &r) in rows.iter().enumerate() {
            for (k, right) in right.chunks_exact(n).enumerate() {
                let x = a.get(r, k).to_f64();
                for (c, y) in right.iter().enumerate() {
                    values[i * n + c] += x * y.to_f64();
                    magnitudes[i * n + c] += (x * y.to_f64()).abs();
                }
            }
        }
        Product { rows, values, magnitudes, depth }
    }

    /// Panics unless the rows of `found`, a whole product, are correct within the rounding error of summing in order.
    pub fn check<T: Float>(&self, what: &str, found: &[T]) {
        let n = self.values.len() / self.rows.len();
        for (i, &r) in self.rows.iter().enumerate() {
            for c in 0..n {
                let (value, found) = (self.values[i * n + c], found[r * n + c].to_f64());
                let within = self.depth as f64 * super::epsilon::<T>() * self.magnitudes[i * n + c];
                assert!((found - value).abs() <= within, "{what}: ({r}, {c}) is {found}, not {value}");
            }
        }
    }
}

/// Replaces rows of logits by the gradient of their mean cross-entropy; returns the mean.
pub fn softmax_cross_entropy(logits: &mut [f64], classes: usize, labels: &[u32]) -> f64 {
    let mut loss = 0.0;
    for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
        let most = row.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(x));
        let sum: f64 = row.iter().map(|x| (x - most).exp()).sum();
        loss += sum.ln() + most - row[label as usize];
        for (c, x) in row.iter_mut().enumerate() {
            let hot = f64::from(u8::from(c == label as usize));
            *x = ((*x - most).exp() / sum - hot) / labels.len() as f64;
        }
    }
    loss / labels.len() as f64
}

/// The network in plain loops, on a batch; parameters are one list: W1, b1, W2, b2, row by row.
pub struct Plain {
    shape: Shape,
    x: Vec<f64>,
    labels: Vec<u32>,
}

impl Plain {
    /// The batch of these pixels and labels.
    pub fn new(shape: Shape, pixels: &[u8], labels: &[u32]) -> Plain {
        assert_eq!(pixels.len(), labels.len() * shape.inputs());
        Plain { shape, x: data::floats(pixels), labels: labels.to_vec() }
    }

    /// W1, b1, W2 and b2.
    fn split<'a>(&self, p: &'a [f64]) -> [&'a [f64]; 4] {
        let (inputs, hidden) = (self.shape.inputs(), self.shape.hidden());
        let (w1, rest) = p.split_at(inputs * hidden);
        let (b1, rest) = rest.split_at(hidden);
        let (w2, b2) = rest.split_at(hidden * self.shape.classes());
        [w1, b1, w2, b2]
    }

    /// The hidden layer's activations and the logits.
    fn forward(&self, p: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let [w1, b1, w2, b2] = self.split(p);
        let mut z = affine(&self.x, w1, b1);
        z.iter_mut().for_each(|a| *a = 1.0 / (1.0 + (-*a).exp()));
        let logits = affine(&z, w2, b2);
        (z, logits)
    }

    /// The probabilities of each row.
    pub fn predict(&self, p: &[f64]) -> Vec<f64> {
        let (_, mut y) = self.forward(p);
        for row in y.chunks_exact_mut(self.shape.classes()) {
            row.iter_mut().for_each(|x| *x = x.exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|x| *x /= sum);
        }
        y
    }

    /// The gradient of the mean loss, in the order of the parameters.
    pub fn gradient(&self, p: &[f64]) -> Vec<f64> {
        let (z, mut dy) = self.forward(p);
        let (hidden, classes) = (self.shape.hidden(), self.shape.classes());
        softmax_cross_entropy(&mut dy, classes, &self.labels);
        let w2 = self.split(p)[2];
        let mut da = vec![0.0; z.len()];
        for ((da, z), dy) in da.chunks_exact_mut(hidden).zip(z.chunks_exact(hidden)).zip(dy.chunks_exact(classes)) {
            for (j, da) in da.iter_mut().enumerate() {
                let dz: f64 = dy.iter().zip(&w2[j * classes..]).map(|(dy, w)| dy * w).sum();
                *da = dz * z[j] * (1.0 - z[j]);
            }
        }
        let (w1, b1) = backward(&self.x, &da, self.shape.inputs(), hidden);
        let (w2, b2) = backward(&z, &dy, hidden, classes);
        [w1, b1, w2, b2].concat()
    }
}

/// x·w + b for every row of x.
fn affine(x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let (depth, width) = (w.len() / b.len(), b.len());
    let mut out = Vec::with_capacity(x.len() / depth * width);
    for x in x.chunks_exact(depth) {
        let start = out.len();
        out.extend_from_slice(b);
        for (x, w) in x.iter().zip(w.chunks_exact(width)) {
            out[start..].iter_mut().zip(w).for_each(|(o, w)| *o += x * w);
        }
    }
    out
}

/// The derivatives of `affine`'s w and b, from those of its result.
fn backward(x: &[f64], d: &[f64], depth: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut dw, mut db) = (vec![0.0; depth * width], vec![0.0; width]);
    for (x, d) in x.chunks_exact(depth).zip(d.chunks_exact(width)) {
        db.iter_mut().zip(d).for_each(|(b, d)| *b += d);
        for (x, dw) in x.iter().zip(dw.chunks_exact_mut(width)) {
            dw.iter_mut().zip(d).for_each(|(w, d)| *w += x * d);
        }
    }
    (dw, db)
}
