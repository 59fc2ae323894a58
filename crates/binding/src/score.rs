//! Scores: dot products of rows of the caller with rows of a table, and their backward pass.
//!
//! ```text
//! ids        absent: all rows of the table     per row: [n, k]     otherwise [k], for all rows of x
//! score      windows of the scores
//! backward   slots and memory for the contributions, unless the table is frozen
//!            add f32(gradScores[b, j] x[b]) to row (b, j), in parts for threads
//!            the gradient of x: sums of bags, or in windows from rows that all rows of x share
//! ```

use crate::ahead::Ahead;
use crate::arrays::{pieces, BagInputs, Cut, Cuts, FloatArray, IdArray, OutArray, Proven};
use crate::environment::Environment;
use crate::gradient::{add_parts, assign, assign_ids, Parts};
use crate::run::{expect_length, prove, Run};
use crate::status::{first, Failure, DONE, EXHAUSTED};
use std::ops::Range;
use tokenbed_core::ops::{self, Bag, BagFactors, BagSlots, Mode, Pool, Scored};
use tokenbed_core::simd::dot::{sum, ZERO};
use tokenbed_core::simd::{Isa, Scalar};
use tokenbed_core::{Table, Window};

/// The columns of a part of a row that is too wide for a tile: a multiple of 16.
pub(crate) const PIECE: usize = 1024;

/// The fewest rows of `x` for one thread, as it reads all rows that they share.
const LEAST_ROWS: usize = 16;

/// The values of the sums of a group of rows that stay in the caches: 64 KiB.
const GROUP_VALUES: usize = 1 << 14;

/// dot(row, x), multiplied in parts: `x` is the `dim` values from `start` on, divided by `divisor` if there is one.
pub(crate) fn dot_in_parts(
    isa: Isa,
    table: Table<'_>,
    row: usize,
    x: &mut impl FloatArray,
    start: usize,
    divisor: Option<f32>,
) -> f32 {
    let (dim, mut lanes) = (table.dim(), ZERO);
    for cols in pieces(0..dim, PIECE) {
        let (mut values, mut quotient) = ([0.0; PIECE], [0.0; PIECE]);
        let (values, quotient) = (&mut values[..cols.len()], &mut quotient[..cols.len()]);
        ops::read(isa, table, row * dim + cols.start..row * dim + cols.end, values);
        let mut x = x.tile(start + cols.start..start + cols.end);
        if let Some(divisor) = divisor {
            ops::divide(isa, x, divisor, quotient);
            x = quotient;
        }
        ops::extend_dot(isa, values, x, &mut lanes);
    }
    sum(Scalar, &lanes)
}

/// The number of rows of a call, and of scores for each.
fn sizes(
    table: Table<'_>,
    x: &impl FloatArray,
    ids: Option<&impl IdArray>,
    per_row: bool,
) -> Result<(usize, usize), Failure> {
    let rows = x.len() / table.dim();
    let len = ids.map_or(table.rows(), IdArray::len);
    if !per_row {
        return Ok((rows, len));
    }
    match len.checked_div(rows).unwrap_or(0) {
        k if k * rows == len => Ok((rows, k)),
        _ => Err(Failure::Argument("as many ids for each row")),
    }
}

/// The rows `part` of those that all rows of `x` share, in pieces: of a mapped table, what follows is requested.
fn shared<'a, I: IdArray>(
    ids: &'a mut Option<Proven<I>>,
    ahead: Ahead<'a>,
    part: Range<usize>,
    mut work: impl FnMut(Range<usize>, Scored<'_>),
) {
    match ids {
        Some(ids) => work(part.clone(), Scored::Shared(ids.tile(part))),
        None => {
            for rows in ahead.pieces(part) {
                work(rows.clone(), Scored::All(rows))
            }
        }
    }
}

/// out[b, j] = dot(x[b], row (b, j))
pub fn score_run(
    env: &Environment,
    table: f64,
    x: impl FloatArray,
    ids: Option<impl IdArray>,
    per_row: bool,
    mut out: impl OutArray,
) -> Run {
    let (exec, table, ahead) = (env.exec(), env.table(table)?, env.ahead(table)?);
    let (isa, dim) = (exec.isa, table.dim());
    let (rows, k) = sizes(table, &x, ids.as_ref(), per_row)?;
    let read = ids.as_ref().map_or(0..0, IdArray::address);
    out.expect(rows.checked_mul(k), &[x.address(), read])?;
    let ids = match ids {
        None => None,
        Some(ids) => Some(prove!(first, Proven::check(ids, isa, table.rows() as u64))),
    };
    let narrow = dim <= x.most() && ops::is_narrow(isa, table);
    let cut = Cut {
        most_rows: (x.most() / dim).max(1),
        most_values: ids.as_ref().map_or(usize::MAX, Proven::most),
        least_rows: if per_row { 1 } else { LEAST_ROWS },
        cost: (dim / 4).max(1),
        ..Cut::any(rows, k)
    };
    out.compute(env, cut, (x, ids), |(x, ids), window, out| {
        if window.is_empty() {
            return;
        }
        if !narrow {
            return score_wide(isa, table, x, ids, per_row, window, k, out.values);
        }
        let x = x.tile(window.first_row * dim..(window.first_row + window.rows) * dim);
        match ids {
            Some(ids) if per_row => {
                let (ids, len) = (ids.tile(window.elements(k)), window.cols);
                let scored = Scored::Each { ids, len };
                ops::score_rows(exec, table, scored, x, out.values, window.cols);
            }
            ids => shared(ids, ahead, window.cols(), |part, scored| {
                let out = &mut out.values[part.start - window.first_col..];
                ops::score_rows(exec, table, scored, x, out, window.cols);
            }),
        }
    });
    Ok(DONE)
}

/// Scores of rows that are multiplied in parts.
fn score_wide<I: IdArray>(
    isa: Isa,
    table: Table<'_>,
    x: &mut impl FloatArray,
    ids: &mut Option<Proven<I>>,
    per_row: bool,
    window: Window,
    k: usize,
    out: &mut [f32],
) {
    for (at, out) in window.elements(k).zip(out) {
        let (b, j) = (at / k, at % k);
        let entry = if per_row { at } else { j };
        let row = ids.as_mut().map_or(j, |ids| ids.tile(entry..entry + 1).get(0));
        *out = dot_in_parts(isa, table, row, x, b * table.dim(), None);
    }
}

/// The backward pass of scores: adds to the gradient of the table; `out` becomes the gradient of `x`. With `by_freq` a
/// contribution is divided by the number of contributions to its row in this call.
pub fn score_backward<I: IdArray>(
    env: &mut Environment,
    table: f64,
    x: impl FloatArray,
    ids: Option<I>,
    grads: impl FloatArray,
    per_row: bool,
    by_freq: bool,
    mut out: impl OutArray,
) -> Run {
    let (exec, threads, handle) = (env.exec(), env.threads(), table);
    let (table, training) = env.training(handle)?;
    let dim = table.dim();
    let (rows, k) = sizes(table, &x, ids.as_ref(), per_row)?;
    expect_length("gradScores", grads.len(), rows.checked_mul(k))?;
    let read = ids.as_ref().map_or(0..0, IdArray::address);
    out.expect(rows.checked_mul(dim), &[x.address(), read, grads.address()])?;
    let mut ids = match ids {
        None => None,
        Some(ids) => Some(prove!(first, Proven::check(ids, exec.isa, table.rows() as u64))),
    };
    let mut inputs = (x, grads);
    if let Some(training) = training {
        let too_many = rows.checked_mul(k).is_none_or(|all| all as u64 > 1 << 32);
        let assigned = match &mut ids {
            _ if too_many => None,
            _ if rows == 0 => assign(training, 0, false, |_, _| true),
            Some(ids) => assign_ids(training, ids, by_freq),
            None => assign(training, k, by_freq, |gradient, padding| {
                gradient.assign(0..k, padding)
            }),
        };
        let Some(mut counts) = assigned else {
            return Ok(EXHAUSTED);
        };
        if let (Some(counts), false) = (&mut counts, per_row) {
            ops::repeat_counts(counts, rows);
        }
        let most = inputs.1.most();
        let cut = Cut {
            most_rows: (most / k.max(1)).max(1),
            ..Cut::any(rows, dim)
        };
        // Ids may repeat; rows of the table do not.
        let group = match ids {
            None => (GROUP_VALUES / dim).max(1),
            Some(_) => usize::MAX,
        };
        for window in cut.windows(inputs.0.most()) {
            let (start, tall) = (window.first_row, window.rows);
            for part in pieces(0..k, most) {
                // A part of the scores is one of a single row.
                let grads = start * k + part.start..(start + tall - 1) * k + part.end;
                let parts = Parts {
                    threads,
                    slots: if per_row { grads.clone() } else { part.clone() },
                    contributions: grads.len(),
                    cols: window.cols,
                };
                add_parts(
                    &mut training.gradient,
                    parts,
                    &mut inputs,
                    &|inputs, slots, sums| {
                        let factors = BagFactors {
                            weights: Some(inputs.1.tile(grads.clone())),
                            counts: counts.as_deref(),
                            divisor: None,
                        };
                        let rows = inputs.0.tile(window.elements(dim));
                        let bags = BagSlots {
                            slots,
                            len: part.len(),
                            shared: (!per_row).then_some(start == 0),
                            group,
                        };
                        ops::add_bags(exec.isa, sums, bags, window.cols(), rows, factors)
                    },
                );
            }
        }
    }
    let (table, ahead, (_, grads)) = (env.table(handle)?, env.ahead(handle)?, inputs);
    if let (Some(ids), true) = (&ids, per_row) {
        let pool = Pool::from(&Bag {
            table,
            mode: Mode::Sum,
            padding: None,
        });
        let inputs = BagInputs {
            ids: ids.clone(),
            cuts: Cuts::<I>::Equal(rows),
            weights: Some(grads),
        };
        out.reduce(env, &pool, inputs);
        return Ok(DONE);
    }
    let most = ids.as_ref().map_or(usize::MAX, Proven::most).min(grads.most());
    let cut = Cut {
        most_rows: (most / k.max(1)).max(1),
        least_rows: LEAST_ROWS,
        cost: (k / 4).max(1),
        ..Cut::any(rows, dim)
    };
    out.compute(env, cut, (ids, grads), |(ids, grads), window, out| {
        if window.is_empty() {
            return;
        }
        out.values.fill(0.0);
        for part in pieces(0..k, most) {
            let start = window.first_row * k;
            let grads = grads.tile(start + part.start..start + (window.rows - 1) * k + part.end);
            shared(ids, ahead, part.clone(), |rows, scored| {
                let grads = (&grads[rows.start - part.start..], k);
                ops::add_scored(exec, table, scored, window.cols(), grads, out.values)
            });
        }
    });
    Ok(DONE)
}
