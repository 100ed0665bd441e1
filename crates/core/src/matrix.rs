//! Views of matrices in flat buffers.

use crate::element::Element;
use crate::error::{Error, Result};

/// A read-only view: element (r, c) is at index `r · row_stride + c · col_stride` of a flat buffer.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A mutable view: rows of `cols` contiguous elements that begin `row_stride` elements apart.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

/// Checks that every element of the view is within a buffer of `len` elements.
fn check(len: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Result<()> {
    if is_within(len, rows, cols, row_stride, col_stride) {
        return Ok(());
    }
    Err(Error::Length {
        what: "the matrix buffer",
        found: len,
        expected: format!("enough for {rows} x {cols} with strides {row_stride} and {col_stride}"),
    })
}

fn is_within(len: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> bool {
    if rows == 0 || cols == 0 {
        return true;
    }
    let last = (rows - 1).checked_mul(row_stride).zip((cols - 1).checked_mul(col_stride));
    last.and_then(|(row, col)| row.checked_add(col)).is_some_and(|last| last < len)
}

impl<'a, T: Element> MatRef<'a, T> {
    /// A contiguous, row-major `rows × cols` matrix.
    ///
    /// # Errors
    /// [`Error::Length`] unless `data` has at least `rows · cols` elements.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Result<Self> {
        Self::with_strides(data, rows, cols, cols, 1)
    }

    /// A `rows × cols` matrix with any strides, in elements. Strides may be zero or make elements overlap.
    ///
    /// # Errors
    /// [`Error::Length`] if an element would be outside `data`.
    pub fn with_strides(data: &'a [T], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Result<Self> {
        check(data.len(), rows, cols, row_stride, col_stride)?;
        Ok(MatRef { data, rows, cols, row_stride, col_stride })
    }

    /// Rows, `row_stride` apart, of a buffer that is known to hold them.
    pub(crate) fn of_rows(data: &'a [T], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(is_within(data.len(), rows, cols, row_stride, 1));
        MatRef { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The transpose, as a view of the same elements.
    #[must_use]
    pub fn t(self) -> Self {
        MatRef { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from one row to the next.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Elements from one column to the next.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// The element in row `r` and column `c`.
    ///
    /// # Panics
    /// If `r` or `c` is out of range.
    pub fn get(&self, r: usize, c: usize) -> T {
        assert!(r < self.rows && c < self.cols, "({r}, {c}) is outside a {} x {} matrix", self.rows, self.cols);
        self.data[r * self.row_stride + c * self.col_stride]
    }

    /// The elements, row by row.
    pub fn to_vec(&self) -> Vec<T> {
        let row = |r| (0..self.cols).map(move |c| self.data[r * self.row_stride + c * self.col_stride]);
        (0..self.rows).flat_map(row).collect()
    }

    /// A pointer to the first element; element (r, c) is readable at offset `r · row_stride + c · col_stride`.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    /// Rows `from .. from + rows`, to split work among threads.
    pub(crate) fn some_rows(self, from: usize, rows: usize) -> Self {
        assert!(from + rows <= self.rows);
        let data = if rows == 0 || self.cols == 0 { self.data } else { &self.data[from * self.row_stride..] };
        MatRef { data, rows, ..self }
    }
}

impl<'a, T: Element> MatMut<'a, T> {
    /// A contiguous, row-major `rows × cols` matrix.
    ///
    /// # Errors
    /// [`Error::Length`] unless `data` has at least `rows · cols` elements.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self> {
        Self::with_stride(data, rows, cols, cols)
    }

    /// A `rows × cols` matrix whose rows begin `row_stride` elements apart.
    ///
    /// # Errors
    /// [`Error::Length`] if an element would be outside `data`, or if rows would overlap.
    pub fn with_stride(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Result<Self> {
        check(data.len(), rows, cols, row_stride, 1)?;
        if rows > 1 && row_stride < cols {
            let expected = format!("a row stride of at least {cols}, not {row_stride}: rows would overlap");
            return Err(Error::Length { what: "the matrix buffer", found: data.len(), expected });
        }
        Ok(MatMut { data, rows, cols, row_stride: row_stride.max(cols) })
    }

    /// Rows, `row_stride` apart, of a buffer that is known to hold them.
    pub(crate) fn of_rows(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(row_stride >= cols && is_within(data.len(), rows, cols, row_stride, 1));
        MatMut { data, rows, cols, row_stride }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from one row to the next.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// The same matrix, to read.
    pub fn as_ref(&self) -> MatRef<'_, T> {
        MatRef { data: self.data, rows: self.rows, cols: self.cols, row_stride: self.row_stride, col_stride: 1 }
    }

    /// Row `r`.
    ///
    /// # Panics
    /// If `r` is out of range.
    pub fn row_mut(&mut self, r: usize) -> &mut [T] {
        assert!(r < self.rows, "row {r} is outside a matrix of {} rows", self.rows);
        if self.cols == 0 { &mut [] } else { &mut self.data[r * self.row_stride..][..self.cols] }
    }

    /// Sets the element in row `r` and column `c`.
    ///
    /// # Panics
    /// If `r` or `c` is out of range.
    pub fn set(&mut self, r: usize, c: usize, value: T) {
        self.row_mut(r)[c] = value;
    }

    /// Reborrows the view for a shorter lifetime.
    pub fn reborrow(&mut self) -> MatMut<'_, T> {
        MatMut { data: self.data, ..*self }
    }

    /// The rows before `row` and the rest, as two matrices.
    pub(crate) fn split_rows(self, row: usize) -> (MatMut<'a, T>, MatMut<'a, T>) {
        assert!(row <= self.rows);
        let at = if self.cols == 0 { 0 } else { (row * self.row_stride).min(self.data.len()) };
        let (upper, lower) = self.data.split_at_mut(at);
        let view = |data, rows| MatMut { data, rows, cols: self.cols, row_stride: self.row_stride };
        (view(upper, row), view(lower, self.rows - row))
    }

    /// The buffer from the first element to the last. Gaps between rows are not part of the matrix.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.rows == 0 || self.cols == 0 {
            return &mut [];
        }
        &mut self.data[..(self.rows - 1) * self.row_stride + self.cols]
    }

    /// A pointer to the first element; `cols` elements are writable from each offset `r · row_stride`.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_do_not_fit_are_refused() {
        let mut data = [0.0f32; 12];
        assert!(MatRef::new(&data, 3, 4).is_ok());
        assert!(MatRef::new(&data, 3, 5).is_err());
        assert!(MatRef::new(&data, 0, usize::MAX).is_ok());
        assert!(MatRef::with_strides(&data, 3, 4, usize::MAX, 1).is_err());
        assert!(MatRef::with_strides(&data, 2, 2, 10, 1).is_ok());
        assert!(MatRef::with_strides(&data, 2, 3, 10, 1).is_err());
        assert!(MatRef::with_strides(&data, 100, 12, 0, 1).is_ok());
        assert!(MatMut::with_stride(&mut data, 2, 4, 3).is_err());
        assert!(MatMut::with_stride(&mut data, 1, 4, 0).is_ok());
        assert!(MatMut::with_stride(&mut data, 3, 4, 5).is_err());
    }

    #[test]
    fn what_is_outside_a_view_panics() {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let panics = |f: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(f)).is_err();
        let (data, mut to) = ([0.0f32; 12], [0.0f32; 12]);
        // Within the buffer, all of them.
        let m = MatRef::new(&data, 2, 4).unwrap();
        assert!(panics(&mut || _ = m.get(2, 0)) && panics(&mut || _ = m.get(0, 4)));
        assert!(panics(&mut || _ = m.some_rows(1, 2)) && panics(&mut || _ = m.some_rows(3, 0)));
        assert!(panics(&mut || _ = MatMut::new(&mut to, 2, 4).unwrap().row_mut(2)));
        // Rows that overlap, or are not there.
        assert!(panics(&mut || _ = MatMut::of_rows(&mut to, 3, 4, 3)));
        assert!(panics(&mut || _ = MatMut::of_rows(&mut to, 3, 4, 5)));
        assert!(panics(&mut || _ = MatRef::of_rows(&data, 3, 4, 5)));
    }

    #[test]
    fn an_empty_view_has_no_elements() {
        let mut data = [0.0f64; 12];
        // Rows 9 apart: the third would begin behind the buffer.
        for (rows, cols) in [(0, 4), (3, 0)] {
            assert!(MatMut::with_stride(&mut data, rows, cols, 9).unwrap().as_mut_slice().is_empty());
        }
        for (rows, cols, from, some) in [(2, 3, 2, 0), (3, 0, 2, 1)] {
            let m = MatRef::with_strides(&data, rows, cols, 9, 1).unwrap();
            assert!(m.some_rows(from, some).to_vec().is_empty());
        }
    }

    #[test]
    fn the_transpose_has_the_same_elements() {
        let data: Vec<f64> = (0..12).map(f64::from).collect();
        let m = MatRef::new(&data, 3, 4).unwrap();
        assert_eq!(m.t().to_vec(), [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
        assert_eq!(m.get(2, 1), m.t().get(1, 2));
    }
}
