//! A batch of rows of bytes, both ways round, with bit masks of where they are not zero.

use super::WORD;
use super::sums::ROOM;
use crate::buffer::Aligned;
use crate::network::batch::transpose_bits;
use crate::simd::{ByteKernel, Bytes, MOST_LANES, Simd, Unit, transpose};

/// Bytes of a row that are handled together: a tile's row.
const CHUNK: usize = 64;

/// Chunks that one word of a mask speaks for.
const CHUNKS: usize = 4 * WORD / CHUNK;

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
    /// Rows by `stride`. There is room for whole tiles; nobody looks at what comes of rows that are not there.
    data: Aligned<u8>,
    /// [row][word]: a bit for each quad of pixels.
    by_row: Aligned<u64>,
    /// [group][plane][place]: quads of rows.
    planes: Aligned<u8>,
    /// [group][pair of planes][word]: a bit for each place.
    by_group: Aligned<u64>,
    /// [pair of planes][place][word of groups]: a bit for each group.
    by_pair: Aligned<u64>,
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
            by_row: Aligned::zeroed([capacity.next_multiple_of(4), words]),
            planes: Aligned::zeroed([groups, 4, stride]),
            by_group: Aligned::zeroed([groups, 2, words]),
            by_pair: Aligned::zeroed([groups.div_ceil(WORD), 2, words * WORD]),
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

    /// The mask of the pixels 4 · `place` + 2 · `pair` and the next.
    #[inline(always)]
    pub fn pair_mask(&self, pair: usize, place: usize) -> &[u64] {
        let words = self.groups().div_ceil(WORD);
        &self.by_pair[(pair * self.words() * WORD + place) * words..][..words]
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
            let mut group: [&[u8]; 4] = [&[]; 4];
            let here = group.iter_mut().map_while(|row| self.rows.next().map(|next| *row = next)).count();
            if here == 0 {
                break;
            }
            self.group(b, rows / 4, group);
            rows += here;
            if here < 4 {
                break;
            }
        }
        assert!(rows * ROOM <= self.batch.sums.len(), "more rows than the capacity");
        self.batch.rows = rows;
    }
}

impl<R> Gather<'_, R> {
    /// Rows that are not there are empty.
    #[inline(always)]
    fn group<B: Bytes>(&mut self, b: B, group: usize, rows: [&[u8]; 4]) {
        let words = self.batch.words();
        let ByteBatch { inputs, stride, data, by_row, planes, by_group, .. } = &mut *self.batch;
        let stride = *stride;
        let data = data[group * 4 * stride..][..4 * stride].as_mut_ptr();
        let planes = (!planes.is_empty()).then(|| planes[group * 4 * stride..][..4 * stride].as_mut_ptr());
        let whole = if rows.iter().all(|row| row.len() == *inputs) { *inputs / CHUNK } else { 0 };
        for word in 0..words {
            let mut masks = Masks { rows: [0; 4], pairs: [0; 2] };
            for chunk in word * CHUNKS..(stride / CHUNK).min((word + 1) * CHUNKS) {
                let at = chunk * CHUNK;
                let mut from = [std::ptr::null(); 4];
                let mut rests;
                if chunk < whole {
                    for (from, row) in from.iter_mut().zip(rows) {
                        *from = row[at..][..CHUNK].as_ptr();
                    }
                } else {
                    rests = [[0; CHUNK]; 4];
                    for ((from, row), rest) in from.iter_mut().zip(rows).zip(&mut rests) {
                        let row = &row[at.min(row.len())..row.len().min(at + CHUNK)];
                        rest[..row.len()].copy_from_slice(row);
                        *from = rest.as_ptr();
                    }
                }
                // SAFETY: each of the four has a whole chunk to read; it is within the four rows and, if there are any,
                // the four planes, all of `stride` bytes.
                unsafe {
                    let planes = planes.map(|planes| planes.add(at));
                    masks.take(b, from, (data.add(at), planes, stride), chunk % CHUNKS * CHUNK / 4);
                }
            }
            for (r, bits) in masks.rows.into_iter().enumerate() {
                by_row[(4 * group + r) * words + word] = bits;
            }
            if planes.is_some() {
                for (pair, bits) in masks.pairs.into_iter().enumerate() {
                    by_group[(2 * group + pair) * words + word] = bits;
                }
            }
        }
    }
}

/// A word of the masks of four rows, and of the pairs of their planes.
struct Masks {
    rows: [u64; 4],
    pairs: [u64; 2],
}

impl Masks {
    /// Copies a chunk of four rows to `data` and, turned, to `planes`, all `stride` apart; its bits go to `shift`.
    ///
    /// # Safety
    /// A chunk is readable behind each of `from`, and writable at each of the four places.
    #[inline(always)]
    unsafe fn take<B: Bytes>(
        &mut self,
        b: B,
        from: [*const u8; 4],
        (data, planes, stride): (*mut u8, Option<*mut u8>, usize),
        shift: usize,
    ) {
        for part in (0..CHUNK).step_by(4 * B::F::LANES) {
            let mut v = [b.splat(0); 4];
            // SAFETY: the caller's promise: a vector from `part` on is within the chunk.
            unsafe {
                for (r, v) in v.iter_mut().enumerate() {
                    *v = b.load(from[r].add(part));
                    b.store(data.add(r * stride + part), *v);
                    self.rows[r] |= b.nonzero(*v) << (shift + part / 4);
                }
                let Some(planes) = planes else { continue };
                let v = b.turn(v);
                for (p, &v) in v.iter().enumerate() {
                    b.store(planes.add(p * stride + part), v);
                }
                for (pair, bits) in self.pairs.iter_mut().enumerate() {
                    *bits |= b.nonzero(b.or(v[2 * pair], v[2 * pair + 1])) << (shift + part / 4);
                }
            }
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

/// The masks by group become masks by pair.
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
            for pair in 0..2 {
                for word in 0..words {
                    let mut square = [0; WORD];
                    for (g, bits) in square.iter_mut().enumerate().take(here) {
                        *bits = batch.by_group[((block * WORD + g) * 2 + pair) * words + word];
                    }
                    transpose_bits(&mut square);
                    let to = &mut batch.by_pair[(pair * words + word) * WORD * across..][..WORD * across];
                    for (to, &bits) in to.chunks_exact_mut(across).zip(&square) {
                        to[block] = bits;
                    }
                }
            }
        }
    }
}
