//! Rows by id: the embedding lookup itself.

use crate::checked::Indices;
use crate::ops::lookup::Lookup;
use crate::row::{with_rows, Row};
use crate::simd::{dispatch, for_each_row, Isa, Simd};
use crate::table::{Rows, Table};
use crate::tuning::{lookup_plan, Plan};
use std::ops::Range;

/// Looks rows up.
///
/// ```text
/// table [V, D], ids [n] -> out [n, cols.len()]
/// out[r] = table[ids[r]][cols]
/// ```
/// Rows of f32 are copied bit for bit. `out` is wholly written.
///
/// # Panics
/// When `ids` were proven against more rows than the table has, `cols` are not columns of the table, or `out`
/// has another length.
pub fn gather(isa: Isa, table: Table<'_>, ids: Indices<'_>, cols: Range<usize>, out: &mut [f32]) {
    let width = cols.len();
    assert!(
        cols.start <= cols.end && cols.end <= table.dim(),
        "columns {cols:?} of {}",
        table.dim()
    );
    assert_eq!(
        ids.len() * width,
        out.len(),
        "{} rows of {width} columns do not fit the output",
        ids.len()
    );
    if out.is_empty() {
        return;
    }
    let Plan { ahead, streamed } = lookup_plan(ids.len(), table.bytes(), table.row_bytes(), size_of_val(out));
    dispatch!(isa, simd => with_rows!(table, rows => {
        gather_rows(simd, Lookup::new(rows, ids, ahead), cols, streamed, out)
    }))
}

/// A row that is not streamed is copied the way its storage type knows best.
#[inline(always)]
pub(crate) fn gather_rows<'a, S: Simd, R: Row<'a>>(
    simd: S,
    rows: Lookup<'a, '_, R>,
    cols: Range<usize>,
    streamed: bool,
    out: &mut [f32],
) {
    if S::STREAMS && streamed {
        return for_each_row(
            simd,
            streamed,
            cols.len(),
            out,
            #[inline(always)]
            |r| rows.open(simd, r).cols(cols.clone()),
            #[inline(always)]
            |row, c, n| row.load(simd, c, n),
        );
    }
    // Two loops: a test in one of them cost 3 to 10 % where nothing is asked for and rows are short.
    let width = cols.len();
    let split = rows.led().min(out.len() / width);
    let (led, last) = out.split_at_mut(split * width);
    for (r, out) in led.chunks_exact_mut(width).enumerate() {
        rows.ask(simd, r);
        rows.row(r).cols(cols.clone()).copy_to(simd, out);
    }
    let rest = rows.after(split);
    for (r, out) in last.chunks_exact_mut(width).enumerate() {
        rest.row(r).cols(cols.clone()).copy_to(simd, out);
    }
}

/// Reads a part of a table as f32.
///
/// ```text
/// table [V, D], seen flat [V * D]: out = table[values]
/// ```
///
/// # Panics
/// When `values` is not a range of the table's values, or `out` has another length.
pub fn read(isa: Isa, table: Table<'_>, values: Range<usize>, out: &mut [f32]) {
    assert!(
        values.end <= table.rows() * table.dim(),
        "values {values:?} of {} rows of {}",
        table.rows(),
        table.dim()
    );
    assert_eq!(values.len(), out.len(), "values {values:?} do not fit the output");
    dispatch!(isa, simd => with_rows!(table, rows => read_rows(simd, rows, table.dim(), values.start, out)))
}

#[inline(always)]
fn read_rows<'a, S: Simd, R: Row<'a>>(simd: S, rows: Rows<'a, R>, dim: usize, first: usize, out: &mut [f32]) {
    let (mut row, mut col, mut out) = (first / dim, first % dim, out);
    while !out.is_empty() {
        let (part, rest) = out.split_at_mut(out.len().min(dim - col));
        rows.row(row).cols(col..col + part.len()).copy_to(simd, part);
        (row, col, out) = (row + 1, 0, rest);
    }
}
