//! The output layer: logits Z·W2 + b2, the loss, and the gradients that lead back to the hidden layer.
//!
//! Each worker computes the part of the logits that its hidden units contribute, one part for each block of units. The
//! parts are summed in block order, so the logits do not depend on how the blocks are shared among workers.

use super::optimizer_update::{STATES, Step, Update};
use super::parameters::{Parameter, Parameters};
use super::sgd_update::{ApplySgd, SgdUpdate};
use super::shape::BLOCK;
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matmul::{Epilogue, PaddedProduct, PlusZero, Store, StridedSlice};
use crate::matrix::MatMut;
use crate::simd::{Kernel, Level, Simd};
use crate::softmax::{LossSum, Softmax};

/// Adds a panel to the parts of the logits: part b is Z[block b]·W2[block b], its units ascending.
///
/// `first` is the panel's first hidden unit, counted from that of the first part; `z` is rows × width, `w2` width ×
/// `classes` (padded), `parts` a part of rows × `classes` for each block.
pub(super) fn partial_logits<T: Float>(
    level: Level,
    first: usize,
    (z, width): (&[T], usize),
    (w2, classes): (&[T], usize),
    (parts, rows): (&mut [T], usize),
) {
    let mut at = 0;
    while at < width {
        // A panel may begin and end within a block.
        let unit = first + at;
        let k = (BLOCK - unit % BLOCK).min(width - at);
        level.dispatch(PaddedProduct {
            rows,
            k,
            cols: classes,
            a: StridedSlice { data: &z[at..], row: width, col: 1 },
            b: &w2[at * classes..],
            b_row: classes,
            c: &mut parts[unit / BLOCK * rows * classes..][..rows * classes],
            c_row: classes,
            accumulate: !unit.is_multiple_of(BLOCK),
            epilogue: PlusZero::unchanged(Store),
        });
        at += k;
    }
}

/// The gradient with respect to a panel's activations: dZ = dY·W2ᵀ, rows × width, into `dz`.
///
/// `dy` is rows × `classes_padded`, `w2_transposed` classes × units with rows `units` apart, of which the panel is the
/// first `width` columns.
pub(super) fn hidden_gradient<T: Float>(
    level: Level,
    (dy, classes, classes_padded): (&[T], usize, usize),
    (w2_transposed, units): (&[T], usize),
    (dz, width): (&mut [T], usize),
) {
    level.dispatch(PaddedProduct {
        rows: dz.len() / width,
        k: classes,
        cols: width,
        a: StridedSlice { data: dy, row: classes_padded, col: 1 },
        b: w2_transposed,
        b_row: units,
        c: dz,
        c_row: width,
        accumulate: false,
        epilogue: PlusZero::unchanged(Store),
    });
}

/// W2's gradient for the first `units` units of a panel, Zᵀ·dY, each vector with its place in `w2`. Returns whether
/// everything that the epilogue returned was zero.
pub(super) fn w2_gradient<T: Float, E: Epilogue<T>>(
    level: Level,
    units: usize,
    (z, width): (&[T], usize),
    (dy, classes): (&[T], usize),
    (w2, accumulate, epilogue): (&mut [T], bool, E),
) -> bool {
    level.dispatch(PaddedProduct {
        rows: units,
        k: z.len() / width,
        cols: classes,
        a: StridedSlice { data: z, row: 1, col: width },
        b: dy,
        b_row: classes,
        c: w2,
        c_row: classes,
        accumulate,
        epilogue: PlusZero::unchanged(epilogue),
    })
}

/// b2, the logits of some rows, and the loss.
pub(crate) struct OutputLayer<T> {
    level: Level,
    /// Classes, padded.
    classes: usize,
    b2: Aligned<T>,
    /// b2's gradient.
    gradient: Aligned<T>,
    /// An optimiser's state of b2.
    state: Option<[Aligned<T>; STATES]>,
    /// Logits, then their gradient or probabilities, rows × classes (padded).
    logits: Aligned<T>,
    softmax: Softmax<T>,
}

impl<T: Float> OutputLayer<T> {
    /// Copies b2, and allocates buffers for `capacity` rows.
    pub fn new(level: Level, parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        let classes = shape.classes_padded();
        let zeroed = || Aligned::zeroed([classes]);
        let (b2, gradient, logits) = (zeroed(), zeroed(), Aligned::zeroed([capacity, classes]));
        let softmax = Softmax::new(shape.classes());
        let mut layer = OutputLayer { level, classes, b2, gradient, state: None, logits, softmax };
        layer.load(parameters);
        layer
    }

    /// Copies b2 from `parameters`.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        load(&mut self.b2, parameters);
    }

    /// Copies b2 to `parameters`.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        store(&self.b2, &mut parameters.get_mut(Parameter::B2));
    }

    /// Copies b2's gradient to `gradient`.
    pub fn store_gradient(&self, gradient: &mut MatMut<'_, T>) {
        store(&self.gradient, gradient);
    }

    /// Copies an optimiser's state of b2.
    pub fn load_state(&mut self, state: &[Parameters<T>; STATES]) {
        self.state = Some(state.each_ref().map(|state| {
            let mut copy = self.b2.clone();
            load(&mut copy, state);
            copy
        }));
    }

    /// Copies the optimiser's state back.
    pub fn store_state(&self, state: &mut [Parameters<T>; STATES]) {
        state
            .iter_mut()
            .zip(self.state.iter().flatten())
            .for_each(|(to, from)| store(from, &mut to.get_mut(Parameter::B2)));
    }

    /// Computes the logits of `rows` rows: b2 plus the parts of all blocks, in order.
    pub fn forward(&mut self, parts: &[T], rows: usize) {
        let out = &mut self.logits[..rows * self.classes];
        self.level.dispatch(SumParts { parts, b: &self.b2, out });
    }

    /// Replaces the logits with the gradient of the mean loss of a batch of `batch` rows, to which these belong; adds
    /// their losses to `sum`.
    pub fn loss_gradient(&mut self, labels: &[u32], batch: usize, sum: &mut LossSum) {
        let logits = &mut self.logits[..labels.len() * self.classes];
        self.softmax.gradient(self.level, (logits, self.classes), labels, batch, sum);
    }

    /// Computes b2's gradient, or continues it from earlier rows if `accumulate`.
    pub fn backward(&mut self, rows: usize, accumulate: bool) {
        let rows = &self.logits[..rows * self.classes];
        self.level.dispatch(SumRows { rows, b: &mut self.gradient, accumulate, epilogue: Store });
    }

    /// Updates b2 by SGD, after [`backward`](Self::backward). Returns whether it stayed finite.
    pub fn sgd_step(&mut self, update: SgdUpdate<T>) -> bool {
        self.level.dispatch(ApplySgd { w: &mut self.b2, g: &self.gradient, update })
    }

    /// Updates b2 by an optimiser with state, after [`backward`](Self::backward). Returns whether it stayed finite.
    ///
    /// # Panics
    /// Unless [`load_state`](Self::load_state) was called.
    pub fn optimizer_step(&mut self, step: Step<T>) -> bool {
        let [m, v] = self.state.as_mut().expect("the optimiser's state is loaded");
        self.level.dispatch(Update { w: &mut self.b2, g: &self.gradient, state: [m, v], step: step.without_decay() })
    }

    /// The sum of the losses −ln(p + `epsilon`). Does not change the logits.
    pub fn losses(&mut self, labels: &[u32], epsilon: f64) -> f64 {
        let (logits, mut sum) = (&self.logits[..labels.len() * self.classes], LossSum::new(self.level, epsilon));
        self.softmax.losses(self.level, (logits, self.classes), labels, &mut sum);
        sum.total()
    }

    /// Replaces the logits of `rows` rows with probabilities.
    pub fn probabilities(&mut self, rows: usize) {
        let logits = &mut self.logits[..rows * self.classes];
        self.softmax.probabilities(self.level, logits, rows, self.classes);
    }

    /// The rows of the logits, or of what has replaced them, with padding.
    pub fn rows(&self, rows: usize) -> impl ExactSizeIterator<Item = &[T]> {
        self.logits[..rows * self.classes].chunks_exact(self.classes)
    }

    /// The gradient dY, rows × classes (padded), after [`loss_gradient`](Self::loss_gradient).
    pub fn dy(&self, rows: usize) -> &[T] {
        &self.logits[..rows * self.classes]
    }
}

fn load<T: Float>(b2: &mut [T], parameters: &Parameters<T>) {
    let (at, classes) = Parameter::B2.place(parameters.shape());
    b2.copy_from_slice(&parameters.padded()[at..][..classes]);
}

/// Copies what is not padding.
fn store<T: Float>(b2: &[T], to: &mut MatMut<'_, T>) {
    let classes = to.cols();
    to.row_mut(0).copy_from_slice(&b2[..classes]);
}

/// A bias's gradient: the sum of the rows, in order, added to `b` if `accumulate`.
pub struct SumRows<'a, T, E> {
    pub rows: &'a [T],
    pub b: &'a mut [T],
    pub accumulate: bool,
    pub epilogue: E,
}

impl<T: Float, E: Epilogue<T>> Kernel<T> for SumRows<'_, T, E> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        let width = self.b.len();
        assert!(width.is_multiple_of(S::LANES) && self.rows.len().is_multiple_of(width.max(1)));
        let mut check = s.zero();
        for at in (0..width).step_by(S::LANES) {
            // SAFETY: LANES divides the width, that of b and of each row.
            unsafe {
                let b = self.b.as_mut_ptr().add(at);
                let mut sum = if self.accumulate { s.load(b) } else { s.zero() };
                for row in self.rows.chunks_exact(width) {
                    sum = s.add(sum, s.load(row.as_ptr().add(at)));
                }
                check = s.add(check, self.epilogue.apply(s, b, at, sum));
            }
        }
        s.nonzero_bits(check) == 0
    }
}

/// The logits: `out[n] ← b + parts[0][n] + parts[1][n] + …`, summed in that order.
pub struct SumParts<'a, T> {
    pub parts: &'a [T],
    pub b: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> Kernel<T> for SumParts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (size, width) = (self.out.len(), self.b.len());
        assert!(width.is_multiple_of(S::LANES) && size.is_multiple_of(width.max(1)));
        assert!(self.parts.len().is_multiple_of(size.max(1)));
        for at in (0..size).step_by(S::LANES) {
            // SAFETY: LANES divides the width, which divides the size, which divides the parts.
            unsafe {
                let mut sum = s.load(self.b.as_ptr().add(at % width));
                for part in (0..self.parts.len()).step_by(size) {
                    sum = s.add(sum, s.load(self.parts.as_ptr().add(part + at)));
                }
                s.store(self.out.as_mut_ptr().add(at), sum);
            }
        }
    }
}
