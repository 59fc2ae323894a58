//! tokenbed's kernels as a Node addon: a list of exports over handles, numbers, records and typed arrays.
//!
//! Each export reads its arguments ([`arrays`]) and calls the function of the same name in [`tokenbed_binding::run`].
//! `ts/backend/contract.ts` documents the functions; a check compares its types with those generated from this file.

mod arrays;
pub mod direct;
mod error;
pub mod text;

use arrays::{
    BagsOrIds, Bytes, BytesOut, Doubles, Floats, FloatsOut, IdsOut, Integers, NumberOrIds, OrUndefined,
};
use error::export;
use napi::bindgen_prelude::{BigInt, Float32Array, Float64Array, Uint32Array, Uint8Array};
use napi::Env;
use napi_derive::napi;
use text::text_encode;
use tokenbed_binding::text::Texts;
use tokenbed_binding::{
    self as binding, bags, gradient, loss, optimizer, rows, run, sampler, score, Environment, Failure,
};

/// The objects of one JavaScript environment. The exit of a worker frees them.
#[derive(Default)]
struct Instance {
    environment: Environment,
    texts: Texts,
}

/// Runs `work` on the tables and operations of this environment.
fn with<T>(env: &Env, work: impl FnOnce(&mut Environment) -> Result<T, Failure>) -> napi::Result<T> {
    export(env, || {
        arrays::with_instance_data(env, |owner: &mut Instance| owner.environment.call(work))
    })
}

/// The low 64 bits of a BigInt.
fn low(seed: BigInt) -> u64 {
    seed.get_u64().1
}

/// The arguments of `table_create`.
#[napi(object)]
pub struct TableRecord {
    /// The number of rows.
    pub rows: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// The name of the dtype.
    pub dtype: String,
    /// Whether the table holds zeros. Otherwise the values are unspecified, and the caller writes all of them next.
    pub zeros: bool,
}

/// The arguments of `table_map`.
#[napi(object)]
pub struct MapRecord {
    /// The descriptor of the open file.
    pub fd: i32,
    /// Its path, which is also that of errors.
    pub path: String,
    /// The place of the first row in it, in bytes.
    pub offset: f64,
    /// Its length, in bytes.
    pub length: f64,
    /// The number of rows.
    pub rows: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// The name of the dtype.
    pub dtype: String,
    /// Bytes from one row to the next.
    pub stride: f64,
}

/// The arguments of `rows_create`.
#[napi(object)]
pub struct RowsRecord {
    /// The table that is filled.
    pub table: f64,
    /// The name of the encoding of the tensor.
    pub encoding: String,
    /// The number of columns of the tensor.
    pub dim: f64,
    /// Whether the tensor is stored column by column.
    pub fortran: bool,
}

/// The arguments of `sinusoid_create`.
#[napi(object)]
pub struct SinusoidRecord {
    /// The number of columns.
    pub dim: f64,
    /// w_i = base^(-2i/dim)
    pub base: f64,
    /// `interleaved` or `halves`.
    pub layout: String,
    /// The w_i themselves, in radians per position, instead of `dim` and `base`.
    #[napi(ts_type = "Float64Array")]
    pub frequencies: Option<Float64Array>,
}

/// The arguments of `rotary_create`.
#[napi(object)]
pub struct RotaryRecord {
    /// The sinusoidal table, with one column per rotated column and the same layout.
    pub table: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// `interleaved` or `halves`.
    pub layout: String,
}

/// The arguments of `bag_create`.
#[napi(object)]
pub struct BagRecord {
    /// The table whose rows are reduced.
    pub table: f64,
    /// `sum`, `mean` or `max`.
    pub mode: String,
    /// The id that is skipped.
    pub padding: Option<f64>,
    /// Whether the last offset is the number of ids, where no bag begins.
    pub include_last_offset: bool,
}

/// The arguments of `pool_create`.
#[napi(object)]
pub struct PoolRecord {
    /// The table whose rows are averaged.
    pub table: f64,
    /// The row of each token. Without it a token is a row.
    #[napi(ts_type = "Uint32Array")]
    pub mapping: Option<Uint32Array>,
    /// The weight of each token.
    #[napi(ts_type = "Float32Array")]
    pub weights: Option<Float32Array>,
    /// The same in f64, in which products and sums are then computed.
    #[napi(ts_type = "Float64Array")]
    pub precise_weights: Option<Float64Array>,
    /// Whether products and sums of them are rounded to f32.
    pub rounded: Option<bool>,
    /// `model2vec` or `sentence-transformers`.
    pub norm: Option<String>,
}

/// The arguments of `embed_create`.
#[napi(object)]
pub struct EmbedRecord {
    /// The table of token rows.
    pub table: f64,
    /// The factor of the token rows.
    pub scale: Option<f64>,
    /// The table of position rows.
    pub positions: Option<f64>,
    /// The probability with which an element is dropped.
    pub dropout: Option<f64>,
    /// The seed of the dropout.
    pub seed: Option<BigInt>,
}

/// The arguments of `positions_create`.
#[napi(object)]
pub struct PositionsRecord {
    /// The table of position rows.
    pub table: f64,
    /// The probability with which an element is dropped.
    pub dropout: Option<f64>,
    /// The seed of the dropout.
    pub seed: Option<BigInt>,
}

/// The arguments of `words_create`.
#[napi(object)]
pub struct WordsRecord {
    /// `word2vec` or `glove`.
    pub format: String,
    /// Bytes of the file.
    pub total: f64,
    /// The most bytes of the table.
    pub limit: f64,
    /// The dtype of the table; without one the rows are checked and not stored.
    pub dtype: Option<String>,
    /// The number of columns to keep.
    pub dim: Option<f64>,
}

/// The version of the package that this addon belongs to.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The name of the instruction set in use.
#[napi]
pub fn isa(env: Env) -> napi::Result<&'static str> {
    with(&env, |env| Ok(env.isa().name()))
}

/// Switches to a lower instruction set; returns false if the architecture has none of that name.
#[napi]
pub fn lower_isa(env: Env, name: String) -> napi::Result<bool> {
    with(&env, |env| Ok(env.lower_isa(&name)))
}

/// Selects the thresholds of a class of processors for this environment, by default those of this machine's class. Returns
/// the name of the class.
#[napi(ts_args_type = "name: string | undefined")]
pub fn use_tuning(env: Env, name: Option<String>) -> napi::Result<&'static str> {
    with(&env, |env| env.use_tuning(name.as_deref()))
}

/// Sets the number of threads that a call of this environment may use, 0 for the number of processors available to the
/// process. Returns the number in effect.
#[napi]
pub fn use_threads(env: Env, wanted: u32) -> napi::Result<u32> {
    with(&env, |env| Ok(env.use_threads(wanted as usize) as u32))
}

/// Creates a table and returns its handle, or `undefined` if memory is exhausted.
#[napi(ts_return_type = "number | undefined")]
pub fn table_create(env: Env, record: TableRecord) -> napi::Result<OrUndefined<f64>> {
    let TableRecord {
        rows,
        dim,
        dtype,
        zeros,
    } = record;
    let (handle, bytes) = with(&env, |env| {
        let handle = env.table_create(&binding::TableRecord {
            rows,
            dim,
            dtype,
            zeros,
        })?;
        Ok((handle, handle.map_or(0, |handle| env.held(handle))))
    })?;
    // The engine does not know of this memory, so without the report it would not collect unreachable tables in time.
    arrays::report_bytes(&env, bytes as i64)?;
    Ok(OrUndefined(handle))
}

/// Maps rows of a file as a table that can only be read. Returns its handle, or `undefined` if the system cannot.
#[napi(ts_return_type = "number | undefined")]
pub fn table_map(env: Env, record: MapRecord) -> napi::Result<OrUndefined<f64>> {
    let MapRecord {
        fd,
        path,
        offset,
        length,
        rows,
        dim,
        dtype,
        stride,
    } = record;
    let handle = with(&env, |env| {
        env.table_map(binding::MapRecord {
            fd,
            path,
            offset,
            length,
            rows,
            dim,
            dtype,
            stride,
        })
    })?;
    Ok(OrUndefined(handle))
}

/// The values of a table as an ordinary Float32Array, if they are f32 at an aligned address and the engine allows such
/// a view. It must not be used after the table is freed.
#[napi(ts_return_type = "Float32Array | undefined")]
pub fn table_view(env: Env, table: f64) -> napi::Result<OrUndefined<arrays::Raw>> {
    let view = with(&env, |owner| {
        let mut table = match owner.table_mut(table) {
            Err(Failure::ReadOnly) => return Ok(None),
            table => table?,
        };
        Ok(table.values_mut(0).and_then(|values| arrays::view(&env, values)))
    })?;
    Ok(OrUndefined(view))
}

/// Removes a handle and frees its object. Idempotent.
#[napi]
pub fn free(env: Env, handle: f64) -> napi::Result<()> {
    let bytes = with(&env, |env| Ok(env.free(handle)))?;
    arrays::report_bytes(&env, -(bytes as i64))
}

/// Copies whole rows out of a table.
#[napi(ts_args_type = "table: number, row: number, out: Float32Array")]
pub fn table_read(env: Env, table: f64, row: f64, mut out: FloatsOut) -> napi::Result<()> {
    with(&env, |env| run::table_read(env, table, row, out.whole()))
}

/// Stores values in whole rows of a table.
#[napi(ts_args_type = "table: number, row: number, values: Float32Array")]
pub fn table_write(env: Env, table: f64, row: f64, values: Floats) -> napi::Result<f64> {
    with(&env, |env| run::table_write(env, table, row, values.slice()))
}

/// Copies bytes into a table as they are.
#[napi(ts_args_type = "table: number, offset: number, bytes: Uint8Array")]
pub fn table_bytes(env: Env, table: f64, offset: f64, bytes: Bytes) -> napi::Result<()> {
    with(&env, |env| run::table_bytes(env, table, offset, bytes.slice()))
}

/// Copies rows of a table as they are stored, without padding.
#[napi(ts_args_type = "table: number, row: number, out: Uint8Array")]
pub fn table_rows(env: Env, table: f64, row: f64, mut out: BytesOut) -> napi::Result<()> {
    with(&env, |env| rows::table_rows(env, table, row, out.whole()))
}

/// Creates a reader that fills a table with the bytes of a tensor, or returns `undefined` if memory is exhausted.
#[napi(ts_return_type = "number | undefined")]
pub fn rows_create(env: Env, record: RowsRecord) -> napi::Result<OrUndefined<f64>> {
    let RowsRecord {
        table,
        encoding,
        dim,
        fortran,
    } = record;
    let handle = with(&env, |env| {
        env.rows_create(&binding::RowsRecord {
            table,
            encoding,
            dim,
            fortran,
        })
    })?;
    Ok(OrUndefined(handle))
}

/// Stores the next bytes of a tensor.
#[napi(ts_args_type = "rows: number, bytes: Uint8Array")]
pub fn rows_push(env: Env, rows: f64, bytes: Bytes) -> napi::Result<f64> {
    with(&env, |env| rows::rows_push(env, rows, bytes.slice()))
}

/// Stores the values of one table in another one.
#[napi]
pub fn table_convert(env: Env, from: f64, to: f64) -> napi::Result<f64> {
    with(&env, |env| run::table_convert(env, from, to))
}

/// The value that the last status of a write refers to.
#[napi]
pub fn misfit(env: Env) -> napi::Result<f64> {
    with(&env, |env| Ok(env.misfit()))
}

/// Fills a table from the uniform distribution.
#[napi(
    ts_args_type = "table: number, seed: bigint, stream: number, bound: number, padding: number | undefined"
)]
pub fn table_uniform(
    env: Env,
    table: f64,
    seed: BigInt,
    stream: u32,
    bound: f64,
    padding: Option<f64>,
) -> napi::Result<f64> {
    with(&env, |env| {
        run::table_uniform(env, table, low(seed), stream, bound, padding)
    })
}

/// Fills a table from the normal distribution.
#[napi(
    ts_args_type = "table: number, seed: bigint, stream: number, std: number, padding: number | undefined"
)]
pub fn table_normal(
    env: Env,
    table: f64,
    seed: BigInt,
    stream: u32,
    std: f64,
    padding: Option<f64>,
) -> napi::Result<f64> {
    with(&env, |env| {
        run::table_normal(env, table, low(seed), stream, std, padding)
    })
}

/// Fills row p of a table with the sinusoidal encoding of position p.
#[napi]
pub fn table_sinusoid(env: Env, table: f64, sinusoid: f64) -> napi::Result<f64> {
    with(&env, |env| run::table_sinusoid(env, table, sinusoid))
}

/// Requests the rows of ids from a mapped file.
#[napi(ts_args_type = "table: number, ids: IdArray")]
pub fn table_prefetch(env: Env, table: f64, ids: Integers) -> napi::Result<f64> {
    with(&env, |env| binding::rows::table_prefetch(env, table, ids.ids()))
}

/// Reads the header of a file from its first bytes, as JSON text.
#[napi(ts_args_type = "prefix: Uint8Array, total: number, format: string | undefined")]
pub fn file_header(env: Env, prefix: Bytes, total: f64, format: Option<String>) -> napi::Result<String> {
    with(&env, |_| {
        Ok(binding::files::file_header(
            prefix.slice(),
            total,
            format.as_deref(),
        ))
    })
}

/// Starts to read a file of word vectors.
#[napi]
pub fn words_create(env: Env, record: WordsRecord) -> napi::Result<f64> {
    let WordsRecord {
        format,
        total,
        limit,
        dtype,
        dim,
    } = record;
    with(&env, |env| {
        env.words_create(&binding::WordsRecord {
            format,
            total,
            limit,
            dtype,
            dim,
        })
    })
}

/// Reads the next bytes of the file. The answer is JSON text.
#[napi(ts_args_type = "words: number, bytes: Uint8Array")]
pub fn words_push(env: Env, words: f64, bytes: Bytes) -> napi::Result<String> {
    with(&env, |env| env.words_push(words, bytes.slice()))
}

/// Ends the file. The answer is JSON text with the sizes and the handle of the table.
#[napi]
pub fn words_end(env: Env, words: f64) -> napi::Result<String> {
    let (answer, bytes) = with(&env, |env| env.words_end(words))?;
    arrays::report_bytes(&env, bytes as i64)?;
    Ok(answer)
}

/// The words, without separators.
#[napi]
pub fn words_text(env: Env, words: f64) -> napi::Result<Uint8Array> {
    with(&env, |env| env.words_text(words).map(Uint8Array::from))
}

/// Where each word begins in the text, and where the last one ends.
#[napi]
pub fn words_offsets(env: Env, words: f64) -> napi::Result<Uint32Array> {
    with(&env, |env| env.words_offsets(words).map(Uint32Array::from))
}

/// Starts a SHA-256.
#[napi]
pub fn sha256_create(env: Env) -> napi::Result<f64> {
    with(&env, |env| env.sha256_create())
}

/// Adds bytes to a SHA-256.
#[napi(ts_args_type = "hash: number, bytes: Uint8Array")]
pub fn sha256_push(env: Env, hash: f64, bytes: Bytes) -> napi::Result<()> {
    with(&env, |env| env.sha256_push(hash, bytes.slice()))
}

/// The SHA-256 of all bytes, as 64 hexadecimal digits.
#[napi]
pub fn sha256_end(env: Env, hash: f64) -> napi::Result<String> {
    with(&env, |env| env.sha256_end(hash))
}

/// Creates a sinusoidal encoding and returns its handle.
#[napi]
pub fn sinusoid_create(env: Env, record: SinusoidRecord) -> napi::Result<f64> {
    let SinusoidRecord {
        dim,
        base,
        layout,
        frequencies,
    } = record;
    with(&env, |env| {
        env.sinusoid_create(&binding::SinusoidRecord {
            dim,
            base,
            layout,
            frequencies: frequencies.map(|frequencies| frequencies.to_vec()),
        })
    })
}

/// The angular frequencies, in radians per position.
#[napi(ts_args_type = "sinusoid: number, out: Float64Array")]
pub fn sinusoid_frequencies(env: Env, sinusoid: f64, mut out: Doubles) -> napi::Result<()> {
    with(&env, |env| {
        let frequencies = run::sinusoid_frequencies(env, sinusoid)?;
        let len = frequencies.len().min(out.slice_mut().len());
        out.slice_mut()[..len].copy_from_slice(&frequencies[..len]);
        Ok(())
    })
}

/// Computes the encodings of any positions.
#[napi(ts_args_type = "sinusoid: number, positions: IdArray, out: Float32Array")]
pub fn sinusoid_encode(
    env: Env,
    sinusoid: f64,
    positions: Integers,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        run::sinusoid_encode(env, sinusoid, positions.ids(), out.whole())
    })
}

/// Looks up rows of a table by id.
#[napi(ts_args_type = "table: number, ids: IdArray, out: Float32Array")]
pub fn gather(env: Env, table: f64, ids: Integers, mut out: FloatsOut) -> napi::Result<f64> {
    with(&env, |env| run::gather(env, table, ids.ids(), out.whole()))
}

/// Prepares a bag operation and returns its handle.
#[napi]
pub fn bag_create(env: Env, record: BagRecord) -> napi::Result<f64> {
    let BagRecord {
        table,
        mode,
        padding,
        include_last_offset,
    } = record;
    with(&env, |env| {
        env.bag_create(&binding::BagRecord {
            table,
            mode,
            padding,
            include_last_offset,
        })
    })
}

/// Reduces bags of rows to their sum, mean or maximum, column by column.
#[napi(
    ts_args_type = "bag: number, ids: IdArray, bags: number | IdArray, weights: Float32Array | undefined, out: Float32Array"
)]
pub fn bag_run(
    env: Env,
    bag: f64,
    ids: Integers,
    bags: BagsOrIds,
    weights: Option<Floats>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let weights = weights.as_ref().map(Floats::slice);
        run::bag_run(env, bag, ids.ids(), bags.cuts(), weights, out.whole())
    })
}

/// Prepares a mean of the rows of tokens and returns its handle.
#[napi]
pub fn pool_create(env: Env, record: PoolRecord) -> napi::Result<f64> {
    let PoolRecord {
        table,
        mapping,
        weights,
        precise_weights,
        rounded,
        norm,
    } = record;
    with(&env, |env| {
        env.pool_create(binding::PoolRecord {
            table,
            mapping: mapping.map(|mapping| mapping.to_vec()),
            weights: weights.map(|weights| weights.to_vec()),
            precise_weights: precise_weights.map(|weights| weights.to_vec()),
            rounded: rounded.unwrap_or(false),
            norm,
        })
    })
}

/// The mean of the rows of each text, divided by its norm if the operation has one.
#[napi(
    ts_args_type = "pool: number, ids: Uint32Array, offsets: Uint32Array, texts: number, out: Float32Array"
)]
pub fn pool_run(
    env: Env,
    pool: f64,
    ids: Integers,
    offsets: Integers,
    texts: f64,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        run::pool_run::<&[f32]>(env, pool, ids.ids(), offsets.ids(), texts, out.whole())
    })
}

/// Prepares an embed operation and returns its handle.
#[napi]
pub fn embed_create(env: Env, record: EmbedRecord) -> napi::Result<f64> {
    let EmbedRecord {
        table,
        scale,
        positions,
        dropout,
        seed,
    } = record;
    with(&env, |env| {
        env.embed_create(&binding::EmbedRecord {
            table,
            scale,
            positions,
            dropout,
            seed: seed.map(low),
        })
    })
}

/// Looks up token rows, scales them, adds positions and applies dropout in one pass over the output.
#[napi(
    ts_args_type = "embed: number, ids: IdArray, seq: number, positions: number | IdArray, call: number | undefined, out: Float32Array"
)]
pub fn embed_run(
    env: Env,
    embed: f64,
    ids: Integers,
    seq: f64,
    positions: NumberOrIds,
    call: Option<u32>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        run::embed_run(env, embed, ids.ids(), seq, positions.at(), call, out.whole())
    })
}

/// Prepares the addition of positions and returns its handle.
#[napi]
pub fn positions_create(env: Env, record: PositionsRecord) -> napi::Result<f64> {
    let PositionsRecord { table, dropout, seed } = record;
    with(&env, |env| {
        env.positions_create(&binding::PositionsRecord {
            table,
            dropout,
            seed: seed.map(low),
        })
    })
}

/// Adds positions to rows and applies dropout, in place if `x` is absent.
#[napi(
    ts_args_type = "op: number, x: Float32Array | undefined, seq: number, positions: number | IdArray, call: number | undefined, out: Float32Array"
)]
pub fn positions_run(
    env: Env,
    op: f64,
    x: Option<Floats>,
    seq: f64,
    positions: NumberOrIds,
    call: Option<u32>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let x = x.as_ref().map(Floats::slice);
        run::positions_run(env, op, x, seq, positions.at(), call, out.whole())
    })
}

/// Prepares a rotation and returns its handle.
#[napi]
pub fn rotary_create(env: Env, record: RotaryRecord) -> napi::Result<f64> {
    let RotaryRecord { table, dim, layout } = record;
    with(&env, |env| {
        env.rotary_create(&binding::RotaryRecord { table, dim, layout })
    })
}

/// Rotates rows by the angles of their positions, in place if `x` is absent.
#[napi(
    ts_args_type = "op: number, x: Float32Array | undefined, heads: number, seq: number, positions: number | IdArray, inverse: boolean, out: Float32Array"
)]
pub fn rotary_run(
    env: Env,
    op: f64,
    x: Option<Floats>,
    heads: f64,
    seq: f64,
    positions: NumberOrIds,
    inverse: bool,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let x = x.as_ref().map(Floats::slice);
        run::rotary_run(env, op, x, heads, seq, positions.at(), inverse, out.whole())
    })
}

/// Sets whether backward passes add to the gradient of a table, and its padding row.
#[napi(ts_args_type = "table: number, trains: boolean, padding: number | undefined")]
pub fn table_trains(env: Env, table: f64, trains: bool, padding: Option<f64>) -> napi::Result<()> {
    with(&env, |env| env.table_trains(table, trains, padding))
}

/// Adds rows to the gradient of a table.
#[napi(ts_args_type = "table: number, ids: IdArray, gradOutput: Float32Array, byFreq: boolean")]
pub fn backward(
    env: Env,
    table: f64,
    ids: Integers,
    grad_output: Floats,
    by_freq: bool,
) -> napi::Result<f64> {
    with(&env, |env| {
        gradient::backward(env, table, ids.ids(), grad_output.slice(), by_freq)
    })
}

/// Adds to the gradient of positions, and returns the gradient of the rows.
#[napi(
    ts_args_type = "op: number, gradOutput: Float32Array | undefined, seq: number, positions: number | IdArray, call: number | undefined, out: Float32Array"
)]
pub fn positions_backward(
    env: Env,
    op: f64,
    grad_output: Option<Floats>,
    seq: f64,
    positions: NumberOrIds,
    call: Option<u32>,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let grad = grad_output.as_ref().map(Floats::slice);
        gradient::positions_backward(env, op, grad, seq, positions.at(), call, out.whole())
    })
}

/// Adds to the gradients of tokens and positions.
#[napi(
    ts_args_type = "embed: number, ids: IdArray, seq: number, positions: number | IdArray, call: number | undefined, gradOutput: Float32Array"
)]
pub fn embed_backward(
    env: Env,
    embed: f64,
    ids: Integers,
    seq: f64,
    positions: NumberOrIds,
    call: Option<u32>,
    grad_output: Floats,
) -> napi::Result<f64> {
    with(&env, |env| {
        let (ids, grad) = (ids.ids(), grad_output.slice());
        gradient::embed_backward(env, embed, ids, seq, positions.at(), call, grad)
    })
}

/// Adds to the gradient of the table of bags, and returns the gradient of the weights.
#[napi(
    ts_args_type = "bag: number, ids: IdArray, bags: number | IdArray, weights: Float32Array | undefined, gradOutput: Float32Array, weightsGrad: Float32Array | undefined, byFreq: boolean"
)]
pub fn bag_backward(
    env: Env,
    bag: f64,
    ids: Integers,
    bags: BagsOrIds,
    weights: Option<Floats>,
    grad_output: Floats,
    mut weights_grad: Option<FloatsOut>,
    by_freq: bool,
) -> napi::Result<f64> {
    with(&env, |env| {
        let (ids, cuts, grad) = (ids.ids(), bags.cuts(), grad_output.slice());
        let weights = weights.as_ref().map(Floats::slice);
        let weights_grad = weights_grad.as_mut().map(FloatsOut::whole);
        bags::bag_backward(env, bag, ids, cuts, weights, grad, weights_grad, by_freq)
    })
}

/// The dot products of rows with rows of a table.
#[napi(
    ts_args_type = "table: number, x: Float32Array, ids: IdArray | undefined, perRow: boolean, out: Float32Array"
)]
pub fn score_run(
    env: Env,
    table: f64,
    x: Floats,
    ids: Option<Integers>,
    per_row: bool,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let ids = ids.as_ref().map(Integers::ids);
        score::score_run(env, table, x.slice(), ids, per_row, out.whole())
    })
}

/// Adds to the gradient of a table whose rows were scored, and returns the gradient of the other rows.
#[napi(
    ts_args_type = "table: number, x: Float32Array, ids: IdArray | undefined, gradScores: Float32Array, perRow: boolean, byFreq: boolean, out: Float32Array"
)]
pub fn score_backward(
    env: Env,
    table: f64,
    x: Floats,
    ids: Option<Integers>,
    grad_scores: Floats,
    per_row: bool,
    by_freq: bool,
    mut out: FloatsOut,
) -> napi::Result<f64> {
    with(&env, |env| {
        let ids = ids.as_ref().map(Integers::ids);
        let (x, grads) = (x.slice(), grad_scores.slice());
        score::score_backward(env, table, x, ids, grads, per_row, by_freq, out.whole())
    })
}

/// The number of rows of a gradient; `undefined` if there is none.
#[napi(ts_return_type = "number | undefined")]
pub fn gradient_count(env: Env, table: f64) -> napi::Result<OrUndefined<f64>> {
    with(&env, |env| gradient::count(env, table)).map(OrUndefined)
}

/// Bytes of memory of a gradient.
#[napi]
pub fn gradient_bytes(env: Env, table: f64) -> napi::Result<f64> {
    with(&env, |env| gradient::bytes(env, table))
}

/// Ends a gradient.
#[napi]
pub fn gradient_clear(env: Env, table: f64) -> napi::Result<()> {
    with(&env, |env| gradient::clear(env, table))
}

/// The rows of a gradient, ascending.
#[napi(ts_args_type = "table: number, out: Uint32Array")]
pub fn gradient_rows(env: Env, table: f64, mut out: IdsOut) -> napi::Result<()> {
    with(&env, |env| gradient::rows(env, table, out.whole()))
}

/// The values of a gradient, in ascending order of the rows.
#[napi(ts_args_type = "table: number, out: Float32Array")]
pub fn gradient_values(env: Env, table: f64, mut out: FloatsOut) -> napi::Result<()> {
    with(&env, |env| gradient::values(env, table, out.whole()))
}

/// `sum` and the squares of a gradient.
#[napi]
pub fn gradient_squares(env: Env, table: f64, sum: f64) -> napi::Result<f64> {
    with(&env, |env| optimizer::gradient_squares(env, table, sum))
}

/// Multiplies a gradient by a factor.
#[napi]
pub fn gradient_scale(env: Env, table: f64, factor: f64) -> napi::Result<()> {
    with(&env, |env| optimizer::gradient_scale(env, table, factor))
}

/// Scales rows of a table to a norm.
#[napi(ts_args_type = "table: number, maxNorm: number, ids: IdArray | undefined")]
pub fn table_renorm(env: Env, table: f64, max_norm: f64, ids: Option<Integers>) -> napi::Result<f64> {
    with(&env, |env| {
        optimizer::table_renorm(env, table, max_norm, ids.as_ref().map(Integers::ids))
    })
}

/// The arguments of `optimizer_create`.
#[napi(object)]
pub struct OptimizerRecord {
    /// The table that it updates.
    pub table: f64,
    /// The name of the class.
    pub rule: String,
    /// mu of SGD.
    pub momentum: Option<f64>,
    /// Whether a step of SGD looks ahead.
    pub nesterov: Option<bool>,
    /// b1 of Adam.
    pub beta1: Option<f64>,
    /// b2 of Adam.
    pub beta2: Option<f64>,
    /// What is added to roots.
    pub eps: Option<f64>,
    /// wd
    pub weight_decay: f64,
    /// The first sum of Adagrad.
    pub initial_accumulator: Option<f64>,
    /// Whether a step updates the rows of the gradient alone.
    pub lazy: bool,
}

/// Prepares an optimizer for one table and returns its handle.
#[napi]
pub fn optimizer_create(env: Env, record: OptimizerRecord) -> napi::Result<f64> {
    with(&env, |env| {
        env.optimizer_create(&binding::OptimizerRecord {
            table: record.table,
            rule: record.rule,
            momentum: record.momentum,
            nesterov: record.nesterov.unwrap_or(false),
            beta1: record.beta1,
            beta2: record.beta2,
            eps: record.eps,
            weight_decay: record.weight_decay,
            initial_accumulator: record.initial_accumulator,
            lazy: record.lazy,
        })
    })
}

/// Makes room for the state of the next step; returns false if memory is exhausted.
#[napi]
pub fn optimizer_reserve(env: Env, optimizer: f64) -> napi::Result<bool> {
    with(&env, |env| optimizer::reserve(env, optimizer))
}

/// Updates a table by its gradient, which ends.
#[napi]
pub fn optimizer_step(env: Env, optimizer: f64, lr: f64, product1: f64, product2: f64) -> napi::Result<()> {
    with(&env, |env| {
        optimizer::step(env, optimizer, lr, [product1, product2])
    })
}

/// Bytes of memory of the state.
#[napi]
pub fn optimizer_bytes(env: Env, optimizer: f64) -> napi::Result<f64> {
    with(&env, |env| optimizer::bytes(env, optimizer))
}

/// The number of rows with state.
#[napi]
pub fn optimizer_count(env: Env, optimizer: f64) -> napi::Result<f64> {
    with(&env, |env| optimizer::count(env, optimizer))
}

/// The rows with state, ascending.
#[napi(ts_args_type = "optimizer: number, out: Uint32Array")]
pub fn optimizer_rows(env: Env, optimizer: f64, mut out: IdsOut) -> napi::Result<()> {
    with(&env, |env| optimizer::rows(env, optimizer, out.whole()))
}

/// The values of one tensor of the state, in ascending order of the rows.
#[napi(ts_args_type = "optimizer: number, tensor: number, out: Float32Array")]
pub fn optimizer_values(env: Env, optimizer: f64, tensor: f64, mut out: FloatsOut) -> napi::Result<()> {
    with(&env, |env| optimizer::values(env, optimizer, tensor, out.whole()))
}

/// Gives rows state; returns false if memory is exhausted.
#[napi(ts_args_type = "optimizer: number, rows: Uint32Array")]
pub fn optimizer_restore(env: Env, optimizer: f64, rows: Integers) -> napi::Result<bool> {
    with(&env, |env| optimizer::restore(env, optimizer, rows.ids()))
}

/// Sets the values of one tensor of restored state.
#[napi(ts_args_type = "optimizer: number, tensor: number, values: Float32Array")]
pub fn optimizer_write(env: Env, optimizer: f64, tensor: f64, values: Floats) -> napi::Result<()> {
    with(&env, |env| {
        optimizer::write(env, optimizer, tensor, values.slice())
    })
}

/// Finds the best rows of a table for each query.
#[napi(
    ts_args_type = "table: number, queries: Float32Array, k: number, cosine: boolean, ids: Uint32Array, scores: Float32Array"
)]
pub fn nearest(
    env: Env,
    table: f64,
    queries: Floats,
    k: f64,
    cosine: bool,
    mut ids: IdsOut,
    mut scores: FloatsOut,
) -> napi::Result<()> {
    with(&env, |env| {
        let (ids, scores) = (ids.whole(), scores.whole());
        binding::nearest::nearest(env, table, queries.slice(), k, cosine, ids, scores)
    })
}

/// The cosine of every row of an array with every row of another one.
#[napi(ts_args_type = "a: Float32Array, b: Float32Array, dim: number, out: Float32Array")]
pub fn similarity(env: Env, a: Floats, b: Floats, dim: f64, mut out: FloatsOut) -> napi::Result<()> {
    with(&env, |env| {
        binding::nearest::similarity(env, a.slice(), b.slice(), dim, out.whole())
    })
}

/// The cross entropy of rows of scores and its gradient, in place if `scores` is absent. Writes the loss and the number of
/// rows to `result`.
#[napi(
    ts_args_type = "scores: Float32Array | undefined, columns: number, targets: IdArray | undefined, ignoreIndex: number | undefined, mean: boolean, out: Float32Array, result: Float64Array"
)]
pub fn cross_entropy(
    env: Env,
    scores: Option<Floats>,
    columns: f64,
    targets: Option<Integers>,
    ignore_index: Option<f64>,
    mean: bool,
    mut out: FloatsOut,
    mut result: Doubles,
) -> napi::Result<f64> {
    with(&env, |env| {
        let scores = scores.as_ref().map(Floats::slice);
        let targets = targets.as_ref().map(Integers::ids);
        let run = loss::cross_entropy(env, scores, columns, targets, ignore_index, mean, out.whole())?;
        result.answer(run)
    })
}

/// The binary cross entropy of scores and its gradient, in place if `scores` is absent. `result` as in `crossEntropy`.
#[napi(
    ts_args_type = "scores: Float32Array | undefined, labels: Float32Array | undefined, columns: number, mean: boolean, out: Float32Array, result: Float64Array"
)]
pub fn binary_cross_entropy(
    env: Env,
    scores: Option<Floats>,
    labels: Option<Floats>,
    columns: f64,
    mean: bool,
    mut out: FloatsOut,
    mut result: Doubles,
) -> napi::Result<f64> {
    with(&env, |env| {
        let (scores, labels) = (
            scores.as_ref().map(Floats::slice),
            labels.as_ref().map(Floats::slice),
        );
        let run = loss::binary_cross_entropy(env, scores, labels, columns, mean, out.whole())?;
        result.answer(run)
    })
}

/// The squared error and its gradient, in place if `x` is absent. `result` as in `crossEntropy`.
#[napi(
    ts_args_type = "x: Float32Array | undefined, target: Float32Array, mean: boolean, out: Float32Array, result: Float64Array"
)]
pub fn squared_error(
    env: Env,
    x: Option<Floats>,
    target: Floats,
    mean: bool,
    mut out: FloatsOut,
    mut result: Doubles,
) -> napi::Result<f64> {
    with(&env, |env| {
        let x = x.as_ref().map(Floats::slice);
        let run = loss::squared_error(env, x, target.slice(), mean, out.whole())?;
        result.answer(run)
    })
}

/// Creates a sampler and returns its handle, or `undefined` if memory is exhausted.
#[napi(
    ts_args_type = "weights: Float64Array, seed: bigint",
    ts_return_type = "number | undefined"
)]
pub fn sampler_create(env: Env, weights: Doubles, seed: BigInt) -> napi::Result<OrUndefined<f64>> {
    let (handle, bytes) = with(&env, |env| {
        let handle = sampler::sampler_create(env, weights.slice(), low(seed))?;
        Ok((handle, handle.map_or(0, |handle| env.held(handle))))
    })?;
    arrays::report_bytes(&env, bytes as i64)?;
    Ok(OrUndefined(handle))
}

/// The draws of a sampler from number `position` on.
#[napi(ts_args_type = "sampler: number, position: number, out: Uint32Array")]
pub fn sampler_draw(env: Env, sampler: f64, position: f64, mut out: IdsOut) -> napi::Result<()> {
    with(&env, |env| {
        sampler::sampler_draw(env, sampler, position, out.whole())
    })
}

/// Panics, for the test that panics are caught.
#[cfg(feature = "faults")]
#[napi(js_name = "__panic")]
pub fn panic_on_purpose(env: Env) -> napi::Result<()> {
    export(&env, || panic!("on purpose"))
}

/// The number of handles in use, for the test that they are freed.
#[cfg(feature = "faults")]
#[napi(js_name = "__objects")]
pub fn objects(env: Env) -> napi::Result<f64> {
    let tables = with(&env, |env| Ok(env.objects()))?;
    Ok((tables + text::objects(&env)?) as f64)
}
