//! Rows of blocks, decoded to f32 for the operations.
//!
//! The block types have no kernels of their own. An operation decodes rows into its output, or into a tile on the stack
//! that stays in the L1 cache, and runs the same code as for a table of f32.

use crate::row::blocks;
use crate::table::Table;
use std::ops::Range;

/// Writes columns `cols` of row `row` of a table of blocks to `out`.
///
/// # Panics
/// If the table has no such row or columns, or `out` has another length.
pub(crate) fn decode(table: Table<'_>, row: usize, cols: Range<usize>, out: &mut [f32]) {
    match table.spec().block() {
        Some(block) => blocks::decode(block, table.row(row), cols, out),
        None => unreachable!(),
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

    pub fn new() -> Self {
        Tile {
            values: [0.0; Tile::LEN],
            rows: 0,
            cols: 0,
        }
    }

    /// Removes all rows. The next ones have `cols` columns.
    pub fn clear(&mut self, cols: usize) {
        assert!(0 < cols && cols <= Tile::COLS, "{cols} columns of a tile");
        (self.rows, self.cols) = (0, cols);
    }

    /// Appends the columns from `col` on of row `row` of a table of blocks. The tile must not be full.
    pub fn push(&mut self, table: Table<'_>, row: usize, col: usize) {
        let out = &mut self.values[self.rows * self.cols..][..self.cols];
        decode(table, row, col..col + self.cols, out);
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
