//! The network by its definition, in f64 and with plain loops.

use twolayer_core::{Activation, Float, Parameter, TwoLayerNet};

/// Parameters and rows, widened.
pub struct Oracle {
    pub activation: Activation,
    pub inputs: usize,
    pub hidden: usize,
    pub classes: usize,
    pub w1: Vec<f64>,
    pub b1: Vec<f64>,
    pub w2: Vec<f64>,
    pub b2: Vec<f64>,
}

impl Oracle {
    pub fn new<T: Float>(net: &TwoLayerNet<T>) -> Self {
        let p = &net.parameters;
        let wide = |which| p.get(which).to_vec().iter().map(|x| x.to_f64()).collect();
        Oracle {
            activation: net.activation,
            inputs: p.shape().inputs(),
            hidden: p.shape().hidden(),
            classes: p.shape().classes(),
            w1: wide(Parameter::W1),
            b1: wide(Parameter::B1),
            w2: wide(Parameter::W2),
            b2: wide(Parameter::B2),
        }
    }

    /// Activations and probabilities of one row.
    pub fn forward(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let z: Vec<f64> = (0..self.hidden)
            .map(|j| {
                let a = (0..self.inputs).map(|i| x[i] * self.w1[i * self.hidden + j]).sum::<f64>() + self.b1[j];
                match self.activation {
                    Activation::Sigmoid => 1.0 / (1.0 + (-a).exp()),
                    Activation::Relu => a.max(0.0),
                }
            })
            .collect();
        let l: Vec<f64> = (0..self.classes)
            .map(|c| (0..self.hidden).map(|j| z[j] * self.w2[j * self.classes + c]).sum::<f64>() + self.b2[c])
            .collect();
        let most = l.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = l.iter().map(|l| (l - most).exp()).sum();
        let p = l.iter().map(|l| (l - most).exp() / sum).collect();
        (z, l, p)
    }

    /// −ln of the label's probability.
    pub fn loss(&self, x: &[f64], label: usize) -> f64 {
        let (_, l, _) = self.forward(x);
        let most = l.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        l.iter().map(|l| (l - most).exp()).sum::<f64>().ln() + most - l[label]
    }

    /// The gradient of the mean loss, W1 | b1 | W2 | b2.
    pub fn gradient(&self, rows: &[Vec<f64>], labels: &[u32]) -> Vec<f64> {
        let (h, c) = (self.hidden, self.classes);
        let (mut w1, mut b1) = (vec![0.0; self.inputs * h], vec![0.0; h]);
        let (mut w2, mut b2) = (vec![0.0; h * c], vec![0.0; c]);
        for (x, &label) in rows.iter().zip(labels) {
            let (z, _, p) = self.forward(x);
            let hot = |k: usize| f64::from(k == label as usize);
            let d: Vec<f64> = (0..c).map(|k| (p[k] - hot(k)) / rows.len() as f64).collect();
            for j in 0..h {
                let dz: f64 = (0..c).map(|k| d[k] * self.w2[j * c + k]).sum();
                let slope = match self.activation {
                    Activation::Sigmoid => z[j] * (1.0 - z[j]),
                    Activation::Relu => f64::from(z[j] > 0.0),
                };
                let da = dz * slope;
                b1[j] += da;
                (0..self.inputs).for_each(|i| w1[i * h + j] += x[i] * da);
                (0..c).for_each(|k| w2[j * c + k] += z[j] * d[k]);
            }
            (0..c).for_each(|k| b2[k] += d[k]);
        }
        [w1, b1, w2, b2].concat()
    }
}
