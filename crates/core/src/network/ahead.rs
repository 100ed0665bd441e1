//! What the next step will read, asked for during this one.

use crate::simd::{LINE, prefetch};

/// Rows that will be gathered next, asked for line by line while there is other work: at once, so many lines would hold
/// up the loads of that work. The forward pass over the first panel asks for them as it goes. (The gradient could ask for
/// half of them: that was no faster.)
pub struct Ahead<'a> {
    data: *const u8,
    /// Bytes of a row.
    bytes: usize,
    /// Numbers of the rows.
    rows: &'a [u64],
    /// Which of them is being asked for, and how many of its bytes have been.
    row: usize,
    done: usize,
    /// Lines that a unit of work pays for, and those that are due, in parts of [`ONE`].
    pace: u64,
    due: u64,
}

const ONE: u64 = 1 << 16;

impl<'a> Ahead<'a> {
    /// The `rows` of `data`, which has rows of `inputs`.
    pub fn new<P>(data: &[P], inputs: usize, rows: &'a [u64]) -> Self {
        Ahead { data: data.as_ptr().cast(), bytes: inputs * size_of::<P>(), rows, row: 0, done: 0, pace: 0, due: 0 }
    }

    /// None.
    pub fn nothing() -> Self {
        Ahead::new::<u8>(&[], 1, &[])
    }

    /// Spreads what is left over so many units of work.
    #[inline]
    pub fn over(&mut self, work: usize) {
        let lines = (self.rows.len() - self.row) * self.lines();
        self.pace = (lines as u64 * ONE).div_ceil(work.max(1) as u64);
        self.due = 0;
    }

    /// Asks for what is due after so many units of work.
    #[inline(always)]
    pub fn after(&mut self, work: usize) {
        self.due += work as u64 * self.pace;
        while self.due >= ONE {
            self.due -= ONE;
            let Some(line) = self.next() else { return };
            // The second level is near enough for what is read once, and the first is full of weights.
            prefetch::<false, _>(line);
        }
    }

    /// Lines to ask for in a row, wherever it begins in one.
    fn lines(&self) -> usize {
        (self.bytes - 1).div_ceil(LINE) + 1
    }

    /// Some byte of the next line.
    #[inline(always)]
    fn next(&mut self) -> Option<*const u8> {
        let row = *self.rows.get(self.row)? as usize;
        // The last byte may be on a line of its own.
        let at = self.done.min(self.bytes - 1);
        let last = at == self.bytes - 1;
        self.row += usize::from(last);
        self.done = if last { 0 } else { self.done + LINE };
        Some(self.data.wrapping_add(row.wrapping_mul(self.bytes) + at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_of_every_row_is_asked_for_in_the_work_that_there_is() {
        for bytes in [1, 2, 63, 64, 65, 128, 129, 784] {
            let data = vec![0u8; bytes * 50];
            let rows = [3, 49, 0, 3, 17];
            let line = |p: *const u8| p.addr() / LINE;
            let want: BTreeSet<usize> =
                rows.iter().flat_map(|&n| &data[n as usize * bytes..][..bytes]).map(|x| line(x)).collect();
            let mut ahead = Ahead::new(&data, bytes, &rows);
            let asked: BTreeSet<usize> = std::iter::from_fn(|| ahead.next()).map(line).collect();
            assert_eq!(asked, want, "{bytes}");
            for work in [1, 7, 1000] {
                let left = |done: usize| {
                    let mut ahead = Ahead::new(&data, bytes, &rows);
                    ahead.over(work);
                    (0..done).for_each(|_| ahead.after(1));
                    std::iter::from_fn(|| ahead.next()).count()
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
