//! What a call will allocate, so that sizes that cannot be meant are refused before an allocator ends the program.

use crate::network::{BLOCK, Shape};
use crate::train::{Gradient, TrainOptions};

/// Memory that work will need, in bytes, within a factor of two. Whoever must not die of a size that somebody asked for
/// adds up what the work needs and asks [`is_granted`](Self::is_granted) before it begins.
///
/// ```
/// use twolayer_core::{Need, Shape};
/// let shape = Shape::new(784, 50, 10)?;
/// assert!(Need::default().parameters(shape, 4, 3).batch(100, shape, 4, 2).is_granted());
/// assert!(!Need::default().numbers(usize::MAX, 8).is_granted());
/// # Ok::<(), twolayer_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need(u128);

impl Need {
    /// `copies` of the parameters of a network whose numbers take `width` bytes.
    #[must_use]
    pub fn parameters(self, shape: Shape, width: usize, copies: usize) -> Self {
        let padded = |n: usize| (n as u128).next_multiple_of(BLOCK as u128);
        let count = (shape.inputs() as u128 + 1).saturating_mul(padded(shape.hidden()))
            + (shape.hidden() as u128 + 1).saturating_mul(padded(shape.classes()));
        self.plus(count.saturating_mul(width as u128).saturating_mul(copies as u128))
    }

    /// `copies` of one batch on its way through the network: its pixels, and numbers for what comes of them.
    #[must_use]
    pub fn batch(self, rows: usize, shape: Shape, width: usize, copies: usize) -> Self {
        let numbers = 2 * (shape.hidden() as u128 + shape.classes() as u128);
        let row = numbers.saturating_mul(width as u128).saturating_add(shape.inputs() as u128);
        self.plus((rows as u128).saturating_mul(row).saturating_mul(copies as u128))
    }

    /// Training of a network whose numbers take `width` bytes, by [`TwoLayerNet::train`](crate::TwoLayerNet::train).
    #[must_use]
    pub fn training(self, shape: Shape, width: usize, options: &TrainOptions) -> Self {
        let (batch, threads) = (options.batch, options.threads);
        let need = self.parameters(shape, width, 3).batch(batch, shape, width, threads.saturating_add(1));
        match options.gradient {
            Gradient::Backpropagation if width == size_of::<f32>() => need.whole_numbers(batch, shape, threads),
            Gradient::Backpropagation => need,
            // In double precision, with a list of the inputs that are not zero.
            Gradient::Numerical { .. } => {
                let need = need.parameters(shape, 8, 8).batch(batch, shape, 8, threads.saturating_add(2));
                need.numbers(batch.saturating_mul(shape.inputs()), 8 + 16)
            }
        }
    }

    /// What [`Engine::Fixed`](crate::Engine::Fixed) needs besides: the digits of W1, and `copies` of a batch both ways
    /// round with the digits of its differences.
    #[must_use]
    pub fn whole_numbers(self, rows: usize, shape: Shape, copies: usize) -> Self {
        let (inputs, hidden) = (shape.inputs() as u128, (shape.hidden() as u128).next_multiple_of(BLOCK as u128));
        let row = (3 * inputs + 3 * hidden + 384).saturating_mul(rows as u128);
        self.plus((3 * inputs).saturating_mul(hidden).saturating_add(row.saturating_mul(copies as u128)))
    }

    /// `count` numbers of `width` bytes.
    #[must_use]
    pub fn numbers(self, count: usize, width: usize) -> Self {
        self.plus((count as u128).saturating_mul(width as u128))
    }

    fn plus(self, bytes: u128) -> Self {
        Need(self.0.saturating_add(bytes))
    }

    /// How many bytes.
    pub fn bytes(self) -> u128 {
        self.0
    }

    /// Whether the system would give this process so much in one piece now. It is given back untouched.
    pub fn is_granted(self) -> bool {
        let ask = |bytes| {
            let mut room = Vec::<u8>::new();
            let granted = room.try_reserve_exact(bytes).is_ok();
            // An allocation that nobody looks at may be left out.
            std::hint::black_box(&room);
            granted
        };
        usize::try_from(self.0).is_ok_and(ask)
    }
}
