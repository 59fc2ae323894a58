//! tokenbed's kernels as WebAssembly: free functions over handles, numbers and typed arrays.
//!
//! The functions are those of `crates/node`, name for name and argument for argument; what they mean is said
//! once, in `ts/backend/backend.ts`, and its types are compared with the ones generated from here. What differs
//! is the border: results are computed window by window (see [`borrow`]), so a call never grows the memory.

mod borrow;
mod heap;
mod ranges;

use borrow::{pieces, rows_of, size, values_of, windows, Floats, FloatsOut, Integers, Owned, IDS, SECOND};
use ranges::{BagRanges, PositionIds};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};
use tokenbed_core::host::{self, first, second, Failure, Host, PositionArgs, DONE};
use tokenbed_core::ops::{self, Bag, BagState, Layer, Source};
use tokenbed_core::simd::{self, Isa};
use wasm_bindgen::prelude::*;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// All tables and encodings of this instance.
static HOST: Owned<Host> = Owned::new(Host::new());

/// The instruction set in use, as its place in [`simd::available`].
static LOWERED: AtomicU8 = AtomicU8::new(0);

fn isa_in_use() -> Isa {
    simd::available()[usize::from(LOWERED.load(Ordering::Relaxed))]
}

/// Runs `work` on what this instance owns.
fn with<T>(work: impl FnOnce(&mut Host, Isa) -> Result<T, Failure>) -> Result<T, JsError> {
    HOST.lend(|host| Ok(work(host, isa_in_use())?))
}

/// Ends the function with the status of a bad entry, if there is one.
macro_rules! checked {
    ($status:ident, $result:expr) => {
        if let Err(position) = $result {
            return Ok($status(position));
        }
    };
}

/// Makes the instance ready: copies of arrays go through its memory, and a panic leaves its message behind.
#[wasm_bindgen(start)]
pub fn start() {
    borrow::attach(&wasm_bindgen::memory());
    std::panic::set_hook(Box::new(|panic| {
        PANIC.set(panic.payload_as_str().unwrap_or("panic").to_owned())
    }));
}

/// What the last panic said; empty when there was none.
#[wasm_bindgen(js_name = lastPanic)]
pub fn last_panic() -> String {
    PANIC.take()
}

/// The name of the instruction set in use.
#[wasm_bindgen]
pub fn isa() -> String {
    isa_in_use().name().to_owned()
}

/// Uses a lower instruction set from now on; false when `name` is unknown or not to be had here.
#[wasm_bindgen(js_name = lowerIsa)]
pub fn lower_isa(name: String) -> bool {
    let place = simd::available().iter().position(|isa| isa.name() == name);
    if let Some(place) = place {
        LOWERED.store(place as u8, Ordering::Relaxed);
    }
    place.is_some()
}

/// Checks ids against a bound, writing nothing.
#[wasm_bindgen(js_name = checkIds)]
pub fn check_ids(
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array"
    )]
    ids: &JsValue,
    bound: f64,
) -> Result<f64, JsError> {
    let mut ids = Integers::new(ids, &IDS)?;
    checked!(first, ids.check(isa_in_use(), bound as u64));
    Ok(DONE)
}

/// A table of zeros in linear memory: its handle, or -1 when there is not enough memory.
#[wasm_bindgen(js_name = tableAllocate)]
pub fn table_allocate(rows: f64, dim: f64) -> Result<f64, JsError> {
    with(|host, _| Ok(host.allocate(rows, dim)?.unwrap_or(-1.0)))
}

/// Where a table's first value lies in linear memory, in bytes.
#[wasm_bindgen(js_name = tableAddress)]
pub fn table_address(table: f64) -> Result<f64, JsError> {
    with(|host, _| Ok(host.stored(table)?.address() as usize as f64))
}

/// Forgets a handle and frees what it names; an unknown handle is harmless.
#[wasm_bindgen]
pub fn free(handle: f64) -> Result<(), JsError> {
    with(|host, _| {
        host.free(handle);
        Ok(())
    })
}

/// Copies whole rows out of a table.
#[wasm_bindgen(js_name = tableRead)]
pub fn table_read(
    table: f64,
    row: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<(), JsError> {
    with(|host, isa| {
        let table = host.stored(table)?;
        let mut out = FloatsOut::new(out, 0)?;
        let span = host::span(table, row, out.len())?;
        for window in windows(1, out.len(), 1, out.most()) {
            let from = span.start + window.first_col;
            let read = |out: &mut [f32]| ops::read(isa, table.table(), from..from + out.len(), out);
            out.tile(window.cols(), true, read);
        }
        Ok(())
    })
}

/// Copies whole rows into a table.
#[wasm_bindgen(js_name = tableWrite)]
pub fn table_write(
    table: f64,
    row: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] values: &JsValue,
) -> Result<(), JsError> {
    with(|host, _| {
        let values = Floats::new(values, "values", 0)?;
        let span = host::span(host.stored(table)?, row, values.len())?;
        values.copy_to(&mut host.values_mut(table)?[span]);
        Ok(())
    })
}

/// Fills a table from the uniform distribution.
#[wasm_bindgen(js_name = tableUniform)]
pub fn table_uniform(
    table: f64,
    seed_low: u32,
    seed_high: u32,
    stream: u32,
    bound: f64,
) -> Result<(), JsError> {
    with(|host, isa| {
        let draws = host::table_draws(seed_low, seed_high, stream);
        ops::init_uniform(isa, &draws, bound, 0, host.values_mut(table)?);
        Ok(())
    })
}

/// Fills a table from the normal distribution.
#[wasm_bindgen(js_name = tableNormal)]
pub fn table_normal(table: f64, seed_low: u32, seed_high: u32, stream: u32, std: f64) -> Result<(), JsError> {
    with(|host, isa| {
        let draws = host::table_draws(seed_low, seed_high, stream);
        ops::init_normal(isa, &draws, std, 0, host.values_mut(table)?);
        Ok(())
    })
}

/// Fills row p of a table with the sinusoidal encoding of position p.
#[wasm_bindgen(js_name = tableSinusoid)]
pub fn table_sinusoid(table: f64, sinusoid: f64) -> Result<(), JsError> {
    with(|host, isa| host.write_sinusoid(isa, table, sinusoid))
}

/// The frequencies of a sinusoidal encoding, kept under a handle.
#[wasm_bindgen]
pub fn sinusoid(dim: f64, base: f64, halves: bool) -> Result<f64, JsError> {
    with(|host, _| host.sinusoid(dim, base, halves))
}

/// The angular frequencies, radians per position.
#[wasm_bindgen(js_name = sinusoidFrequencies)]
pub fn sinusoid_frequencies(
    sinusoid: f64,
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] out: &JsValue,
) -> Result<(), JsError> {
    with(|host, _| borrow::write_doubles(out, host.encoding(sinusoid)?.frequencies()))
}

/// The encodings of any positions.
#[wasm_bindgen(js_name = sinusoidEncode)]
pub fn sinusoid_encode(
    sinusoid: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array"
    )]
    positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<f64, JsError> {
    with(|host, isa| {
        const BOUND: u64 = 1 << 32;
        let encoding = host.encoding(sinusoid)?;
        let mut positions = Integers::new(positions, &IDS)?;
        let mut out = FloatsOut::new(out, size(positions.len(), encoding.dim())?)?;
        out.disjoint(&positions)?;
        checked!(first, positions.check(isa, BOUND));
        for window in windows(positions.len(), encoding.dim(), positions.most(), out.most()) {
            let positions = positions.checked(isa, BOUND, rows_of(&window));
            let encode = |out: &mut [f32]| ops::sinusoid_at(isa, encoding, positions, window.cols(), out);
            out.tile(values_of(&window, encoding.dim()), true, encode);
        }
        Ok(DONE)
    })
}

/// Rows of a table, by id.
#[wasm_bindgen]
pub fn gather(
    table: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array"
    )]
    ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<f64, JsError> {
    with(|host, isa| {
        let table = host.table(table)?;
        let (dim, bound) = (table.dim(), table.rows() as u64);
        let mut ids = Integers::new(ids, &IDS)?;
        let mut out = FloatsOut::new(out, size(ids.len(), dim)?)?;
        out.disjoint(&ids)?;
        checked!(first, ids.check(isa, bound));
        for window in windows(ids.len(), dim, ids.most(), out.most()) {
            let ids = ids.checked(isa, bound, rows_of(&window));
            out.tile(values_of(&window, dim), true, |out| {
                ops::gather(isa, table, ids, window.cols(), out)
            });
        }
        Ok(DONE)
    })
}

/// Token rows, scaled, with positions added and dropout applied: one pass over the output.
#[wasm_bindgen]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn layer(
    table: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array"
    )]
    ids: &JsValue,
    scale: f64,
    positions: f64,
    start: f64,
    seq: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined"
    )]
    position_ids: &JsValue,
    dropout: f64,
    seed_low: u32,
    seed_high: u32,
    call: u32,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<f64, JsError> {
    with(|host, isa| {
        let token = host.table(table)?;
        let (dim, bound) = (token.dim(), token.rows() as u64);
        let mut ids = Integers::new(ids, &IDS)?;
        let mut out = FloatsOut::new(out, size(ids.len(), dim)?)?;
        let mut at = PositionIds::new(position_ids)?;
        out.disjoint(&ids)?;
        at.disjoint(&out)?;
        checked!(first, ids.check(isa, bound));
        let args = (positions >= 0.0).then_some(PositionArgs {
            table: positions,
            start,
            seq,
        });
        if let Some(args) = args {
            at.bound = host.stored(args.table)?.rows() as u64;
            checked!(second, at.check(isa));
        }
        let dropout = host::dropout(dropout, seed_low, seed_high, call);
        for window in at.windows(ids.len(), dim, ids.most(), out.most()) {
            let at = at.of(isa, &window);
            let positions = args.map(|args| args.resolve(host, at)).transpose()?;
            let scale = (scale > 0.0).then_some(scale as f32);
            let layer = Layer {
                token,
                scale,
                positions,
                dropout,
            };
            let ids = ids.checked(isa, bound, rows_of(&window));
            out.tile(values_of(&window, dim), true, |out| {
                ops::layer(isa, &layer, ids, window, out)
            });
        }
        Ok(DONE)
    })
}

/// Rows with positions added and dropout applied; without `x` in place.
#[wasm_bindgen]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn add(
    positions: f64,
    rows: f64,
    start: f64,
    seq: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined"
    )]
    position_ids: &JsValue,
    dropout: f64,
    seed_low: u32,
    seed_high: u32,
    call: u32,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] x: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<f64, JsError> {
    with(|host, isa| {
        let args = PositionArgs {
            table: positions,
            start,
            seq,
        };
        let table = host.table(positions)?;
        let (rows, dim) = (rows as usize, table.dim());
        let values = size(rows, dim)?;
        let mut x = (!x.is_undefined())
            .then(|| Floats::new(x, "x", values))
            .transpose()?;
        let mut out = FloatsOut::new(out, values)?;
        let mut at = PositionIds::new(position_ids)?;
        at.disjoint(&out)?;
        x.iter().try_for_each(|x| out.disjoint_floats(x))?;
        at.bound = table.rows() as u64;
        checked!(first, at.check(isa));
        let dropout = host::dropout(dropout, seed_low, seed_high, call);
        let most = x.as_ref().map_or(usize::MAX, Floats::most).min(out.most());
        for window in at.windows(rows, dim, usize::MAX, most) {
            let positions = args.resolve(host, at.of(isa, &window))?;
            let values = values_of(&window, dim);
            let source = match &mut x {
                Some(x) => Source::Slice(x.tile(values.clone())),
                None => Source::InPlace,
            };
            let fresh = matches!(source, Source::Slice(_));
            out.tile(values, fresh, |out| {
                ops::add(isa, &positions, dropout.as_ref(), window, source, out);
            });
        }
        Ok(DONE)
    })
}

/// Bags of rows: their sum, mean or maximum, column by column.
#[wasm_bindgen]
#[allow(
    clippy::too_many_arguments,
    reason = "numbers cross the border cheaply, an object would not"
)]
pub fn bag(
    table: f64,
    mode: u32,
    padding: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array"
    )]
    ids: &JsValue,
    bags: f64,
    #[wasm_bindgen(
        unchecked_param_type = "Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | undefined"
    )]
    offsets: &JsValue,
    include_last_offset: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] weights: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> Result<f64, JsError> {
    with(|host, isa| {
        let table = host.table(table)?;
        let (dim, bound) = (table.dim(), table.rows() as u64);
        let mut ids = Integers::new(ids, &IDS)?;
        let count = ids.len();
        let mut weights = (!weights.is_undefined())
            .then(|| Floats::new(weights, "weights", count))
            .transpose()?;
        let mut bags = match Integers::optional(offsets, &SECOND)? {
            Some(offsets) => BagRanges::at(offsets, count, include_last_offset),
            None => BagRanges::equal(bags as usize, count),
        };
        let mut out = FloatsOut::new(out, size(bags.len(), dim)?)?;
        out.disjoint(&ids)?;
        weights
            .iter()
            .try_for_each(|weights| out.disjoint_floats(weights))?;
        bags.disjoint(&out)?;
        checked!(second, bags.check());
        checked!(first, ids.check(isa, bound));

        let spec = Bag {
            table,
            mode: host::mode(mode),
            padding: (padding >= 0.0).then_some(padding as usize),
        };
        let most = weights.as_ref().map_or(usize::MAX, Floats::most).min(ids.most());
        for window in windows(bags.len(), dim, usize::MAX, out.most()) {
            out.tile(values_of(&window, dim), true, |out| {
                for (bag, acc) in rows_of(&window).zip(out.chunks_exact_mut(window.cols)) {
                    let mut state = BagState::default();
                    for part in pieces(bags.range(bag), most) {
                        let weights = weights.as_mut().map(|weights| weights.tile(part.clone()));
                        let ids = ids.checked(isa, bound, part);
                        ops::bag_extend(isa, &spec, ids, weights, window.cols(), &mut state, acc);
                    }
                    ops::bag_finish(isa, &spec, &state, acc);
                }
            });
        }
        Ok(DONE)
    })
}

/// Panics: what a test build shows to be caught.
#[cfg(feature = "faults")]
#[wasm_bindgen(js_name = __panic)]
pub fn panic_on_purpose() {
    panic!("on purpose")
}
