//! The two passes of the first layer.

use super::cut::magnitude;
use super::{ByteBatch, DIGITS, Digits, SEGMENT, V, WORD};
use crate::network::Activation;
use crate::network::batch::Ahead;
use crate::network::first::Sink;
use crate::simd::{ByteKernel, Bytes, MOST_LANES, Simd, Tiles};
use crate::vector::Map;

/// Most vectors of columns whose sums are kept in registers.
const WIDEST: usize = 2;

/// Rows of a tile, and the columns of its sums.
const TILE: usize = 16;

/// Words of a mask that make a segment.
const SEGMENT_WORDS: usize = SEGMENT / 4 / WORD;

/// The sums of one row and `NV` vectors of columns, a vector for each digit.
type Sums<B, const NV: usize> = [[<B as Bytes>::I; DIGITS]; NV];

/// Adds to each S_k the quads that a mask names: quad q of the row is at `x + q · step`, its digits at `digits + q · quad`.
///
/// # Safety
/// All that is readable, for every bit of the mask.
#[inline(always)]
unsafe fn walk<B: Bytes, const NV: usize>(
    b: B,
    (x, step): (*const u8, usize),
    (digits, quad, digit): (*const u8, usize, usize),
    mask: &[u64],
    sums: &mut Sums<B, NV>,
) {
    for (word, &bits) in mask.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            let q = word * WORD + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            // SAFETY: the caller's promise.
            unsafe {
                let x = b.quad(x.add(q * step));
                let d = digits.add(q * quad);
                for (v, sums) in sums.iter_mut().enumerate() {
                    for (k, sum) in sums.iter_mut().enumerate() {
                        *sum = b.dot(*sum, x, b.load(d.add(k * digit + v * 4 * B::F::LANES)));
                    }
                }
            }
        }
    }
}

/// Reads sums from where [`store_sums`] has left them.
///
/// # Safety
/// They are there.
#[inline(always)]
unsafe fn load_sums<B: Bytes, const NV: usize>(b: B, from: *const i32, sums: &mut Sums<B, NV>) {
    for (i, sum) in sums.as_flattened_mut().iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *sum = unsafe { b.load(from.add(i * B::F::LANES).cast()) };
    }
}

/// # Safety
/// There is room.
#[inline(always)]
unsafe fn store_sums<B: Bytes, const NV: usize>(b: B, to: *mut i32, sums: &Sums<B, NV>) {
    for (i, &sum) in sums.as_flattened().iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { b.store(to.add(i * B::F::LANES).cast(), sum) };
    }
}

/// f(S2)·65536 + (f(S1)·256 + f(S0)). Its products are exact, so that fused operations change nothing.
#[inline(always)]
fn whole<B: Bytes>(b: B, [s0, s1, s2]: [B::I; DIGITS]) -> V<B> {
    let f = b.floats();
    let low = f.mul_add(b.to_float(s1), f.splat(256.0), b.to_float(s0));
    f.mul_add(b.to_float(s2), f.splat(65536.0), low)
}

/// A row's sums, as a tile has them.
///
/// # Safety
/// A vector from column `at` on is within the tile.
#[inline(always)]
unsafe fn of_tile<B: Bytes>(b: B, sums: &[[i32; TILE]; DIGITS], at: usize) -> [B::I; DIGITS] {
    let mut v = [b.splat(0); DIGITS];
    for (v, sums) in v.iter_mut().zip(sums) {
        // SAFETY: the caller's promise.
        *v = unsafe { b.load(sums.as_ptr().add(at).cast()) };
    }
    v
}

/// Fills `z`, batch × width, with the activations of a panel's units; see [`first::Forward`](super::super::first).
pub struct Forward<'a> {
    pub batch: &'a mut ByteBatch,
    pub digits: &'a Digits,
    pub b1: &'a [f32],
    pub activation: Activation,
    pub z: &'a mut [f32],
    pub ahead: Option<Ahead<'a, u8>>,
}

/// Sums of a row that a pass keeps at a time.
pub const ROOM: usize = WIDEST * DIGITS * MOST_LANES;

impl ByteKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Bytes>(mut self, b: B) {
        let width = self.digits.width();
        assert!(self.digits.quads() * 4 >= self.batch.stride());
        assert!(self.b1.len() >= width && self.z.len() >= self.batch.rows() * width);
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
        assert!(!B::TILES || self.da.quads() >= self.batch.turned_row() / 4);
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
            // SAFETY: a mask has bits for groups of the batch alone, for which there are digits.
            let mut sums = [[b.splat(0); DIGITS]; NV];
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
