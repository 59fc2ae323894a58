//! One function per export, independent of the host. Each runs these steps:
//!
//! ```text
//! resolve the handles; check lengths and overlap (an error is a bug of the caller); check the ids (an error is a
//! status); compute the result window by window
//! ```

use crate::arrays::{pieces, At, BagInputs, ByteArray, Cut, Cuts, FloatArray, IdArray, OutArray, Proven};
use crate::environment::{Dropping, Environment};
use crate::status::{first, second, Failure, DONE};
use tokenbed_core::ops::{self, Bag, Embed, Layout, Pool, Positions, Rotary, Source, Tokens};
use tokenbed_core::rng::Draws;
use tokenbed_core::Window;

/// A status, or a bug of the caller.
pub(crate) type Run = Result<f64, Failure>;

/// Evaluates to the checked value, or returns the status of the bad entry from the function.
macro_rules! prove {
    ($status:ident, $result:expr) => {
        match $result {
            Ok(proven) => proven,
            Err(position) => return Ok($status(position)),
        }
    };
}
pub(crate) use prove;

/// Looks up rows of a table by id.
pub fn gather(env: &Environment, table: f64, ids: impl IdArray, mut out: impl OutArray) -> Run {
    let (exec, table) = (env.exec(), env.table(table)?);
    let cut = Cut::any(ids.len(), table.dim());
    out.expect(cut.rows.checked_mul(cut.dim), &[ids.address()])?;
    let ids = prove!(first, Proven::check(ids, exec.isa, table.rows() as u64));
    let cut = Cut {
        most_rows: ids.most(),
        ..cut
    };
    out.compute(env, cut, ids, |ids, window, out| {
        ops::gather(exec, table, ids.tile(window.rows()), window.cols(), out)
    });
    Ok(DONE)
}

/// Reduces bags of rows to their sum, mean or maximum, column by column.
pub fn bag_run<B: IdArray>(
    env: &Environment,
    op: f64,
    ids: impl IdArray,
    mut cuts: Cuts<B>,
    weights: Option<impl FloatArray>,
    mut out: impl OutArray,
) -> Run {
    let op = env.bag(op)?;
    if let Cuts::At { include_last, .. } = &mut cuts {
        *include_last = op.include_last;
    }
    let table = env.table(op.table)?;
    let read = weights.as_ref().map_or(0..0, FloatArray::address);
    let needed = cuts.bags().checked_mul(table.dim());
    out.expect(needed, &[ids.address(), cuts.address(), read])?;
    if let Some(weights) = &weights {
        expect_length("weights", weights.len(), Some(ids.len()))?;
    }
    prove!(second, cuts.check(ids.len()));
    let ids = prove!(first, Proven::check(ids, env.isa(), table.rows() as u64));
    let bag = Bag {
        table,
        mode: op.mode,
        padding: op.padding,
    };
    out.reduce(env, &Pool::from(&bag), BagInputs { ids, cuts, weights });
    Ok(DONE)
}

/// The mean of the rows of each text, divided by its norm if the operation has one. `F` is any kind of weights.
pub fn pool_run<F: FloatArray>(
    env: &Environment,
    op: f64,
    ids: impl IdArray,
    offsets: impl IdArray,
    texts: f64,
    mut out: impl OutArray,
) -> Run {
    let (isa, op, texts) = (env.isa(), env.pool(op)?, texts as usize);
    let (op, table) = (&*op, env.table(op.table)?);
    let dim = table.dim();
    expect_length("offsets", offsets.len(), texts.checked_add(1))?;
    out.expect(texts.checked_mul(dim), &[ids.address(), offsets.address()])?;
    let mut cuts = Cuts::At {
        offsets: offsets.first(texts + 1),
        include_last: false,
    };
    prove!(second, cuts.check(ids.len()));
    // The last offset, where no text begins.
    let count = cuts.range(texts, ids.len()).start;
    if let Cuts::At { include_last, .. } = &mut cuts {
        *include_last = true;
    }
    let ids = prove!(first, Proven::check(ids.first(count), isa, op.tokens as u64));
    let tokens = Tokens {
        rows: op.mapping.as_ref(),
        weights: op.weights.as_deref(),
        precise: op.precise.as_deref(),
        rounded: op.rounded,
    };
    let most = out.most();
    let norm = op.norm.filter(|_| dim <= most);
    let inputs = BagInputs {
        ids,
        cuts,
        weights: None::<F>,
    };
    out.reduce(env, &Pool::mean(table, tokens, norm), inputs);
    if let (Some(norm), None) = (op.norm, norm) {
        for row in pieces(0..texts * dim, dim) {
            ops::normalize_parts(isa, norm, dim, most, &mut |cols, work| {
                out.edit(row.start + cols.start..row.start + cols.end, false, work)
            });
        }
    }
    Ok(DONE)
}

/// Looks up token rows, scales them, adds positions and applies dropout in one pass over the output.
pub fn embed_run(
    env: &Environment,
    op: f64,
    ids: impl IdArray,
    seq: f64,
    positions: At<impl IdArray>,
    call: Option<u32>,
    mut out: impl OutArray,
) -> Run {
    let (exec, op) = (env.exec(), env.embed(op)?);
    let token = env.table(op.table)?;
    let cut = Cut::any(ids.len(), token.dim());
    out.expect(
        cut.rows.checked_mul(cut.dim),
        &[ids.address(), positions.address()],
    )?;
    let ids = prove!(first, Proven::check(ids, exec.isa, token.rows() as u64));
    let table = op.positions.map(|table| env.table(table)).transpose()?;
    let bound = table.map_or(0, |table| table.rows());
    let positions = prove!(second, positions.check(exec.isa, bound));
    let dropout = Dropping::in_call(op.dropping, call);
    let cut = Cut {
        most_rows: ids.most().min(positions.most_rows()),
        period: positions.period(),
        ..cut
    };
    out.compute(env, cut, (ids, positions), |(ids, positions), window, out| {
        let embed = Embed {
            token,
            scale: op.scale,
            positions: table.map(|table| Positions {
                table,
                rows: positions.rows(&window, seq as usize),
            }),
            dropout,
        };
        ops::embed(exec, &embed, ids.tile(window.rows()), window, out)
    });
    Ok(DONE)
}

/// Adds positions to rows and applies dropout, in place if `x` is absent.
pub fn positions_run(
    env: &Environment,
    op: f64,
    x: Option<impl FloatArray>,
    seq: f64,
    positions: At<impl IdArray>,
    call: Option<u32>,
    mut out: impl OutArray,
) -> Run {
    let (exec, op) = (env.exec(), env.positions(op)?);
    let table = env.table(op.table)?;
    let dim = table.dim();
    let values = x.as_ref().map_or(out.len(), FloatArray::len);
    let read = x.as_ref().map_or(0..0, FloatArray::address);
    out.expect(Some(values), &[read, positions.address()])?;
    let positions = prove!(first, positions.check(exec.isa, table.rows()));
    let dropout = Dropping::in_call(op.dropping, call);
    let cut = Cut {
        most_rows: positions.most_rows(),
        most_values: x.as_ref().map_or(usize::MAX, FloatArray::most),
        period: positions.period(),
        overwrite: x.is_some(),
        ..Cut::any(values / dim, dim)
    };
    out.compute(env, cut, (x, positions), |(x, positions), window, out| {
        let positions = Positions {
            table,
            rows: positions.rows(&window, seq as usize),
        };
        let source = match x {
            Some(x) => Source::Slice(x.tile(window.elements(dim))),
            None => Source::InPlace,
        };
        ops::add_positions(exec, &positions, dropout.as_ref(), window, source, out)
    });
    Ok(DONE)
}

/// Rotates rows by the angles of their positions, in place if `x` is absent. Heads share the positions of a sequence.
pub fn rotary_run(
    env: &Environment,
    op: f64,
    x: Option<impl FloatArray>,
    heads: f64,
    seq: f64,
    positions: At<impl IdArray>,
    inverse: bool,
    mut out: impl OutArray,
) -> Run {
    let (exec, op) = (env.exec(), env.rotary(op)?);
    let rotary = Rotary {
        turn: env.table(op.table)?,
        layout: op.layout,
        inverse,
        heads: (heads as usize).max(1),
        seq: (seq as usize).max(1),
    };
    let (dim, seq) = (op.dim, rotary.seq);
    let values = x.as_ref().map_or(out.len(), FloatArray::len);
    let read = x.as_ref().map_or(0..0, FloatArray::address);
    out.expect(Some(values), &[read, positions.address()])?;
    let mut positions = prove!(first, positions.check(exec.isa, rotary.turn.rows()));
    let most = x.as_ref().map_or(usize::MAX, FloatArray::most).min(out.most());
    if dim > most {
        rotate_wide(&rotary, &mut positions, dim, x, values / dim, &mut out);
        return Ok(DONE);
    }
    let cut = Cut {
        most_rows: positions.most_rows(),
        most_values: most,
        period: positions.period().map(|_| seq),
        overwrite: x.is_some(),
        ..Cut::any(values / dim, dim)
    };
    out.compute(env, cut, (x, positions), |(x, positions), window, out| {
        let place = rotary.place(window.first_row);
        let positions = positions.places(place..place + window.rows, seq);
        let source = match x {
            Some(x) => Source::Slice(x.tile(window.elements(dim))),
            None => Source::InPlace,
        };
        ops::rotate(exec, &rotary, positions, dim, window, source, out)
    });
    Ok(DONE)
}

/// Rotates rows that are longer than a tile: copies them, then rotates them in place, a few pairs at a time.
fn rotate_wide<P: IdArray>(
    rotary: &Rotary<'_>,
    positions: &mut At<Proven<P>>,
    dim: usize,
    mut x: Option<impl FloatArray>,
    rows: usize,
    out: &mut impl OutArray,
) {
    /// Pairs at a time.
    const PAIRS: usize = 512;
    let most = x.as_ref().map_or(usize::MAX, FloatArray::most).min(out.most());
    for window in Cut::any(rows, dim).windows(most) {
        if let Some(x) = &mut x {
            let values = window.elements(dim);
            out.edit(values.clone(), true, |out| out.copy_from_slice(x.tile(values)));
        }
    }
    let half = rotary.turn.dim() / 2;
    for row in 0..rows {
        let place = rotary.place(row);
        for first_pair in (0..half).step_by(PAIRS) {
            let n = PAIRS.min(half - first_pair);
            let positions = positions.places(place..place + 1, rotary.seq);
            let start = row * dim;
            match rotary.layout {
                Layout::Halves => {
                    let mut pairs = [[0.0; PAIRS]; 2];
                    let [a, b] = &mut pairs;
                    let places = [start + first_pair, start + half + first_pair];
                    out.edit(places[0]..places[0] + n, false, |out| a[..n].copy_from_slice(out));
                    out.edit(places[1]..places[1] + n, false, |out| b[..n].copy_from_slice(out));
                    ops::rotate_parts(rotary, positions, row, first_pair, &mut a[..n], &mut b[..n]);
                    out.edit(places[0]..places[0] + n, true, |out| out.copy_from_slice(&a[..n]));
                    out.edit(places[1]..places[1] + n, true, |out| out.copy_from_slice(&b[..n]));
                }
                Layout::Interleaved => {
                    let from = start + 2 * first_pair;
                    out.edit(from..from + 2 * n, false, |out| {
                        ops::rotate_part(rotary, positions, row, first_pair, out)
                    });
                }
            }
        }
    }
}

/// Computes the encodings of any positions.
pub fn sinusoid_encode(
    env: &Environment,
    sinusoid: f64,
    positions: impl IdArray,
    mut out: impl OutArray,
) -> Run {
    let (isa, encoding) = (env.isa(), env.sinusoid(sinusoid)?);
    let encoding = &*encoding;
    let cut = Cut::any(positions.len(), encoding.dim());
    out.expect(cut.rows.checked_mul(cut.dim), &[positions.address()])?;
    let positions = prove!(first, Proven::check(positions, isa, 1 << 32));
    let cut = Cut {
        most_rows: positions.most(),
        ..cut
    };
    out.compute(env, cut, positions, |positions, window, out| {
        let positions = positions.tile(window.rows());
        ops::sinusoid_at(isa, encoding, positions, window.cols(), out.values)
    });
    Ok(DONE)
}

/// The angular frequencies of an encoding, in radians per position.
pub fn sinusoid_frequencies(env: &Environment, sinusoid: f64) -> Result<Vec<f64>, Failure> {
    Ok(env.sinusoid(sinusoid)?.frequencies())
}

/// Copies whole rows out of a table, starting at row `row`.
pub fn table_read(env: &Environment, table: f64, row: f64, mut out: impl OutArray) -> Result<(), Failure> {
    let (isa, table) = (env.isa(), env.table(table)?);
    let (row, dim) = (row as usize, table.dim());
    let rows = out.len() / dim;
    expect_length("table", table.rows(), row.checked_add(rows))?;
    out.compute(env, Cut::any(rows, dim), (), |(), window, out| {
        let values = window.elements(dim);
        let from = row * dim + values.start;
        ops::read(isa, table, from..from + values.len(), out.values)
    });
    Ok(())
}

/// Stores values in whole rows of a table, starting at row `row`. The status is the first value that does not fit the
/// dtype.
pub fn table_write(env: &mut Environment, table: f64, row: f64, mut values: impl FloatArray) -> Run {
    let (threads, mut table) = (env.threads(), env.table_mut(table)?);
    let (row, dim) = (row as usize, table.spec().dim());
    expect_length("table", table.spec().rows(), Some(row))?;
    if let Some(stored) = table.values_mut(row) {
        expect_length("values of the table", stored.len(), Some(values.len()))?;
        values.copy_to(threads, &mut stored[..values.len()]);
        return Ok(DONE);
    }
    let rows = values.len() / dim;
    expect_length("table", table.spec().rows(), row.checked_add(rows))?;
    let stored = ops::store(&mut table, row..row + rows, true, &mut |r, col, out| {
        let start = r * dim + col;
        out.copy_from_slice(values.tile(start..start + out.len()))
    });
    Ok(env.stored(dim, stored))
}

/// Copies bytes into a table as they are, from its byte `offset` on.
pub fn table_bytes(
    env: &mut Environment,
    table: f64,
    offset: f64,
    mut bytes: impl ByteArray,
) -> Result<(), Failure> {
    let ((_, all), offset, len) = (env.table_bytes(table)?, offset as usize, bytes.len());
    expect_length("bytes of the table", all.len(), offset.checked_add(len))?;
    bytes.copy_to(&mut all[offset..offset + len]);
    Ok(())
}

/// Stores the values of table `from` in table `to`, which has the same shape. The status is the first value that does
/// not fit the dtype of `to`.
pub fn table_convert(env: &mut Environment, from: f64, to: f64) -> Run {
    let isa = env.isa();
    let (from, ahead, mut to) = env.tables(from, to)?;
    let (rows, dim) = (from.rows(), from.dim());
    if (to.spec().rows(), to.spec().dim()) != (rows, dim) {
        return Err(Failure::Argument("a table of the same shape"));
    }
    let same = to.spec().dtype() == from.spec().dtype();
    let mut stored = Ok(());
    for rows in ahead.pieces(0..rows) {
        if same {
            to.copy_rows(rows, from);
            continue;
        }
        let first = rows.start;
        stored = ops::store(&mut to, rows, false, &mut |row, col, out| {
            let start = (first + row) * dim + col;
            ops::read(isa, from, start..start + out.len(), out)
        });
        if let Err(misfit) = &mut stored {
            misfit.row += first;
            break;
        }
    }
    Ok(env.stored(dim, stored))
}

/// Fills a table from the uniform distribution on [-bound, bound), and row `padding` with zeros. A status, as of
/// `table_write`.
pub fn table_uniform(
    env: &mut Environment,
    table: f64,
    seed: u64,
    stream: u32,
    bound: f64,
    padding: Option<f64>,
) -> Run {
    let isa = env.isa();
    let draws = Draws {
        seed,
        stream,
        call: 0,
    };
    fill(env, table, padding, &|first, _, out| {
        ops::init_uniform(isa, &draws, bound, first, out)
    })
}

/// Fills a table from the normal distribution with standard deviation `std`, and row `padding` with zeros. A status,
/// as of `table_write`.
pub fn table_normal(
    env: &mut Environment,
    table: f64,
    seed: u64,
    stream: u32,
    std: f64,
    padding: Option<f64>,
) -> Run {
    let isa = env.isa();
    let draws = Draws {
        seed,
        stream,
        call: 0,
    };
    fill(env, table, padding, &|first, _, out| {
        ops::init_normal(isa, &draws, std, first, out)
    })
}

/// Fills row p of a table with the sinusoidal encoding of position p.
pub fn table_sinusoid(env: &mut Environment, table: f64, sinusoid: f64) -> Run {
    let (isa, encoding) = (env.isa(), env.sinusoid(sinusoid)?);
    let encoding = &*encoding;
    fill(env, table, None, &|_, window, out| {
        ops::sinusoid_rows(isa, encoding, window.first_row as u64, window.cols(), out)
    })
}

/// Fills a table with `work(flat index of the first value, window, values)`, in place if its values are aligned f32,
/// and row `padding` with zeros.
fn fill(
    env: &mut Environment,
    table: f64,
    padding: Option<f64>,
    work: &(dyn Fn(u64, Window, &mut [f32]) + Sync),
) -> Run {
    let (threads, mut table) = (env.threads(), env.table_mut(table)?);
    let (rows, dim) = (table.spec().rows(), table.spec().dim());
    let padding = padding.map(|row| row as usize).filter(|&row| row < rows);
    let all = Window::all(rows, dim);
    if let Some(values) = table.values_mut(0) {
        fill_values(threads, all, values, work);
        if let Some(row) = padding {
            values[row * dim..][..dim].fill(0.0);
        }
        return Ok(DONE);
    }
    let stored = ops::store(&mut table, 0..rows, false, &mut |row, col, out| {
        if padding == Some(row) {
            return out.fill(0.0);
        }
        let window = Window {
            first_row: row,
            rows: 1,
            first_col: col,
            cols: out.len(),
        };
        work(window.elements(dim).start as u64, window, out)
    });
    Ok(env.stored(dim, stored))
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn fill_values(
    threads: usize,
    all: Window,
    values: &mut [f32],
    work: &(dyn Fn(u64, Window, &mut [f32]) + Sync),
) {
    crate::split::by_rows(threads, all.cols, values, |rows, out| {
        let window = all.slice(rows);
        work(window.elements(all.cols).start as u64, window, out)
    });
}

#[cfg(target_family = "wasm")]
pub(crate) fn fill_values(
    _: usize,
    all: Window,
    values: &mut [f32],
    work: &(dyn Fn(u64, Window, &mut [f32]) + Sync),
) {
    work(0, all, values);
}

pub(crate) fn expect_length(what: &'static str, len: usize, needed: Option<usize>) -> Result<(), Failure> {
    match needed {
        Some(needed) if needed <= len => Ok(()),
        _ => Err(Failure::Short(what, len, needed.unwrap_or(usize::MAX))),
    }
}
