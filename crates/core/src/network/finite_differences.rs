//! Central differences that recompute only what a parameter affects.
//!
//! For each parameter θ, the result is (L(θ + h) − L(θ − h)) / 2h, where L is the mean over the rows of
//! ℓ = ln Σ_c exp(y_c) − y_t, with a = x·W1 + b1, z = activation(a), y = z·W2 + b2. No derivative is used, so it is an
//! independent check of backpropagation. But a parameter affects little:
//!
//! ```text
//! W1[i][j] ± h    in rows whose x_i is not 0:  a_j by ± h·x_i,  z_j by δ = activation(a_j ± h·x_i) − z_j,
//!                 y_c by δ·W2[j][c]
//! b1[j] ± h       in all rows: the same with x_i = 1
//! W2[j][c] ± h    in all rows: y_c by ± h·z_j.  With o the largest of the other logits and R the sum of their
//!                 exp(y − o):  Σ = R·exp(o − m) + exp(y_c ± h·z_j − m), where m = max(o, y_c ± h·z_j)
//! b2[c] ± h       in all rows: the same with z_j = 1
//! ```
//!
//! Cost: for each nonzero input of each row, and each hidden unit, two activations and two log-sum-exps: some
//! 2·(classes + 2) exponentials. W2's part is smaller by a factor of the nonzero inputs per row. Brute force computes
//! two whole forward passes for each parameter; on MNIST's shape that is some hundreds of times more. Vectors run over
//! hidden units, and a parameter's sum over the rows is in row order, so it does not depend on the number of threads.
//!
//! Error: truncation is h²/6 · L‴, as in every central difference (1e-10 in b2 at h = 1e-4 for losses about 1).
//! Rounding: each ℓ is within a few ε of max(1, |y|, |W2|), since z's error of some ε reaches y through W2. So a
//! difference divided by 2h is within some ε·max(1, |y|, |W2|)/h, some 1e-12 at h = 1e-4. `benches/step_size.rs` shows
//! both errors beside those of brute force, which are larger.
//!
//! If the mean loss is infinite or NaN, all differences are NaN.

use super::activation::Activation;
use super::parameters::{Parameter, Parameters};
use super::shape::{BLOCK, Shape};
use super::two_layer_net::TwoLayerNet;
use crate::buffer::Aligned;
use crate::math::{self, Map, exp_v, ln_v};
use crate::simd::{Kernel, Level, Simd};
use crate::softmax::add_epsilon;
use crate::threads::{self, Threads};

/// The mean loss of the rows `x`, as it is reported, and the exact one's central differences with step `h`. `labels` holds
/// a class for each row.
pub(crate) fn differences(net: &TwoLayerNet<f64>, x: &[f64], labels: &[u32], h: f64) -> (f64, Parameters<f64>) {
    let point = BasePoint::new(net, x, labels);
    let columns = Columns::new(net.shape().inputs(), labels.len(), x);
    let (loss, mut gradient) = (point.loss(net.level), gradient((net.level, &net.threads), &point, &columns, h));
    if !loss.is_finite() {
        // Its difference to anything is NaN, even where no row's own loss changes.
        gradient.padded_mut().fill(f64::NAN);
    }
    (loss, gradient)
}

/// All differences. A task is a row of W1, a block of hidden units (their b1 and W2), or b2.
fn gradient((level, threads): (Level, &Threads), point: &BasePoint<'_>, columns: &Columns, h: f64) -> Parameters<f64> {
    let shape = point.shape;
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden_padded(), shape.classes());
    let blocks = hidden / BLOCK;
    let sums = threads::map(
        threads,
        (inputs + blocks + 1, 4),
        || (),
        |(), task| {
            let mut sums = Aligned::zeroed([if task < inputs { hidden } else { (1 + classes) * BLOCK }]);
            let out = &mut sums[..];
            match task.checked_sub(inputs) {
                None => level.dispatch(RowOfW1 { point, nonzero: columns.of(task), h, out }),
                Some(block) if block < blocks => level.dispatch(BlockOfUnits { point, at: block * BLOCK, h, out }),
                Some(_) => level.dispatch(Biases { point, h, out }),
            }
            sums
        },
    );
    let mut gradient = Parameters::zeros(shape);
    let mut set = |p: Parameter, row: usize, from: usize, sums: &[f64]| {
        let mut matrix = gradient.get_mut(p);
        let row = &mut matrix.row_mut(row)[from..];
        row.iter_mut().zip(sums).for_each(|(g, sum)| *g = sum / (2.0 * h) / point.labels.len() as f64);
    };
    for (task, sums) in sums.iter().enumerate() {
        match task.checked_sub(inputs) {
            None => set(Parameter::W1, task, 0, sums),
            Some(block) if block < blocks => {
                let units = block * BLOCK..shape.hidden().min((block + 1) * BLOCK);
                set(Parameter::B1, 0, units.start, &sums[..BLOCK]);
                for (k, j) in units.enumerate() {
                    let row: Vec<f64> = (0..classes).map(|c| sums[(1 + c) * BLOCK + k]).collect();
                    set(Parameter::W2, j, 0, &row);
                }
            }
            Some(_) => {
                let row: Vec<f64> = sums.chunks_exact(BLOCK).take(classes).map(|lanes| lanes[0]).collect();
                set(Parameter::B2, 0, 0, &row);
            }
        }
    }
    gradient
}

/// The forward pass at the unchanged parameters, for every row.
struct BasePoint<'a> {
    shape: Shape,
    activation: Activation,
    loss_epsilon: f64,
    labels: &'a [u32],
    /// The activations' arguments and values, rows × hidden (padded).
    a: Aligned<f64>,
    z: Aligned<f64>,
    /// rows × classes.
    logits: Aligned<f64>,
    /// For each row and class: the largest logit o of the other classes, and the sum of their exp(y − o).
    others: Vec<(f64, f64)>,
    /// classes × hidden (padded).
    w2_transposed: Aligned<f64>,
}

impl<'a> BasePoint<'a> {
    fn new(net: &TwoLayerNet<f64>, x: &[f64], labels: &'a [u32]) -> Self {
        let (shape, p, activation, level) = (net.shape(), &net.parameters, net.activation, net.level);
        let (rows, inputs, hidden, classes) = (labels.len(), shape.inputs(), shape.hidden_padded(), shape.classes());
        assert!(u32::try_from(rows).is_ok() && labels.iter().all(|&t| (t as usize) < classes));
        let mut a = Aligned::zeroed([rows, hidden]);
        affine((x, inputs), p, [Parameter::W1, Parameter::B1], (&mut a, hidden));
        let mut z = a.clone();
        activation.apply_to(level, &mut z);
        let mut logits = Aligned::zeroed([rows, classes]);
        affine((&z, hidden), p, [Parameter::W2, Parameter::B2], (&mut logits, classes));
        let mut w2_transposed = Aligned::zeroed([classes, hidden]);
        for c in 0..classes {
            for j in 0..shape.hidden() {
                w2_transposed[c * hidden + j] = p.w2().get(j, c);
            }
        }
        let others = logits.chunks_exact(classes).flat_map(|row| others(level, row)).collect();
        let loss_epsilon = net.loss_epsilon;
        BasePoint { shape, activation, loss_epsilon, labels, a, z, logits, others, w2_transposed }
    }

    /// The mean loss that is reported.
    fn loss(&self, level: Level) -> f64 {
        let classes = self.shape.classes();
        let exact = self.labels.iter().enumerate().map(|(n, &t)| {
            let (o, rest) = self.others[n * classes + t as usize];
            let y = self.logits[n * classes + t as usize];
            let most = o.max(y);
            (rest * (o - most).exp() + (y - most).exp()).ln() + most - y
        });
        let mut losses: Vec<f64> = exact.collect();
        add_epsilon(level, &mut losses, self.loss_epsilon);
        let sum = losses.iter().fold(0.0, |sum, loss| sum + loss);
        sum / self.labels.len() as f64
    }

    /// ℓ(+) − ℓ(−) of row `n` for each of the units from `at` on, when its activation's argument changes by ± `delta`.
    ///
    /// # Safety
    /// `n` is a row, and a vector from `at` on is within the padded hidden units.
    #[inline(always)]
    unsafe fn hidden_difference<S: Simd<f64>>(&self, s: S, n: usize, at: usize, delta: S::V) -> S::V {
        // SAFETY: a has a row of padded hidden units for each row; the rest is the caller's promise.
        unsafe {
            let a = s.load(self.a.as_ptr().add(n * self.shape.hidden_padded() + at));
            s.sub(self.loss_of_hidden(s, n, at, s.add(a, delta)), self.loss_of_hidden(s, n, at, s.sub(a, delta)))
        }
    }

    /// ℓ of row `n` for each of the units from `at` on, with `a` as its activation's argument.
    ///
    /// # Safety
    /// As for [`hidden_difference`](Self::hidden_difference).
    #[inline(always)]
    unsafe fn loss_of_hidden<S: Simd<f64>>(&self, s: S, n: usize, at: usize, a: S::V) -> S::V {
        let (hidden, classes) = (self.shape.hidden_padded(), self.shape.classes());
        // SAFETY: z and the transposed W2 have such rows; the logits have a row of classes, the label among them.
        unsafe {
            let by = s.sub(self.activation.apply(s, a), s.load(self.z.as_ptr().add(n * hidden + at)));
            let (row, w2) = (self.logits.as_ptr().add(n * classes), self.w2_transposed.as_ptr().add(at));
            let mut most = s.splat(f64::NEG_INFINITY);
            for c in 0..classes {
                most = s.max(s.mul_add(by, s.load(w2.add(c * hidden)), s.broadcast(row.add(c))), most);
            }
            let mut sum = s.zero();
            for c in 0..classes {
                // Computing y again costs less than storing it.
                let y = s.mul_add(by, s.load(w2.add(c * hidden)), s.broadcast(row.add(c)));
                sum = s.add(sum, exp_v(s, s.sub(y, most)));
            }
            let label = *self.labels.get_unchecked(n) as usize;
            let y = s.mul_add(by, s.load(w2.add(label * hidden)), s.broadcast(row.add(label)));
            s.add(ln_v(s, sum), s.sub(most, y))
        }
    }

    /// ℓ(+) − ℓ(−) of row `n` when its logit `c` changes by ± `delta`.
    #[inline(always)]
    fn logit_difference<S: Simd<f64>>(&self, s: S, n: usize, c: usize, delta: S::V) -> S::V {
        let y = s.splat(self.logits[n * self.shape.classes() + c]);
        s.sub(self.loss_of_logit(s, n, c, s.add(y, delta)), self.loss_of_logit(s, n, c, s.sub(y, delta)))
    }

    /// ℓ of row `n` with `y` as its logit `c`.
    #[inline(always)]
    fn loss_of_logit<S: Simd<f64>>(&self, s: S, n: usize, c: usize, y: S::V) -> S::V {
        let (at, label) = (n * self.shape.classes(), self.labels[n] as usize);
        let (o, rest) = self.others[at + c];
        let o = s.splat(o);
        let most = s.max(o, y);
        let sum = s.mul_add(s.splat(rest), exp_v(s, s.sub(o, most)), exp_v(s, s.sub(y, most)));
        s.add(ln_v(s, sum), s.sub(most, if label == c { y } else { s.splat(self.logits[at + label]) }))
    }
}

/// X·W + b in plain loops, so that checks of the training kernels do not use them. Products with 0 are skipped.
/// `x_row` and `out_row` are the distances between rows of X and of the result.
fn affine(
    (x, x_row): (&[f64], usize),
    parameters: &Parameters<f64>,
    [w, b]: [Parameter; 2],
    (out, out_row): (&mut [f64], usize),
) {
    let shape = parameters.shape();
    let ((w_at, w_row), (b_at, _)) = (w.place(shape), b.place(shape));
    let (inputs, cols) = w.dims(shape);
    let (w, b) = (&parameters.padded()[w_at..], &parameters.padded()[b_at..][..cols]);
    for (x, out) in x.chunks_exact(x_row).zip(out.chunks_exact_mut(out_row)) {
        let out = &mut out[..cols];
        out.copy_from_slice(b);
        for (&x, w) in x[..inputs].iter().zip(w.chunks(w_row)).filter(|(x, _)| **x != 0.0) {
            out.iter_mut().zip(w).for_each(|(out, &w)| *out += x * w);
        }
    }
}

/// For each class, the largest of the other logits and the sum of their exponentials relative to it; −∞ and 0 if there
/// is no other class.
fn others(level: Level, logits: &[f64]) -> Vec<(f64, f64)> {
    let largest = |without: usize| {
        let others = logits.iter().enumerate().filter(|&(c, _)| c != without);
        others.fold((usize::MAX, f64::NEG_INFINITY), |most, (c, &y)| if y > most.1 { (c, y) } else { most })
    };
    let relative = |to: f64| {
        let mut e: Vec<f64> = logits.iter().map(|y| y - to).collect();
        math::exp(level, &mut e);
        e
    };
    let (top, most) = largest(usize::MAX);
    let e = relative(most);
    // Sums of the classes before and after each one: subtracting it from the total would cancel.
    let mut behind = vec![0.0; e.len() + 1];
    for c in (0..e.len()).rev() {
        behind[c] = behind[c + 1] + e[c];
    }
    let mut before = 0.0;
    let mut result = Vec::with_capacity(e.len());
    for c in 0..e.len() {
        result.push((most, before + behind[c + 1]));
        before += e[c];
    }
    if let Some(of_top) = result.get_mut(top) {
        let (_, second) = largest(top);
        let sum = relative(second).iter().enumerate().filter(|&(c, _)| c != top).map(|(_, e)| e).sum();
        *of_top = (second, sum);
    }
    result
}

/// The nonzero inputs, column by column.
struct Columns {
    /// The start of each column, and the end of the last.
    starts: Vec<usize>,
    /// Row and value.
    elements: Vec<(u32, f64)>,
}

impl Columns {
    fn new(inputs: usize, rows: usize, x: &[f64]) -> Self {
        let mut starts = vec![0; inputs + 1];
        for n in 0..rows {
            (0..inputs).for_each(|i| starts[i + 1] += usize::from(x[n * inputs + i] != 0.0));
        }
        (0..inputs).for_each(|i| starts[i + 1] += starts[i]);
        let mut next = starts.clone();
        let mut elements = vec![(0, 0.0); starts[inputs]];
        for n in 0..rows {
            for i in 0..inputs {
                let value = x[n * inputs + i];
                if value != 0.0 {
                    elements[next[i]] = (n as u32, value);
                    next[i] += 1;
                }
            }
        }
        Columns { starts, elements }
    }

    fn of(&self, column: usize) -> &[(u32, f64)] {
        &self.elements[self.starts[column]..self.starts[column + 1]]
    }
}

/// The sums over the rows for one row of W1.
struct RowOfW1<'a> {
    point: &'a BasePoint<'a>,
    /// The rows whose input is not zero, and its value.
    nonzero: &'a [(u32, f64)],
    h: f64,
    out: &'a mut [f64],
}

impl Kernel<f64> for RowOfW1<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        let RowOfW1 { point, nonzero, h, out } = self;
        assert!(out.len() == point.shape.hidden_padded());
        for at in (0..point.shape.hidden()).step_by(S::LANES) {
            let mut sum = s.zero();
            for &(n, x) in nonzero {
                assert!((n as usize) < point.labels.len());
                // SAFETY: a row, as just checked, and LANES divides the padded hidden units.
                sum = s.add(sum, unsafe { point.hidden_difference(s, n as usize, at, s.splat(h * x)) });
            }
            // SAFETY: as above.
            unsafe { s.store(out.as_mut_ptr().add(at), sum) };
        }
    }
}

/// The sums over the rows for a block of hidden units: their biases, then class by class their weights of W2.
struct BlockOfUnits<'a> {
    point: &'a BasePoint<'a>,
    at: usize,
    h: f64,
    out: &'a mut [f64],
}

impl Kernel<f64> for BlockOfUnits<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        let BlockOfUnits { point, at, h, out } = self;
        let (hidden, classes, rows) = (point.shape.hidden_padded(), point.shape.classes(), point.labels.len());
        assert!(at + BLOCK <= hidden && out.len() == (1 + classes) * BLOCK && point.z.len() == rows * hidden);
        for lane in (0..BLOCK.min(point.shape.hidden() - at)).step_by(S::LANES) {
            let mut sum = s.zero();
            for n in 0..rows {
                // SAFETY: a row; LANES divides the block, which is within the padded hidden units.
                sum = s.add(sum, unsafe { point.hidden_difference(s, n, at + lane, s.splat(h)) });
            }
            // SAFETY: as above.
            unsafe { s.store(out.as_mut_ptr().add(lane), sum) };
            for c in 0..classes {
                let mut sum = s.zero();
                for n in 0..rows {
                    // SAFETY: as above.
                    let z = unsafe { s.load(point.z.as_ptr().add(n * hidden + at + lane)) };
                    sum = s.add(sum, point.logit_difference(s, n, c, s.mul(s.splat(h), z)));
                }
                // SAFETY: as above; `out` has a block for each class behind the first.
                unsafe { s.store(out.as_mut_ptr().add((1 + c) * BLOCK + lane), sum) };
            }
        }
    }
}

/// The sums over the rows for b2: the first element of a block for each class.
struct Biases<'a> {
    point: &'a BasePoint<'a>,
    h: f64,
    out: &'a mut [f64],
}

impl Kernel<f64> for Biases<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        let Biases { point, h, out } = self;
        for (c, out) in out.chunks_exact_mut(BLOCK).enumerate().take(point.shape.classes()) {
            let mut sum = s.zero();
            for n in 0..point.labels.len() {
                sum = s.add(sum, point.logit_difference(s, n, c, s.splat(h)));
            }
            // SAFETY: LANES is at most the block.
            unsafe { s.store(out.as_mut_ptr(), sum) };
        }
    }
}
