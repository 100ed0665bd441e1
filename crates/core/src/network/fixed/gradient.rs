//! The gradient, and the step that it makes.

use super::cut::magnitude;
use super::sums::{SEGMENT_WORDS, TILE, WIDEST, of_tile, walk, whole};
use super::{ByteBatch, DIGITS, Digits, SEGMENT, V};
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
        assert!(self.digits.width() == width && self.w1.len() >= self.inputs * width);
        assert!(self.digits.quads() >= self.batch.quads() && self.da.quads() >= self.batch.groups());
        assert!(self.batch.quads() == self.inputs.div_ceil(4));
        assert!(self.batch.planes().len() >= self.batch.groups() * 4 * self.batch.stride());
        assert!(!B::TILES || self.da.quads() >= self.batch.turned_row() / 4 && self.batch.is_turned());
        if B::TILES {
            b.tiles_begin();
        }
        let (mut finite, mut at) = (true, 0);
        while at < width {
            // SAFETY: `at` and the vectors after it are within the width, which LANES divides.
            let (good, vectors) = unsafe {
                if !B::TILES && width - at >= WIDEST * B::F::LANES {
                    (self.columns::<B, WIDEST>(b, at), WIDEST)
                } else {
                    (self.columns::<B, 1>(b, at), 1)
                }
            };
            finite &= good;
            at += vectors * B::F::LANES;
        }
        if B::TILES {
            b.tiles_end();
        }
        (finite, K::STEPS && self.digits.rescale())
    }
}

impl<K: Sink<f32>> Gradient<'_, K> {
    /// `NV` vectors of columns from `at` on.
    ///
    /// # Safety
    /// These columns are within the width.
    #[inline(always)]
    unsafe fn columns<B: Bytes, const NV: usize>(&mut self, b: B, at: usize) -> bool {
        let f = b.floats();
        let mut check = f.zero();
        let mut largest = [b.splat(0); NV];
        let mut tiles = [[[0.0f32; TILE]; TILE]; 4];
        for place in 0..self.batch.quads() {
            if B::TILES && place.is_multiple_of(TILE) {
                // SAFETY: the caller's promise.
                unsafe { self.tiles(b, place, at, &mut tiles) };
            }
            let mut inked = false;
            for plane in 0..4.min(self.inputs - 4 * place) {
                let mask = self.batch.pixel_mask(plane, place);
                let any = mask.iter().any(|&bits| bits != 0);
                inked |= any;
                // SAFETY: row 4 · place + plane of W1 is there, and the columns are within the width.
                unsafe {
                    let w = self.w1.as_mut_ptr().add((4 * place + plane) * self.da.width() + at);
                    if any || !K::STEPS {
                        let sums: [V<B>; NV] = if B::TILES {
                            [f.load(tiles[plane][place % TILE].as_ptr()); NV]
                        } else {
                            self.sums(b, (plane, place), at, mask)
                        };
                        for (v, &sum) in sums.iter().enumerate() {
                            let scale = f.load(self.da.scale().as_ptr().add(at + v * B::F::LANES));
                            let g = f.mul(sum, scale);
                            check = f.add(check, self.sink.take(f, w.add(v * B::F::LANES), g));
                        }
                    }
                    if K::STEPS {
                        for (v, largest) in largest.iter_mut().enumerate() {
                            *largest = b.max(*largest, magnitude(b, f.load(w.add(v * B::F::LANES))));
                        }
                    }
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
        f.nonzero_bits(check) == 0
    }

    /// The sums of one pixel.
    ///
    /// # Safety
    /// The pixel and the columns from `at` on are there.
    #[inline(always)]
    unsafe fn sums<B: Bytes, const NV: usize>(
        &self,
        b: B,
        (plane, place): (usize, usize),
        at: usize,
        mask: &[u64],
    ) -> [V<B>; NV] {
        let f = b.floats();
        let (quad, digit, stride) = (self.da.quad_bytes(), self.da.digit_bytes(), self.batch.stride());
        let mut total = [f.zero(); NV];
        for (segment, mask) in mask.chunks(SEGMENT_WORDS).enumerate() {
            let from = segment * SEGMENT / 4;
            let mut sums = [[b.splat(0); DIGITS]; NV];
            // SAFETY: a mask has bits for groups of the batch alone, for which there are digits.
            unsafe {
                let x = self.batch.planes().as_ptr().add((4 * from + plane) * stride + 4 * place);
                let digits = self.da.bytes().as_ptr().add(from * quad + 4 * at);
                walk(b, (x, 4 * stride), (digits, quad, digit), mask, &mut sums);
            }
            for (total, sums) in total.iter_mut().zip(sums) {
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
        let (quad, digit, row) = (self.da.quad_bytes(), self.da.digit_bytes(), self.batch.turned_row());
        let mut sums = [[[0i32; TILE]; DIGITS]; TILE];
        for (plane, totals) in totals.iter_mut().enumerate() {
            for (segment, from) in (0..row).step_by(SEGMENT).enumerate() {
                // SAFETY: the batch has turned rows for all places, and digits for all groups that they have room for.
                unsafe {
                    b.tiles(Tiles {
                        x: self.batch.turned(plane, place).as_ptr().add(from),
                        x_row: row,
                        digits: self.da.bytes().as_ptr().add(from / 4 * quad + 4 * at),
                        quad,
                        digit,
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
