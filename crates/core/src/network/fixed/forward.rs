//! The forward pass.

use super::sums::{ROOM, SEGMENT_WORDS, TILE, WIDEST, load_sums, of_tile, store_sums, walk, whole};
use super::{ByteBatch, DIGITS, Digits, SEGMENT, V, WORD};
use crate::network::Activation;
use crate::network::batch::Ahead;
use crate::simd::{ByteKernel, Bytes, Simd, Tiles};
use crate::vector::Map;

/// Fills `z`, batch × width, with the activations of a panel's units; see [`first::Forward`](super::super::first).
pub struct Forward<'a> {
    pub batch: &'a mut ByteBatch,
    pub digits: &'a Digits,
    pub b1: &'a [f32],
    pub activation: Activation,
    pub z: &'a mut [f32],
    pub ahead: Option<Ahead<'a, u8>>,
}

impl ByteKernel for Forward<'_> {
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
            for first in (0..self.batch.rows()).step_by(TILE) {
                if let Some(ahead) = self.ahead {
                    (first..self.batch.rows().min(first + TILE)).for_each(|n| ahead.row(n, 0..self.batch.stride()));
                }
                for at in (0..width).step_by(TILE) {
                    // SAFETY: a tile of rows and columns; batches have rows to fill it.
                    unsafe { self.tile(b, first, at) };
                }
            }
            b.tiles_end();
            return;
        }
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

impl Forward<'_> {
    /// `NV` vectors of columns from `at` on, of all rows; returns `NV`. A word of the masks at a time, so that its digits
    /// stay in the first-level cache; between words, sums lie in the batch's room for them.
    ///
    /// # Safety
    /// These columns are within the width.
    #[inline(always)]
    unsafe fn columns<B: Bytes, const NV: usize>(&mut self, b: B, at: usize) -> usize {
        let (quad, digit) = (self.digits.quad_bytes(), self.digits.digit_bytes());
        let (rows, words) = (self.batch.rows(), self.batch.words());
        for segment in (0..words).step_by(SEGMENT_WORDS) {
            for word in segment..words.min(segment + SEGMENT_WORDS) {
                // SAFETY: a mask has bits for quads of the row alone, for which there are digits; there is room for the
                // sums of each row.
                unsafe {
                    let digits = self.digits.bytes().as_ptr().add(word * WORD * quad + 4 * at);
                    for n in 0..rows {
                        if let Some(ahead) = self.ahead {
                            // A word's columns, shared by the passes over it.
                            let share = |at: usize| 4 * WORD * word + 4 * WORD * at / self.digits.width();
                            ahead.row(n, share(at)..share(at + NV * B::F::LANES));
                        }
                        let bits = self.batch.row_mask(n)[word];
                        if bits == 0 && word > segment {
                            continue;
                        }
                        let kept = self.batch.sums().as_mut_ptr().add(n * NV * DIGITS * B::F::LANES);
                        let mut sums = [[b.splat(0); DIGITS]; NV];
                        if word > segment {
                            load_sums(b, kept, &mut sums);
                        }
                        let x = self.batch.data().as_ptr().add(n * self.batch.stride() + word * 4 * WORD);
                        walk(b, (x, 4), (digits, quad, digit), &[bits], &mut sums);
                        store_sums(b, kept, &sums);
                    }
                }
            }
            for n in 0..rows {
                let mut sums = [[b.splat(0); DIGITS]; NV];
                // SAFETY: as above.
                unsafe {
                    load_sums(b, self.batch.sums().as_mut_ptr().add(n * NV * DIGITS * B::F::LANES), &mut sums);
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
        let (quad, digit, stride) = (self.digits.quad_bytes(), self.digits.digit_bytes(), self.batch.stride());
        let mut sums = [[[0i32; TILE]; DIGITS]; TILE];
        let rows = first..self.batch.rows().min(first + TILE);
        for (segment, from) in (0..stride).step_by(SEGMENT).enumerate() {
            // SAFETY: the rows of the tile are there, if need be of zeros, and so are the digits of whole chunks.
            unsafe {
                b.tiles(Tiles {
                    x: self.batch.data().as_ptr().add(first * stride + from),
                    x_row: stride,
                    digits: self.digits.bytes().as_ptr().add(from / 4 * quad + 4 * at),
                    quad,
                    digit,
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
