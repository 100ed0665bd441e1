//! The gradient, and the step that it makes.

use super::cut::magnitude;
use super::sums::{SEGMENT_WORDS, TILE, TOGETHER, WIDEST, of_tile, places, walk, whole};
use super::{ByteBatch, DIGIT, DIGITS, Digits, QUAD, SEGMENT, V, WORD};
use crate::network::first::Sink;
use crate::simd::{ByteKernel, Bytes, Simd, Tiles};

/// W1's gradient for a panel, Xᵀ·dA, handed to `sink` with its place in `w1`, inputs × width. If the sink steps, `digits`
/// are W1's, and follow it.
pub struct Gradient<'a, K> {
    pub batch: &'a ByteBatch,
    /// The digits of dA.
    pub da: &'a Digits,
    pub w1: &'a mut [f32],
    pub digits: &'a mut Digits,
    pub inputs: usize,
    pub sink: K,
}

impl<K: Sink<f32>> ByteKernel for Gradient<'_, K> {
    /// Whether all weights stayed finite, and whether the digits must be made anew because a scale has changed.
    type Output = (bool, bool);

    #[inline(always)]
    fn run<B: Bytes>(mut self, b: B) -> (bool, bool) {
        let width = self.da.width();
        assert!(self.digits.width() == width && self.w1.len() >= self.inputs.next_multiple_of(2) * width);
        assert!(self.digits.quads() >= self.batch.quads() && self.da.quads() >= self.batch.groups());
        assert!(self.batch.quads() == self.inputs.div_ceil(4));
        assert!(self.batch.planes().len() >= self.batch.groups() * 4 * self.batch.stride());
        assert!(!B::TILES || self.da.quads() >= self.batch.turned_row() / 4 && self.batch.is_turned());
        if B::TILES {
            b.tiles_begin();
        }
        let mut at = 0;
        while at < width {
            // SAFETY: `at` and the vectors after it are within the width, which LANES divides.
            at += B::F::LANES
                * unsafe {
                    if !B::TILES && width - at >= WIDEST * B::F::LANES {
                        self.columns::<B, WIDEST>(b, at)
                    } else {
                        self.columns::<B, 1>(b, at)
                    }
                };
        }
        if B::TILES {
            b.tiles_end();
        }
        if K::STEPS { self.digits.rescale() } else { (true, false) }
    }
}

impl<K: Sink<f32>> Gradient<'_, K> {
    /// `NV` vectors of columns from `at` on; returns `NV`.
    ///
    /// # Safety
    /// These columns are within the width.
    #[inline(always)]
    unsafe fn columns<B: Bytes, const NV: usize>(&mut self, b: B, at: usize) -> usize {
        let f = b.floats();
        let mut largest = [b.splat(0); NV];
        let mut tiles = [[[0.0f32; TILE]; TILE]; 4];
        for place in 0..self.batch.quads() {
            if B::TILES && place.is_multiple_of(TILE) {
                // SAFETY: the caller's promise.
                unsafe { self.tiles(b, place, at, &mut tiles) };
            }
            let mut inked = false;
            for pair in 0..(self.inputs - 4 * place).div_ceil(2).min(2) {
                let mask = self.batch.pair_mask(pair, place);
                let ink = mask.iter().any(|&bits| bits != 0);
                inked |= ink;
                let mut sums = [[f.zero(); NV]; 2];
                // SAFETY: the caller's promise; the pair's rows of W1 are there.
                unsafe {
                    if B::TILES {
                        for (p, sums) in sums.iter_mut().enumerate() {
                            *sums = [f.load(tiles[2 * pair + p][place % TILE].as_ptr()); NV];
                        }
                    } else if ink {
                        sums = self.sums(b, (pair, place), at, mask);
                    }
                    self.step(b, (4 * place + 2 * pair, at), (&sums, ink), &mut largest);
                }
            }
            if K::STEPS && inked {
                // SAFETY: the caller's promise.
                unsafe { self.cut::<B, NV>(b, place, at) };
            }
        }
        if K::STEPS {
            for (v, &largest) in largest.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { b.store(self.digits.largest().as_mut_ptr().add(at + v * B::F::LANES).cast(), largest) };
            }
        }
        NV
    }

    /// Hands the gradients of two rows of W1 to the sink, and notes the magnitudes of what has become of the rows. Without
    /// ink there is nothing to step by.
    ///
    /// # Safety
    /// The rows are there, and the columns from `at` on are within the width.
    #[inline(always)]
    unsafe fn step<B: Bytes, const NV: usize>(
        &mut self,
        b: B,
        (row, at): (usize, usize),
        (sums, ink): (&[[V<B>; NV]; 2], bool),
        largest: &mut [B::I; NV],
    ) {
        let (f, width) = (b.floats(), self.da.width());
        for (p, sums) in sums.iter().enumerate() {
            for (v, (&sum, largest)) in sums.iter().zip(&mut *largest).enumerate() {
                let at = at + v * B::F::LANES;
                // SAFETY: the caller's promise.
                unsafe {
                    let w = self.w1.as_mut_ptr().add((row + p) * width + at);
                    if ink || !K::STEPS {
                        // What is not finite is seen in the magnitudes.
                        let _ = self.sink.take(f, w, f.mul(sum, f.load(self.da.scale().as_ptr().add(at))));
                    }
                    if K::STEPS {
                        *largest = b.max(*largest, magnitude(b, f.load(w)));
                    }
                }
            }
        }
    }

    /// The sums of a pair of pixels.
    ///
    /// # Safety
    /// The pair and the columns from `at` on are there; the mask is the pair's.
    #[inline(always)]
    unsafe fn sums<B: Bytes, const NV: usize>(
        &self,
        b: B,
        (pair, place): (usize, usize),
        at: usize,
        mask: &[u64],
    ) -> [[V<B>; NV]; 2] {
        let (f, stride) = (b.floats(), self.batch.stride());
        let mut total = [[f.zero(); NV]; 2];
        for (segment, mask) in mask.chunks(SEGMENT_WORDS).enumerate() {
            let mut sums = [[[b.splat(0); DIGITS]; NV]; 2];
            for (words, mask) in mask.chunks(TOGETHER).enumerate() {
                let group = (segment * SEGMENT_WORDS + words * TOGETHER) * WORD;
                let digits = places::<B, NV>(self.da, group, at);
                // SAFETY: a mask has bits for groups of the batch alone, for which there are digits.
                unsafe {
                    let x = self.batch.planes().as_ptr().add((4 * group + 2 * pair) * stride + 4 * place);
                    walk(b, (x, 4 * stride, stride), digits, mask, &mut sums);
                }
            }
            for (total, &sums) in total.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                *total = if segment == 0 { whole(b, sums) } else { f.add(*total, whole(b, sums)) };
            }
        }
        total
    }

    /// The sums of the pixels of 16 places from `place` on, by plane.
    ///
    /// # Safety
    /// These places, if need be of padding, and the 16 columns from `at` on are there.
    #[inline(always)]
    unsafe fn tiles<B: Bytes>(&self, b: B, place: usize, at: usize, totals: &mut [[[f32; TILE]; TILE]; 4]) {
        let f = b.floats();
        let row = self.batch.turned_row();
        let mut sums = [[[0i32; TILE]; DIGITS]; TILE];
        for (plane, totals) in totals.iter_mut().enumerate() {
            for (segment, from) in (0..row).step_by(SEGMENT).enumerate() {
                // SAFETY: the batch has turned rows for all places, and digits for all groups that they have room for.
                unsafe {
                    b.tiles(Tiles {
                        x: self.batch.turned(plane, place).as_ptr().add(from),
                        x_row: row,
                        digits: self.da.bytes().as_ptr().add(self.da.place(from / 4, at)),
                        quad: QUAD,
                        digit: DIGIT,
                        steps: SEGMENT.min(row - from) / 64,
                        sums: sums.as_mut_ptr().cast(),
                    });
                    for (total, sums) in totals.iter_mut().zip(&sums) {
                        let sum = whole(b, of_tile(b, sums, 0));
                        let total = total.as_mut_ptr();
                        f.store(total, if segment == 0 { sum } else { f.add(f.load(total), sum) });
                    }
                }
            }
        }
    }

    /// Cuts the four rows of weights of a quad of pixels.
    ///
    /// # Safety
    /// As for [`sums`](Self::sums).
    #[inline(always)]
    unsafe fn cut<B: Bytes, const NV: usize>(&mut self, b: B, place: usize, at: usize) {
        let f = b.floats();
        let width = self.da.width();
        for v in 0..NV {
            let at = at + v * B::F::LANES;
            let mut rows = [f.zero(); 4];
            // SAFETY: rows of W1 alone are read, in columns that are there.
            unsafe {
                for (plane, row) in rows.iter_mut().enumerate().take(self.inputs - 4 * place) {
                    *row = f.load(self.w1.as_ptr().add((4 * place + plane) * width + at));
                }
                self.digits.write(b, place, at, rows);
            }
        }
    }
}
