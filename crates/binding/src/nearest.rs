//! Nearest rows and similarity: cuts a call into groups of queries, passes over the table, and parts of its rows.
//!
//! ```text
//! for a group of queries:                 their best rows fit the scratch area, and the queries a tile
//!     for a pass over the table:          one, unless the best rows of a single query do not fit
//!         heaps = their part of the result
//!         for a part of the rows, on any thread: offer them to heaps (those of other threads are merged at the end)
//!         sort the heaps
//! ```
//!
//! Nothing that is allocated grows with the table: other threads have heaps of a limited size, and with more best rows
//! per query the call runs on one thread.

use crate::ahead::Ahead;
use crate::arrays::{pieces, Cut, FloatArray, IntegersOut, OutArray};
use crate::environment::Environment;
use crate::status::Failure;
use std::ops::Range;
use tokenbed_core::ops::{self, Best, SIMILAR_ROWS};
use tokenbed_core::simd::dot::{sum, Lanes, ZERO};
use tokenbed_core::simd::{Isa, Scalar};
use tokenbed_core::Table;

/// The most queries in a group.
const GROUP: usize = 256;

/// The most best rows of a group, if a group has several queries or several threads: 128 KiB.
const HEAPS: usize = 1 << 14;

/// The columns of a part of a row that is too wide for a tile: a multiple of 16.
const PIECE: usize = 1024;

/// Finds the `k` best rows of a table for each query, `[q, k]` ids and scores.
pub fn nearest(
    env: &Environment,
    table: f64,
    mut queries: impl FloatArray,
    k: f64,
    cosine: bool,
    mut ids: impl IntegersOut<u32>,
    mut scores: impl OutArray,
) -> Result<(), Failure> {
    let (table, ahead, k) = (env.table(table)?, env.ahead(table)?, k as usize);
    let (dim, count) = (table.dim(), queries.len() / table.dim());
    if k == 0 || k > table.rows() {
        return Err(Failure::Short("table", table.rows(), k));
    }
    let needed = count.checked_mul(k);
    scores.expect(needed, &[queries.address(), ids.address()])?;
    ids.expect(needed, &[queries.address()])?;
    let most = scores.most().min(ids.most());
    let group = (most.min(HEAPS) / k).min(queries.most() / dim).clamp(1, GROUP);
    for first in (0..count).step_by(group) {
        let group = first..count.min(first + group);
        let mut last = None;
        for start in (0..k).step_by(most) {
            let k_here = most.min(k - start);
            let start = first * k + start;
            let places = start..start + group.len() * k_here;
            scores.edit(places.clone(), true, |scores| {
                ids.edit(places, |ids| {
                    let mut best = match last {
                        None => Best::new(k_here, scores, ids),
                        Some(last) => Best::after(last, scores, ids),
                    };
                    search(env, table, ahead, &mut queries, group.clone(), cosine, &mut best);
                    best.sort();
                    last = scores.last().copied().zip(ids.last().copied());
                })
            });
        }
    }
    Ok(())
}

/// Offers all rows to a group of queries.
fn search(
    env: &Environment,
    table: Table<'_>,
    ahead: Ahead<'_>,
    queries: &mut impl FloatArray,
    group: Range<usize>,
    cosine: bool,
    best: &mut Best<'_>,
) {
    let (isa, dim) = (env.isa(), table.dim());
    let mut norms = [0.0; GROUP];
    let norms = &mut norms[..group.len()];
    if ops::is_narrow(isa, table) && dim <= queries.most() {
        let queries = queries.tile(group.start * dim..group.end * dim);
        if cosine {
            ops::norms(isa, queries, dim, norms);
        }
        let norms = cosine.then_some(&*norms);
        return share(env, table, best, |best, rows| {
            for rows in ahead.pieces(rows) {
                ops::nearest(isa, table, rows, queries, norms, best)
            }
        });
    }
    if cosine {
        for (norm, query) in norms.iter_mut().zip(group.clone()) {
            let mut lanes = ZERO;
            for values in pieces(query * dim..(query + 1) * dim, PIECE) {
                let x = queries.tile(values);
                ops::extend_dot(isa, x, x, &mut lanes);
            }
            *norm = ops::norm(sum(Scalar, &lanes));
        }
    }
    let norms = cosine.then_some(&*norms);
    let queries = queries.clone();
    share(env, table, best, |best, rows| {
        for rows in ahead.pieces(rows) {
            search_wide(isa, table, rows, &mut queries.clone(), group.clone(), norms, best)
        }
    })
}

/// Offers rows that are multiplied in parts.
fn search_wide(
    isa: Isa,
    table: Table<'_>,
    rows: Range<usize>,
    queries: &mut impl FloatArray,
    group: Range<usize>,
    norms: Option<&[f32]>,
    best: &mut Best<'_>,
) {
    let dim = table.dim();
    let mut piece = [0.0; PIECE];
    for row in rows {
        let mut lanes = [ZERO; GROUP];
        let mut own = ZERO;
        for cols in pieces(0..dim, PIECE) {
            let (from, len) = (cols.start, cols.len());
            let x = &mut piece[..len];
            ops::read(isa, table, row * dim + from..row * dim + from + len, x);
            if norms.is_some() {
                ops::extend_dot(isa, x, x, &mut own);
            }
            for (lanes, query) in lanes.iter_mut().zip(group.clone()) {
                let start = query * dim + from;
                ops::extend_dot(isa, queries.tile(start..start + len), x, lanes);
            }
        }
        let norm = ops::norm(sum(Scalar, &own));
        for (query, lanes) in lanes[..group.len()].iter().enumerate() {
            let norms = norms.map(|norms| (norms[query], norm));
            best.offer(query, row as u32, &[ops::score(sum(Scalar, lanes), norms)]);
        }
    }
}

/// Offers all rows with `work(heaps, rows)`, on the threads of the environment.
#[cfg(not(target_family = "wasm"))]
fn share(
    env: &Environment,
    table: Table<'_>,
    best: &mut Best<'_>,
    work: impl Fn(&mut Best<'_>, Range<usize>) + Sync,
) {
    use crate::split::{by_parts, Parts};
    use tokenbed_core::ops::nearest::{BLOCK, QUERIES};
    let cost = table
        .spec()
        .packed_row_bytes()
        .saturating_mul(best.queries().div_ceil(QUERIES));
    let parts = Parts::of(env.threads(), table.rows(), cost, BLOCK);
    let len = best.len();
    let others = if len > HEAPS { 0 } else { parts.threads - 1 };
    let (mut scores, mut rows, mut heaps) = (Vec::new(), Vec::new(), Vec::new());
    let room = scores
        .try_reserve_exact(others * len)
        .and_then(|()| rows.try_reserve_exact(others * len));
    if others == 0 || room.and_then(|()| heaps.try_reserve_exact(others + 1)).is_err() {
        return work(best, 0..table.rows());
    }
    scores.resize(others * len, 0.0);
    rows.resize(others * len, 0);
    let memory = scores.chunks_exact_mut(len).zip(rows.chunks_exact_mut(len));
    heaps.extend(memory.map(|(scores, rows)| best.another(scores, rows)));
    heaps.push(best.reborrow());
    heaps.reverse();
    by_parts(parts, &mut heaps, work);
    let mut heaps = heaps.into_iter();
    if let Some(mut first) = heaps.next() {
        heaps.for_each(|other| first.merge(&other));
    }
}

#[cfg(target_family = "wasm")]
fn share(
    _: &Environment,
    table: Table<'_>,
    best: &mut Best<'_>,
    work: impl Fn(&mut Best<'_>, Range<usize>) + Sync,
) {
    work(best, 0..table.rows())
}

/// The cosine of every row of `a`, `[n, dim]`, with every row of `b`, `[m, dim]`: out `[n, m]`.
pub fn similarity(
    env: &Environment,
    a: impl FloatArray,
    b: impl FloatArray,
    dim: f64,
    mut out: impl OutArray,
) -> Result<(), Failure> {
    let (isa, dim) = (env.isa(), dim as usize);
    let (n, m) = (a.len() / dim, b.len() / dim);
    out.expect(n.checked_mul(m), &[a.address(), b.address()])?;
    // Rows of a tile; none if a row does not fit.
    let tall = a.most().min(b.most()) / dim;
    let cut = Cut {
        most_rows: tall.max(1),
        cost: (dim / 4).max(1),
        ..Cut::any(n, m)
    };
    out.compute(env, cut, (a, b), |(a, b), window, out| {
        let mut part = |rows: Range<usize>, cols: Range<usize>| {
            let start = (rows.start - window.first_row) * window.cols + cols.start - window.first_col;
            let out = &mut out.values[start..];
            if tall == 0 {
                out[0] = similarity_wide(isa, a, b, dim, rows.start, cols.start);
                return;
            }
            let a = a.tile(rows.start * dim..rows.end * dim);
            let b = b.tile(cols.start * dim..cols.end * dim);
            ops::similarity(isa, a, b, dim, out, window.cols);
        };
        for rows in pieces(window.rows(), tall.clamp(1, SIMILAR_ROWS)) {
            for cols in pieces(window.cols(), tall.max(1)) {
                part(rows.clone(), cols);
            }
        }
    });
    Ok(())
}

/// The cosine of row `i` of `a` and row `j` of `b`, multiplied in parts.
fn similarity_wide(
    isa: Isa,
    a: &mut impl FloatArray,
    b: &mut impl FloatArray,
    dim: usize,
    i: usize,
    j: usize,
) -> f32 {
    let [mut lanes, mut squares_a, mut squares_b]: [Lanes; 3] = [ZERO; 3];
    for cols in pieces(0..dim, PIECE) {
        let a = a.tile(i * dim + cols.start..i * dim + cols.end);
        let b = b.tile(j * dim + cols.start..j * dim + cols.end);
        ops::extend_dot(isa, a, a, &mut squares_a);
        ops::extend_dot(isa, b, b, &mut squares_b);
        ops::extend_dot(isa, a, b, &mut lanes);
    }
    let [dot, a, b] = [lanes, squares_a, squares_b].map(|lanes| sum(Scalar, &lanes));
    ops::score(dot, Some((ops::norm(a), ops::norm(b))))
}
