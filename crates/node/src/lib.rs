//! tokenbed's kernels as a Node addon: free functions over handles, numbers and typed arrays.
//!
//! Each function is one sentence: find what the handles name, borrow the arrays, call the kernel, give back a
//! status (see [`tokenbed_core::host`]). What the functions mean is said once, in `ts/backend/backend.ts`;
//! its types are compared with the ones generated from here. There is no loop over elements in this crate.

mod borrow;
pub mod direct;
mod error;
mod pages;

use borrow::{Doubles, Floats, FloatsOut, Integers};
use error::export;
use napi::Env;
use napi_derive::napi;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokenbed_core::checked::{Bags, Indices, Offsets};
use tokenbed_core::host::{self, first, second, Failure, Host, Object, PositionArgs, DONE};
use tokenbed_core::ops::{self, Bag, Layer, Source};
use tokenbed_core::simd::{self, Isa};
use tokenbed_core::split::{self, by_bags, by_rows};
use tokenbed_core::storage::StoredTable;
use tokenbed_core::tuning::lines::PAIR;
use tokenbed_core::tuning::untouched;
use tokenbed_core::window::Window;

/// The instruction set in use, as its place in [`simd::available`]: one for the process, since tables are
/// compared bit for bit between threads anyway.
static LOWERED: AtomicU8 = AtomicU8::new(0);

fn isa_in_use() -> Isa {
    simd::available()[usize::from(LOWERED.load(Ordering::Relaxed))]
}

/// Runs `work` on what this environment owns: a worker's exit frees its tables.
fn with<T>(env: &Env, work: impl FnOnce(&mut Host, Isa) -> Result<T, Failure>) -> napi::Result<T> {
    export(env, || {
        borrow::with_instance_data(env, |host| work(host, isa_in_use()))
    })
}

/// Unwraps checked indices, or ends the function with the status of the bad entry.
macro_rules! checked {
    ($status:ident, $result:expr) => {
        match $result {
            Ok(indices) => indices,
            Err(position) => return Ok($status(position)),
        }
    };
}

fn check_optional<'a>(
    ids: &'a Option<Integers>,
    isa: Isa,
    bound: usize,
) -> Result<Option<(Indices<'a>, usize)>, usize> {
    ids.as_ref()
        .map(|ids| Ok((host::check(ids.ids(), isa, bound)?, 0)))
        .transpose()
}

/// The name of the instruction set in use.
#[napi]
pub fn isa() -> &'static str {
    isa_in_use().name()
}

/// Uses a lower instruction set from now on; false when `name` is unknown or not to be had here.
#[napi]
pub fn lower_isa(name: String) -> bool {
    let place = simd::available().iter().position(|isa| isa.name() == name);
    if let Some(place) = place {
        LOWERED.store(place as u8, Ordering::Relaxed);
    }
    place.is_some()
}

/// Sets how many threads a call of this environment may use, 0 for as many as the process has processors; says
/// what it became.
#[napi]
pub fn use_threads(env: Env, wanted: u32) -> napi::Result<u32> {
    with(&env, |host, _| {
        host.threads = split::threads(wanted as usize);
        Ok(host.threads as u32)
    })
}

/// Checks ids against a bound, writing nothing.
#[napi(
    ts_args_type = "ids: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array, bound: number"
)]
pub fn check_ids(env: Env, ids: Integers, bound: f64) -> napi::Result<f64> {
    with(&env, |_, isa| {
        checked!(first, host::check(ids.ids(), isa, bound as usize));
        Ok(DONE)
    })
}

/// A table of zeros in memory of Rust's own: its handle, or -1 when there is not enough memory.
#[napi]
pub fn table_allocate(env: Env, rows: f64, dim: f64) -> napi::Result<f64> {
    let handle = with(&env, |host, _| {
        let handle = host.allocate(rows, dim)?;
        if let Some(handle) = handle {
            let table = host.stored(handle)?;
            pages::prefer_large(table.address(), table.bytes());
        }
        Ok(handle)
    })?;
    if handle.is_some() {
        borrow::report_bytes(&env, (rows * dim * 4.0) as i64)?;
    }
    Ok(handle.unwrap_or(-1.0))
}

/// A table in memory that JavaScript allocated (a view of a SharedArrayBuffer) and keeps alive until `free`.
#[napi(ts_args_type = "memory: Float32Array, rows: number, dim: number")]
pub fn table_adopt(env: Env, memory: FloatsOut, rows: f64, dim: f64) -> napi::Result<f64> {
    let handle = with(&env, |host, _| {
        let (dtype, (start, len)) = (tokenbed_core::dtype::DType::F32, memory.bytes());
        // SAFETY: the memory of a SharedArrayBuffer never moves; backend/native.ts keeps the buffer until the
        // handle is freed, and writes to it only through this addon.
        #[expect(unsafe_code, reason = "adopting memory that JavaScript keeps")]
        let table = unsafe { StoredTable::adopt(dtype, rows as usize, dim as usize, start, len)? };
        pages::prefer_large(start.as_ptr(), len);
        host.keep(Object::Table(table))
    })?;
    // The engine does not count shared memory: forgotten tables would give it no reason to collect them.
    borrow::report_bytes(&env, (rows * dim * 4.0) as i64)?;
    Ok(handle)
}

/// How many bytes of `memory` come before the first pair of lines that begins in it.
#[napi(ts_args_type = "memory: Float32Array")]
pub fn before_lines(memory: FloatsOut) -> f64 {
    let (start, _) = memory.bytes();
    (start.as_ptr().addr().wrapping_neg() % PAIR) as f64
}

/// Forgets a handle and frees what Rust owned under it; an unknown handle is harmless.
#[napi]
pub fn free(env: Env, handle: f64) -> napi::Result<()> {
    let freed = with(&env, |host, _| Ok(host.free(handle)))?;
    match freed {
        Some(Object::Table(table)) => borrow::report_bytes(&env, -((table.rows() * table.dim() * 4) as i64)),
        _ => Ok(()),
    }
}

/// Asks for large pages under memory that the next result will fill and that nobody has written yet.
#[napi(ts_args_type = "memory: Float32Array")]
pub fn advise(env: Env, memory: FloatsOut) -> napi::Result<()> {
    export(&env, || {
        let (start, len) = memory.bytes();
        pages::prefer_large(start.as_ptr(), len);
        untouched(start.as_ptr().cast());
        Ok(())
    })
}

/// Zeroes memory that JavaScript cannot free and gives its whole pages back to the system.
#[napi(ts_args_type = "memory: Float32Array")]
pub fn release(env: Env, mut memory: FloatsOut) -> napi::Result<()> {
    export(&env, || {
        pages::give_back(memory.slice_mut());
        Ok(())
    })
}

/// The same memory seen as an ordinary buffer's, which JavaScript copies from faster than from a shared one.
#[napi(
    ts_args_type = "memory: Float32Array",
    ts_return_type = "Float32Array | undefined"
)]
pub fn alias(env: Env, memory: FloatsOut) -> Option<borrow::Raw> {
    memory.alias(&env)
}

/// Copies whole rows out of a table.
#[napi(ts_args_type = "table: number, row: number, out: Float32Array")]
pub fn table_read(env: Env, table: f64, row: f64, mut out: FloatsOut) -> napi::Result<()> {
    with(&env, |host, isa| {
        let (len, stored) = (out.len(), host.stored(table)?);
        let (table, span) = (stored.table(), host::span(stored, row, len)?);
        by_rows(host.threads, 1, out.first(len)?, |part, out| {
            let values = span.start + part.start..span.start + part.end;
            ops::read(isa, table, values, out);
        });
        Ok(())
    })
}

/// Copies whole rows into a table.
#[napi(ts_args_type = "table: number, row: number, values: Float32Array")]
pub fn table_write(env: Env, table: f64, row: f64, values: Floats) -> napi::Result<()> {
    with(&env, |host, _| {
        let (threads, values) = (host.threads, values.slice());
        let span = host::span(host.stored(table)?, row, values.len())?;
        by_rows(threads, 1, &mut host.values_mut(table)?[span], |part, out| {
            out.copy_from_slice(&values[part]);
        });
        Ok(())
    })
}

/// Fills a table from the uniform distribution.
#[napi]
pub fn table_uniform(
    env: Env,
    table: f64,
    seed_low: u32,
    seed_high: u32,
    stream: u32,
    bound: f64,
) -> napi::Result<()> {
    with(&env, |host, isa| {
        let draws = host::table_draws(seed_low, seed_high, stream);
        by_rows(host.threads, 1, host.values_mut(table)?, |part, out| {
            ops::init_uniform(isa, &draws, bound, part.start as u64, out);
        });
        Ok(())
    })
}

/// Fills a table from the normal distribution.
#[napi]
pub fn table_normal(
    env: Env,
    table: f64,
    seed_low: u32,
    seed_high: u32,
    stream: u32,
    std: f64,
) -> napi::Result<()> {
    with(&env, |host, isa| {
        let draws = host::table_draws(seed_low, seed_high, stream);
        by_rows(host.threads, 1, host.values_mut(table)?, |part, out| {
            ops::init_normal(isa, &draws, std, part.start as u64, out);
        });
        Ok(())
    })
}

/// Fills row p of a table with the sinusoidal encoding of position p.
#[napi]
pub fn table_sinusoid(env: Env, table: f64, sinusoid: f64) -> napi::Result<()> {
    with(&env, |host, isa| {
        let (threads, encoding) = (host.threads, Rc::clone(host.encoding(sinusoid)?));
        let (encoding, dim) = (&*encoding, encoding.dim());
        by_rows(threads, dim, host.values_mut(table)?, |rows, out| {
            ops::sinusoid_rows(isa, encoding, rows.start as u64, 0..dim, out);
        });
        Ok(())
    })
}

/// The frequencies of a sinusoidal encoding, kept under a handle.
#[napi]
pub fn sinusoid(env: Env, dim: f64, base: f64, halves: bool) -> napi::Result<f64> {
    with(&env, |host, _| host.sinusoid(dim, base, halves))
}

/// The angular frequencies, radians per position.
#[napi(ts_args_type = "sinusoid: number, out: Float64Array")]
pub fn sinusoid_frequencies(env: Env, sinusoid: f64, mut out: Doubles) -> napi::Result<()> {
    with(&env, |host, _| {
        let frequencies = host.encoding(sinusoid)?.frequencies();
        out.slice_mut()
            .iter_mut()
            .zip(frequencies)
            .for_each(|(to, from)| *to = from);
        Ok(())
    })
}

/// The encodings of any positions.
#[napi(
    ts_args_type = "sinusoid: number, positions: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array, out: Float32Array"
)]
pub fn sinusoid_encode(
    env: Env,
    sinusoid: f64,
    positions: Integers,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |host, isa| {
        let encoding = &**host.encoding(sinusoid)?;
        let positions = checked!(
            first,
            positions.ids().check(isa, 1 << 32).map_err(host::position_of)
        );
        let (threads, dim) = (host.threads, encoding.dim());
        let out = out.first(positions.len() * dim)?;
        by_rows(threads, dim, out, |rows, out| {
            ops::sinusoid_at(isa, encoding, positions.slice(rows), 0..dim, out);
        });
        Ok(DONE)
    })
}

/// Rows of a table, by id.
#[napi(
    ts_args_type = "table: number, ids: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array, out: Float32Array"
)]
pub fn gather(env: Env, table: f64, ids: Integers, mut out: FloatsOut) -> napi::Result<f64> {
    with(&env, |host, isa| {
        let (threads, table) = (host.threads, host.table(table)?);
        out.disjoint(&[ids.range()])?;
        let ids = checked!(first, host::check(ids.ids(), isa, table.rows()));
        let out = out.first(ids.len() * table.dim())?;
        by_rows(threads, table.dim(), out, |rows, out| {
            ops::gather(isa, table, ids.slice(rows), 0..table.dim(), out);
        });
        Ok(DONE)
    })
}

/// Token rows, scaled, with positions added and dropout applied: one pass over the output.
#[napi(
    ts_args_type = "table: number, ids: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array, scale: number, positions: number, start: number, seq: number, positionIds: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined, dropout: number, seedLow: number, seedHigh: number, call: number, out: Float32Array"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn layer(
    env: Env,
    table: f64,
    ids: Integers,
    scale: f64,
    positions: f64,
    start: f64,
    seq: f64,
    position_ids: Option<Integers>,
    dropout: f64,
    seed_low: u32,
    seed_high: u32,
    call: u32,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |host, isa| {
        let token = host.table(table)?;
        out.disjoint(&[ids.range()])?;
        position_ids
            .iter()
            .try_for_each(|ids| out.disjoint(&[ids.range()]))?;
        let ids = checked!(first, host::check(ids.ids(), isa, token.rows()));
        let positions = match positions >= 0.0 {
            true => {
                let bound = host.stored(positions)?.rows();
                let at = checked!(second, check_optional(&position_ids, isa, bound));
                Some(
                    PositionArgs {
                        table: positions,
                        start,
                        seq,
                    }
                    .resolve(host, at)?,
                )
            }
            false => None,
        };
        let layer = Layer {
            token,
            scale: (scale > 0.0).then_some(scale as f32),
            positions,
            dropout: host::dropout(dropout, seed_low, seed_high, call),
        };
        let window = Window::all(ids.len(), token.dim());
        by_rows(
            host.threads,
            window.cols,
            out.first(window.len())?,
            |rows, out| {
                ops::layer(isa, &layer, ids.slice(rows.clone()), window.slice(rows), out);
            },
        );
        Ok(DONE)
    })
}

/// Rows with positions added and dropout applied; without `x` in place.
#[napi(
    ts_args_type = "positions: number, rows: number, start: number, seq: number, positionIds: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined, dropout: number, seedLow: number, seedHigh: number, call: number, x: Float32Array | undefined, out: Float32Array"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn add(
    env: Env,
    positions: f64,
    rows: f64,
    start: f64,
    seq: f64,
    position_ids: Option<Integers>,
    dropout: f64,
    seed_low: u32,
    seed_high: u32,
    call: u32,
    x: Option<Floats>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |host, isa| {
        x.iter().try_for_each(|x| out.disjoint(&[x.range()]))?;
        position_ids
            .iter()
            .try_for_each(|ids| out.disjoint(&[ids.range()]))?;
        let (bound, dim) = (host.stored(positions)?.rows(), host.stored(positions)?.dim());
        let at = checked!(first, check_optional(&position_ids, isa, bound));
        let positions = PositionArgs {
            table: positions,
            start,
            seq,
        }
        .resolve(host, at)?;
        let window = Window::all(rows as usize, dim);
        let x = x.as_ref().map(|x| x.first("x", window.len())).transpose()?;
        let dropout = host::dropout(dropout, seed_low, seed_high, call);
        by_rows(host.threads, dim, out.first(window.len())?, |rows, out| {
            let x = x.map_or(Source::InPlace, |x| {
                Source::Slice(&x[rows.start * dim..rows.end * dim])
            });
            ops::add(isa, &positions, dropout.as_ref(), window.slice(rows), x, out);
        });
        Ok(DONE)
    })
}

/// Bags of rows: their sum, mean or maximum, column by column.
#[napi(
    ts_args_type = "table: number, mode: number, padding: number, ids: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array, bags: number, offsets: Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined, includeLastOffset: boolean, weights: Float32Array | undefined, out: Float32Array"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn bag(
    env: Env,
    table: f64,
    mode: u32,
    padding: f64,
    ids: Integers,
    bags: f64,
    offsets: Option<Integers>,
    include_last_offset: bool,
    weights: Option<Floats>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |host, isa| {
        let table = host.table(table)?;
        out.disjoint(&[ids.range()])?;
        offsets
            .iter()
            .try_for_each(|offsets| out.disjoint(&[offsets.range()]))?;
        weights
            .iter()
            .try_for_each(|weights| out.disjoint(&[weights.range()]))?;
        let count = ids.ids().len();
        let bags = match &offsets {
            Some(offsets) => {
                let offsets = Offsets::check(offsets.ids(), count, include_last_offset);
                Bags::Offsets(checked!(second, offsets.map_err(host::position_of)))
            }
            None => Bags::Equal {
                bags: bags as usize,
                len: count.checked_div(bags as usize).unwrap_or(0),
            },
        };
        let ids = checked!(first, host::check(ids.ids(), isa, table.rows()));
        let weights = weights
            .as_ref()
            .map(|weights| weights.first("weights", count))
            .transpose()?;
        let padding = (padding >= 0.0).then_some(padding as usize);
        let spec = Bag {
            table,
            mode: host::mode(mode),
            padding,
        };
        let out = out.first(bags.bags() * table.dim())?;
        by_bags(host.threads, &bags, table.dim(), out, |part, out| {
            let taken = bags.start(part.start)..bags.start(part.end);
            let weights = weights.map(|weights| &weights[taken.clone()]);
            ops::bag(isa, &spec, ids.slice(taken), &bags.slice(part), weights, out);
        });
        Ok(DONE)
    })
}

/// Panics: what a test build shows to be caught.
#[cfg(feature = "faults")]
#[napi(js_name = "__panic")]
pub fn panic_on_purpose(env: Env) -> napi::Result<()> {
    export(&env, || panic!("on purpose"))
}
