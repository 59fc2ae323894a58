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

#[inline(never)]
fn gather_into(exec: Exec, table: Table<'_>, ids: Indices<'_>, cols: Range<usize>, out: Output<'_>) {
    let (width, dim) = (cols.len(), table.dim());
    assert!(
        cols.start <= cols.end && cols.end <= dim,
        "columns outside the rows"
    );
    assert!(
        ids.len() * width == out.values.len(),
        "rows that do not fit the output"
    );
    if out.values.is_empty() {
        return;
    }
    let plan = exec.tuning.plan(ids.len(), &table.spec(), out.bytes);
    gather_rows(exec.isa, table, ids, cols, plan, out.values);
}

/// [`gather`] with a plan, into at least one value. More ids than rows may follow: their rows are prefetched, too.
#[inline(never)]
pub(crate) fn gather_rows(
    isa: Isa,
    table: Table<'_>,
    ids: Indices<'_>,
    cols: Range<usize>,
    plan: Plan,
    out: &mut [f32],
) {
    if is_decoded(isa, table.spec().dtype()) {
        for (r, out) in out.chunks_exact_mut(cols.len()).enumerate() {
            decode(isa, table, ids.get(r), cols.clone(), out);
        }
        return;
    }
    if !(plan.non_temporal && dispatch!(isa, simd => has_non_temporal(simd))) {
        // A separate function: in one function with the other loop, its values would not stay in registers.
        return dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
            copy_rows(simd, Lookup::new(simd, rows, ids, plan.prefetch), cols, out)
        }));
    }
    dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
        store_rows(simd, Lookup::new(simd, rows, ids, plan.prefetch), cols, out)
    }))
}

/// With non-temporal stores, if there are any.
#[inline(always)]
fn store_rows<'a, S: Simd, R: Stored<'a>>(
    simd: S,
    rows: Lookup<'a, '_, R>,
    cols: Range<usize>,
    out: &mut [f32],
) {
    if S::NON_TEMPORAL {
        for_each_row(
            simd,
            true,
            cols.len(),
            out,
            #[inline(always)]
            |r| rows.open(simd, r).cols(cols.clone()),
        );
    }
}

/// With ordinary stores. The dtype selects the fastest copy.
///
/// Only short rows are prefetched by loads: processors overlap longer copies anyway. With them WebAssembly took 0.9 times
/// as long at 256 bytes in 256 MiB, but 1.0 to 1.4 at 512 to 3072 bytes (Granite Rapids).
#[inline(always)]
fn copy_rows<'a, S: Simd, R: Stored<'a>>(
    simd: S,
    rows: Lookup<'a, '_, R>,
    cols: Range<usize>,
    out: &mut [f32],
) {
    // Two loops: with a test inside one loop, short rows without prefetch took 3 to 10 % longer.
    let width = cols.len();
    let split = match S::LOADS_AHEAD && width > 64 {
        true => 0,
        false => rows.prefetching().min(out.len() / width),
    };
    let (first, last) = out.split_at_mut(split * width);
    for (r, out) in first.chunks_exact_mut(width).enumerate() {
        rows.advance(simd, r);
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
#[inline(never)]
pub fn read(isa: Isa, table: Table<'_>, values: Range<usize>, out: &mut [f32]) {
    let spec = table.spec();
    assert!(values.end <= spec.values(), "values outside the table");
    assert!(values.len() == out.len(), "values that do not fit the output");
    let dim = spec.dim();
    let (mut row, mut col, mut out) = (values.start / dim, values.start % dim, out);
    while !out.is_empty() {
        let (part, rest) = out.split_at_mut(out.len().min(dim - col));
        decode(isa, table, row, col..col + part.len(), part);
        (row, col, out) = (row + 1, 0, rest);
    }
}
