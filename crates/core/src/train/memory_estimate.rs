//! Estimates memory, so that impossible sizes are refused before a failed allocation aborts the program.

use std::alloc::{GlobalAlloc, Layout, System};

use super::options::{GradientMethod, TrainOptions};
use crate::network::{BATCH_BLOCK, BLOCK, PACKED_ROWS, Shape};

/// The memory that some work needs, in bytes, to within a factor of two. Add up the parts, then call
/// [`is_available`](Self::is_available) before starting.
///
/// ```
/// use twolayer_core::{MemoryEstimate, Shape};
/// let shape = Shape::new(784, 50, 10)?;
/// assert!(MemoryEstimate::default().parameters(shape, 4, 3).batch(100, shape, 4, 2).is_available());
/// assert!(!MemoryEstimate::default().elements(usize::MAX, 8).is_available());
/// # Ok::<(), twolayer_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryEstimate(u128);

impl MemoryEstimate {
    /// `copies` of a network's parameters, in elements of `width` bytes.
    #[must_use]
    pub fn parameters(self, shape: Shape, width: usize, copies: usize) -> Self {
        let padded = |n: usize| (n as u128).next_multiple_of(BLOCK as u128);
        let count = (shape.inputs() as u128 + 1).saturating_mul(padded(shape.hidden()))
            + (shape.hidden() as u128 + 1).saturating_mul(padded(shape.classes()));
        self.plus(count.saturating_mul(width as u128).saturating_mul(copies as u128))
    }

    /// `copies` of a batch in training: its pixels, activations, logits and their gradients.
    #[must_use]
    pub fn batch(self, rows: usize, shape: Shape, width: usize, copies: usize) -> Self {
        let numbers = 2 * (shape.hidden() as u128 + shape.classes() as u128);
        let row = numbers.saturating_mul(width as u128).saturating_add(shape.inputs() as u128);
        self.plus((rows as u128).saturating_mul(row).saturating_mul(copies as u128))
    }

    /// Training a network with elements of `width` bytes on up to `threads` threads, by
    /// [`TwoLayerNet::train`](crate::TwoLayerNet::train).
    #[must_use]
    pub fn training(self, shape: Shape, width: usize, options: &TrainOptions, threads: usize) -> Self {
        let (batch, threads) = (options.batch, options.max_threads(shape, threads));
        let estimate = self.parameters(shape, width, 3).batch(batch, shape, width, threads.saturating_add(1));
        match options.gradient {
            GradientMethod::Backpropagation => estimate,
            // In double precision, with a list of the nonzero inputs.
            GradientMethod::Numerical { .. } => {
                let estimate = estimate.parameters(shape, 8, 8).batch(batch, shape, 8, threads.saturating_add(2));
                estimate.elements(batch.saturating_mul(shape.inputs()), 8 + 16)
            }
        }
    }

    /// Predicting or evaluating so many rows on that many threads, without the results. The network has elements of
    /// `width` bytes.
    #[must_use]
    pub fn inference(self, shape: Shape, width: usize, rows: usize, threads: usize) -> Self {
        let packed = usize::from(rows >= PACKED_ROWS);
        self.parameters(shape, width, packed).batch(rows.min(BATCH_BLOCK), shape, width, threads)
    }

    /// `count` elements of `width` bytes.
    #[must_use]
    pub fn elements(self, count: usize, width: usize) -> Self {
        self.plus((count as u128).saturating_mul(width as u128))
    }

    fn plus(self, bytes: u128) -> Self {
        MemoryEstimate(self.0.saturating_add(bytes))
    }

    /// The estimate in bytes.
    pub fn bytes(self) -> u128 {
        self.0
    }

    /// Whether the system would now grant an allocation of this size. It is freed at once. The program's own allocator
    /// is not asked, as it may have a reserve, or note what is refused.
    pub fn is_available(self) -> bool {
        let layout = usize::try_from(self.0).ok().and_then(|bytes| Layout::array::<u8>(bytes.max(1)).ok());
        let Some(layout) = layout else { return false };
        // The compiler may remove an unused allocation, unless it cannot see that.
        // SAFETY: the layout is not empty.
        let granted = std::hint::black_box(unsafe { System.alloc(layout) });
        if granted.is_null() {
            return false;
        }
        // SAFETY: allocated above, with this layout.
        unsafe { System.dealloc(granted, layout) };
        true
    }
}
