//! The forward pass.

use super::sums::{ROOM, SEGMENT_WORDS, TILE, TOGETHER, WIDEST, load_sums, of_tile, places, store_sums, walk, whole};
use super::{ByteBatch, DIGIT, DIGITS, Digits, QUAD, SEGMENT, V, WORD};
use crate::network::{Activation, Ahead};
use crate::simd::{ByteKernel, Bytes, Simd, Tiles};
use crate::vector::Map;

/// Fills `z`, batch × width, with the activations of a panel's units; see [`first::Forward`](super::super::first).
pub struct Forward<'a, 'r> {
    pub batch: &'a mut ByteBatch,
    pub digits: &'a Digits,
    pub b1: &'a [f32],
    pub activation: Activation,
    pub z: &'a mut [f32],
    pub ahead: &'a mut Ahead<'r>,
}

impl ByteKernel for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Bytes>(mut self, b: B) {
        let width = self.digits.width();
        assert!(self.digits.quads() * 4 >= self.batch.stride());
        assert!(self.b1.len() >= width && self.z.len() >= self.batch.rows() * width);
        assert!(!B::TILES || self.batch.data().len() >= self.batch.rows().next_multiple_of(TILE) * self.batch.stride());
        assert!(self.batch.sums().len() >= self.batch.rows() * ROOM);
        if B::TILES {
            b.tiles_begin();
            self.ahead.over(self.batch.rows());
            for first in (0..self.batch.rows()).step_by(TILE) {
                self.ahead.after(TILE);
                for at in (0..width).step_by(TILE) {
                    // SAFETY: a tile of rows and columns; batches have rows to fill it.
                    unsafe { self.tile(b, first, at) };
                }
            }
            b.tiles_end();
            return;
        }
        self.ahead.over(self.batch.words().div_ceil(TOGETHER) * self.batch.rows() * width / B::F::LANES);
        let mut at = 0;
        while at < width {
            // SAFETY: `at` and the vectors after it are within the width, which LANES divides.
            at += B::F::LANES
                * unsafe {
                    if width - at >= WIDEST * B::F::LANES {
                        self.columns::<B, WIDEST>(b, at)
                    } else {
                        self.columns::<B, 1>(b, at)
                    }
                };
        }
    }
}

impl Forward<'_, '_> {
    /// `NV` vectors of columns from `at` on, of all rows; returns `NV`. Two words of the masks at a time: the digits of
    /// those quads that have ink at all nearly stay in the first-level cache. (One word's would, but has more sums to
    /// store and loops to end, and was no faster.) In between, sums lie in the batch's room for them.
    ///
    /// # Safety
    /// These columns are within the width.
    #[inline(always)]
    unsafe fn columns<B: Bytes, const NV: usize>(&mut self, b: B, at: usize) -> usize {
        let (rows, words, stride) = (self.batch.rows(), self.batch.words(), self.batch.stride());
        let room = self.batch.sums().as_mut_ptr();
        for word in (0..words).step_by(TOGETHER) {
            let (segment, within) = (word / SEGMENT_WORDS, word % SEGMENT_WORDS);
            let end = words.min(word + TOGETHER);
            let last = end == words || within + TOGETHER == SEGMENT_WORDS;
            let digits = places::<B, NV>(self.digits, word * WORD, at);
            for n in 0..rows {
                let mask = &self.batch.row_mask(n)[word..end];
                self.ahead.after(NV);
                let mut sums = [[b.splat(0); DIGITS]; NV];
                // SAFETY: a mask has bits for quads of the row alone, for which there are digits; there is room for the
                // sums of each row.
                unsafe {
                    let kept = room.add(n * NV * DIGITS * B::F::LANES);
                    if within > 0 {
                        load_sums(b, kept, &mut sums);
                    }
                    let x = self.batch.data().as_ptr().add(n * stride + word * 4 * WORD);
                    walk(b, (x, 4, 0), digits, mask, std::array::from_mut(&mut sums));
                    if !last {
                        store_sums(b, kept, &sums);
                        continue;
                    }
                    for (v, sums) in sums.into_iter().enumerate() {
                        self.add(b, (n, at + v * B::F::LANES), segment, whole(b, sums));
                    }
                }
            }
        }
        for n in 0..rows {
            for v in 0..NV {
                // SAFETY: as above.
                unsafe { self.finish(b, n, at + v * B::F::LANES) };
            }
        }
        NV
    }

    /// A tile of rows from `first` on and of columns from `at` on.
    ///
    /// # Safety
    /// Row `first` and these columns are there.
    #[inline(always)]
    unsafe fn tile<B: Bytes>(&mut self, b: B, first: usize, at: usize) {
        let stride = self.batch.stride();
        let mut sums = [[[0i32; TILE]; DIGITS]; TILE];
        let rows = first..self.batch.rows().min(first + TILE);
        for (segment, from) in (0..stride).step_by(SEGMENT).enumerate() {
            // SAFETY: the rows of the tile are there, if need be of zeros, and so are the digits of whole chunks.
            unsafe {
                b.tiles(Tiles {
                    x: self.batch.data().as_ptr().add(first * stride + from),
                    x_row: stride,
                    digits: self.digits.bytes().as_ptr().add(self.digits.place(from / 4, at)),
                    quad: QUAD,
                    digit: DIGIT,
                    steps: SEGMENT.min(stride - from) / 64,
                    sums: sums.as_mut_ptr().cast(),
                });
                for (n, sums) in rows.clone().zip(&sums) {
                    for c in (0..TILE).step_by(B::F::LANES) {
                        self.add(b, (n, at + c), segment, whole(b, of_tile(b, sums, c)));
                    }
                }
            }
        }
        for n in rows {
            for c in (0..TILE).step_by(B::F::LANES) {
                // SAFETY: as above.
                unsafe { self.finish(b, n, at + c) };
            }
        }
    }

    /// Adds a segment's sums, times the scale, to a vector of z.
    ///
    /// # Safety
    /// Row `n` of the batch and the columns from `at` on are there.
    #[inline(always)]
    unsafe fn add<B: Bytes>(&mut self, b: B, (n, at): (usize, usize), segment: usize, sum: V<B>) {
        let f = b.floats();
        // SAFETY: the caller's promise.
        unsafe {
            let z = self.z.as_mut_ptr().add(n * self.digits.width() + at);
            let sum = f.mul(sum, f.load(self.digits.scale().as_ptr().add(at)));
            f.store(z, if segment == 0 { sum } else { f.add(f.load(z), sum) });
        }
    }

    /// The bias and the activation.
    ///
    /// # Safety
    /// As for [`add`](Self::add).
    #[inline(always)]
    unsafe fn finish<B: Bytes>(&mut self, b: B, n: usize, at: usize) {
        let f = b.floats();
        // SAFETY: the caller's promise.
        unsafe {
            let z = self.z.as_mut_ptr().add(n * self.digits.width() + at);
            let sum = f.add(f.load(z), f.load(self.b1.as_ptr().add(at)));
            f.store(z, self.activation.apply(f, sum));
        }
    }
}
