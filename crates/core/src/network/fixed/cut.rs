//! Floats are cut into digits; see the module's documentation.

use super::{DIGITS, SEGMENT, V};
use crate::buffer::Aligned;
use crate::network::BLOCK;
use crate::simd::{ByteKernel, Bytes, Simd, Unit};

/// Added to a whole number, it makes every digit a byte without a sign: 128 too large.
const SIGNS: i32 = 0x0080_8080;

/// Added to the bits of M, it carries into the exponent just where M needs a larger scale.
const CARRY: u32 = 0x0001_0101;

/// The smallest exponent, biased, that a column is given: both s / 255 and 1 / s must be normal floats, for products with
/// others take processors many times as long (a column of zeros would have cost 9 % of the training).
const LEAST: u32 = 31;

/// Distance of a quad's digits in the bytes of [`Digits`].
pub const DIGIT: usize = 4 * BLOCK;

/// Distance of a block's quads.
pub const QUAD: usize = DIGITS * DIGIT;

/// A matrix, rows × width, as digits: four rows by four, so that a vector has four rows' digits of as many columns as it
/// has lanes, and block of columns by block, so that what a pass reads lies together.
#[derive(Clone, Debug)]
pub struct Digits {
    width: usize,
    /// Quads of rows for which there is room, a multiple of 16; kept, for each pair of pixels would divide for it.
    quads: usize,
    /// [block][quad of rows][digit][column of the block][row of the quad]. Beyond the rows there may be
    /// those of a matrix before; what they are multiplied by is zero.
    bytes: Aligned<u8>,
    /// For each column, s / 255.
    scale: Aligned<f32>,
    /// For each column, 1 / s; NaN where s is.
    inverse: Aligned<f32>,
    /// For each column, the bits of M.
    largest: Aligned<i32>,
}

impl Digits {
    /// Room for `rows` rows.
    pub fn new(rows: usize, width: usize) -> Self {
        assert!(width.is_multiple_of(BLOCK));
        let quads = rows.div_ceil(4).next_multiple_of(16);
        Digits {
            width,
            quads,
            bytes: Aligned::zeroed([width / BLOCK, quads, QUAD]),
            scale: Aligned::zeroed([width]),
            inverse: Aligned::zeroed([width]),
            largest: Aligned::zeroed([width]),
        }
    }

    /// Those of a matrix whose rows are `stride` apart.
    pub fn of(unit: Unit, matrix: &[f32], rows: usize, stride: usize, width: usize) -> Self {
        let mut digits = Self::new(rows, width);
        digits.cut(unit, matrix, rows, stride);
        digits
    }

    /// Replaces them by those of another matrix of as many columns, of no more rows than there is room for.
    pub fn cut(&mut self, unit: Unit, matrix: &[f32], rows: usize, stride: usize) {
        unit.dispatch(Cut { digits: self, matrix, rows, stride });
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn quads(&self) -> usize {
        self.quads
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in [`bytes`](Self::bytes) the first digits of a quad of rows and a column are. The next digits are
    /// [`DIGIT`] bytes after, the next quad's [`QUAD`].
    #[inline(always)]
    pub fn place(&self, quad: usize, column: usize) -> usize {
        (column / BLOCK * self.quads + quad) * QUAD + column % BLOCK * 4
    }

    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// For each column, where the bits of M go before [`rescale`](Self::rescale).
    pub fn largest(&mut self) -> &mut [i32] {
        &mut self.largest
    }

    /// Makes the scales for the largest magnitudes; returns whether all of these are finite, and whether any scale has
    /// changed, so that the digits must be made anew.
    pub fn rescale(&mut self) -> (bool, bool) {
        let (mut finite, mut changed) = (true, false);
        for (c, &bits) in self.largest.iter().enumerate() {
            let bits = bits as u32;
            let exponent = (bits.wrapping_add(CARRY) >> 23).max(LEAST);
            let (scale, inverse) = if bits >= f32::INFINITY.to_bits() {
                finite = false;
                (f32::NAN, f32::NAN)
            } else {
                // s = 2^(exponent − 127 − 22).
                (f32::from_bits((exponent - 22) << 23), f32::from_bits((276 - exponent) << 23))
            };
            changed |= self.inverse[c].to_bits() != inverse.to_bits();
            (self.scale[c], self.inverse[c]) = (scale / 255.0, inverse);
        }
        (finite, changed)
    }

    /// Writes the digits of four rows of a vector of columns.
    ///
    /// # Safety
    /// The quad is one of [`quads`](Self::quads), and the columns from `at` on are within the width.
    #[inline(always)]
    pub unsafe fn write<B: Bytes>(&mut self, b: B, quad: usize, at: usize, rows: [V<B>; 4]) {
        let f = b.floats();
        // SAFETY: the caller's promise.
        unsafe {
            let inverse = f.load(self.inverse.as_ptr().add(at));
            let signs = b.splat(SIGNS);
            // No closures here and below: those that are not inlined lose the instruction set.
            let mut whole = [signs; 4];
            for (whole, row) in whole.iter_mut().zip(rows) {
                *whole = b.xor(b.add(b.to_int(f.mul(row, inverse)), signs), signs);
            }
            let digits = b.turn(whole);
            let to = self.bytes.as_mut_ptr().add(self.place(quad, at));
            for (k, &digit) in digits.iter().take(DIGITS).enumerate() {
                b.store(to.add(k * DIGIT), digit);
            }
        }
    }
}

struct Cut<'a> {
    digits: &'a mut Digits,
    matrix: &'a [f32],
    rows: usize,
    stride: usize,
}

impl ByteKernel for Cut<'_> {
    type Output = ();
    const COMMON: bool = true;

    #[inline(always)]
    fn run<B: Bytes>(self, b: B) {
        let Cut { digits, matrix, rows, stride } = self;
        let (f, lanes, width) = (b.floats(), B::F::LANES, digits.width);
        assert!(rows > 0 && rows.div_ceil(4) <= digits.quads() && stride >= width && width.is_multiple_of(lanes));
        assert!(matrix.len() >= (rows - 1) * stride + width);
        for at in (0..width).step_by(lanes) {
            // SAFETY: rows below `rows` and columns below the width are within the matrix, as checked; LANES divides the
            // width.
            unsafe {
                let mut most = b.splat(0);
                for row in 0..rows {
                    most = b.max(most, magnitude(b, f.load(matrix.as_ptr().add(row * stride + at))));
                }
                b.store(digits.largest.as_mut_ptr().add(at).cast(), most);
            }
        }
        digits.rescale();
        for quad in 0..rows.div_ceil(4) {
            for at in (0..width).step_by(lanes) {
                // SAFETY: as above.
                unsafe {
                    let mut four = [f.zero(); 4];
                    for (r, v) in four.iter_mut().enumerate().take(rows - 4 * quad) {
                        *v = f.load(matrix.as_ptr().add((4 * quad + r) * stride + at));
                    }
                    digits.write(b, quad, at, four);
                }
            }
        }
    }
}

/// The bits of a float without its sign: in the order of magnitudes, infinity and NaN above all.
#[inline(always)]
pub fn magnitude<B: Bytes>(b: B, v: V<B>) -> B::I {
    b.and(b.bits(v), b.splat(i32::MAX))
}

const _: () = assert!(SEGMENT as u64 * 255 * 128 <= i32::MAX as u64 + 1);
