//! Values into the rows of a table, converted to its dtype.
//!
//! ```text
//! for each row:  range of its values -> header (scale and bias, for a quantized dtype);  write header and values
//! ```

use crate::row::{with_stored, Stored, Unfit, ValueRange};
use crate::table::TableMut;
use std::ops::Range;

/// A value that does not fit the dtype of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misfit {
    /// Its row, counted from the first one of the call.
    pub row: usize,
    /// Its column.
    pub col: usize,
    /// The value.
    pub value: f64,
}

/// Values that are converted at once. A row of more values is loaded twice: for its range, and to be written.
const PIECE: usize = 1024;

/// Stores rows `rows` of a table. `load(r, col, values)` loads the values of row `rows.start + r` from column `col` on.
///
/// If `all_or_none`, all rows are checked before the first one is written. Otherwise the rows before a misfit may have
/// been written.
///
/// # Panics
/// If the rows are out of range.
#[inline(never)]
pub fn store(
    table: &mut TableMut<'_>,
    rows: Range<usize>,
    all_or_none: bool,
    load: &mut dyn FnMut(usize, usize, &mut [f32]),
) -> Result<(), Misfit> {
    let dtype = table.spec().dtype();
    with_stored!(dtype, R => store_rows::<R<'_>>(table, rows, all_or_none, load))
}

/// Stores zeros in all rows of a table whose bytes are zero: they are not the zeros of every dtype.
pub fn store_zeros(table: &mut TableMut<'_>) {
    if table.spec().rows() == 0 {
        return;
    }
    let stored = store(table, 0..1, false, &mut |_, _, values| values.fill(0.0));
    assert!(stored.is_ok(), "zeros fit every dtype");
    let stride = table.spec().row_bytes();
    let (row, rest) = table.bytes_mut().split_at_mut(stride);
    if row.iter().any(|&byte| byte != 0) {
        rest.chunks_exact_mut(stride)
            .for_each(|other| other.copy_from_slice(row));
    }
}

fn store_rows<'a, R: Stored<'a>>(
    table: &mut TableMut<'_>,
    rows: Range<usize>,
    all_or_none: bool,
    load: &mut dyn FnMut(usize, usize, &mut [f32]),
) -> Result<(), Misfit> {
    let dim = table.spec().dim();
    let mut piece = [0.0; PIECE];
    let piece = &mut piece[..dim.min(PIECE)];
    if all_or_none && rows.len() > 1 {
        for r in 0..rows.len() {
            let range = range_of(r, dim, piece, load);
            R::header(&range).map_err(|unfit| misfit(unfit, r, dim, piece, load))?;
        }
    }
    for (r, row) in rows.enumerate() {
        let range = range_of(r, dim, piece, load);
        let header = R::header(&range).map_err(|unfit| misfit(unfit, r, dim, piece, load))?;
        let bytes = table.row_mut(row);
        for col in (0..dim).step_by(PIECE) {
            let values = &mut piece[..PIECE.min(dim - col)];
            if dim > PIECE {
                load(r, col, values);
            }
            R::write(header, values, col, bytes);
        }
    }
    Ok(())
}

/// The range of the values of a row. A row of at most `PIECE` values is in `piece` afterwards.
#[inline(never)]
fn range_of(
    row: usize,
    dim: usize,
    piece: &mut [f32],
    load: &mut dyn FnMut(usize, usize, &mut [f32]),
) -> ValueRange {
    let mut range = ValueRange::EMPTY;
    for col in (0..dim).step_by(PIECE) {
        let values = &mut piece[..PIECE.min(dim - col)];
        load(row, col, values);
        range = range.with(values);
    }
    range
}

/// The first value of a row that is `unfit`.
#[cold]
#[inline(never)]
fn misfit(
    unfit: Unfit,
    row: usize,
    dim: usize,
    piece: &mut [f32],
    load: &mut dyn FnMut(usize, usize, &mut [f32]),
) -> Misfit {
    for first in (0..dim).step_by(PIECE) {
        let values = &mut piece[..PIECE.min(dim - first)];
        load(row, first, values);
        if let Some(k) = values.iter().position(|&value| unfit.is(value)) {
            let (col, value) = (first + k, f64::from(values[k]));
            return Misfit { row, col, value };
        }
    }
    panic!("every value of the row fits")
}
