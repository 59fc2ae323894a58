//! The part of a result that one call computes.

use std::ops::Range;

/// Either whole rows (`first_col` is 0, `cols` the row's length) or a range of columns of a single row.
///
/// Both forms are contiguous in the result, so `out` holds exactly the window: `rows * cols` values, and the
/// elements of the window are `len()` successive elements of the result. On the native backend a window is the
/// whole result or the part of one thread. On WebAssembly a result passes through a scratch area of fixed size,
/// window by window. Lanes run along columns and no kernel mixes columns, so the windows do not affect the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row, counted in the whole result.
    pub first_row: usize,
    /// The number of rows.
    pub rows: usize,
    /// First column.
    pub first_col: usize,
    /// The number of columns.
    pub cols: usize,
}

impl Window {
    /// The whole of a `[rows, dim]` result.
    pub fn all(rows: usize, dim: usize) -> Self {
        Window {
            first_row: 0,
            rows,
            first_col: 0,
            cols: dim,
        }
    }

    /// A range of its rows, counted from the first one. Panics if the range is not inside the window.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.rows, "rows outside the window");
        Window {
            first_row: self.first_row + rows.start,
            rows: rows.len(),
            ..*self
        }
    }

    /// The rows of the window.
    pub fn rows(&self) -> Range<usize> {
        self.first_row..self.first_row + self.rows
    }

    /// The elements of the window in a result whose rows hold `dim` values.
    pub fn elements(&self, dim: usize) -> Range<usize> {
        let start = self.first_row * dim + self.first_col;
        start..start + self.len()
    }

    /// The columns of the window.
    pub fn cols(&self) -> Range<usize> {
        self.first_col..self.first_col + self.cols
    }

    /// The number of values in the window.
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Whether the window holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the window's first value in a result whose rows hold `dim` values.
    ///
    /// Panics if the window has neither form, or does not hold `len` values.
    pub(crate) fn first_element(&self, dim: usize, len: usize) -> u64 {
        let whole_rows = self.first_col == 0 && self.cols == dim;
        let one_row = self.rows <= 1 && self.first_col + self.cols <= dim;
        assert!(whole_rows || one_row, "neither whole rows nor a part of one row");
        assert!(
            self.len() == len,
            "a window that does not fit the length of an argument"
        );
        self.first_row as u64 * dim as u64 + self.first_col as u64
    }
}

/// Values in a block: 16 KiB, so that the second pass over it reads the L1 cache.
const BLOCK: usize = 4096;

/// Yields the whole window, or, if each value is processed `twice`, blocks of whole rows with about `BLOCK` values.
/// Each item has the start of the block in `out`, its window, and its part of `out`.
pub(crate) fn for_each_block(
    window: Window,
    twice: bool,
    out: &mut [f32],
    mut work: impl FnMut(usize, Window, &mut [f32]),
) {
    if out.is_empty() {
        return;
    }
    let rows = if twice {
        (BLOCK / window.cols).max(1)
    } else {
        window.rows
    };
    for (b, out) in out.chunks_mut(rows * window.cols).enumerate() {
        let block = Window {
            first_row: window.first_row + b * rows,
            rows: out.len() / window.cols,
            ..window
        };
        work(b * rows * window.cols, block, out);
    }
}
