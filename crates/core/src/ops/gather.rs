//! The embedding lookup: rows by id.

use crate::indices::Indices;
use crate::ops::lookup::Lookup;
use crate::ops::rows::for_each_row;
use crate::ops::tile::decode;
use crate::output::Output;
use crate::row::{is_decoded, with_direct_rows, Stored};
use crate::simd::{dispatch, has_non_temporal, Isa, Simd};
use crate::table::Table;
use crate::tuning::{Exec, Plan};
use std::ops::Range;

/// Looks up rows.
///
/// ```text
/// table [V, D], ids [n] -> out [n, cols.len()]
/// out[r] = table[ids[r]][cols]
/// ```
/// Rows of f32 are copied bit for bit. Every value of `out` is written.
///
/// # Panics
/// If the bound of `ids` exceeds the number of rows in the table, `cols` are not columns of the table, or `out` has
/// another length.
pub fn gather<'o>(
    exec: impl Into<Exec>,
    table: Table<'_>,
    ids: Indices<'_>,
    cols: Range<usize>,
    out: impl Into<Output<'o>>,
) {
    gather_into(exec.into(), table, ids, cols, out.into())
}

fn gather_into(exec: Exec, table: Table<'_>, ids: Indices<'_>, cols: Range<usize>, out: Output<'_>) {
    let (width, dim) = (cols.len(), table.dim());
    assert!(
        cols.start <= cols.end && cols.end <= dim,
        "columns {cols:?} of {dim}"
    );
    assert_eq!(
        ids.len() * width,
        out.values.len(),
        "{} rows of {width} columns do not fit the output",
        ids.len()
    );
    if out.values.is_empty() {
        return;
    }
    if is_decoded(exec.isa, table.spec().dtype()) {
        for (r, out) in out.values.chunks_exact_mut(width).enumerate() {
            decode(exec.isa, table, ids.get(r), cols.clone(), out);
        }
        return;
    }
    let plan = exec.tuning.plan(ids.len(), &table.spec(), out.bytes);
    if !(plan.non_temporal && dispatch!(exec.isa, simd => has_non_temporal(simd))) {
        // A separate function: in one function with the other loop, its values would not stay in registers.
        return dispatch!(exec.isa, simd => with_direct_rows!(simd, table, rows => {
            copy_rows(simd, Lookup::new(rows, ids, plan.prefetch), cols, out.values)
        }));
    }
    dispatch!(exec.isa, simd => with_direct_rows!(simd, table, rows => {
        gather_rows(simd, Lookup::new(rows, ids, plan.prefetch), cols, plan, out.values)
    }))
}

/// Copies rows without computation. With ordinary stores, the dtype selects the fastest copy.
#[inline(always)]
pub(crate) fn gather_rows<'a, S: Simd, R: Stored<'a>>(
    simd: S,
    rows: Lookup<'a, '_, R>,
    cols: Range<usize>,
    plan: Plan,
    out: &mut [f32],
) {
    if S::NON_TEMPORAL && plan.non_temporal {
        return for_each_row(
            simd,
            plan.non_temporal,
            cols.len(),
            out,
            #[inline(always)]
            |r| rows.open(simd, r).cols(cols.clone()),
        );
    }
    copy_rows(simd, rows, cols, out);
}

#[inline(always)]
fn copy_rows<'a, S: Simd, R: Stored<'a>>(
    simd: S,
    rows: Lookup<'a, '_, R>,
    cols: Range<usize>,
    out: &mut [f32],
) {
    // Two loops: with a test inside one loop, short rows without prefetch took 3 to 10 % longer.
    let width = cols.len();
    let split = rows.prefetching().min(out.len() / width);
    let (first, last) = out.split_at_mut(split * width);
    for (r, out) in first.chunks_exact_mut(width).enumerate() {
        rows.prefetch(simd, r);
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
/// If `values` is not a range of the table's values, or `out` has another length.
pub fn read(isa: Isa, table: Table<'_>, values: Range<usize>, out: &mut [f32]) {
    let spec = table.spec();
    assert!(values.end <= spec.values(), "values {values:?} of {spec:?}");
    assert_eq!(values.len(), out.len(), "values {values:?} do not fit the output");
    let dim = spec.dim();
    let (mut row, mut col, mut out) = (values.start / dim, values.start % dim, out);
    while !out.is_empty() {
        let (part, rest) = out.split_at_mut(out.len().min(dim - col));
        decode(isa, table, row, col..col + part.len(), part);
        (row, col, out) = (row + 1, 0, rest);
    }
}
