//! The output layer: logits Z·W2 + b2, the loss, and the gradients that lead back to the hidden layer.
//!
//! Each worker computes the part of the logits that its hidden units contribute, one part for each block of units. The
//! parts are summed in block order, so the logits do not depend on how the blocks are shared among workers.

use super::optimizer_update::{OptimizerMemory, STATES, Step, Update};
use super::parameters::{Parameter, Parameters};
use crate::buffer::Aligned;
use crate::math::Float;
use crate::matmul::{BLOCK, Epilogue, PaddedProduct, Store, StridedSlice};
use crate::simd::{Kernel, Level, Simd};
use crate::softmax::Softmax;

/// Parts of the logits for a panel of hidden units: part b is Z[block b]·W2[block b].
///
/// `z` is rows × width, `w2` width × `classes` (padded), `parts` width / BLOCK parts of rows × `classes`.
pub(super) fn partial_logits<T: Float>(
    level: Level,
    rows: usize,
    (z, width): (&[T], usize),
    (w2, classes): (&[T], usize),
    parts: &mut [T],
) {
    for (block, part) in parts.chunks_exact_mut(rows * classes).enumerate() {
        let at = block * BLOCK;
        level.dispatch(PaddedProduct {
            rows,
            k: BLOCK,
            cols: classes,
            a: StridedSlice { data: &z[at..], row: width, col: 1 },
            b: &w2[at * classes..],
            b_row: classes,
            c: part,
            c_row: classes,
            epilogue: Store,
        });
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
        epilogue: Store,
    });
}

/// W2's gradient for the first `units` units of a panel, Zᵀ·dY, each vector with its place in `w2`. Returns whether
/// everything that the epilogue returned was zero.
pub(super) fn w2_gradient<T: Float, E: Epilogue<T>>(
    level: Level,
    units: usize,
    (z, width): (&[T], usize),
    (dy, classes): (&[T], usize),
    (w2, epilogue): (&mut [T], E),
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
        epilogue,
    })
}

/// b2, the logits of a batch, and the loss.
pub(crate) struct OutputLayer<T> {
    level: Level,
    /// Classes, padded.
    classes: usize,
    b2: Aligned<T>,
    memory: Option<OptimizerMemory<Aligned<T>>>,
    /// Logits of the batch, then their gradient or probabilities, rows × classes (padded).
    logits: Aligned<T>,
    softmax: Softmax<T>,
}

impl<T: Float> OutputLayer<T> {
    /// With room for `capacity` rows.
    pub fn new(level: Level, parameters: &Parameters<T>, capacity: usize) -> Self {
        let shape = parameters.shape();
        let classes = shape.classes_padded();
        let (b2, logits) = (Aligned::zeroed([classes]), Aligned::zeroed([capacity, classes]));
        let mut layer =
            OutputLayer { level, classes, b2, memory: None, logits, softmax: Softmax::new(shape.classes()) };
        layer.load(parameters);
        layer
    }

    /// Copies b2 from `parameters`.
    pub fn load(&mut self, parameters: &Parameters<T>) {
        let (at, classes) = Parameter::B2.place(parameters.shape());
        self.b2.copy_from_slice(&parameters.padded()[at..][..classes]);
    }

    /// Copies b2, or what an epilogue has made of it, to `parameters`.
    pub fn store(&self, parameters: &mut Parameters<T>) {
        let row = &self.b2[..parameters.shape().classes()];
        parameters.get_mut(Parameter::B2).row_mut(0).copy_from_slice(row);
    }

    /// Computes the logits of `rows` rows: b2 plus the parts of all blocks, in order.
    pub fn forward(&mut self, parts: &[T], rows: usize) {
        let out = &mut self.logits[..rows * self.classes];
        self.level.dispatch(SumParts { parts, b: &self.b2, out });
    }

    /// Replaces the logits by the gradient of their mean loss; returns the mean loss.
    pub fn loss_gradient(&mut self, labels: &[u32]) -> f64 {
        let logits = &mut self.logits[..labels.len() * self.classes];
        self.softmax.gradient(self.level, logits, self.classes, labels)
    }

    /// Hands b2's gradient to the epilogue, in place of b2. Returns whether everything that it returned was zero.
    pub fn backward<E: Epilogue<T>>(&mut self, rows: usize, epilogue: E) -> bool {
        let rows = &self.logits[..rows * self.classes];
        self.level.dispatch(SumRows { rows, b: &mut self.b2, epilogue })
    }

    /// The sum of the losses; the logits stay.
    pub fn losses(&mut self, labels: &[u32]) -> f64 {
        let logits = &self.logits[..labels.len() * self.classes];
        self.softmax.losses(self.level, logits, self.classes, labels)
    }

    /// Replaces the logits of `rows` rows by probabilities.
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

    /// Copies the optimiser's state of b2 from `state`.
    pub fn load_state(&mut self, state: &[Parameters<T>; STATES]) {
        let state = state.each_ref().map(|state| {
            let mut copy = self.b2.clone();
            copy.copy_from_slice(&state.padded()[Parameter::B2.place(state.shape()).0..][..self.classes]);
            copy
        });
        self.memory = Some(OptimizerMemory { gradient: self.b2.clone(), state });
    }

    /// Copies the optimiser's state of b2 to `state`.
    pub fn store_state(&self, state: &mut [Parameters<T>; STATES]) {
        if let Some(memory) = &self.memory {
            for (to, from) in state.iter_mut().zip(&memory.state) {
                let classes = to.shape().classes();
                to.get_mut(Parameter::B2).row_mut(0).copy_from_slice(&from[..classes]);
            }
        }
    }

    /// Updates b2 by an optimiser with state. Returns whether it stayed finite.
    ///
    /// # Panics
    /// Unless [`load_state`](Self::load_state) was called.
    pub fn optimizer_step(&mut self, rows: usize, step: Step<T>) -> bool {
        let OptimizerMemory { gradient, state: [m, v] } =
            self.memory.as_mut().expect("the optimiser's state is loaded");
        self.level.dispatch(SumRows { rows: &self.logits[..rows * self.classes], b: gradient, epilogue: Store });
        self.level.dispatch(Update { w: &mut self.b2, g: gradient, state: [m, v], step: step.without_decay() })
    }
}

/// A bias's gradient: the sum of the rows, in order.
pub struct SumRows<'a, T, E> {
    pub rows: &'a [T],
    pub b: &'a mut [T],
    pub epilogue: E,
}

impl<T: Float, E: Epilogue<T>> Kernel<T> for SumRows<'_, T, E> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> bool {
        let width = self.b.len();
        assert!(width.is_multiple_of(BLOCK) && self.rows.len().is_multiple_of(width.max(1)));
        let mut check = s.zero();
        for at in (0..width).step_by(S::LANES) {
            let mut sum = s.zero();
            for row in self.rows.chunks_exact(width) {
                // SAFETY: LANES divides BLOCK, which divides the width.
                sum = s.add(sum, unsafe { s.load(row.as_ptr().add(at)) });
            }
            // SAFETY: as above.
            check = s.add(check, unsafe { self.epilogue.apply(s, self.b.as_mut_ptr().add(at), sum) });
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
        assert!(width.is_multiple_of(BLOCK) && size.is_multiple_of(width.max(1)));
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
