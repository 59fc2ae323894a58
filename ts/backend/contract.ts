/**
 * The contract of a backend: kernels, tables and memory.
 *
 * The classes of this package compute nothing themselves: they read options and arrays, check shapes and lengths, and
 * call one of the {@link Kernels}. A binding checks ids, because it reads them. Error messages are therefore built in
 * one place, and backends differ only in speed.
 */

import type { IdArray } from '../args/arrays.js';
import type { TableSpec } from '../table-spec.js';

/** The argument of {@link Kernels.tableCreate}. */
export interface TableRecord {
  rows: number;
  dim: number;
  dtype: string;
  /** Whether the table is zeroed. Otherwise its contents are arbitrary, and the caller writes all of it. */
  zeros: boolean;
}

/** The argument of {@link NativeBinding.tableMap}. */
export interface MapRecord {
  /** The descriptor of the open file, which is duplicated. */
  fd: number;
  /** Its path, also for errors. A descriptor of another file is not mapped. */
  path: string;
  /** The place of the first row in it, in bytes: any. */
  offset: number;
  /** Its length when it was opened, in bytes. */
  length: number;
  rows: number;
  dim: number;
  dtype: string;
  /** Bytes from one row to the next. */
  stride: number;
}

/** The argument of {@link Kernels.rowsCreate}. */
export interface RowsRecord {
  /** The table that is filled. */
  table: number;
  /** `f32`, `f16`, `bf16`, `f64`, `f8_e4m3`, `f8_e5m2`, `int8` (integers), `i8`, `i4`, or the name of a block type. */
  encoding: string;
  /** The number of columns of the tensor: at least those of the table, which are the first ones. */
  dim: number;
  /** Whether the tensor is stored column by column. */
  fortran: boolean;
}

/** The argument of {@link Kernels.sinusoidCreate}. */
export interface SinusoidRecord {
  dim: number;
  /** w_i = base^(-2i/dim) */
  base: number;
  /** `interleaved` or `halves`. */
  layout: string;
  /** The w_i themselves, in radians per position, instead of `dim` and `base`. */
  frequencies?: Float64Array;
}

/** The argument of {@link Kernels.rotaryCreate}. */
export interface RotaryRecord {
  /** The sinusoidal table, with one column per rotated column and the same layout. */
  table: number;
  /** The number of values in a row. */
  dim: number;
  layout: string;
}

/** The argument of {@link Kernels.bagCreate}. */
export interface BagRecord {
  table: number;
  /** `sum`, `mean` or `max`. */
  mode: string;
  /** The id that is skipped. */
  padding?: number;
  includeLastOffset: boolean;
}

/** The argument of {@link Kernels.poolCreate}. The arrays are copied. */
export interface PoolRecord {
  table: number;
  /** The row of each token. Without it a token is a row. Every entry is below the number of rows. */
  mapping?: Uint32Array;
  /**
   * The weight of each token, a factor of its row. Their number is that of `mapping`; without `mapping` they are at most as
   * many as the table has rows.
   */
  weights?: Float32Array;
  /** The same instead of `weights`: products, sums and the division are then computed in f64, and rounded once. */
  preciseWeights?: Float64Array;
  /** Rounds products with `preciseWeights` to f32, and adds and divides in f32, as if the table stored weighted rows. */
  rounded?: boolean;
  /** `model2vec` or `sentence-transformers`: the norm by which a mean is divided. Without it the mean is the result. */
  norm?: string;
}

/** The argument of {@link Kernels.embedCreate}. */
export interface EmbedRecord {
  table: number;
  /** The factor of the token rows. */
  scale?: number;
  /** The table of position rows. */
  positions?: number;
  /** The probability that an element is dropped, and the seed of the draws. */
  dropout?: number;
  seed?: bigint;
}

/** The argument of {@link Kernels.positionsCreate}. */
export interface PositionsRecord {
  table: number;
  dropout?: number;
  seed?: bigint;
}

/** The argument of {@link Kernels.optimizerCreate}: the options that the rule has. */
export interface OptimizerRecord {
  /** The table that it updates. */
  table: number;
  /** The name of the class. */
  rule: string;
  momentum?: number;
  nesterov?: boolean;
  beta1?: number;
  beta2?: number;
  eps?: number;
  weightDecay: number;
  initialAccumulator?: number;
  /** Whether a step updates the rows of the gradient alone. */
  lazy: boolean;
}

/** The argument of {@link Kernels.wordsCreate}. */
export interface WordsRecord {
  /** `word2vec` or `glove`. */
  format: string;
  /** Bytes of the file. */
  total: number;
  /** The most bytes of the table. */
  limit: number;
  /** The dtype of the table; without one the rows are checked and not stored. */
  dtype?: string;
  /** The number of columns to keep. */
  dim?: number;
}

/**
 * The functions that both bindings export: free functions over handles, numbers, records and typed arrays.
 *
 * A handle is a number that names a table, a sinusoid or a prepared operation of this backend. A prepared operation
 * stores the arguments that do not change between calls; it refers to its tables by handle. A *status* of -1 means
 * success. `s >= 0` is the first bad entry of the first index argument, `s <= -2` means entry `-2 - s` of the second
 * one; in both cases nothing was written. Sizes, handles and positions are non-negative integers, exact as doubles.
 * Absent values are `undefined`. Arrays are borrowed for the call; inputs are not shared with other threads. An `out`
 * may be longer than the result and must not overlap an input.
 */
export interface Kernels {
  /** The instruction set in use. */
  isa(): string;
  /** Selects a lower instruction set for this environment. Returns false if the architecture does not have it. */
  lowerIsa(name: string): boolean;

  /** Creates a table. Returns its handle, or `undefined` if the memory does not suffice. */
  tableCreate(record: TableRecord): number | undefined;
  /** Invalidates a handle and frees the object that it names. Idempotent. */
  free(handle: number): void;
  /** out = table[row ..], whole rows, as f32. */
  tableRead(table: number, row: number, out: Float32Array): void;
  /**
   * table[row ..] = values, whole rows, converted to the dtype of the table. Returns a status: the first of `values`
   * that does not fit; nothing was written then.
   */
  tableWrite(table: number, row: number, values: Float32Array): number;
  /** Copies `bytes` into the table as they are, from its byte `offset` on. */
  tableBytes(table: number, offset: number, bytes: Uint8Array): void;
  /** Requests the rows `ids` of a mapped file from the system, before a call reads them. Returns a status. */
  tablePrefetch(table: number, ids: IdArray): number;
  /** out = table[row ..], whole rows, as they are stored, without padding. */
  tableRows(table: number, row: number, out: Uint8Array): void;
  /**
   * Creates a reader that fills a table with a tensor of as many rows. Returns its handle, or `undefined` if the memory
   * does not suffice for a row of the tensor. `encoding` is that of the table, or any but a block type into a table that
   * can be written, or a block type into such a table. With `fortran` it is that of a table of `f32`, `f16` or `bf16`,
   * or `f64` for a table of `f32`.
   */
  rowsCreate(record: RowsRecord): number | undefined;
  /**
   * Stores the next bytes of the tensor, of any number, in the order of the file. Returns a status, as `tableConvert`;
   * the index is one of the table, and `misfit` also returns an f64 beyond f32. Throws if the tensor has fewer bytes.
   */
  rowsPush(rows: number, bytes: Uint8Array): number;
  /** to = the values of `from`, converted. Returns a status, as `tableWrite`, but rows may have been written. */
  tableConvert(from: number, to: number): number;
  /**
   * table[i] = element i of U[-bound, bound) of this seed and stream, +0 in row `padding`. Returns a status, as
   * `tableConvert`.
   */
  tableUniform(
    table: number,
    seed: bigint,
    stream: number,
    bound: number,
    padding: number | undefined,
  ): number;
  /** table[i] = element i of N(0, std), otherwise as `tableUniform`. */
  tableNormal(table: number, seed: bigint, stream: number, std: number, padding: number | undefined): number;
  /** table[p] = the encoding of position p, for every row p. Returns a status, as `tableConvert`. */
  tableSinusoid(table: number, sinusoid: number): number;
  /** The value that did not fit in the last call that returned the status of a table. */
  misfit(): number;

  /**
   * The header of a file of `total` bytes from its first bytes, as JSON text: what the file has, `{"more":n}` if a prefix
   * of n bytes is needed, or `{"error":{"byte":n,"rule":"..."}}`. ts/files/header.ts has the types.
   */
  fileHeader(prefix: Uint8Array, total: number, format: string | undefined): string;

  /** Starts to read a file of word vectors. Returns the handle of the reader. */
  wordsCreate(record: WordsRecord): number;
  /** Reads the next bytes of the file. The answer is JSON text, see ts/files/word-file.ts. */
  wordsPush(words: number, bytes: Uint8Array): string;
  /** Ends the file. The answer has the sizes, and the handle of the table. */
  wordsEnd(words: number): string;
  /** The words as UTF-8, without separators. */
  wordsText(words: number): Uint8Array;
  /** Where each word begins in the text, and where the last one ends. */
  wordsOffsets(words: number): Uint32Array;

  /** Starts a SHA-256. Returns its handle. */
  sha256Create(): number;
  /** Adds bytes. */
  sha256Push(hash: number, bytes: Uint8Array): void;
  /** The SHA-256 of all bytes, as 64 hexadecimal digits. The next bytes begin another one. */
  sha256End(hash: number): string;

  /** Creates a sinusoidal encoding. Returns its handle. */
  sinusoidCreate(record: SinusoidRecord): number;
  /** out[i] = w_i in radians per position, up to the length of `out`. */
  sinusoidFrequencies(sinusoid: number, out: Float64Array): void;
  /** out[r] = the encoding of positions[r], 0 .. 2^32 - 1. Returns a status. */
  sinusoidEncode(sinusoid: number, positions: IdArray, out: Float32Array): number;

  /** out[r] = table[ids[r]] as f32; rows of f32 bit for bit. Returns a status. */
  gather(table: number, ids: IdArray, out: Float32Array): number;

  /** Prepares a bag. Returns its handle. */
  bagCreate(record: BagRecord): number;
  /**
   * out[b] = sum, mean or max of the rows of bag b. `bags` is the number of equal parts of `ids`, or an array of
   * offsets. Returns a status (ids, offsets).
   */
  bagRun(
    bag: number,
    ids: IdArray,
    bags: number | IdArray,
    weights: Float32Array | undefined,
    out: Float32Array,
  ): number;

  /** Prepares the mean of the rows of tokens. Returns its handle. */
  poolCreate(record: PoolRecord): number;
  /**
   * out[t] = the mean of the rows of text t, `ids[offsets[t] .. offsets[t + 1]]`, divided by its norm; zeros for a text
   * without ids. `offsets` begin with 0. The arrays may be longer: `ids` than `offsets[texts]`, `offsets` than
   * `texts + 1`. Ids are below the number of entries of `mapping`, else of the weights, else of rows of the table. Returns
   * a status (ids, offsets).
   */
  poolRun(pool: number, ids: Uint32Array, offsets: Uint32Array, texts: number, out: Float32Array): number;

  /** Prepares a lookup with scale, positions and dropout. Returns its handle. */
  embedCreate(record: EmbedRecord): number;
  /**
   * x = table[ids[r]]; x = x * scale; x = x + positions[p(r)]; then dropout with the draws of training call `call`.
   * Steps that the operation does not have are skipped. Returns a status (ids, position ids).
   *
   * p(r) = positions[r mod its length] for an array, else positions + r mod seq. Without `call` there is no dropout.
   */
  embedRun(
    embed: number,
    ids: IdArray,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    out: Float32Array,
  ): number;

  /** Prepares the addition of positions. Returns its handle. */
  positionsCreate(record: PositionsRecord): number;
  /** out[r] = x[r] + table[p(r)], then dropout, as in `embedRun`; in place without `x`. A status (position ids). */
  positionsRun(
    op: number,
    x: Float32Array | undefined,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    out: Float32Array,
  ): number;

  /** Prepares a rotation. Returns its handle. */
  rotaryCreate(record: RotaryRecord): number;
  /**
   * Rotates each pair (a, b) of x[r] to (a c - b s, b c + a s), with s and c of the row's position, and -s if
   * `inverse`; in place without `x`. Returns a status (position ids).
   *
   * Rows are `[batch, heads, seq]`. Heads share positions: `positions` is the first position of the sequence, or an
   * array `[seq]` or `[batch, seq]`.
   */
  rotaryRun(
    op: number,
    x: Float32Array | undefined,
    heads: number,
    seq: number,
    positions: number | IdArray,
    inverse: boolean,
    out: Float32Array,
  ): number;

  /**
   * Sets whether backward passes add to the gradient of a table of f32 that can be written, and the row that gets none.
   * Ends the gradient. Initially, backward passes check their arguments and add nothing.
   */
  tableTrains(table: number, trains: boolean, padding: number | undefined): void;
  /**
   * Adds row i of `gradOutput` to row `ids[i]` of the gradient of the table, in order; the first one is stored. With
   * `byFreq` it is divided by the number of entries of `ids` with that row. Returns a status, as do all backward passes;
   * NaN if the memory does not suffice. They may grow linear memory.
   */
  backward(table: number, ids: IdArray, gradOutput: Float32Array, byFreq: boolean): number;
  /**
   * out = gradOutput, with the dropout of training call `call`; in place without `gradOutput`. out[r] is also added to row
   * p(r) of the gradient of the positions, as in `positionsRun`. Returns a status (position ids).
   */
  positionsBackward(
    op: number,
    gradOutput: Float32Array | undefined,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    out: Float32Array,
  ): number;
  /**
   * d = gradOutput, with the dropout of training call `call`. Adds d[r] to row p(r) of the gradient of the positions, and d[r],
   * times the scale, to row ids[r] of that of the tokens, as in `embedRun`. Returns a status (ids, position ids).
   */
  embedBackward(
    embed: number,
    ids: IdArray,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    gradOutput: Float32Array,
  ): number;
  /**
   * Adds the gradient of the results of `bagRun` to that of the table, id by id: gradOutput[b], divided by the divisor of a
   * mean, times the weight; of a maximum only the columns where the id has it. With `byFreq` it is divided by the number of
   * contributions to the row. `weightsGrad` becomes the gradient of the weights. Returns a status (ids, offsets).
   */
  bagBackward(
    bag: number,
    ids: IdArray,
    bags: number | IdArray,
    weights: Float32Array | undefined,
    gradOutput: Float32Array,
    weightsGrad: Float32Array | undefined,
    byFreq: boolean,
  ): number;
  /**
   * out[b, j] = dot(x[b], row (b, j)): that of ids[b, j] if `perRow`, of ids[j] for all rows of x if there are ids, else row j
   * of the table. Returns a status (ids).
   */
  scoreRun(
    table: number,
    x: Float32Array,
    ids: IdArray | undefined,
    perRow: boolean,
    out: Float32Array,
  ): number;
  /**
   * out = the gradient of x, the sum of gradScores[b, j] times row (b, j). Adds gradScores[b, j] x[b] to row (b, j) of the
   * gradient of the table, divided by the number of contributions to the row with `byFreq`. Returns a status (ids).
   */
  scoreBackward(
    table: number,
    x: Float32Array,
    ids: IdArray | undefined,
    gradScores: Float32Array,
    perRow: boolean,
    byFreq: boolean,
    out: Float32Array,
  ): number;
  /** The number of rows of the gradient of a table; `undefined` if there is none. */
  gradientCount(table: number): number | undefined;
  /** The bytes of memory of the gradient of a table. */
  gradientBytes(table: number): number;
  /** Ends the gradient of a table. Its memory is reused for the next one, and freed with the table. */
  gradientClear(table: number): void;
  /** out = the rows of the gradient, ascending. */
  gradientRows(table: number, out: Uint32Array): void;
  /** out = the values of the gradient, in ascending order of the rows. */
  gradientValues(table: number, out: Float32Array): void;

  /** `sum`, plus dot(g, g) in 16 lanes of f64 for each row of the gradient of a table, in ascending order. */
  gradientSquares(table: number, sum: number): number;
  /** g = f32(g factor) for every value of the gradient of a table. */
  gradientScale(table: number, factor: number): void;
  /**
   * n = f32(sqrt(dot(w, w))) of each distinct row w of `ids`, or of every row of a table of f32; if n > maxNorm,
   * w = f32(w f32(maxNorm / f32(n + f32(1e-7)))). A status; NaN if the memory does not suffice.
   */
  tableRenorm(table: number, maxNorm: number, ids: IdArray | undefined): number;

  /** Prepares an optimizer for one table, without state. Returns its handle. */
  optimizerCreate(record: OptimizerRecord): number;
  /**
   * Makes room for the state of the rows of the next step. Returns false if the memory does not suffice: then no row has
   * changed. It may grow linear memory.
   */
  optimizerReserve(optimizer: number): boolean;
  /**
   * Updates the table by its gradient, which ends, after `optimizerReserve`. The products are those of beta1 and of beta2
   * after the step. Nothing happens to a table that is frozen.
   */
  optimizerStep(optimizer: number, lr: number, product1: number, product2: number): void;
  /** The bytes of memory of the state. */
  optimizerBytes(optimizer: number): number;
  /** The number of rows with state. */
  optimizerCount(optimizer: number): number;
  /** out = the rows with state, ascending. */
  optimizerRows(optimizer: number, out: Uint32Array): void;
  /** out = the values of tensor 0 of the state, or of tensor 1 (v of Adam), in ascending order of the rows. */
  optimizerValues(optimizer: number, tensor: number, out: Float32Array): void;
  /**
   * Gives distinct rows state, which `optimizerWrite` sets. Returns false if the memory does not suffice: then nothing has
   * changed. It may grow linear memory.
   */
  optimizerRestore(optimizer: number, rows: Uint32Array): boolean;
  /** Sets the values of a tensor of the state, in the order of the restored rows. */
  optimizerWrite(optimizer: number, tensor: number, values: Float32Array): void;

  /**
   * ids[q], scores[q] = the `k` best rows of the table for query q, best first: by dot product, or by cosine. `k` is at
   * most the number of rows.
   */
  nearest(
    table: number,
    queries: Float32Array,
    k: number,
    cosine: boolean,
    ids: Uint32Array,
    scores: Float32Array,
  ): void;
  /** out[i][j] = the cosine of row i of `a` and row j of `b`, rows of `dim` values. */
  similarity(a: Float32Array, b: Float32Array, dim: number, out: Float32Array): void;

  /**
   * out = the gradient of the cross entropy of rows of `columns` scores; in place without `scores`, which then are all
   * of `out`. result = [loss, rows that are kept]. There is a target for each row; without `targets` it is column 0. Rows
   * whose target is `ignoreIndex`, any integer, are excluded. Returns a status (targets).
   */
  crossEntropy(
    scores: Float32Array | undefined,
    columns: number,
    targets: IdArray | undefined,
    ignoreIndex: number | undefined,
    mean: boolean,
    out: Float32Array,
    result: Float64Array,
  ): number;
  /**
   * The same for the binary cross entropy of elements, with a label for each. Without `labels` they are 1 for the first of
   * each row of `columns` elements, and 0 for the rest. The status is always -1.
   */
  binaryCrossEntropy(
    scores: Float32Array | undefined,
    labels: Float32Array | undefined,
    columns: number,
    mean: boolean,
    out: Float32Array,
    result: Float64Array,
  ): number;
  /** The same for the squared error of `x` and `target`, which are equally long. */
  squaredError(
    x: Float32Array | undefined,
    target: Float32Array,
    mean: boolean,
    out: Float32Array,
    result: Float64Array,
  ): number;

  /**
   * Creates a sampler of ids with a weight for each. Returns its handle, or `undefined` if the memory does not suffice.
   * Weights are finite and not negative, and their sum is finite and positive.
   */
  samplerCreate(weights: Float64Array, seed: bigint): number | undefined;
  /** out = the draws of a sampler from number `position` on; the last number is below 2^53. */
  samplerDraw(sampler: number, position: number, out: Uint32Array): void;
}

/**
 * The functions of tokenizers, which the addon exports, and the module `text.wasm`. A tokenizer is a handle of its own kind.
 * Texts and tokens are UTF-8.
 */
export interface TextKernels {
  /**
   * Reads a tokenizer.json. The memo of chunks takes at most `memo` bytes. The answer is JSON text, see
   * ts/text/pretrained-tokenizer.ts.
   */
  textCreate(json: Uint8Array, memo: number): string;
  /**
   * Prepares a tokenizer for `textEncode` with other options: the first `most` ids of each text, or, if `most` is negative,
   * those that the truncation of the file keeps; then without those of the unknown token if `dropUnknown`. Returns the
   * handle of a view, which uses the tokenizer as long as that is there.
   */
  textPrepare(tokenizer: number, most: number, dropUnknown: boolean): number;
  /** Frees a tokenizer, or a view. Idempotent. */
  textFree(tokenizer: number): void;
  /**
   * The ids of `count` texts, by a tokenizer or a view, with the special tokens around them if `special`. `bytes` is all texts, and `ends` where each
   * of them ends. Writes the ids to `ids` from element `at` on, and where those of each text end to `ends`.
   *
   * Returns the number of texts that are done, which is less than `count` if `ids` has no room for the next one; or
   * `-1 - (4 i + reason)` if text i cannot be encoded: 0, it has a character that the vocabulary lacks; 1, the file's
   * truncation cannot cut it; 2, its normal form is too long.
   */
  textEncode(
    tokenizer: number,
    bytes: Uint8Array,
    ends: Uint32Array,
    count: number,
    special: boolean,
    ids: Uint32Array,
    at: number,
  ): number;
  /**
   * Computes the text of ids that arrive in parts, for `textFound`. `begins`: no token came before; `ends`: none follows.
   *
   * Returns the position of the first id that no token has; `ids.length` if the text is too long; or
   * `-1 - (2 taken + begins)`: the number of ids that the text stands for, and whether the next part begins the text, too.
   * The other ids are passed again, before the next ones.
   */
  textDecode(
    tokenizer: number,
    ids: Uint32Array,
    skipSpecial: boolean,
    begins: boolean,
    ends: boolean,
  ): number;
  /** The id of a token, or -1. */
  textTokenToId(tokenizer: number, token: Uint8Array): number;
  /** Finds the token of an id, for `textFound`. Returns whether there is one. */
  textIdToToken(tokenizer: number, id: number): boolean;
  /** What the last call has found. */
  textFound(): Uint8Array;
}

/** The functions of a hash of the bytes of a file. */
export type HashKernels = Pick<Kernels, 'sha256Create' | 'sha256Push' | 'sha256End'>;

/** The exports of `text.wasm`, including those beyond the contract. */
export interface TextWasmBinding extends TextKernels, HashKernels {
  /** Frees a hash. Idempotent. */
  free(hash: number): void;
  /** The message of the last panic; empty if there was none. */
  lastPanic(): string;
}

/** The exports of the addon, including those beyond the contract. */
export interface NativeBinding extends Kernels, TextKernels {
  /** The version of the package that the addon belongs to. */
  version(): string;
  /**
   * Selects the thresholds of a class of processors for this environment, by default those of this machine's class.
   * Returns the name of the class.
   */
  useTuning(name: string | undefined): string;
  /** Sets the number of threads per call in this environment, 0 for all processors. Returns the number in effect. */
  useThreads(wanted: number): number;
  /**
   * Maps rows of a file as a table that can only be read. Returns its handle, or `undefined` if the system cannot map it.
   * `ERR_FORMAT` if the file is shorter than its length in the record; so does every call that reads rows of the table.
   */
  tableMap(record: MapRecord): number | undefined;
  /** A view of a table as a Float32Array, if the engine allows one. It must not be used after the table is freed. */
  tableView(table: number): Float32Array | undefined;
}

/** The exports of the module, including those beyond the contract. */
export interface WasmBinding extends Kernels {
  /** The address of a table's values in linear memory, in bytes, if they are f32. */
  tableAddress(table: number): number | undefined;
  /** The message of the last panic; empty if there was none. */
  lastPanic(): string;
}

/** The modules of this package: `core.wasm` and `text.wasm`. */
export type ModuleName = 'core' | 'text';

/** A description of a backend. */
export interface BackendInfo {
  /** The name of the backend. */
  readonly name: 'native' | 'wasm';
  /** The instruction set its kernels use. */
  readonly isa: 'avx512' | 'avx2' | 'neon' | 'simd128' | 'scalar';
  /** How many threads a call may use. */
  readonly threads: number;
  /** Why `auto` did not choose the native backend; `null` otherwise. */
  readonly fallbackReason: string | null;
  /** The version of the package. */
  readonly version: string;
}

/** A description of the machine; `null` for details that the host does not reveal. */
export interface Machine {
  /** The runtime and its platform, such as `Node.js 22.12.0, linux-x64`, or the browser's user agent. */
  platform: string;
  /** The model of the processor. */
  processor: string | null;
  /** The number of logical processors. */
  processors: number | null;
}

/** The settings of a backend, from environment variables. */
export interface Settings {
  /** The highest instruction set to use, if one is set. */
  readonly isa: string | undefined;
  /** The class of processors whose thresholds are used, if one is set. */
  readonly tuning: string | undefined;
  /** The number of threads per call; 0 for all processors. */
  readonly threads: number;
}

/** Bytes per column that the construction of a sinusoid takes. */
export const FREQUENCY_BYTES = 32;

/** Memory that a kernel uses in place, as floats. */
export interface Storage {
  /** The floats. In WASM memory, growth detaches the view; the next read returns a new one. */
  readonly data: Float32Array;
  /** Whether it was freed. */
  readonly disposed: boolean;
  /** Frees it. Idempotent. */
  dispose(): void;
}

/** The contents of a new table. */
export type Contents = 'zeros' | 'anything';

/** A backend. Objects keep the backend that was active at their construction. */
export interface Backend {
  readonly name: BackendInfo['name'];
  readonly isa: BackendInfo['isa'];
  /** The class of processors whose thresholds it uses. */
  readonly tuning: string;
  readonly threads: number;
  readonly kernels: Kernels;
  /** The functions of tokenizers; null if they are in a module of their own. */
  readonly texts: (TextKernels & HashKernels) | null;
  /** The most bytes of a new table. */
  readonly limit: number;
  /** Whether a trap made it unusable: its objects throw `ERR_INTERNAL`, and new objects use another backend. */
  readonly lost: boolean;
  /** A table of zeros, or with arbitrary contents if the caller writes all of it. `ERR_TOO_LARGE` before allocation. */
  table(spec: TableSpec, contents: Contents): Table;
  /** The owner of a table that a kernel has created. `bytes`: the memory that it has, which may be more than `spec`. */
  adopt(spec: TableSpec, handle: number, bytes?: number): Table;
  /**
   * A table in a mapped file, for a `spec` with a mapping; `undefined` if the backend or the system cannot map it.
   * `ERR_FORMAT` if the file is shorter than its length.
   */
  map(spec: TableSpec, file: MappedFile): Table | undefined;
  /** A sinusoidal encoding. `ERR_TOO_LARGE`. */
  sinusoid(record: SinusoidRecord): Handle;
  /** The owner of the object that `create` makes, and the bytes of memory that it has. */
  prepare(create: (kernels: Kernels) => number, bytes?: number): Handle;
  /** `length` zeros, zero-copy for the kernels of this backend. `ERR_TOO_LARGE`. */
  allocate(length: number): Storage;
}

/** The owner of an object in a backend. */
export interface Handle {
  readonly disposed: boolean;
  /** The handle, for immediate use in a call. `ERR_DISPOSED` after `dispose()`. */
  handle(): number;
  /** Frees the object. Idempotent; a finalizer is the fallback. */
  dispose(): void;
}

/** A file with a table. */
export interface MappedFile {
  /** Its descriptor, open for reading. */
  readonly fd: number;
  /** Its path, for messages. */
  readonly path: string;
  /** The byte at which the first row begins. */
  readonly offset: number;
  /** Bytes of the file. */
  readonly length: number;
}

/** A table of a backend. */
export interface Table extends Handle {
  readonly backend: Backend;
  readonly spec: TableSpec;
  /** The number of rows. */
  readonly rows: number;
  /** The number of values in a row. */
  readonly dim: number;
  /**
   * As `kernels.gather` of this table for the first `count` of `ids`, without a kernel. Returns false if it did
   * nothing. `out` must be long enough; `ids` may be shared. `ERR_DISPOSED`.
   */
  copyFew(ids: IdArray, count: number, out: Float32Array): boolean;
}
