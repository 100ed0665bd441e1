//! Softmax, cross-entropy and its gradient, in one pass over logits.
//!
//! For a row of logits l with maximum m:  e_c = exp(l_c − m),  S = Σ e_c,  p_c = e_c / S.  The loss of label t is
//! −ln p_t = ln S + m − l_t, the log-sum-exp form, which is accurate even where p_t underflows; its derivative with
//! respect to l_c is p_c − [c = t].  As the largest e_c is 1, S is at least 1 and nothing overflows.
//!
//! Bands of rows are transposed, so that a vector holds one class of several rows, one row per lane. Sums and maxima
//! over classes then need no shuffles.
//!
//! For a row that contains NaN or +∞, or only −∞, all probabilities and the loss are NaN.

use crate::buffer::Scratch;
use crate::error::{Error, Result};
use crate::math::{Float, Map, MapSlice, exp_v, ln_v};
use crate::matrix::{MatMut, MatRef};
use crate::simd::{Kernel, Level, MAX_LANES, Simd};

/// The largest relative error of a probability in units of the type's ε, for up to 1,000 classes whose logits are within
/// 30 of each other: e^x (1.2), the rounding of its argument (15), of the sum (half of 31 + 31, since it is taken in
/// parts of 32 classes) and of the quotient.
pub const SOFTMAX_MAX_EPSILONS: f64 = 48.0;

/// Classes per partial sum: about the square root of 1,000, so that the rounding error grows with the square root.
const PART: usize = 32;

/// A sum of losses, in four interleaved parts, which hides the latency of additions; in f64, since the difference of two
/// finite f32 may be infinite. Blocks of rows whose sizes are multiples of 4 give the sum of all rows at once.
pub(crate) struct LossSum {
    parts: [f64; 4],
    level: Level,
    epsilon: f64,
}

impl LossSum {
    /// An empty sum of losses −ln(p + `epsilon`).
    pub fn new(level: Level, epsilon: f64) -> Self {
        LossSum { parts: [0.0; 4], level, epsilon }
    }

    pub fn total(&self) -> f64 {
        let [a, b, c, d] = self.parts;
        (a + b) + (c + d)
    }
}

/// Replaces exact losses −ln p by −ln(p + `epsilon`). An infinite loss stays infinite, so that divergence is seen.
///
/// By the core's own e^x and ln, of which every level computes the same bits; several losses at once, as the losses of a
/// batch would else take a twentieth of an iteration of training, and at the scalar level half of one.
pub(crate) fn add_epsilon(level: Level, losses: &mut [f64], epsilon: f64) {
    if epsilon > 0.0 {
        level.dispatch(MapSlice(losses, AddEpsilon(epsilon)));
    }
}

#[derive(Clone, Copy)]
struct AddEpsilon(f64);

impl Map<f64> for AddEpsilon {
    #[inline(always)]
    fn apply<S: Simd<f64>>(self, s: S, loss: S::V) -> S::V {
        let p = exp_v(s, s.sub(s.zero(), loss));
        let with_epsilon = s.sub(s.zero(), ln_v(s, s.add(p, s.splat(self.0))));
        s.select(s.lt(loss, s.splat(f64::INFINITY)), with_epsilon, loss)
    }
}

/// Scratch memory for a band of rows, as many as a vector has lanes.
pub(crate) struct Softmax<T> {
    classes: usize,
    transposed: Scratch<T>,
}

impl<T: Float> Softmax<T> {
    pub fn new(classes: usize) -> Self {
        Softmax { classes, transposed: Scratch::new([classes, MAX_LANES]) }
    }

    /// Replaces `rows` rows of logits, `row` apart, with their probabilities.
    pub fn probabilities(&mut self, level: Level, logits: &mut [T], rows: usize, row: usize) {
        level.dispatch(Pass { work: self, logits, rows, row, scale: T::ONE, labels: None });
    }

    /// Replaces rows of logits, `row` apart, by the gradient of the mean loss of a batch of `batch` rows, to which these
    /// belong: (p − [label]) / batch. Adds their losses to `sum`.
    pub fn gradient(
        &mut self,
        level: Level,
        (logits, row): (&mut [T], usize),
        labels: &[u32],
        batch: usize,
        sum: &mut LossSum,
    ) {
        let (rows, scale) = (labels.len(), T::from_f64(1.0 / batch as f64));
        level.dispatch(Pass { work: self, logits, rows, row, scale, labels: Some((labels, sum)) });
    }

    /// Adds the losses of rows of logits to `sum`. Does not change the logits.
    pub fn losses(&mut self, level: Level, (logits, row): (&[T], usize), labels: &[u32], sum: &mut LossSum) {
        level.dispatch(Losses { work: self, logits, row, labels, sum });
    }

    /// The band of the first `high` rows of these logits, checked to be within them.
    fn band(&mut self, logits: &[T], row: usize, high: usize) -> Band<T> {
        assert!(high > 0 && row >= self.classes && self.classes > 0);
        let last = (high - 1).checked_mul(row).and_then(|at| at.checked_add(self.classes));
        assert!(last.is_some_and(|last| last <= logits.len()));
        Band { logits: logits.as_ptr(), row, high, classes: self.classes, transposed: self.transposed.as_mut_ptr() }
    }
}

struct Pass<'a, T> {
    work: &'a mut Softmax<T>,
    logits: &'a mut [T],
    rows: usize,
    row: usize,
    scale: T,
    labels: Option<(&'a [u32], &'a mut LossSum)>,
}

impl<T: Float> Kernel<T> for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Pass { work, logits, rows, row, scale, mut labels } = self;
        let mut hot = [T::ZERO; 2 * MAX_LANES];
        hot[MAX_LANES] = scale;
        for n in (0..rows).step_by(S::LANES) {
            let logits = &mut logits[n * row..];
            let band = work.band(logits, row, S::LANES.min(rows - n));
            let mine = labels.as_ref().map_or(&[][..], |(labels, _)| &labels[n..n + band.high]);
            // SAFETY: `band` found its rows and classes within the logits, which are borrowed mutably.
            unsafe {
                let most = band.transpose(s);
                let sum = band.exponentials(s, most);
                if let Some((_, losses)) = &mut labels {
                    add_losses(s, losses, s.add(ln_v(s, sum), most), (logits, row), (n, mine));
                }
                band.transpose_back(s, logits.as_mut_ptr(), s.div(s.splat(scale), sum), (mine, &hot));
            }
        }
    }
}

struct Losses<'a, T> {
    work: &'a mut Softmax<T>,
    logits: &'a [T],
    row: usize,
    labels: &'a [u32],
    sum: &'a mut LossSum,
}

impl<T: Float> Kernel<T> for Losses<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Losses { work, logits, row, labels, sum: losses } = self;
        for (n, mine) in labels.chunks(S::LANES).enumerate() {
            let logits = &logits[n * S::LANES * row..];
            let band = work.band(logits, row, mine.len());
            // SAFETY: `band` found its rows and classes within the logits.
            unsafe {
                let most = band.transpose(s);
                let sum = band.exponentials(s, most);
                add_losses(s, losses, s.add(ln_v(s, sum), most), (logits, row), (n * S::LANES, mine));
            }
        }
    }
}

/// Adds ln S + m − l of the label of each row from row `first` on.
#[inline(always)]
fn add_losses<T: Float, S: Simd<T>>(
    s: S,
    sum: &mut LossSum,
    log_sum: S::V,
    (logits, row): (&[T], usize),
    (first, labels): (usize, &[u32]),
) {
    let (mut lanes, mut losses) = ([T::ZERO; MAX_LANES], [0.0; MAX_LANES]);
    // SAFETY: MAX_LANES is at least LANES.
    unsafe { s.store(lanes.as_mut_ptr(), log_sum) };
    for (i, (&label, log_sum)) in labels.iter().zip(lanes).enumerate() {
        losses[i] = log_sum.to_f64() - logits[i * row + label as usize].to_f64();
    }
    add_epsilon(sum.level, &mut losses[..labels.len()], sum.epsilon);
    for (i, loss) in losses.iter().enumerate().take(labels.len()) {
        sum.parts[(first + i) % 4] += loss;
    }
}

/// At most as many rows as a vector has lanes, and a buffer for their transpose: a vector for each class.
#[derive(Clone, Copy)]
struct Band<T> {
    logits: *const T,
    row: usize,
    high: usize,
    classes: usize,
    transposed: *mut T,
}

impl<T: Float> Band<T> {
    /// Transposes the logits; returns the largest of each row.
    ///
    /// # Safety
    /// The logits have `high` rows of `classes`, and `transposed` holds at least a vector for each class.
    #[inline(always)]
    unsafe fn transpose<S: Simd<T>>(self, s: S) -> S::V {
        let mut most = s.splat(T::ZERO.sub(T::INFINITY));
        for from in (0..self.classes).step_by(S::LANES) {
            let wide = S::LANES.min(self.classes - from);
            let mut square = [s.zero(); MAX_LANES];
            // Over all lanes, so that the loop is unrolled and the square stays in registers; likewise below.
            for i in 0..S::LANES {
                if i < self.high {
                    // SAFETY: a row of the band, and no more classes than there are.
                    square[i] = unsafe {
                        let p = self.logits.add(i * self.row + from);
                        if wide == S::LANES { s.load(p) } else { s.load_partial(p, wide) }
                    };
                }
            }
            let square = crate::simd::transpose(s, square);
            for c in 0..S::LANES {
                if c < wide {
                    most = s.max(square[c], most);
                    // SAFETY: the caller's promise.
                    unsafe { s.store(self.transposed.add((from + c) * S::LANES), square[c]) };
                }
            }
        }
        most
    }

    /// e^(l − most) in place of the transposed logits l; returns their sum.
    ///
    /// # Safety
    /// As for [`transpose`](Self::transpose), which has been called.
    #[inline(always)]
    unsafe fn exponentials<S: Simd<T>>(self, s: S, most: S::V) -> S::V {
        let mut sum = s.zero();
        for from in (0..self.classes).step_by(PART) {
            let mut part = s.zero();
            for c in from..self.classes.min(from + PART) {
                // SAFETY: the caller's promise.
                unsafe {
                    let at = self.transposed.add(c * S::LANES);
                    let e = exp_v(s, s.sub(s.load(at), most));
                    s.store(at, e);
                    part = s.add(part, e);
                }
            }
            sum = s.add(sum, part);
        }
        sum
    }

    /// Transposes back, multiplied by `factor`, into `logits`. If there are labels, subtracts the scale at each row's
    /// label: it is the nonzero element of `hot`, at index [`MAX_LANES`].
    ///
    /// # Safety
    /// As for [`transpose`](Self::transpose), which has been called; `logits` points to the band's logits and is writable.
    #[inline(always)]
    unsafe fn transpose_back<S: Simd<T>>(
        self,
        s: S,
        logits: *mut T,
        factor: S::V,
        (labels, hot): (&[u32], &[T; 2 * MAX_LANES]),
    ) {
        for from in (0..self.classes).step_by(S::LANES) {
            let wide = S::LANES.min(self.classes - from);
            let mut square = [s.zero(); MAX_LANES];
            for c in 0..S::LANES {
                if c < wide {
                    // SAFETY: the caller's promise.
                    square[c] = unsafe { s.mul(s.load(self.transposed.add((from + c) * S::LANES)), factor) };
                }
            }
            let square = crate::simd::transpose(s, square);
            for i in 0..S::LANES {
                if i < self.high {
                    let mut p = square[i];
                    // A label below `from` wraps to a large number.
                    let lane = labels.get(i).map_or(usize::MAX, |&label| (label as usize).wrapping_sub(from));
                    // SAFETY: LANES elements of `hot`; a row of the band, and no more classes than there are.
                    unsafe {
                        if lane < S::LANES {
                            p = s.sub(p, s.load(hot.as_ptr().add(MAX_LANES - lane)));
                        }
                        let to = logits.add(i * self.row + from);
                        if wide == S::LANES { s.store(to, p) } else { s.store_partial(to, wide, p) }
                    }
                }
            }
        }
    }
}

/// Replaces each row of logits with its softmax: probabilities that sum to 1.
///
/// The relative error is at most [`SOFTMAX_MAX_EPSILONS`] · ε. A row that contains NaN or +∞, or only −∞, becomes NaN.
pub fn softmax<T: Float>(level: Level, mut logits: MatMut<'_, T>) {
    let (rows, cols) = (logits.rows(), logits.cols());
    if rows == 0 || cols == 0 {
        return;
    }
    let stride = logits.row_stride();
    Softmax::new(cols).probabilities(level, logits.as_mut_slice(), rows, stride);
}

/// The mean cross-entropy −ln softmax(row)\[label\] over the rows of `logits`, accurate even where the probability
/// underflows. It is finite for finite logits, unless two `f64` logits differ by more than `f64::MAX`.
///
/// # Errors
/// [`Error::Empty`] if there are no rows, [`Error::Length`] unless each has a label, [`Error::Label`] for a label that
/// is not a column.
pub fn cross_entropy<T: Float>(level: Level, logits: MatRef<'_, T>, labels: &[u32]) -> Result<f64> {
    check(logits.rows(), logits.cols(), labels)?;
    let rows = logits.to_vec();
    let mut sum = LossSum::new(level, 0.0);
    Softmax::new(logits.cols()).losses(level, (&rows, logits.cols()), labels, &mut sum);
    Ok(sum.total() / labels.len() as f64)
}

/// Replaces logits with the gradient of their mean cross-entropy, (softmax − one-hot) / rows; returns the mean.
///
/// # Errors
/// As [`cross_entropy`].
pub fn softmax_cross_entropy<T: Float>(level: Level, mut logits: MatMut<'_, T>, labels: &[u32]) -> Result<f64> {
    let (rows, cols) = (logits.rows(), logits.cols());
    check(rows, cols, labels)?;
    let stride = logits.row_stride();
    let mut sum = LossSum::new(level, 0.0);
    Softmax::new(cols).gradient(level, (logits.as_mut_slice(), stride), labels, rows, &mut sum);
    Ok(sum.total() / rows as f64)
}

fn check(rows: usize, cols: usize, labels: &[u32]) -> Result<()> {
    if rows == 0 || cols == 0 {
        return Err(Error::Empty { what: "the matrix of logits" });
    }
    if labels.len() != rows {
        let expected = format!("one label for each of {rows} rows");
        return Err(Error::Length { what: "the list of labels", found: labels.len(), expected });
    }
    match labels.iter().position(|&l| l as usize >= cols) {
        Some(row) => Err(Error::Label { row, found: labels[row].to_string(), classes: cols }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
