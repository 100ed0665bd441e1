//! A batch of rows of bytes, both ways round, with bit masks of where they are not zero.

use super::WORD;
use super::sums::ROOM;
use crate::buffer::Aligned;
use crate::network::batch::transpose_bits;
use crate::simd::{ByteKernel, Bytes, MOST_LANES, Simd, Unit, transpose};

/// Bytes of a row that are handled together: a tile's row.
const CHUNK: usize = 64;

/// Up to `capacity` gathered rows of `inputs` bytes.
///
/// The forward pass wants *quads of pixels*: four neighbouring bytes of a row, as they lie. The gradient wants *quads of
/// rows*: a pixel of four neighbouring rows. Pixel 4q + p of row group g is in plane p at place q, so that turning the
/// bytes of four rows within 32-bit lanes is all it takes to get there.
pub struct ByteBatch {
    inputs: usize,
    rows: usize,
    /// Bytes of a row: the inputs, padded with zeros to whole chunks.
    stride: usize,
    /// Rows by `stride`; zeros where rows were needed to fill a tile.
    data: Aligned<u8>,
    /// [row][word]: a bit for each quad of pixels.
    by_row: Aligned<u64>,
    /// [group][plane][place]: quads of rows.
    planes: Aligned<u8>,
    /// [group][plane][word]: a bit for each place.
    by_group: Aligned<u64>,
    /// [plane][place][word of groups]: a bit for each group.
    by_pixel: Aligned<u64>,
    /// For units with tiles, [plane][place][row]: a pixel's bytes of all rows, padded with zeros to whole chunks.
    turned: Aligned<u8>,
    /// Room for the forward pass.
    sums: Aligned<i32>,
}

impl ByteBatch {
    /// For the forward pass, and if `both_ways` for the gradient.
    pub fn new(unit: Unit, inputs: usize, capacity: usize, both_ways: bool) -> Self {
        let stride = inputs.next_multiple_of(CHUNK);
        let words = (stride / 4).div_ceil(WORD);
        let groups = if both_ways { capacity.div_ceil(4) } else { 0 };
        ByteBatch {
            inputs,
            rows: 0,
            stride,
            data: Aligned::zeroed([capacity.next_multiple_of(16), stride]),
            by_row: Aligned::zeroed([capacity, words]),
            planes: Aligned::zeroed([groups, 4, stride]),
            by_group: Aligned::zeroed([groups.next_multiple_of(WORD), 4, words]),
            by_pixel: Aligned::zeroed([groups.div_ceil(WORD), 4, words * WORD]),
            turned: Aligned::zeroed([(4 * groups * usize::from(unit.has_tiles())).next_multiple_of(CHUNK), stride]),
            sums: Aligned::zeroed([capacity, ROOM]),
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Quads of rows.
    pub fn groups(&self) -> usize {
        self.rows.div_ceil(4)
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Words of a row's mask.
    pub fn words(&self) -> usize {
        (self.stride / 4).div_ceil(WORD)
    }

    /// Quads of pixels that have any of the inputs.
    pub fn quads(&self) -> usize {
        self.inputs.div_ceil(4)
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn planes(&self) -> &[u8] {
        &self.planes
    }

    /// The mask of a row.
    #[inline(always)]
    pub fn row_mask(&self, n: usize) -> &[u64] {
        &self.by_row[n * self.words()..][..self.words()]
    }

    /// The mask of pixel 4 · `place` + `plane`.
    #[inline(always)]
    pub fn pixel_mask(&self, plane: usize, place: usize) -> &[u64] {
        let words = self.groups().div_ceil(WORD);
        &self.by_pixel[(plane * self.words() * WORD + place) * words..][..words]
    }

    /// Bytes of a row of [`turned`](Self::turned).
    pub fn turned_row(&self) -> usize {
        self.rows.next_multiple_of(CHUNK)
    }

    /// Whether there are turned rows for all places.
    pub fn is_turned(&self) -> bool {
        self.turned.len() >= self.stride * self.turned_row()
    }

    /// The rows of the pixels 4 · place + `plane` from `place` on, for units with tiles.
    #[inline(always)]
    pub fn turned(&self, plane: usize, place: usize) -> &[u8] {
        &self.turned[(plane * self.stride / 4 + place) * self.turned_row()..]
    }

    /// Room for [`ROOM`] sums of each row.
    pub fn sums(&mut self) -> &mut [i32] {
        &mut self.sums
    }

    /// Copies the rows `indices` of `source`, and makes all that the passes need of them.
    ///
    /// # Panics
    /// If there are more than the capacity, or if a row is outside `source`.
    pub fn gather(&mut self, unit: Unit, source: &[u8], indices: &mut dyn Iterator<Item = usize>) {
        let inputs = self.inputs;
        let rows = indices.map(|i| &source[i * inputs..][..inputs]);
        unit.dispatch(Gather { batch: self, rows });
        if !self.planes.is_empty() {
            unit.dispatch(TurnMasks(self));
        }
        if !self.turned.is_empty() {
            unit.dispatch(Turn(self));
        }
    }
}

struct Gather<'a, R> {
    batch: &'a mut ByteBatch,
    rows: R,
}

impl<'s, R: Iterator<Item = &'s [u8]>> ByteKernel for Gather<'_, R> {
    type Output = ();
    const COMMON: bool = true;

    #[inline(always)]
    fn run<B: Bytes>(mut self, b: B) {
        let mut rows = 0;
        loop {
            let group: [Option<&[u8]>; 4] = std::array::from_fn(|_| self.rows.next());
            let here = group.iter().flatten().count();
            if here == 0 {
                break;
            }
            assert!((rows + here) * self.batch.words() <= self.batch.by_row.len());
            self.group(b, rows, group.map(|row| row.unwrap_or_default()));
            rows += here;
            if here < 4 {
                break;
            }
        }
        // What fills the last tile adds nothing.
        let end = rows.next_multiple_of(16) * self.batch.stride;
        self.batch.data[rows * self.batch.stride..end].fill(0);
        self.batch.rows = rows;
    }
}

impl<R> Gather<'_, R> {
    /// Rows that are not there are empty.
    #[inline(always)]
    fn group<B: Bytes>(&mut self, b: B, first: usize, rows: [&[u8]; 4]) {
        let (stride, inputs) = (self.batch.stride, self.batch.inputs);
        let here = rows.iter().filter(|row| !row.is_empty()).count();
        for chunk in 0..stride / CHUNK {
            let at = chunk * CHUNK;
            let mut rests = [[0; CHUNK]; 4];
            let mut from = [std::ptr::null(); 4];
            for ((row, rest), from) in rows.iter().zip(&mut rests).zip(&mut from) {
                *from = if at + CHUNK <= row.len() {
                    row[at..].as_ptr()
                } else {
                    if at < row.len() {
                        rest[..inputs - at].copy_from_slice(&row[at..]);
                    }
                    rest.as_ptr()
                };
            }
            // SAFETY: each of the four has a whole chunk to read.
            unsafe { self.chunk(b, (first, here), at, from) };
        }
    }

    /// # Safety
    /// A chunk is readable behind each of `from`.
    #[inline(always)]
    unsafe fn chunk<B: Bytes>(&mut self, b: B, (first, here): (usize, usize), at: usize, from: [*const u8; 4]) {
        let ByteBatch { stride, data, by_row, planes, by_group, .. } = &mut *self.batch;
        let (words, group, both_ways) = ((*stride / 4).div_ceil(WORD), first / 4, !planes.is_empty());
        let (word, shift) = (at / 4 / WORD, at / 4 % WORD);
        let data = &mut data[first * *stride..];
        let planes = &mut planes[group * 4 * *stride * usize::from(both_ways)..];
        assert!(data.len() >= (here - 1) * *stride + at + CHUNK);
        assert!(!both_ways || planes.len() >= 4 * *stride);
        let (mut row_bits, mut plane_bits) = ([0; 4], [0; 4]);
        for part in (0..CHUNK).step_by(4 * B::F::LANES) {
            let bits = |v| b.nonzero(v) << (shift + part / 4);
            // SAFETY: a vector from `part` on is within the chunk, which is within `here` rows and, if there are any,
            // within four planes.
            unsafe {
                let v = [
                    b.load(from[0].add(part)),
                    b.load(from[1].add(part)),
                    b.load(from[2].add(part)),
                    b.load(from[3].add(part)),
                ];
                for r in 0..4 {
                    if r < here {
                        b.store(data.as_mut_ptr().add(r * *stride + at + part), v[r]);
                        row_bits[r] |= bits(v[r]);
                    }
                }
                if both_ways {
                    for (p, &v) in b.turn(v).iter().enumerate() {
                        b.store(planes.as_mut_ptr().add(p * *stride + at + part), v);
                        plane_bits[p] |= bits(v);
                    }
                }
            }
        }
        let put = |to: &mut u64, bits: u64| *to = if shift == 0 { bits } else { *to | bits };
        for r in 0..here {
            put(&mut by_row[(first + r) * words + word], row_bits[r]);
        }
        for p in 0..4 * usize::from(both_ways) {
            put(&mut by_group[(group * 4 + p) * words + word], plane_bits[p]);
        }
    }
}

/// The planes' quads of rows, turned by squares of 16 places and 16 groups, for tiles.
struct Turn<'a>(&'a mut ByteBatch);

impl ByteKernel for Turn<'_> {
    type Output = ();
    const COMMON: bool = true;

    #[inline(always)]
    fn run<B: Bytes>(self, b: B) {
        let (f, batch) = (b.floats(), self.0);
        let (stride, row, groups) = (batch.stride, batch.turned_row(), batch.groups());
        // A batch is turned for units with tiles alone, which have vectors of 16 lanes; others' code is left out.
        if B::F::LANES != MOST_LANES {
            return;
        }
        assert!(batch.turned.len() >= stride * row);
        assert!(batch.planes.len() >= groups * 4 * stride);
        for (plane, at) in (0..4).flat_map(|plane| (0..stride).step_by(CHUNK).map(move |at| (plane, at))) {
            for first in (0..row / 4).step_by(MOST_LANES) {
                // SAFETY: the groups' planes are there, a chunk of each; so is a chunk of 16 turned rows.
                unsafe {
                    let mut square = [f.zero(); MOST_LANES];
                    for (g, v) in square.iter_mut().enumerate().take(groups.saturating_sub(first)) {
                        *v = f.load(batch.planes.as_ptr().add(((first + g) * 4 + plane) * stride + at).cast());
                    }
                    let to = batch.turned.as_mut_ptr().add((plane * stride + at) / 4 * row + 4 * first);
                    for (place, &v) in transpose(f, square).iter().enumerate() {
                        f.store(to.add(place * row).cast(), v);
                    }
                }
            }
        }
    }
}

/// The masks by group become masks by pixel.
struct TurnMasks<'a>(&'a mut ByteBatch);

impl ByteKernel for TurnMasks<'_> {
    type Output = ();
    const COMMON: bool = true;

    #[inline(always)]
    fn run<B: Bytes>(self, _: B) {
        let batch = self.0;
        let (words, groups) = (batch.words(), batch.groups());
        let across = groups.div_ceil(WORD);
        for block in 0..across {
            let here = WORD.min(groups - block * WORD);
            for plane in 0..4 {
                for word in 0..words {
                    let mut square = [0; WORD];
                    for (g, bits) in square.iter_mut().enumerate().take(here) {
                        *bits = batch.by_group[((block * WORD + g) * 4 + plane) * words + word];
                    }
                    transpose_bits(&mut square);
                    let to = &mut batch.by_pixel[(plane * words + word) * WORD * across..][..WORD * across];
                    for (to, &bits) in to.chunks_exact_mut(across).zip(&square) {
                        to[block] = bits;
                    }
                }
            }
        }
    }
}
