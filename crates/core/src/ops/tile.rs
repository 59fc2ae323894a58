//! Rows decoded to f32 for the operations.
//!
//! Operations have no kernels for block types, and on some instruction sets none for other dtypes than f32. They decode
//! rows into their output, or into a tile on the stack that stays in the L1 cache, and run the same code as for a table
//! of f32.

use crate::row::{blocks, with_rows, Row};
use crate::simd::{dispatch, Isa};
use crate::table::Table;
use std::ops::Range;

/// Writes columns `cols` of row `row` of a table to `out`, as f32.
///
/// # Panics
/// If the table has no such row or columns, or `out` has another length.
#[inline(never)]
pub(crate) fn decode(isa: Isa, table: Table<'_>, row: usize, cols: Range<usize>, out: &mut [f32]) {
    match table.spec().block() {
        Some(block) => blocks::decode(block, table.row(row), cols, out),
        None => {
            dispatch!(isa, simd => with_rows!(table, rows => rows.row(row).cols(cols).copy_to(simd, out)))
        }
    }
}

/// Some rows as a table of f32.
pub(crate) struct Tile {
    values: [f32; Tile::LEN],
    rows: usize,
    cols: usize,
}

impl Tile {
    /// The most values: 16 KiB.
    const LEN: usize = 4096;

    /// The most columns, so that a tile of a wide table has several rows. Whole blocks of every type.
    pub const COLS: usize = 1024;

    /// The most rows.
    pub const ROWS: usize = 128;

    /// Runs `work` with a tile, in a stack frame of its own: that of other calls stays small.
    #[inline(never)]
    pub fn with<T>(work: impl FnOnce(&mut Tile) -> T) -> T {
        work(&mut Tile {
            values: [0.0; Tile::LEN],
            rows: 0,
            cols: 0,
        })
    }

    /// Removes all rows. The next ones have `cols` columns.
    pub fn clear(&mut self, cols: usize) {
        assert!(0 < cols && cols <= Tile::COLS, "columns that do not fit a tile");
        (self.rows, self.cols) = (0, cols);
    }

    /// Appends the columns from `col` on of row `row` of a table. The tile must not be full.
    pub fn push(&mut self, isa: Isa, table: Table<'_>, row: usize, col: usize) {
        let out = &mut self.values[self.rows * self.cols..][..self.cols];
        decode(isa, table, row, col..col + self.cols, out);
        self.rows += 1;
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no place for another row.
    pub fn is_full(&self) -> bool {
        self.rows == (Tile::LEN / self.cols).min(Tile::ROWS)
    }

    /// The rows.
    pub fn table(&self) -> Table<'_> {
        let values = &self.values[..self.rows * self.cols];
        // `expect` would print the error, which takes a kilobyte of WASM.
        Table::f32(self.rows, self.cols, values).unwrap_or_else(|_| unreachable!())
    }
}
