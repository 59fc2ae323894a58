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

/// The values at which a tile of several decoded rows ends: 16 KiB, which stay in the L1 cache.
const TILE_VALUES: usize = 4096;

/// The most rows of a tile.
const TILE_ROWS: usize = 64;

/// The columns of a wider row of which a tile has several. Whole blocks of every type.
pub(crate) const TILE_COLS: usize = 1024;

/// The widest rows that are decoded as a whole, 32 KiB.
pub(crate) const WIDEST: usize = 8192;

/// Calls `each(tile, first)` with columns `cols` of the rows `row(first)`, `row(first + 1)`, ... as a table of f32, until all
/// `count` rows have been in a tile.
///
/// # Panics
/// If there are more than [`WIDEST`] columns, or the table does not have them.
#[inline(never)]
pub(crate) fn for_each_tile(
    isa: Isa,
    table: Table<'_>,
    cols: Range<usize>,
    count: usize,
    row: &dyn Fn(usize) -> usize,
    each: &mut dyn FnMut(Table<'_>, usize),
) {
    assert!(cols.len() <= WIDEST, "rows wider than a tile");
    let mut tile = [0.0; WIDEST];
    let height = height(cols.len(), TILE_VALUES, TILE_ROWS);
    for first in (0..count).step_by(height) {
        let tile = &mut tile[..height.min(count - first) * cols.len()];
        for (i, out) in (first..).zip(tile.chunks_exact_mut(cols.len())) {
            decode(isa, table, row(i), cols.clone(), out);
        }
        each(plain_table(tile, cols.len()), first);
    }
}

/// The number of rows of `dim` values, at most `rows`, in a part of a table that ends at `values`.
pub(crate) fn height(dim: usize, values: usize, rows: usize) -> usize {
    (values / dim.max(1)).clamp(1, rows)
}

/// Rows of f32 values.
pub(crate) fn plain_table(values: &[f32], dim: usize) -> Table<'_> {
    let table = Table::f32(values.len() / dim, dim, values);
    // `expect` would print the error, which takes a kilobyte of WASM.
    table.unwrap_or_else(|_| panic!("values that are not whole rows"))
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

    /// The most columns, so that a tile of a wide table has several rows.
    pub const COLS: usize = TILE_COLS;

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
        plain_table(&self.values[..self.rows * self.cols], self.cols)
    }
}
