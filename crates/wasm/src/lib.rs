//! tokenbed's kernels as WebAssembly: a list of exports over handles, numbers, records and typed arrays.
//!
//! The exports have the names and arguments of those in `crates/node`. `ts/backend/contract.ts` documents them, and a
//! check compares its types with those generated from this file. The difference is the access to arrays: results are
//! computed tile by tile (see [`tiles`]), so a call never grows the memory.

mod heap;
mod tiles;

use std::cell::RefCell;
use tiles::{Bytes, Doubles, Floats, FloatsOut, IdsOut, Integers, IDS, SECOND};
use tokenbed_binding::owned::Owned;
use tokenbed_binding::{
    self as binding, bags, gradient, loss, optimizer, rows, run, sampler, score, Environment, Failure,
};
use wasm_bindgen::prelude::*;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// All objects of this instance.
static ENVIRONMENT: Owned<Environment> = Owned::empty();

/// Runs `work` on the objects of this instance and throws a failure. A `Result` in the signature of an export would be
/// returned through memory, which takes as long as a small lookup.
fn with<T>(work: impl FnOnce(&mut Environment) -> Result<T, Failure>) -> T {
    let result = ENVIRONMENT.lend(work);
    result.unwrap_or_else(|failure| throw(failure))
}

#[cold]
#[inline(never)]
fn throw(failure: Failure) -> ! {
    wasm_bindgen::throw_val(JsError::from(failure).into())
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
type IdArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;
interface TableRecord { rows: number; dim: number; dtype: string; zeros: boolean }
interface RowsRecord { table: number; encoding: string; dim: number; fortran: boolean }
interface SinusoidRecord { dim: number; base: number; layout: string; frequencies?: Float64Array }
interface RotaryRecord { table: number; dim: number; layout: string }
interface BagRecord { table: number; mode: string; padding?: number; includeLastOffset: boolean }
interface PoolRecord { table: number; mapping?: Uint32Array; weights?: Float32Array; preciseWeights?: Float64Array; rounded?: boolean; norm?: string }
interface EmbedRecord { table: number; scale?: number; positions?: number; dropout?: number; seed?: bigint }
interface WordsRecord { format: string; total: number; limit: number; dtype?: string; dim?: number }
interface PositionsRecord { table: number; dropout?: number; seed?: bigint }
interface OptimizerRecord { table: number; rule: string; momentum?: number; nesterov?: boolean; beta1?: number; beta2?: number; eps?: number; weightDecay: number; initialAccumulator?: number; lazy: boolean }
"#;

// Fields of records, by name. A separate getter for each field would triple the size of the glue.
#[wasm_bindgen(module = "/src/border.js")]
extern "C" {
    #[wasm_bindgen(js_name = field)]
    fn number(record: &JsValue, name: &str) -> Option<f64>;
    #[wasm_bindgen(js_name = field)]
    fn text(record: &JsValue, name: &str) -> String;
    #[wasm_bindgen(js_name = field)]
    fn optional_text(record: &JsValue, name: &str) -> Option<String>;
    #[wasm_bindgen(js_name = field)]
    fn integer(record: &JsValue, name: &str) -> Option<u64>;
    #[wasm_bindgen(js_name = field)]
    fn doubles(record: &JsValue, name: &str) -> Option<Vec<f64>>;
    #[wasm_bindgen(js_name = field)]
    fn floats(record: &JsValue, name: &str) -> Option<Vec<f32>>;
    #[wasm_bindgen(js_name = field)]
    fn ids(record: &JsValue, name: &str) -> Option<Vec<u32>>;
}

/// A number that a record must have.
fn required(record: &JsValue, name: &'static str) -> Result<f64, Failure> {
    number(record, name).ok_or(Failure::Argument(name))
}

/// A flag. Booleans are read as numbers.
fn flag(record: &JsValue, name: &'static str) -> bool {
    number(record, name) == Some(1.0)
}

/// Initializes the instance: attaches its memory to the copies of arrays, and stores the message of a panic.
#[wasm_bindgen(start)]
pub fn start() {
    tiles::attach(&wasm_bindgen::memory());
    std::panic::set_hook(Box::new(|panic| {
        PANIC.set(panic.payload_as_str().unwrap_or("panic").to_owned())
    }));
}

/// The message of the last panic; empty if there was none.
#[wasm_bindgen(js_name = lastPanic)]
pub fn last_panic() -> String {
    PANIC.take()
}

/// The name of the instruction set in use.
#[wasm_bindgen]
pub fn isa() -> String {
    with(|env| Ok(env.isa().name().to_owned()))
}

/// Switches to a lower instruction set; returns false if the architecture has none of that name.
#[wasm_bindgen(js_name = lowerIsa)]
pub fn lower_isa(name: String) -> bool {
    with(|env| Ok(env.lower_isa(&name)))
}

/// Creates a table in linear memory and returns its handle, or `undefined` if memory is exhausted.
#[wasm_bindgen(js_name = tableCreate, unchecked_return_type = "number | undefined")]
pub fn table_create(#[wasm_bindgen(unchecked_param_type = "TableRecord")] record: &JsValue) -> Option<f64> {
    with(|env| {
        env.table_create(&binding::TableRecord {
            rows: required(record, "rows")?,
            dim: required(record, "dim")?,
            dtype: text(record, "dtype"),
            zeros: flag(record, "zeros"),
        })
    })
}

/// The address of a table's values in linear memory, if they are f32.
#[wasm_bindgen(js_name = tableAddress, unchecked_return_type = "number | undefined")]
pub fn table_address(table: f64) -> Option<f64> {
    with(|env| {
        let mut table = match env.table_mut(table) {
            Err(Failure::ReadOnly) => return Ok(None),
            table => table?,
        };
        Ok(table.values_mut(0).map(|values| values.as_ptr() as usize as f64))
    })
}

/// Removes a handle and frees its object. Idempotent.
#[wasm_bindgen]
pub fn free(handle: f64) {
    with(|env| {
        env.free(handle);
        Ok(())
    })
}

/// Copies whole rows out of a table.
#[wasm_bindgen(js_name = tableRead)]
pub fn table_read(
    table: f64,
    row: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) {
    with(|env| run::table_read(env, table, row, FloatsOut::new(out)?))
}

/// Stores values in whole rows of a table.
#[wasm_bindgen(js_name = tableWrite)]
pub fn table_write(
    table: f64,
    row: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] values: &JsValue,
) -> f64 {
    with(|env| run::table_write(env, table, row, Floats::new(values)?))
}

/// Copies bytes into a table as they are.
#[wasm_bindgen(js_name = tableBytes)]
pub fn table_bytes(
    table: f64,
    offset: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: &JsValue,
) {
    with(|env| run::table_bytes(env, table, offset, Bytes::new(bytes)?))
}

/// Copies rows of a table as they are stored, without padding.
#[wasm_bindgen(js_name = tableRows)]
pub fn table_rows(table: f64, row: f64, #[wasm_bindgen(unchecked_param_type = "Uint8Array")] out: &JsValue) {
    with(|env| rows::table_rows(env, table, row, Bytes::new(out)?))
}

/// Creates a reader that fills a table with the bytes of a tensor, or returns `undefined` if memory is exhausted.
#[wasm_bindgen(js_name = rowsCreate, unchecked_return_type = "number | undefined")]
pub fn rows_create(#[wasm_bindgen(unchecked_param_type = "RowsRecord")] record: &JsValue) -> Option<f64> {
    with(|env| {
        env.rows_create(&binding::RowsRecord {
            table: required(record, "table")?,
            encoding: text(record, "encoding"),
            dim: required(record, "dim")?,
            fortran: flag(record, "fortran"),
        })
    })
}

/// Stores the next bytes of a tensor.
#[wasm_bindgen(js_name = rowsPush)]
pub fn rows_push(rows: f64, #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: &JsValue) -> f64 {
    with(|env| rows::rows_push(env, rows, Bytes::new(bytes)?))
}

/// Stores the values of one table in another one.
#[wasm_bindgen(js_name = tableConvert)]
pub fn table_convert(from: f64, to: f64) -> f64 {
    with(|env| run::table_convert(env, from, to))
}

/// The value that the last status of a write refers to.
#[wasm_bindgen]
pub fn misfit() -> f64 {
    with(|env| Ok(env.misfit()))
}

/// Fills a table from the uniform distribution.
#[wasm_bindgen(js_name = tableUniform)]
pub fn table_uniform(
    table: f64,
    seed: u64,
    stream: u32,
    bound: f64,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] padding: Option<f64>,
) -> f64 {
    with(|env| run::table_uniform(env, table, seed, stream, bound, padding))
}

/// Fills a table from the normal distribution.
#[wasm_bindgen(js_name = tableNormal)]
pub fn table_normal(
    table: f64,
    seed: u64,
    stream: u32,
    std: f64,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] padding: Option<f64>,
) -> f64 {
    with(|env| run::table_normal(env, table, seed, stream, std, padding))
}

/// Fills row p of a table with the sinusoidal encoding of position p.
#[wasm_bindgen(js_name = tableSinusoid)]
pub fn table_sinusoid(table: f64, sinusoid: f64) -> f64 {
    with(|env| run::table_sinusoid(env, table, sinusoid))
}

/// Requests the rows of ids from a mapped file.
#[wasm_bindgen(js_name = tablePrefetch)]
pub fn table_prefetch(table: f64, #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue) -> f64 {
    with(|env| binding::rows::table_prefetch(env, table, Integers::new(ids, &IDS)?))
}

/// Reads the header of a file from its first bytes, as JSON text.
#[wasm_bindgen(js_name = fileHeader)]
pub fn file_header(
    prefix: &[u8],
    total: f64,
    #[wasm_bindgen(unchecked_param_type = "string | undefined")] format: Option<String>,
) -> String {
    binding::files::file_header(prefix, total, format.as_deref())
}

/// Starts to read a file of word vectors.
#[wasm_bindgen(js_name = wordsCreate)]
pub fn words_create(#[wasm_bindgen(unchecked_param_type = "WordsRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.words_create(&binding::WordsRecord {
            format: text(record, "format"),
            total: required(record, "total")?,
            limit: required(record, "limit")?,
            dtype: optional_text(record, "dtype"),
            dim: number(record, "dim"),
        })
    })
}

/// Reads the next bytes of the file. The answer is JSON text.
#[wasm_bindgen(js_name = wordsPush)]
pub fn words_push(words: f64, bytes: &[u8]) -> String {
    with(|env| env.words_push(words, bytes))
}

/// Ends the file. The answer is JSON text with the sizes and the handle of the table.
#[wasm_bindgen(js_name = wordsEnd)]
pub fn words_end(words: f64) -> String {
    with(|env| Ok(env.words_end(words)?.0))
}

/// The words, without separators.
#[wasm_bindgen(js_name = wordsText)]
pub fn words_text(words: f64) -> Vec<u8> {
    with(|env| env.words_text(words).map(<[u8]>::to_vec))
}

/// Where each word begins in the text, and where the last one ends.
#[wasm_bindgen(js_name = wordsOffsets)]
pub fn words_offsets(words: f64) -> Vec<u32> {
    with(|env| env.words_offsets(words).map(<[u32]>::to_vec))
}

/// Starts a SHA-256.
#[wasm_bindgen(js_name = sha256Create)]
pub fn sha256_create() -> f64 {
    with(|env| env.sha256_create())
}

/// Adds bytes to a SHA-256.
#[wasm_bindgen(js_name = sha256Push)]
pub fn sha256_push(hash: f64, bytes: &[u8]) {
    with(|env| env.sha256_push(hash, bytes))
}

/// The SHA-256 of all bytes, as 64 hexadecimal digits.
#[wasm_bindgen(js_name = sha256End)]
pub fn sha256_end(hash: f64) -> String {
    with(|env| env.sha256_end(hash))
}

/// Creates a sinusoidal encoding and returns its handle.
#[wasm_bindgen(js_name = sinusoidCreate)]
pub fn sinusoid_create(#[wasm_bindgen(unchecked_param_type = "SinusoidRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.sinusoid_create(&binding::SinusoidRecord {
            dim: required(record, "dim")?,
            base: required(record, "base")?,
            layout: text(record, "layout"),
            frequencies: doubles(record, "frequencies"),
        })
    })
}

/// The angular frequencies, in radians per position.
#[wasm_bindgen(js_name = sinusoidFrequencies)]
pub fn sinusoid_frequencies(
    sinusoid: f64,
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] out: &JsValue,
) {
    with(|env| tiles::write_doubles(out, &run::sinusoid_frequencies(env, sinusoid)?))
}

/// Computes the encodings of any positions.
#[wasm_bindgen(js_name = sinusoidEncode)]
pub fn sinusoid_encode(
    sinusoid: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let positions = Integers::new(positions, &IDS)?;
        run::sinusoid_encode(env, sinusoid, positions, FloatsOut::new(out)?)
    })
}

/// Looks up rows of a table by id.
#[wasm_bindgen]
pub fn gather(
    table: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| run::gather(env, table, Integers::new(ids, &IDS)?, FloatsOut::new(out)?))
}

/// Prepares a bag operation and returns its handle.
#[wasm_bindgen(js_name = bagCreate)]
pub fn bag_create(#[wasm_bindgen(unchecked_param_type = "BagRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.bag_create(&binding::BagRecord {
            table: required(record, "table")?,
            mode: text(record, "mode"),
            padding: number(record, "padding"),
            include_last_offset: flag(record, "includeLastOffset"),
        })
    })
}

/// Reduces bags of rows to their sum, mean or maximum, column by column.
#[wasm_bindgen(js_name = bagRun)]
pub fn bag_run(
    bag: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] bags: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] weights: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (ids, bags) = (Integers::new(ids, &IDS)?, Integers::bags(bags)?);
        run::bag_run(
            env,
            bag,
            ids,
            bags,
            Floats::optional(weights)?,
            FloatsOut::new(out)?,
        )
    })
}

/// Prepares a mean of the rows of tokens and returns its handle.
#[wasm_bindgen(js_name = poolCreate)]
pub fn pool_create(#[wasm_bindgen(unchecked_param_type = "PoolRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.pool_create(binding::PoolRecord {
            table: required(record, "table")?,
            mapping: ids(record, "mapping"),
            weights: floats(record, "weights"),
            precise_weights: doubles(record, "preciseWeights"),
            rounded: number(record, "rounded").is_some_and(|rounded| rounded != 0.0),
            norm: optional_text(record, "norm"),
        })
    })
}

/// The mean of the rows of each text, divided by its norm if the operation has one.
#[wasm_bindgen(js_name = poolRun)]
pub fn pool_run(
    pool: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] offsets: &JsValue,
    texts: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (ids, offsets) = (Integers::new(ids, &IDS)?, Integers::new(offsets, &SECOND)?);
        run::pool_run::<Floats<'_>>(env, pool, ids, offsets, texts, FloatsOut::new(out)?)
    })
}

/// Prepares an embed operation and returns its handle.
#[wasm_bindgen(js_name = embedCreate)]
pub fn embed_create(#[wasm_bindgen(unchecked_param_type = "EmbedRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.embed_create(&binding::EmbedRecord {
            table: required(record, "table")?,
            scale: number(record, "scale"),
            positions: number(record, "positions"),
            dropout: number(record, "dropout"),
            seed: integer(record, "seed"),
        })
    })
}

/// Looks up token rows, scales them, adds positions and applies dropout in one pass over the output.
#[wasm_bindgen(js_name = embedRun)]
pub fn embed_run(
    embed: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    seq: f64,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] call: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (ids, positions) = (Integers::new(ids, &IDS)?, Integers::positions(positions)?);
        run::embed_run(
            env,
            embed,
            ids,
            seq,
            positions,
            call_number(call),
            FloatsOut::new(out)?,
        )
    })
}

/// Prepares the addition of positions and returns its handle.
#[wasm_bindgen(js_name = positionsCreate)]
pub fn positions_create(#[wasm_bindgen(unchecked_param_type = "PositionsRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.positions_create(&binding::PositionsRecord {
            table: required(record, "table")?,
            dropout: number(record, "dropout"),
            seed: integer(record, "seed"),
        })
    })
}

/// Adds positions to rows and applies dropout, in place if `x` is absent.
#[wasm_bindgen(js_name = positionsRun)]
pub fn positions_run(
    op: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] x: &JsValue,
    seq: f64,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] call: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (x, positions) = (Floats::optional(x)?, Integers::positions(positions)?);
        run::positions_run(
            env,
            op,
            x,
            seq,
            positions,
            call_number(call),
            FloatsOut::new(out)?,
        )
    })
}

/// Prepares a rotation and returns its handle.
#[wasm_bindgen(js_name = rotaryCreate)]
pub fn rotary_create(#[wasm_bindgen(unchecked_param_type = "RotaryRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.rotary_create(&binding::RotaryRecord {
            table: required(record, "table")?,
            dim: required(record, "dim")?,
            layout: text(record, "layout"),
        })
    })
}

/// Rotates rows by the angles of their positions, in place if `x` is absent.
#[wasm_bindgen(js_name = rotaryRun)]
pub fn rotary_run(
    op: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] x: &JsValue,
    heads: f64,
    seq: f64,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] positions: &JsValue,
    inverse: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (x, positions) = (Floats::optional(x)?, Integers::positions(positions)?);
        run::rotary_run(env, op, x, heads, seq, positions, inverse, FloatsOut::new(out)?)
    })
}

/// Sets whether backward passes add to the gradient of a table, and its padding row.
#[wasm_bindgen(js_name = tableTrains)]
pub fn table_trains(
    table: f64,
    trains: bool,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] padding: Option<f64>,
) {
    with(|env| env.table_trains(table, trains, padding))
}

/// Adds rows to the gradient of a table.
#[wasm_bindgen]
pub fn backward(
    table: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] grad_output: &JsValue,
    by_freq: bool,
) -> f64 {
    with(|env| {
        let (ids, rows) = (Integers::new(ids, &IDS)?, Floats::new(grad_output)?);
        gradient::backward(env, table, ids, rows, by_freq)
    })
}

/// Adds to the gradient of positions, and returns the gradient of the rows.
#[wasm_bindgen(js_name = positionsBackward)]
pub fn positions_backward(
    op: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] grad_output: &JsValue,
    seq: f64,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] call: Option<u32>,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (grad, positions) = (Floats::optional(grad_output)?, Integers::positions(positions)?);
        gradient::positions_backward(env, op, grad, seq, positions, call, FloatsOut::new(out)?)
    })
}

/// Adds to the gradients of tokens and positions.
#[wasm_bindgen(js_name = embedBackward)]
pub fn embed_backward(
    embed: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    seq: f64,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] positions: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] call: Option<u32>,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] grad_output: &JsValue,
) -> f64 {
    with(|env| {
        let (ids, positions) = (Integers::new(ids, &IDS)?, Integers::positions(positions)?);
        gradient::embed_backward(env, embed, ids, seq, positions, call, Floats::new(grad_output)?)
    })
}

/// Adds to the gradient of the table of bags, and returns the gradient of the weights.
#[wasm_bindgen(js_name = bagBackward)]
pub fn bag_backward(
    bag: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | IdArray")] bags: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] weights: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] grad_output: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] weights_grad: &JsValue,
    by_freq: bool,
) -> f64 {
    with(|env| {
        let (ids, cuts) = (Integers::new(ids, &IDS)?, Integers::bags(bags)?);
        let (weights, grad) = (Floats::optional(weights)?, Floats::second(grad_output)?);
        let weights_grad = FloatsOut::optional(weights_grad)?;
        bags::bag_backward(env, bag, ids, cuts, weights, grad, weights_grad, by_freq)
    })
}

/// The dot products of rows with rows of a table.
#[wasm_bindgen(js_name = scoreRun)]
pub fn score_run(
    table: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] x: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "IdArray | undefined")] ids: &JsValue,
    per_row: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (x, ids) = (Floats::new(x)?, Integers::optional(ids)?);
        score::score_run(env, table, x, ids, per_row, FloatsOut::new(out)?)
    })
}

/// Adds to the gradient of a table whose rows were scored, and returns the gradient of the other rows.
#[wasm_bindgen(js_name = scoreBackward)]
pub fn score_backward(
    table: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] x: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "IdArray | undefined")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] grad_scores: &JsValue,
    per_row: bool,
    by_freq: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) -> f64 {
    with(|env| {
        let (x, ids) = (Floats::new(x)?, Integers::optional(ids)?);
        let (grads, out) = (Floats::second(grad_scores)?, FloatsOut::new(out)?);
        score::score_backward(env, table, x, ids, grads, per_row, by_freq, out)
    })
}

/// The number of rows of a gradient; `undefined` if there is none.
#[wasm_bindgen(js_name = gradientCount, unchecked_return_type = "number | undefined")]
pub fn gradient_count(table: f64) -> Option<f64> {
    with(|env| gradient::count(env, table))
}

/// Bytes of memory of a gradient.
#[wasm_bindgen(js_name = gradientBytes)]
pub fn gradient_bytes(table: f64) -> f64 {
    with(|env| gradient::bytes(env, table))
}

/// Ends a gradient.
#[wasm_bindgen(js_name = gradientClear)]
pub fn gradient_clear(table: f64) {
    with(|env| gradient::clear(env, table))
}

/// The rows of a gradient, ascending.
#[wasm_bindgen(js_name = gradientRows)]
pub fn gradient_rows(table: f64, #[wasm_bindgen(unchecked_param_type = "Uint32Array")] out: &JsValue) {
    with(|env| gradient::rows(env, table, IdsOut::new(out)?))
}

/// The values of a gradient, in ascending order of the rows.
#[wasm_bindgen(js_name = gradientValues)]
pub fn gradient_values(table: f64, #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue) {
    with(|env| gradient::values(env, table, FloatsOut::new(out)?))
}

/// `sum` and the squares of a gradient.
#[wasm_bindgen(js_name = gradientSquares)]
pub fn gradient_squares(table: f64, sum: f64) -> f64 {
    with(|env| optimizer::gradient_squares(env, table, sum))
}

/// Multiplies a gradient by a factor.
#[wasm_bindgen(js_name = gradientScale)]
pub fn gradient_scale(table: f64, factor: f64) {
    with(|env| optimizer::gradient_scale(env, table, factor))
}

/// Scales rows of a table to a norm.
#[wasm_bindgen(js_name = tableRenorm)]
pub fn table_renorm(
    table: f64,
    max_norm: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray | undefined")] ids: &JsValue,
) -> f64 {
    with(|env| {
        let ids = (!ids.is_undefined())
            .then(|| Integers::new(ids, &IDS))
            .transpose()?;
        optimizer::table_renorm(env, table, max_norm, ids)
    })
}

/// Prepares an optimizer for one table and returns its handle.
#[wasm_bindgen(js_name = optimizerCreate)]
pub fn optimizer_create(#[wasm_bindgen(unchecked_param_type = "OptimizerRecord")] record: &JsValue) -> f64 {
    with(|env| {
        env.optimizer_create(&binding::OptimizerRecord {
            table: required(record, "table")?,
            rule: text(record, "rule"),
            momentum: number(record, "momentum"),
            nesterov: flag(record, "nesterov"),
            beta1: number(record, "beta1"),
            beta2: number(record, "beta2"),
            eps: number(record, "eps"),
            weight_decay: required(record, "weightDecay")?,
            initial_accumulator: number(record, "initialAccumulator"),
            lazy: flag(record, "lazy"),
        })
    })
}

/// Makes room for the state of the next step; returns false if memory is exhausted.
#[wasm_bindgen(js_name = optimizerReserve)]
pub fn optimizer_reserve(optimizer: f64) -> bool {
    with(|env| optimizer::reserve(env, optimizer))
}

/// Updates a table by its gradient, which ends.
#[wasm_bindgen(js_name = optimizerStep)]
pub fn optimizer_step(optimizer: f64, lr: f64, product1: f64, product2: f64) {
    with(|env| optimizer::step(env, optimizer, lr, [product1, product2]))
}

/// Bytes of memory of the state.
#[wasm_bindgen(js_name = optimizerBytes)]
pub fn optimizer_bytes(optimizer: f64) -> f64 {
    with(|env| optimizer::bytes(env, optimizer))
}

/// The number of rows with state.
#[wasm_bindgen(js_name = optimizerCount)]
pub fn optimizer_count(optimizer: f64) -> f64 {
    with(|env| optimizer::count(env, optimizer))
}

/// The rows with state, ascending.
#[wasm_bindgen(js_name = optimizerRows)]
pub fn optimizer_rows(optimizer: f64, #[wasm_bindgen(unchecked_param_type = "Uint32Array")] out: &JsValue) {
    with(|env| optimizer::rows(env, optimizer, IdsOut::new(out)?))
}

/// The values of one tensor of the state, in ascending order of the rows.
#[wasm_bindgen(js_name = optimizerValues)]
pub fn optimizer_values(
    optimizer: f64,
    tensor: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) {
    with(|env| optimizer::values(env, optimizer, tensor, FloatsOut::new(out)?))
}

/// Gives rows state; returns false if memory is exhausted.
#[wasm_bindgen(js_name = optimizerRestore)]
pub fn optimizer_restore(
    optimizer: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] rows: &JsValue,
) -> bool {
    with(|env| optimizer::restore(env, optimizer, Integers::new(rows, &IDS)?))
}

/// Sets the values of one tensor of restored state.
#[wasm_bindgen(js_name = optimizerWrite)]
pub fn optimizer_write(
    optimizer: f64,
    tensor: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] values: &JsValue,
) {
    with(|env| optimizer::write(env, optimizer, tensor, Floats::new(values)?))
}

/// Finds the best rows of a table for each query.
#[wasm_bindgen]
pub fn nearest(
    table: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] queries: &JsValue,
    k: f64,
    cosine: bool,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ids: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] scores: &JsValue,
) {
    with(|env| {
        let (ids, scores) = (IdsOut::new(ids)?, FloatsOut::new(scores)?);
        binding::nearest::nearest(env, table, Floats::new(queries)?, k, cosine, ids, scores)
    })
}

/// The cosine of every row of an array with every row of another one.
#[wasm_bindgen]
pub fn similarity(
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] a: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] b: &JsValue,
    dim: f64,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
) {
    with(|env| {
        let (a, b) = (Floats::new(a)?, Floats::second(b)?);
        binding::nearest::similarity(env, a, b, dim, FloatsOut::new(out)?)
    })
}

/// The cross entropy of rows of scores and its gradient, in place if `scores` is absent.
#[wasm_bindgen(js_name = crossEntropy)]
pub fn cross_entropy(
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] scores: &JsValue,
    columns: f64,
    #[wasm_bindgen(unchecked_param_type = "IdArray | undefined")] targets: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number | undefined")] ignore_index: &JsValue,
    mean: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] result: &JsValue,
) -> f64 {
    with(|env| {
        let (scores, targets) = (Floats::optional(scores)?, Integers::optional(targets)?);
        let (out, ignored) = (FloatsOut::new(out)?, ignore_index.as_f64());
        let run = loss::cross_entropy(env, scores, columns, targets, ignored, mean, out)?;
        answer(result, run)
    })
}

/// The binary cross entropy of scores and its gradient, in place if `scores` is absent.
#[wasm_bindgen(js_name = binaryCrossEntropy)]
pub fn binary_cross_entropy(
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] scores: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] labels: &JsValue,
    columns: f64,
    mean: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] result: &JsValue,
) -> f64 {
    with(|env| {
        let (scores, labels) = (Floats::optional(scores)?, Floats::optional_second(labels)?);
        let out = FloatsOut::new(out)?;
        let run = loss::binary_cross_entropy(env, scores, labels, columns, mean, out)?;
        answer(result, run)
    })
}

/// The squared error and its gradient, in place if `x` is absent.
#[wasm_bindgen(js_name = squaredError)]
pub fn squared_error(
    #[wasm_bindgen(unchecked_param_type = "Float32Array | undefined")] x: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] target: &JsValue,
    mean: bool,
    #[wasm_bindgen(unchecked_param_type = "Float32Array")] out: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] result: &JsValue,
) -> f64 {
    with(|env| {
        let (x, target) = (Floats::optional(x)?, Floats::second(target)?);
        let run = loss::squared_error(env, x, target, mean, FloatsOut::new(out)?)?;
        answer(result, run)
    })
}

/// Writes the numbers of a loss, and returns its status.
fn answer(result: &JsValue, (status, numbers): (f64, [f64; 2])) -> Result<f64, Failure> {
    tiles::write_doubles(result, &numbers)?;
    Ok(status)
}

/// Creates a sampler and returns its handle, or `undefined` if memory is exhausted.
#[wasm_bindgen(js_name = samplerCreate, unchecked_return_type = "number | undefined")]
pub fn sampler_create(
    #[wasm_bindgen(unchecked_param_type = "Float64Array")] weights: &JsValue,
    seed: u64,
) -> Option<f64> {
    with(|env| sampler::sampler_create(env, Doubles::new(weights)?, seed))
}

/// The draws of a sampler from number `position` on.
#[wasm_bindgen(js_name = samplerDraw)]
pub fn sampler_draw(
    sampler: f64,
    position: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] out: &JsValue,
) {
    with(|env| sampler::sampler_draw(env, sampler, position, IdsOut::new(out)?))
}

/// The number of a training call, if present.
fn call_number(call: &JsValue) -> Option<u32> {
    call.as_f64().map(|call| call as u32)
}

/// Panics, for the test that panics are caught.
#[cfg(feature = "faults")]
#[wasm_bindgen(js_name = __panic)]
pub fn panic_on_purpose() {
    panic!("on purpose")
}

/// The number of handles in use, for the test that they are freed.
#[cfg(feature = "faults")]
#[wasm_bindgen(js_name = __objects)]
pub fn objects() -> f64 {
    with(|env| Ok(env.objects() as f64))
}
