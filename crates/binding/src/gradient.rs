//! Backward passes: the contributions of a call, added to the gradients of tables; and gradients as they are read.
//!
//! ```text
//! check lengths and ids (a bad one is a status);  the table is frozen: done
//! slots for all contributions, memory for new rows;  exhausted: a status, everything is as before
//! add the contributions, window by window, in parts for threads
//! ```

use crate::arrays::{pieces, At, Cut, FloatArray, IdArray, IntegersOut, OutArray, Proven};
use crate::environment::{Dropping, Environment, Training};
use crate::run::{expect_length, prove, Run};
use crate::status::{first, second, Failure, DONE, EXHAUSTED};
use std::ops::Range;
use tokenbed_core::ops::{self, Factor, Slot, Sums};
use tokenbed_core::{Gradient, Window};

/// Adds the rows of `grad` to the gradient of a table: row i is the contribution to row `ids[i]`. With `by_freq` it is
/// divided by the number of contributions to the row in this call.
pub fn backward(
    env: &mut Environment,
    table: f64,
    ids: impl IdArray,
    grad: impl FloatArray,
    by_freq: bool,
) -> Run {
    let (isa, threads) = (env.isa(), env.threads());
    let (table, training) = env.training(table)?;
    let (count, dim) = (ids.len(), table.dim());
    expect_length("gradOutput", grad.len(), count.checked_mul(dim))?;
    let mut ids = prove!(first, Proven::check(ids, isa, table.rows() as u64));
    let Some(training) = training else {
        return Ok(DONE);
    };
    let Some(counts) = assign_ids(training, &mut ids, by_freq) else {
        return Ok(EXHAUSTED);
    };
    let factor = counts.as_deref().map_or(Factor::One, Factor::PerCount);
    let cut = Cut {
        most_values: grad.most(),
        ..Cut::any(count, dim)
    };
    add(
        threads,
        &mut training.gradient,
        cut,
        grad,
        |grad, window, slots, sums| {
            let rows = grad.tile(window.elements(dim));
            ops::add_rows(isa, sums, slots, window.cols(), rows, factor)
        },
    );
    Ok(DONE)
}

/// Gradients of rows to which positions were added: `out` becomes the gradient of the rows, which is also the contribution
/// to the row of the position. Dropout is that of call number `call`. In place if `grad` is absent.
pub fn positions_backward(
    env: &mut Environment,
    op: f64,
    grad: Option<impl FloatArray>,
    seq: f64,
    positions: At<impl IdArray>,
    call: Option<u32>,
    mut out: impl OutArray,
) -> Run {
    let (isa, threads, op) = (env.isa(), env.threads(), env.positions(op)?);
    let (table, training) = env.training(op.table)?;
    let dim = table.dim();
    let values = grad.as_ref().map_or(out.len(), FloatArray::len);
    let read = grad.as_ref().map_or(0..0, FloatArray::address);
    out.expect(Some(values), &[read, positions.address()])?;
    let mut positions = prove!(first, positions.check(isa, table.rows()));
    let cut = Cut::any(values / dim, dim);
    if let Some(training) = training {
        if assign_positions(training, &mut positions, seq as usize, cut.rows).is_none() {
            return Ok(EXHAUSTED);
        }
    }
    let dropout = Dropping::in_call(op.dropping, call);
    if grad.is_some() || dropout.is_some() {
        let cut = Cut {
            most_values: grad.as_ref().map_or(usize::MAX, FloatArray::most),
            overwrite: grad.is_some(),
            ..cut.clone()
        };
        out.compute(env, cut, grad, |grad, window, out| {
            let values = window.elements(dim);
            if let Some(grad) = grad {
                out.values.copy_from_slice(grad.tile(values.clone()));
            }
            if let Some(dropout) = &dropout {
                ops::dropout(isa, dropout, values.start as u64, out.values);
            }
        });
    }
    if let Some(training) = env.training(op.table)?.1 {
        for window in cut.windows(out.most()) {
            out.edit(window.elements(dim), false, |rows| {
                let rows = &*rows;
                add_window(threads, &mut training.gradient, window, &|window, slots, sums| {
                    ops::add_rows(isa, sums, slots, window.cols(), rows, Factor::One)
                });
            });
        }
    }
    Ok(DONE)
}

/// Adds the rows of `grad` to the gradients of a layer: to those of the positions, then, times the scale of the layer, to
/// those of the tokens. Dropout is that of call number `call`.
pub fn embed_backward(
    env: &mut Environment,
    op: f64,
    ids: impl IdArray,
    seq: f64,
    positions: At<impl IdArray>,
    call: Option<u32>,
    grad: impl FloatArray,
) -> Run {
    let (isa, threads, op) = (env.isa(), env.threads(), env.embed(op)?);
    let token = env.table(op.table)?;
    let (count, dim) = (ids.len(), token.dim());
    expect_length("gradOutput", grad.len(), count.checked_mul(dim))?;
    let mut ids = prove!(first, Proven::check(ids, isa, token.rows() as u64));
    let table = op.positions.map(|table| env.table(table)).transpose()?;
    let mut positions = prove!(
        second,
        positions.check(isa, table.map_or(0, |table| table.rows()))
    );
    let (seq, shared) = (seq as usize, op.positions == Some(op.table));
    if shared {
        // Both parts have one gradient, to which each is added in turn: only their memory is reserved now.
        if let Some(both) = env.training(op.table)?.1 {
            let reserved = assign(both, 2 * count, false, |gradient, padding| {
                each_position(gradient, padding, &mut positions, seq, count)
                    && each_id(gradient, padding, &mut ids)
            });
            if reserved.is_none() {
                return Ok(EXHAUSTED);
            }
            both.gradient.cancel();
        }
    } else {
        let token = env.training(op.table)?.1;
        if token.is_some_and(|token| assign_ids(token, &mut ids, false).is_none()) {
            return Ok(EXHAUSTED);
        }
        let trains = op.positions.map(|table| env.training(table)).transpose()?;
        let position = trains.and_then(|(_, training)| training);
        if position.is_some_and(|at| assign_positions(at, &mut positions, seq, count).is_none()) {
            if let Some(token) = env.training(op.table)?.1 {
                token.gradient.cancel();
            }
            return Ok(EXHAUSTED);
        }
    }
    let dropout = Dropping::in_call(op.dropping, call);
    let cut = Cut {
        most_values: grad.most(),
        ..Cut::any(count, dim)
    };
    let scale = op.scale.map_or(Factor::One, Factor::Scale);
    for (table, factor, of_tokens) in [(op.positions, Factor::One, false), (Some(op.table), scale, true)] {
        let training = table.map(|table| env.training(table)).transpose()?;
        let Some(training) = training.and_then(|(_, training)| training) else {
            continue;
        };
        if shared {
            let assigned = match of_tokens {
                true => assign_ids(training, &mut ids, false).map(|_| ()),
                false => assign_positions(training, &mut positions, seq, count),
            };
            assert!(assigned.is_some(), "memory that was reserved");
        }
        let grad = grad.clone();
        add(
            threads,
            &mut training.gradient,
            cut.clone(),
            grad,
            |grad, window, slots, sums| {
                let Some(dropout) = &dropout else {
                    let rows = grad.tile(window.elements(dim));
                    return ops::add_rows(isa, sums, slots, window.cols(), rows, factor);
                };
                let mut dropped = [0.0; DROPPED];
                for part in Cut::any(window.rows, window.cols).windows(DROPPED) {
                    let values = part.elements(window.cols);
                    let dropped = &mut dropped[..values.len()];
                    let start = window.elements(dim).start + values.start;
                    dropped.copy_from_slice(grad.tile(start..start + values.len()));
                    ops::dropout(isa, dropout, start as u64, dropped);
                    let cols =
                        window.first_col + part.first_col..window.first_col + part.first_col + part.cols;
                    ops::add_rows(isa, sums, &slots[part.rows()], cols, dropped, factor);
                }
            },
        );
    }
    Ok(DONE)
}

/// The values to which dropout is applied at once.
const DROPPED: usize = 1 << 12;

/// Assigns slots to contributions to the rows `ids`, as [`assign`].
pub(crate) fn assign_ids(
    training: &mut Training,
    ids: &mut Proven<impl IdArray>,
    counted: bool,
) -> Option<Option<Vec<u32>>> {
    assign(training, ids.len(), counted, |gradient, padding| {
        each_id(gradient, padding, ids)
    })
}

fn each_id(gradient: &mut Gradient, padding: Option<usize>, ids: &mut Proven<impl IdArray>) -> bool {
    pieces(0..ids.len(), ids.most()).all(|part| {
        let ids = ids.tile(part);
        gradient.assign((0..ids.len()).map(|i| ids.get(i)), padding)
    })
}

/// Assigns slots to contributions to the positions of `rows` rows, as [`assign`].
fn assign_positions(
    training: &mut Training,
    positions: &mut At<Proven<impl IdArray>>,
    seq: usize,
    rows: usize,
) -> Option<()> {
    let assigned = assign(training, rows, false, |gradient, padding| {
        each_position(gradient, padding, positions, seq, rows)
    });
    assigned.map(|_| ())
}

fn each_position(
    gradient: &mut Gradient,
    padding: Option<usize>,
    positions: &mut At<Proven<impl IdArray>>,
    seq: usize,
    rows: usize,
) -> bool {
    let cut = Cut {
        most_rows: positions.most_rows(),
        period: positions.period(),
        ..Cut::any(rows, 1)
    };
    cut.windows(usize::MAX).all(|window| {
        let positions = positions.rows(&window, seq);
        gradient.assign(window.rows().map(|r| positions.row(r)), padding)
    })
}

/// Assigns slots to the contributions of a call with `each`, and reserves memory for them. The result has the number of
/// contributions to each slot if they are `counted`. `None` if memory is exhausted: then nothing has changed.
pub(crate) fn assign(
    Training { padding, gradient }: &mut Training,
    contributions: usize,
    counted: bool,
    each: impl FnOnce(&mut Gradient, Option<usize>) -> bool,
) -> Option<Option<Vec<u32>>> {
    let assigned = gradient.begin(contributions) && each(gradient, *padding);
    let counts = match assigned && counted {
        true => gradient.counts().map(Some),
        false => assigned.then_some(None),
    };
    let counts = counts.filter(|_| gradient.commit());
    if counts.is_none() {
        gradient.cancel();
    }
    counts
}

/// Adds the contributions of the current call, `[rows, dim]`, with `work(inputs, window, slots of its rows, sums)`, where
/// the sums may be a part for one thread.
pub(crate) fn add<I: Clone + Sync>(
    threads: usize,
    gradient: &mut Gradient,
    cut: Cut,
    inputs: I,
    work: impl Fn(&mut I, Window, &[Slot], &mut Sums<'_>) + Sync,
) {
    for window in cut.windows(usize::MAX) {
        add_window(threads, gradient, window, &|window, slots, sums| {
            work(&mut inputs.clone(), window, slots, sums)
        });
    }
}

/// Adds the contributions of a window.
fn add_window(
    threads: usize,
    gradient: &mut Gradient,
    window: Window,
    work: &(dyn Fn(Window, &[Slot], &mut Sums<'_>) + Sync),
) {
    let parts = Parts {
        threads,
        slots: window.rows(),
        contributions: window.rows,
        cols: window.cols,
    };
    add_parts(gradient, parts, &mut (), &|(), slots, sums| {
        work(window, slots, sums)
    });
}

/// Contributions that are added in parts.
#[cfg_attr(target_family = "wasm", expect(dead_code, reason = "there is one thread"))]
pub(crate) struct Parts {
    /// The most threads.
    pub threads: usize,
    /// Their slots, of those of the call.
    pub slots: Range<usize>,
    /// Their number, which may exceed that of the slots.
    pub contributions: usize,
    /// Their columns.
    pub cols: usize,
}

/// The bytes of the shortest rows that several threads add. One thread assigns the slots, which takes as long as adding rows
/// of 170 bytes: two threads gain 1.2 at 256 bytes on a quiet machine (Zen 5), and lose as much on a busy one.
#[cfg(not(target_family = "wasm"))]
const LEAST_ROW_BYTES: usize = 512;

/// Adds contributions of the current call with `work(inputs, slots, sums)`, where the sums may be a part for one thread.
/// Tiles of inputs stay loaded from part to part.
pub(crate) fn add_parts<I: Clone + Sync>(
    gradient: &mut Gradient,
    parts: Parts,
    inputs: &mut I,
    work: &(dyn Fn(&mut I, &[Slot], &mut Sums<'_>) + Sync),
) {
    let (slots, mut sums) = gradient.call();
    let slots = &slots[parts.slots.clone()];
    #[cfg(not(target_family = "wasm"))]
    {
        let bytes = parts.cols * size_of::<f32>();
        let threads = match bytes < LEAST_ROW_BYTES {
            true => 1,
            false => crate::split::Parts::of(parts.threads, parts.contributions, bytes, 1).threads,
        };
        if threads > 1 {
            return crate::split::each(threads, sums.split(slots, threads), |mut sums| {
                work(&mut inputs.clone(), slots, &mut sums)
            });
        }
    }
    work(inputs, slots, &mut sums)
}

/// The gradient of a table that trains.
fn gradient(env: &mut Environment, table: f64) -> Result<Option<&mut Gradient>, Failure> {
    Ok(env.training(table)?.1.map(|training| &mut training.gradient))
}

/// The number of rows of the gradient; `None` if there is none.
pub fn count(env: &mut Environment, table: f64) -> Result<Option<f64>, Failure> {
    let gradient = gradient(env, table)?;
    Ok(gradient
        .and_then(|gradient| gradient.count())
        .map(|count| count as f64))
}

/// Bytes of memory of the gradient.
pub fn bytes(env: &mut Environment, table: f64) -> Result<f64, Failure> {
    Ok(gradient(env, table)?.map_or(0.0, |gradient| gradient.bytes() as f64))
}

/// Ends the gradient.
pub fn clear(env: &mut Environment, table: f64) -> Result<(), Failure> {
    if let Some(gradient) = gradient(env, table)? {
        gradient.clear();
    }
    Ok(())
}

/// The rows of the gradient, ascending.
pub fn rows(env: &mut Environment, table: f64, mut out: impl IntegersOut<u32>) -> Result<(), Failure> {
    let (most, len) = (out.most(), out.len());
    ordered(env, table, len, |gradient| {
        let order = gradient.order();
        for part in pieces(0..order.len(), most) {
            out.edit(part.clone(), |rows| {
                for (row, &slot) in rows.iter_mut().zip(&order[part]) {
                    *row = gradient.rows()[slot as usize];
                }
            });
        }
    })
}

/// The values of the gradient, `[count, dim]`, in ascending order of the rows.
pub fn values(env: &mut Environment, table: f64, mut out: impl OutArray) -> Result<(), Failure> {
    let len = out.len();
    ordered(env, table, len, |gradient| {
        let (order, dim) = (gradient.order(), gradient.dim());
        for window in Cut::any(order.len(), dim).windows(out.most()) {
            out.edit(window.elements(dim), true, |out| {
                for (row, &slot) in out.chunks_exact_mut(window.cols).zip(&order[window.rows()]) {
                    let start = slot as usize * dim + window.first_col;
                    row.copy_from_slice(&gradient.sums()[start..start + window.cols]);
                }
            });
        }
    })
}

fn ordered(
    env: &mut Environment,
    table: f64,
    len: usize,
    read: impl FnOnce(&Gradient),
) -> Result<(), Failure> {
    if let Some(gradient) = gradient(env, table)? {
        expect_length("out", len, Some(gradient.rows().len()))?;
        gradient.sort();
        read(gradient);
    }
    Ok(())
}
