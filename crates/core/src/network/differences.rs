//! Central differences that evaluate anew only what a parameter moves.
//!
//! For each parameter θ the quantity is the definition's, (L(θ + h) − L(θ − h)) / 2h with L the mean over the rows of
//! ℓ = ln Σ_c exp(y_c) − y_t, where a = x·W1 + b1, z = sigmoid(a), y = z·W2 + b2. No derivative is used, so that it
//! checks backpropagation. But a parameter moves little:
//!
//! ```text
//! W1[i][j] ± h    in rows whose x_i is not 0:  a_j ± h·x_i,  z_j by δ = sigmoid(a_j ± h·x_i) − z_j,  y_c by δ·W2[j][c]
//! b1[j] ± h       in all rows: the same with x_i = 1
//! W2[j][c] ± h    in all rows: y_c ± h·z_j alone;  with o and R the largest of the other logits and the sum of their
//!                 exp(y − o):  Σ = R·exp(o − m) + exp(y_c ± h·z_j − m), m the larger of o and y_c ± h·z_j
//! b2[c] ± h       in all rows: the same with z_j = 1
//! ```
//!
//! Cost: for each input that is not zero, in each row, and each hidden unit two sigmoids and two log-sum-exps, some
//! 2·(classes + 2) exponentials; W2's part is smaller by the inputs of a row that are not zero. The definition's two
//! passes for each parameter are inputs · hidden times the work of a row's pass; here it is the work of some classes'
//! exponentials, once for each: on MNIST's shape some hundreds of times less. Vectors run over hidden units, whose a, z
//! and weights are neighbours, and a parameter's sum over the rows is taken in their order: it does not depend on the
//! number of threads.
//!
//! Error: truncation, h²/6 · L‴, as in every central difference (1e-10 in b2 at h = 1e-4 for losses about 1). Rounding:
//! each ℓ is within a few ε of max(1, |y|, |W2|), for z's own error of some ε reaches y through W2; a difference of
//! two, divided by 2h, is within some ε·max(1, |y|, |W2|)/h, and the mean over rows averages it: some 1e-12 at h =
//! 1e-4. `benches/step_size.rs` shows both, and the brute force's, which are larger.
//!
//! A mean loss that is infinite or NaN has differences of NaN.

use super::{Activation, BLOCK, Parameter, Parameters, Shape, TwoLayerNet};
use crate::buffer::Aligned;
use crate::parallel::{self, Threads};
use crate::simd::{Kernel, Level, Simd};
use crate::vector::{self, Map, exp_v, ln_v};

/// The mean loss of the rows `x`, and its central differences with step `h`. There is a label for each row, below the
/// number of classes.
pub(crate) fn differences(net: &TwoLayerNet<f64>, x: &[f64], labels: &[u32], h: f64) -> (f64, Parameters<f64>) {
    let point = Point::new(net, x, labels);
    let columns = Columns::new(net.shape().inputs(), labels.len(), x);
    let (loss, mut gradient) = (point.loss(), gradient((net.level, net.threads), &point, &columns, h));
    if !loss.is_finite() {
        // Its difference to anything is NaN, also where no row's own loss moves.
        gradient.padded_mut().fill(f64::NAN);
    }
    (loss, gradient)
}

/// Every difference: a row of W1, a block of hidden units' b1 and W2, or b2 at a time.
fn gradient((level, threads): (Level, Threads), point: &Point<'_>, columns: &Columns, h: f64) -> Parameters<f64> {
    let shape = point.shape;
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden_padded(), shape.classes());
    let blocks = hidden / BLOCK;
    let sums = parallel::map(
        threads,
        inputs + blocks + 1,
        || (),
        |(), task| {
            let mut sums = Aligned::zeroed([if task < inputs { hidden } else { (1 + classes) * BLOCK }]);
            let out = &mut sums[..];
            match task.checked_sub(inputs) {
                None => level.dispatch(RowOfW1 { point, moved: columns.of(task), h, out }),
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

/// The network at the parameters as they are, for every row.
struct Point<'a> {
    shape: Shape,
    activation: Activation,
    labels: &'a [u32],
    /// rows × hidden (padded): what goes into the activation, and what comes out.
    a: Aligned<f64>,
    z: Aligned<f64>,
    /// rows × classes.
    logits: Aligned<f64>,
    /// For each row and class, of the other classes: the largest logit o, and the sum of exp(y − o).
    others: Vec<(f64, f64)>,
    /// classes × hidden (padded).
    w2_turned: Aligned<f64>,
}

impl<'a> Point<'a> {
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
        let mut w2_turned = Aligned::zeroed([classes, hidden]);
        for c in 0..classes {
            for j in 0..shape.hidden() {
                w2_turned[c * hidden + j] = p.w2().get(j, c);
            }
        }
        let others = logits.chunks_exact(classes).flat_map(|row| others(level, row)).collect();
        Point { shape, activation, labels, a, z, logits, others, w2_turned }
    }

    /// The mean loss.
    fn loss(&self) -> f64 {
        let classes = self.shape.classes();
        let sum = self.labels.iter().enumerate().fold(0.0, |sum, (n, &t)| {
            let (o, rest) = self.others[n * classes + t as usize];
            let y = self.logits[n * classes + t as usize];
            let most = o.max(y);
            sum + (rest * (o - most).exp() + (y - most).exp()).ln() + most - y
        });
        sum / self.labels.len() as f64
    }

    /// ℓ(+) − ℓ(−) of row `n` for the units from `at` on, when what goes into their activations moves by ± `delta`.
    ///
    /// # Safety
    /// `n` is a row, and a vector from `at` on is within the padded hidden units.
    #[inline(always)]
    unsafe fn hidden_moved<S: Simd<f64>>(&self, s: S, n: usize, at: usize, delta: S::V) -> S::V {
        // SAFETY: a has a row of padded hidden units for each row; the rest is the caller's promise.
        unsafe {
            let a = s.load(self.a.as_ptr().add(n * self.shape.hidden_padded() + at));
            s.sub(self.loss_of_hidden(s, n, at, s.add(a, delta)), self.loss_of_hidden(s, n, at, s.sub(a, delta)))
        }
    }

    /// ℓ of row `n` for each of the units from `at` on, if `a` went into its activation.
    ///
    /// # Safety
    /// As for [`hidden_moved`](Self::hidden_moved).
    #[inline(always)]
    unsafe fn loss_of_hidden<S: Simd<f64>>(&self, s: S, n: usize, at: usize, a: S::V) -> S::V {
        let (hidden, classes) = (self.shape.hidden_padded(), self.shape.classes());
        // SAFETY: z and W2 turned have such rows, and the logits a row of classes, the label among them.
        unsafe {
            let by = s.sub(self.activation.apply(s, a), s.load(self.z.as_ptr().add(n * hidden + at)));
            let (row, w2) = (self.logits.as_ptr().add(n * classes), self.w2_turned.as_ptr().add(at));
            let mut most = s.splat(f64::NEG_INFINITY);
            for c in 0..classes {
                most = s.max(s.mul_add(by, s.load(w2.add(c * hidden)), s.broadcast(row.add(c))), most);
            }
            let mut sum = s.zero();
            for c in 0..classes {
                // Again, for this costs less than to keep them.
                let y = s.mul_add(by, s.load(w2.add(c * hidden)), s.broadcast(row.add(c)));
                sum = s.add(sum, exp_v(s, s.sub(y, most)));
            }
            let label = *self.labels.get_unchecked(n) as usize;
            let y = s.mul_add(by, s.load(w2.add(label * hidden)), s.broadcast(row.add(label)));
            s.add(ln_v(s, sum), s.sub(most, y))
        }
    }

    /// ℓ(+) − ℓ(−) of row `n` when its logit `c` moves by ± `delta`.
    #[inline(always)]
    fn logit_moved<S: Simd<f64>>(&self, s: S, n: usize, c: usize, delta: S::V) -> S::V {
        let y = s.splat(self.logits[n * self.shape.classes() + c]);
        s.sub(self.loss_of_logit(s, n, c, s.add(y, delta)), self.loss_of_logit(s, n, c, s.sub(y, delta)))
    }

    /// ℓ of row `n` if its logit `c` were `y`.
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

/// X·W + b by the definition, as neither the kernels that train nor those of large products shall have a part in what
/// checks them; products with 0 are left out. Rows of X and of the result are so far apart.
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

/// For each class, the largest of the other logits and the sum of their exponentials relative to it: −∞ and 0 if there
/// is no other.
fn others(level: Level, logits: &[f64]) -> Vec<(f64, f64)> {
    let largest = |without: usize| {
        let others = logits.iter().enumerate().filter(|&(c, _)| c != without);
        others.fold((usize::MAX, f64::NEG_INFINITY), |most, (c, &y)| if y > most.1 { (c, y) } else { most })
    };
    let relative = |to: f64| {
        let mut e: Vec<f64> = logits.iter().map(|y| y - to).collect();
        vector::exp(level, &mut e);
        e
    };
    let (top, most) = largest(usize::MAX);
    let e = relative(most);
    // Sums of what is before and behind, for to take a class from the whole sum would cancel.
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

/// The inputs that are not zero, column by column.
struct Columns {
    /// Where each column begins, and the end.
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

/// Sums over the rows for all weights of one input.
struct RowOfW1<'a> {
    point: &'a Point<'a>,
    /// The rows where the input is not zero, and its value there.
    moved: &'a [(u32, f64)],
    h: f64,
    out: &'a mut [f64],
}

impl Kernel<f64> for RowOfW1<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f64>>(self, s: S) {
        let RowOfW1 { point, moved, h, out } = self;
        assert!(out.len() == point.shape.hidden_padded());
        for at in (0..out.len()).step_by(S::LANES) {
            let mut sum = s.zero();
            for &(n, x) in moved {
                assert!((n as usize) < point.labels.len());
                // SAFETY: a row, as just checked, and LANES divides the padded hidden units.
                sum = s.add(sum, unsafe { point.hidden_moved(s, n as usize, at, s.splat(h * x)) });
            }
            // SAFETY: as above.
            unsafe { s.store(out.as_mut_ptr().add(at), sum) };
        }
    }
}

/// Sums over the rows for a block of hidden units: their biases, then class by class their weights of W2.
struct BlockOfUnits<'a> {
    point: &'a Point<'a>,
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
        for lane in (0..BLOCK).step_by(S::LANES) {
            let mut sum = s.zero();
            for n in 0..rows {
                // SAFETY: a row; LANES divides the block, which is within the padded hidden units.
                sum = s.add(sum, unsafe { point.hidden_moved(s, n, at + lane, s.splat(h)) });
            }
            // SAFETY: as above.
            unsafe { s.store(out.as_mut_ptr().add(lane), sum) };
            for c in 0..classes {
                let mut sum = s.zero();
                for n in 0..rows {
                    // SAFETY: as above.
                    let z = unsafe { s.load(point.z.as_ptr().add(n * hidden + at + lane)) };
                    sum = s.add(sum, point.logit_moved(s, n, c, s.mul(s.splat(h), z)));
                }
                // SAFETY: as above; `out` has a block for each class behind the first.
                unsafe { s.store(out.as_mut_ptr().add((1 + c) * BLOCK + lane), sum) };
            }
        }
    }
}

/// Sums over the rows for b2: the first element of a block for each class.
struct Biases<'a> {
    point: &'a Point<'a>,
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
                sum = s.add(sum, point.logit_moved(s, n, c, s.splat(h)));
            }
            // SAFETY: LANES is at most the block.
            unsafe { s.store(out.as_mut_ptr(), sum) };
        }
    }
}
