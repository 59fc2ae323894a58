//! Backward passes: the contributions of a call, added to the gradients of tables; and gradients as they are read.
//!
//! ```text
//! check lengths and ids (a bad one is a status);  the table is frozen: done
//! slots for all contributions, memory for new rows;  exhausted: a status, everything is as before
//! add the contributions, window by window, in parts for threads
//! ```

use crate::arrays::{pieces, Cut, FloatArray, IdArray, IntegersOut, OutArray, Proven};
use crate::environment::{Environment, Training};
use crate::run::{expect_length, prove, Run};
use crate::status::{first, Failure, DONE, EXHAUSTED};
use tokenbed_core::ops::{self, Gradient, Slot, Sums};
use tokenbed_core::Window;

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
    let Some(counts) = assign(training, &mut ids, by_freq) else {
        return Ok(EXHAUSTED);
    };
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
            ops::add_rows(isa, sums, slots, window.cols(), rows, counts.as_deref())
        },
    );
    Ok(DONE)
}

/// Assigns slots to contributions to the rows `ids`, and reserves memory for them. The result has the number of
/// contributions to each slot if they are wanted. `None` if memory is exhausted: then nothing has changed.
pub(crate) fn assign(
    training: &mut Training,
    ids: &mut Proven<impl IdArray>,
    counted: bool,
) -> Option<Option<Vec<u32>>> {
    let Training { padding, gradient } = training;
    let most = ids.most();
    let assigned = gradient.begin(ids.len())
        && pieces(0..ids.len(), most).all(|part| gradient.assign(ids.tile(part), *padding));
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

/// Adds the contributions of the current call, `[rows, dim]`, with `work(inputs, window, slots of its rows, sums)`.
#[cfg(target_family = "wasm")]
pub(crate) fn add<I>(
    _: usize,
    gradient: &mut Gradient,
    cut: Cut,
    mut inputs: I,
    work: impl Fn(&mut I, Window, &[Slot], &mut Sums<'_>),
) {
    for window in cut.windows(usize::MAX) {
        let (slots, mut sums) = gradient.call();
        work(&mut inputs, window, &slots[window.rows()], &mut sums);
    }
}

/// Adds the contributions of the current call, `[rows, dim]`, with `work(inputs, window, slots of its rows, sums)`, where
/// the sums are a part for one thread.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn add<I: Clone + Sync>(
    threads: usize,
    gradient: &mut Gradient,
    cut: Cut,
    inputs: I,
    work: impl Fn(&mut I, Window, &[Slot], &mut Sums<'_>) + Sync,
) {
    let (slots, mut sums) = gradient.call();
    let all = Window::all(cut.rows, cut.dim);
    let parts = crate::split::Parts::of(threads, cut.rows, cut.dim * cut.cost * size_of::<f32>(), 1);
    match parts.threads {
        1 => work(&mut inputs.clone(), all, slots, &mut sums),
        threads => crate::split::each(sums.split(slots, threads), |mut sums| {
            work(&mut inputs.clone(), all, slots, &mut sums)
        }),
    }
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

/// The rows of the gradient, ascending. Returns a status: memory may be exhausted.
pub fn rows(env: &mut Environment, table: f64, mut out: impl IntegersOut<u32>) -> Run {
    let (most, len) = (out.most(), out.len());
    ordered(env, table, len, |gradient, order| {
        for part in pieces(0..order.len(), most) {
            out.edit(part.clone(), |rows| {
                for (row, &slot) in rows.iter_mut().zip(&order[part]) {
                    *row = gradient.rows()[slot as usize];
                }
            });
        }
    })
}

/// The values of the gradient, `[count, dim]`, in ascending order of the rows. Returns a status, as `rows`.
pub fn values(env: &mut Environment, table: f64, mut out: impl OutArray) -> Run {
    let len = out.len();
    ordered(env, table, len, |gradient, order| {
        let dim = gradient.dim();
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

fn ordered(env: &mut Environment, table: f64, len: usize, read: impl FnOnce(&Gradient, &[u32])) -> Run {
    let Some(gradient) = gradient(env, table)? else {
        return Ok(DONE);
    };
    expect_length("out", len, Some(gradient.rows().len()))?;
    let Some(order) = gradient.order() else {
        return Ok(EXHAUSTED);
    };
    read(gradient, &order);
    Ok(DONE)
}
