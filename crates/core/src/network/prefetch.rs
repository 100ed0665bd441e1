//! Prefetching the rows of the next mini-batch during the forward pass of the current one.

use crate::simd::{CACHE_LINE, prefetch};

/// Prefetches rows line by line, interleaved with other work: all requests at once would delay the loads of that work.
/// The forward pass of a shard's first panel calls it. (Prefetching half of the rows in the backward pass was not
/// faster.)
pub struct Prefetch<'a> {
    data: *const u8,
    row_bytes: usize,
    /// Row numbers.
    rows: &'a [u64],
    /// The index of the current row, and how many of its bytes have been requested.
    row: usize,
    done: usize,
    /// Lines per unit of work, and lines that are due, in multiples of 1 / [`ONE`].
    pace: u64,
    due: u64,
}

const ONE: u64 = 1 << 16;

impl<'a> Prefetch<'a> {
    /// Prefetches the `rows` of `data`, which has rows of `inputs` elements.
    pub fn new<P>(data: &[P], inputs: usize, rows: &'a [u64]) -> Self {
        let (data, row_bytes) = (data.as_ptr().cast(), inputs * size_of::<P>());
        Prefetch { data, row_bytes, rows, row: 0, done: 0, pace: 0, due: 0 }
    }

    /// Prefetches nothing.
    pub fn none() -> Self {
        Prefetch::new::<u8>(&[], 1, &[])
    }

    /// Spreads the remaining lines over `work` units of work.
    #[inline]
    pub fn spread_over(&mut self, work: usize) {
        let lines = (self.rows.len() - self.row) * self.lines_per_row();
        self.pace = (lines as u64 * ONE).div_ceil(work.max(1) as u64);
        self.due = 0;
    }

    /// Requests the lines that are due after `work` more units of work.
    #[inline(always)]
    pub fn advance(&mut self, work: usize) {
        self.due += work as u64 * self.pace;
        while self.due >= ONE {
            self.due -= ONE;
            let Some(line) = self.next_line() else { return };
            // Into the second level: each line is read once, and the first level is full of weights.
            prefetch::<false, _>(line);
        }
    }

    /// The most cache lines that a row touches.
    fn lines_per_row(&self) -> usize {
        (self.row_bytes - 1).div_ceil(CACHE_LINE) + 1
    }

    /// An address in the next line.
    #[inline(always)]
    fn next_line(&mut self) -> Option<*const u8> {
        let row = *self.rows.get(self.row)? as usize;
        // The last byte may be on a line of its own.
        let at = self.done.min(self.row_bytes - 1);
        let last = at == self.row_bytes - 1;
        self.row += usize::from(last);
        self.done = if last { 0 } else { self.done + CACHE_LINE };
        Some(self.data.wrapping_add(row.wrapping_mul(self.row_bytes) + at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_of_every_row_is_requested_within_the_work() {
        for bytes in [1, 2, 63, 64, 65, 128, 129, 784] {
            let data = vec![0u8; bytes * 50];
            let rows = [3, 49, 0, 3, 17];
            let line = |p: *const u8| p.addr() / CACHE_LINE;
            let want: BTreeSet<usize> =
                rows.iter().flat_map(|&n| &data[n as usize * bytes..][..bytes]).map(|x| line(x)).collect();
            let mut prefetch = Prefetch::new(&data, bytes, &rows);
            let requested: BTreeSet<usize> = std::iter::from_fn(|| prefetch.next_line()).map(line).collect();
            assert_eq!(requested, want, "{bytes}");
            for work in [1, 7, 1000] {
                let left = |done: usize| {
                    let mut prefetch = Prefetch::new(&data, bytes, &rows);
                    prefetch.spread_over(work);
                    (0..done).for_each(|_| prefetch.advance(1));
                    std::iter::from_fn(|| prefetch.next_line()).count()
                };
                for done in 0..work {
                    let want = left(0) * (work - done) / work;
                    assert!(left(done).abs_diff(want) <= 1, "{bytes} {work} {done}: {} {want}", left(done));
                }
                assert_eq!(left(work), 0, "{bytes} {work}");
            }
        }
    }
}
