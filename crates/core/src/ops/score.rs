//! Scores: dot products of rows with rows of a table, and the gradient of the rows.
//!
//! ```text
//! out[b, j] = dot(x[b], row (b, j))
//! gradient of x[b] = +0, then for j ascending: f32(acc + f32(gradient of the score (b, j) * row (b, j)))
//! ```
//! Row (b, j) is one of all rows, of rows that all b share, or of rows for each b. The gradient with rows for each b is a sum
//! of bags with weights (`bag`), and that of the table is the backward pass of such bags (`bag_backward`).
//!
//! Shared rows are read in blocks that stay in the caches while all rows of `x` are multiplied with them. A few rows of the
//! table are multiplied at once, which hides the latency of the sums: each value of `x` is loaded once for all of them.

use crate::indices::Indices;
use crate::ops::bag::{extend, Bag, BagState, Mode};
use crate::ops::lookup::Lookup;
use crate::ops::mean_pool::Pool;
use crate::ops::nearest::{BLOCK, BLOCK_VALUES};
use crate::ops::tile::{for_each_tile, height, TILE_COLS};
use crate::row::{is_decoded, is_plain, with_direct_rows, Plain, Row, Stored};
use crate::simd::dot::{dots, sum, ZERO};
use crate::simd::{dispatch, Isa, Simd};
use crate::table::Table;
use crate::tuning::Exec;
use std::ops::Range;

/// The rows that are scored.
#[derive(Debug, Clone)]
pub enum Scored<'a> {
    /// These rows of the table, for all rows of `x`.
    All(Range<usize>),
    /// The rows of these ids, for all rows of `x`.
    Shared(Indices<'a>),
    /// The rows of equally many ids for each row of `x`.
    Each {
        /// The ids. More may follow: their rows are prefetched.
        ids: Indices<'a>,
        /// The number of ids for each row.
        len: usize,
    },
}

/// The rows of the table that are multiplied at once.
const GROUP: usize = 4;

/// Scores rows.
///
/// ```text
/// table [V, D], x [n, D], scored -> out[b * stride + j] = dot(x[b], row (b, j))
/// ```
///
/// # Panics
/// If lengths do not match each other or the table, or the table is not narrow (see [`is_narrow`](crate::ops::is_narrow)).
#[inline(never)]
pub fn score_rows(
    exec: Exec,
    table: Table<'_>,
    scored: Scored<'_>,
    x: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let (isa, dim) = (exec.isa, table.dim());
    let count = x.len() / dim;
    assert!(count * dim == x.len(), "rows of the width of the table");
    if count == 0 {
        return;
    }
    let decoded = is_decoded(isa, table.spec().dtype());
    match scored {
        Scored::All(rows) if !decoded => {
            let height = height(dim, BLOCK_VALUES, BLOCK);
            for first in rows.clone().step_by(height) {
                let block = first..rows.end.min(first + height);
                multiply(isa, table, block, x, &mut out[first - rows.start..], stride);
            }
        }
        Scored::All(rows) => for_each_tile(
            isa,
            table,
            0..dim,
            rows.len(),
            &|i| rows.start + i,
            &mut |tile, first| multiply(isa, tile, 0..tile.rows(), x, &mut out[first..], stride),
        ),
        Scored::Shared(ids) if count > 1 => for_each_tile(
            isa,
            table,
            0..dim,
            ids.len(),
            &|i| ids.get(i),
            &mut |tile, first| multiply(isa, tile, 0..tile.rows(), x, &mut out[first..], stride),
        ),
        Scored::Shared(ids) => score_each(exec, table, ids, ids.len(), x, out, stride),
        Scored::Each { ids, len } => score_each(exec, table, ids, len, x, out, stride),
    }
}

/// [`score_rows`] for the rows of `len` ids for each row of `x`.
fn score_each(
    exec: Exec,
    table: Table<'_>,
    ids: Indices<'_>,
    len: usize,
    x: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let (isa, dim) = (exec.isa, table.dim());
    assert!(x.len() / dim * len <= ids.len(), "ids for each row");
    if !is_decoded(isa, table.spec().dtype()) {
        let prefetch = exec.tuning.bag(table.spec().bytes(), table.spec().row_bytes());
        return dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
            multiply_each(simd, Lookup::new(simd, rows, ids, prefetch), len, x, out, stride)
        }));
    }
    for (b, x) in x.chunks_exact(dim).enumerate() {
        let row = |i| ids.get(b * len + i);
        for_each_tile(isa, table, 0..dim, len, &row, &mut |tile, first| {
            let out = &mut out[b * stride + first..];
            multiply(isa, tile, 0..tile.rows(), x, out, stride)
        })
    }
}

/// Multiplies rows of a table, which are in the caches or follow each other, with all rows of `x`.
#[inline(never)]
fn multiply(isa: Isa, table: Table<'_>, range: Range<usize>, x: &[f32], out: &mut [f32], stride: usize) {
    let dim = table.dim();
    dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
        for (b, x) in x.chunks_exact(dim).enumerate() {
            let out = &mut out[b * stride..][..range.len()];
            multiply_rows(simd, rows.dim(), Plain::of(x), |i| rows.row(range.start + i), out);
        }
    }))
}

/// Multiplies each row of `x` with the rows of its `len` ids.
#[inline(always)]
fn multiply_each<'t, S: Simd, R: Stored<'t>>(
    simd: S,
    rows: Lookup<'t, '_, R>,
    len: usize,
    x: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let dim = rows.dim();
    for (b, x) in x.chunks_exact(dim).enumerate() {
        let ids = b * len..(b + 1) * len;
        for i in ids.start..ids.end.min(rows.prefetching()) {
            rows.prefetch(simd, i);
        }
        let out = &mut out[b * stride..][..len];
        multiply_rows(simd, dim, Plain::of(x), |i| rows.row(ids.start + i), out);
    }
}

/// out[i] = dot(row(i), x)
#[inline(always)]
fn multiply_rows<S: Simd, R: Row>(
    simd: S,
    dim: usize,
    x: Plain<'_>,
    row: impl Fn(usize) -> R,
    out: &mut [f32],
) {
    let x = x.cols(0..dim); // so that the compiler knows the length
    for (group, out) in out.chunks_mut(GROUP).enumerate() {
        // A short group repeats its last row.
        let last = out.len() - 1;
        let rows: [R; GROUP] = std::array::from_fn(
            #[inline(always)]
            |p| row(group * GROUP + p.min(last)).cols(0..dim),
        );
        let mut lanes = [ZERO; GROUP];
        dots(
            simd,
            dim,
            &mut lanes,
            #[inline(always)]
            |p, col, n| (rows[p].load(simd, col, n), x.load(simd, col, n)),
        );
        for (out, lanes) in out.iter_mut().zip(&lanes) {
            *out = sum(simd, lanes);
        }
    }
}

/// Adds to columns `cols` of the gradient of `x`, from rows that all rows of `x` share.
///
/// ```text
/// grads[b * stride + j], table [V, D], scored -> out [n, cols.len()]
/// out[b] = f32(out[b] + f32(grads[b, j] * row j)), for j ascending
/// ```
///
/// # Panics
/// If lengths do not match each other or the table, or the rows are not shared.
#[inline(never)]
pub fn add_scored(
    exec: Exec,
    table: Table<'_>,
    scored: Scored<'_>,
    cols: Range<usize>,
    (grads, stride): (&[f32], usize),
    out: &mut [f32],
) {
    let width = cols.len();
    assert!(cols.end <= table.dim(), "columns outside the rows");
    // Columns `from` of a block of rows, which are columns `to` of the gradient.
    let mut add = |block: Table<'_>, first: usize, from: Range<usize>, to: Range<usize>| {
        let pool = Pool::from(&Bag {
            table: block,
            mode: Mode::Sum,
            padding: None,
        });
        let ids = Indices::first(block.rows());
        for (b, out) in out.chunks_exact_mut(width).enumerate() {
            let weights = &grads[b * stride + first..][..block.rows()];
            let (mut state, acc) = (BagState::continued(), &mut out[to.clone()]);
            extend(exec, &pool, ids, Some(weights), from.clone(), &mut state, acc);
        }
    };
    let (range, ids) = match scored {
        Scored::All(rows) if is_plain(table.spec().dtype()) => {
            let height = height(width, BLOCK_VALUES, BLOCK);
            for first in rows.clone().step_by(height) {
                let block = table.part(first..rows.end.min(first + height));
                add(block, first - rows.start, cols.clone(), 0..width);
            }
            return;
        }
        Scored::All(rows) => (rows, None),
        Scored::Shared(ids) => (0..ids.len(), Some(ids)),
        Scored::Each { .. } => panic!("rows for each row of x are bags"),
    };
    let row = |i| ids.map_or(range.start + i, |ids| ids.get(i));
    for start in (0..width).step_by(TILE_COLS) {
        let to = start..width.min(start + TILE_COLS);
        let read = cols.start + to.start..cols.start + to.end;
        for_each_tile(exec.isa, table, read, range.len(), &row, &mut |tile, first| {
            add(tile, first, 0..to.len(), to.clone())
        });
    }
}
