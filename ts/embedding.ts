/// <reference lib="esnext.disposable" preserve="true" />
/** The lookup table: ids in, rows out. */

import { bufferOf, type IdArray, isShared, lengthOf } from './args/arrays.js';
import { type Call, CallReader, DONE, type IdsOptions } from './args/call.js';
import type { FloatsWithShape, Out } from './args/floats.js';
import type { IdsInput } from './args/ids.js';
import { choice, COLUMNS, flag, integer, type Named, named, ROWS } from './args/options.js';
import { type PretrainedWeight, readPretrained } from './args/pretrained.js';
import { activeBackend, type Table } from './backend/index.js';
import { ownJSON, showContents } from './contents.js';
import { wrongKind, wrongObject } from './errors.js';
import {
  load,
  LOAD_OPTIONS,
  LOAD_SYNC_OPTIONS,
  type Loaded,
  type LoadOptions,
  loadSync,
  type LoadSyncOptions,
} from './files/load.js';
import {
  fileOf,
  readPath,
  readSaveOptions,
  SAVE_FORMATS,
  type SaveFormat,
  type SaveOptions,
  toBytes,
  writeFile,
} from './files/save.js';
import type { Source, SyncSource } from './files/source.js';
import { FilledTable, type Notes, readDType, readPadding } from './filled-table.js';
import { added } from './gradient.js';
import { type Initializer, type InitType, initialize, readInitializer, Stream } from './initializer.js';
import { DISPOSE, Lifetime } from './lifetime.js';
import { type NearestOptions, nearestRows, type NearestRows } from './nearest.js';
import { Parameter, trainingOf } from './parameter.js';
import { score, scoreBackward, type ScoreBackwardOptions, type ScoreOptions } from './scores.js';
import { filled } from './storing.js';
import { type BlockDType, STORAGE_DTYPES, type StorageDType, TableSpec } from './table-spec.js';
import { rowsOf, type Tensor, plainFloats } from './tensor.js';
import { VERSION } from './version.js';

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** V, the number of rows: 1 .. 2^32. */
  readonly vocabSize: number;
  /** D, the length of a row: 1 or more. */
  readonly embeddingDim: number;
  /** A row that is +0 after construction and gets no gradient: -V .. V-1, negative counts from the end. */
  readonly paddingIdx?: number | null | undefined;
  /** Default `'uniform'`. */
  readonly initType?: InitType | undefined;
  /** The standard deviation of `normal`; default 1/sqrt(D). */
  readonly std?: number | undefined;
  /** 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default from `Math.random`, so not a secret. */
  readonly seed?: number | bigint | undefined;
  /** The storage of values, default `'f32'`: the values of the f32 table, converted. */
  readonly dtype?: StorageDType | undefined;
}

/** Options of `Embedding.fromPretrained`. */
export interface PretrainedOptions {
  /** D, needed for a flat weight. */
  readonly embeddingDim?: number | undefined;
  /** The padding row, which keeps its values: -V .. V-1, negative counts from the end. */
  readonly paddingIdx?: number | null | undefined;
  /** The storage of values, default `'f32'`. */
  readonly dtype?: StorageDType | undefined;
  /** Whether `weight.requiresGrad` starts false. Default false. */
  readonly freeze?: boolean | undefined;
}

/** Options of `Embedding.backward`. */
export interface BackwardOptions extends IdsOptions {
  /** Whether each contribution is divided by the number of contributions to its row in this call. Default false. */
  readonly scaleGradByFreq?: boolean | undefined;
}

/** The memory of a table. */
export interface MemoryUsage {
  /** MiB of the whole table. */
  totalMemoryMb: number;
  /** KiB of one row. */
  memoryPerTokenKb: number;
  /** V * D. */
  totalParameters: number;
  /** V, the number of rows. */
  vocabSize: number;
  /** D, the length of a row. */
  embeddingDim: number;
  /** Bytes of the whole table. */
  bytes: number;
  /** Bytes of one row. */
  bytesPerRow: number;
  /** The storage of values. */
  dtype: StorageDType | BlockDType;
}

/** The names of the options that describe a table. */
export const TABLE_OPTIONS = [
  'vocabSize',
  'embeddingDim',
  'paddingIdx',
  'initType',
  'std',
  'seed',
  'dtype',
] as const;

/**
 * Allocates and fills a table. Errors: `ERR_TOO_LARGE` before anything is allocated; `ERR_RANGE` if the dtype cannot
 * store the values.
 */
export function newTable(
  spec: TableSpec,
  initializer: Initializer,
  stream: number,
  paddingIdx: number | null = null,
): FilledTable {
  const contents = initializer.initType === 'zeros' ? 'zeros' : 'anything';
  const table = activeBackend().table(spec, contents);
  filled(table, (kernels, handle) =>
    initialize(kernels, handle, spec, initializer, stream, paddingIdx ?? undefined),
  );
  return new FilledTable(table, paddingIdx, initializer);
}

/** Reads the options of a table and fills a new one. */
export function tableFrom(values: Named): FilledTable {
  const vocabSize = integer(values, 'vocabSize', ROWS);
  const embeddingDim = integer(values, 'embeddingDim', COLUMNS);
  const paddingIdx = readPadding(values, vocabSize);
  const initializer = readInitializer(values, 'uniform');
  const spec = new TableSpec(vocabSize, embeddingDim, readDType(values));
  return newTable(spec, initializer, Stream.token, paddingIdx);
}

/** Holds an id that was passed as a number. */
const single = new Uint32Array(1);

/** The fast path of `forwardInto`, see `CallReader.plainCount`. Returns false if it did nothing. */
function runPlain(table: Table, calls: CallReader, ids: unknown, out: unknown): boolean {
  const target = plainFloats(out);
  if (target === undefined || table.disposed) return false;
  if (typeof ids === 'number') {
    if (ids >>> 0 !== ids || lengthOf(target) < table.dim) return false;
    single[0] = ids;
    return table.copyFew(single, 1, target);
  }
  const count = calls.plainCount(ids, target);
  if (count === 0) return false;
  const data = ids as IdArray;
  if (table.copyFew(data, count, target)) return true;
  return !isShared(bufferOf(data)) && table.backend.kernels.gather(table.handle(), data, target) === DONE;
}

/** Checks the padding row of a file, whose number of rows is not known before. */
function checkPadding(values: Named): (rows: number) => void {
  readPadding(values, ROWS.max!); // its type
  return (rows) => void readPadding(values, rows);
}

const filledOf = ({ table, words, metadata }: Loaded, values: Named): FilledTable =>
  new FilledTable(table, readPadding(values, table.rows), null, { words, metadata });

/** The internals of an Embedding that other classes of this package use. */
interface Internals {
  readonly table: Table;
  readonly lifetime: Lifetime;
}

/** Every Embedding of this copy of the package. */
const embeddings = new WeakMap<object, Internals>();

/** The property by which other copies of the package recognize an Embedding: the version of its copy. */
const BRAND: unique symbol = /* @__PURE__ */ Symbol.for('tokenbed.Embedding') as never;

/**
 * A table of V rows of D floats, looked up by id.
 *
 * ```ts
 * const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 384, seed: 7 });
 * embedding.forward([[1, 2, 3], [4, 5, 6]]).shape; // [2, 3, 384]
 * ```
 *
 * The table belongs to the backend that was active at construction; `dispose()` frees it. Errors of the constructor:
 * `ERR_INVALID_OPTION`, `ERR_UNKNOWN_INIT`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class Embedding {
  /** V, the number of rows. */
  readonly vocabSize: number;
  /** D, the length of a row. */
  readonly embeddingDim: number;
  /** Normalized to 0 .. V-1; `null` if there is none. */
  readonly paddingIdx: number | null;
  /** How the table was filled; `null` for pretrained weights. */
  readonly initType: InitType | null;
  /** The storage of values. */
  readonly dtype: StorageDType | BlockDType;
  /** The seed of the table; `null` for pretrained weights. */
  readonly seed: number | bigint | null;
  /** The table, read and written by rows. */
  readonly weight: Parameter;
  readonly #table: Table;
  readonly #notes: Notes;
  readonly #lifetime = new Lifetime('The embedding');
  readonly #calls: CallReader;
  /** Created with the first backward pass. */
  #backwardCalls: CallReader | undefined;
  readonly #parameters: readonly [Parameter];

  constructor(options: EmbeddingOptions) {
    const { table, paddingIdx, initializer, notes, freeze } =
      options instanceof FilledTable ? options : tableFrom(named(options, TABLE_OPTIONS, { required: true }));
    this.#table = table;
    this.#notes = notes;
    this.#calls = new CallReader({ lifetime: this.#lifetime, dim: table.dim, ids: { bound: table.rows } });
    embeddings.set(this, { table, lifetime: this.#lifetime });
    this.vocabSize = table.rows;
    this.embeddingDim = table.dim;
    this.paddingIdx = paddingIdx;
    this.initType = initializer?.initType ?? null;
    this.dtype = table.spec.dtype;
    this.seed = initializer?.seed ?? null;
    this.weight = new Parameter(table, this.#lifetime, paddingIdx, freeze);
    this.#parameters = Object.freeze([this.weight] as const);
    showContents(this, () => this.#lifetime.text);
    if (new.target === Embedding) Object.freeze(this);
  }

  /**
   * An Embedding over a copy of pretrained weights `[V, D]`. `initType` and `seed` are null, and the padding row keeps
   * its values.
   *
   * `weight` is a 2-D Tensor of f32 or f64, nested numbers, or a flat array with `embeddingDim`. Errors:
   * `ERR_INVALID_OPTION`; `ERR_INVALID_ARRAY`, `ERR_RAGGED`; `ERR_DIM`, `ERR_SHAPE`; `ERR_RANGE` for an f64 beyond
   * f32, or a value that `dtype` cannot store; `ERR_TOO_LARGE`.
   */
  static fromPretrained(weight: PretrainedWeight, options?: PretrainedOptions): Embedding {
    const values = named(options, ['embeddingDim', 'paddingIdx', 'dtype', 'freeze']);
    const dtype = readDType(values);
    const freeze = flag(values, 'freeze', false);
    readPadding(values, ROWS.max!); // checks the type before the weights are read, the range once V is known
    const { data, rows, dim } = readPretrained(weight, values);
    const paddingIdx = readPadding(values, rows);
    const table = activeBackend().table(new TableSpec(rows, dim, dtype), 'anything');
    filled(table, (kernels, handle) => kernels.tableWrite(handle, 0, data));
    return new Embedding(new FilledTable(table, paddingIdx, null, undefined, freeze));
  }

  /**
   * Loads a table from a file: safetensors (also in several files, by its `.safetensors.index.json`), .npy, GGUF,
   * word2vec (binary or text) or GloVe and fastText text.
   *
   * ```ts
   * const embedding = await Embedding.load('model.safetensors');
   * embedding.forward([1, 2, 3]).shape; // [3, D]
   * ```
   * `source` is a path (in Node), a URL, bytes, a Blob, a Response, or a stream of bytes. Values keep the dtype of the
   * file unless `dtype` is another one. In Node, tensors of 1 MiB and more that need no conversion are mapped: the table
   * is read-only, and its rows are read from the file when they are used. `initType` and `seed` are null, and the padding
   * row keeps its values. The caller owns the Embedding.
   *
   * Errors: `ERR_INVALID_OPTION`; `ERR_FORMAT` for a malformed file, another length than announced, an HTTP status that
   * is not 2xx, or another `sha256`; `ERR_RANGE` for a value that `dtype` cannot store; `ERR_TOO_LARGE`;
   * `ERR_NOT_INITIALIZED` (browser); errors of the system, of the network, of `cache` and the reason of `signal`,
   * unchanged. Nothing remains of a load that failed.
   */
  static async load(source: Source, options?: LoadOptions): Promise<Embedding> {
    const values = named(options, LOAD_OPTIONS);
    return new Embedding(filledOf(await load(source, values, checkPadding(values)), values));
  }

  /**
   * As `load`, but synchronous: from a path or `file:` URL (in Node), or from bytes. Errors: as `load`.
   */
  static loadSync(source: SyncSource, options?: LoadSyncOptions): Embedding {
    const values = named(options, LOAD_SYNC_OPTIONS);
    return new Embedding(filledOf(loadSync(source, values, checkPadding(values)), values));
  }

  /**
   * A new Embedding whose table stores the values of this one in another dtype, or a copy in the same one.
   *
   * ```text
   * f16, bf16   nearest, ties to even
   * i8          per row: bias = min; scale = f32(f32(max - min) / 255); value = f32(f32(q scale) + bias), q = 0 .. 255
   * i4          as i8, with 15 for 255, and bias and scale as f16
   * ```
   * It has the same `paddingIdx`, words, metadata and backend; `initType` and `seed` are null. The caller owns it. Errors:
   * `ERR_DISPOSED`, `ERR_INVALID_OPTION` (`dtype`), `ERR_TOO_LARGE`; `ERR_RANGE` for a value that `dtype` cannot store.
   */
  convert(dtype: StorageDType): Embedding {
    this.#lifetime.check();
    const wanted = choice({ dtype }, 'dtype', STORAGE_DTYPES);
    const from = this.#table;
    const table = from.backend.table(new TableSpec(from.rows, from.dim, wanted), 'anything');
    filled(table, (kernels, handle) => kernels.tableConvert(from.handle(), handle));
    return new Embedding(new FilledTable(table, this.paddingIdx, null, this.#notes));
  }

  // @ts-expect-error: declared but never read, since only other copies of the package read it
  private get [BRAND](): string | undefined {
    return embeddings.has(this) ? VERSION : undefined;
  }

  /** `[weight]`, always the same array. */
  get parameters(): readonly [Parameter] {
    return this.#parameters;
  }

  /** Whether the embedding was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * out[i] = weight[ids[i]] as f32, rows of f32 bit for bit: a new Tensor of shape `[...ids.shape, D]`.
   *
   * `ids` in any form. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`,
   * `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE`.
   */
  forward(ids: IdsInput, options?: IdsOptions): Tensor<'f32'> {
    const few = options === undefined ? this.#calls.plainResult(ids) : null;
    if (few !== null && runPlain(this.#table, this.#calls, ids, few)) return rowsOf(few, this.embeddingDim);
    return this.#run(this.#calls.read(ids, options)).tensor();
  }

  /**
   * Writes the result of `forward` into the first `n * D` elements of `out` and returns `out`.
   *
   * Allocates nothing that grows with the number of ids. Errors: as `forward`, and `ERR_INVALID_ARRAY`, `ERR_SHAPE`
   * (too short), `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: IdsOptions): O {
    if (options === undefined && runPlain(this.#table, this.#calls, ids, out)) return out;
    this.#run(this.#calls.readInto(ids, out, options));
    return out;
  }

  #run(call: Call): Call {
    const table = this.#table;
    if (table.copyFew(call.ids, call.rows, call.out)) return call.done();
    return call.done(table.backend.kernels.gather(table.handle(), call.ids, call.out));
  }

  /**
   * Adds `gradOutput`, the gradient of the result of `forward` for these ids, to the gradient of the table, `weight.grad`.
   *
   * ```text
   * for i, ascending:  c = gradOutput[i], or f32(gradOutput[i] / (occurrences of ids[i] in this call)) with scaleGradByFreq
   *                    ids[i] is paddingIdx: nothing;  g[ids[i]] = c the first time, then f32(g[ids[i]] + c)
   * ```
   * `gradOutput` is a Float32Array of exactly as many elements as the result, or a Tensor whose last size is D. It also adds
   * a gradient from elsewhere: `backward(rows, values)`. Errors: as `forward`; `ERR_INVALID_ARRAY`, `ERR_DIM`, `ERR_SHAPE`
   * (`gradOutput`); `ERR_TOO_LARGE` if there is no memory for the gradient. After an error nothing is added.
   */
  backward(ids: IdsInput, gradOutput: Float32Array | Tensor<'f32'>, options?: BackwardOptions): void {
    const table = this.#table;
    this.#backwardCalls ??= new CallReader({
      lifetime: this.#lifetime,
      dim: table.dim,
      ids: { bound: table.rows },
      backward: { counted: true },
    });
    const call = this.#backwardCalls.readBackward(ids, gradOutput, options);
    const { kernels } = table.backend;
    added(call, table, kernels.backward(table.handle(), call.ids, call.gradOutput, call.counted));
  }

  /**
   * The dot products of rows with rows of the table: a new Tensor.
   *
   * ```text
   * s[b, j] = dot(x[b], row (b, j))     products in 16 lanes, column c in lane c mod 16, added in order; the lanes in a tree
   *
   * ids        row (b, j)       k                 for
   * absent     j                V                 linear heads, tied output weights
   * [k]        ids[j]           k                 sampled or in-batch softmax
   * [..., k]   ids[b, j]        k                 negative samples, pairs, factors
   * ```
   * `x` is a Tensor `[..., D]`, or a Float32Array of B rows; ids for each row have as many rows. The result is `[..., k]`, or
   * `[B, k]` for a Float32Array. `row` has the f32 values that a lookup gives; the padding row is scored like any other.
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_OPTION` (also `shape` without ids); `ERR_INVALID_ARRAY` (`x`); those of ids;
   * `ERR_RANK` for a number as ids; `ERR_DIM`, `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE`.
   */
  score(x: FloatsWithShape, options?: ScoreOptions): Tensor<'f32'> {
    return score(this.#table, this.#lifetime, x, options, null).tensor();
  }

  /**
   * Writes the result of `score` into the first `B * k` elements of `out` and returns `out`. Allocates nothing that grows with
   * the number of rows or ids. Errors: as `score`, and `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  scoreInto<O extends Out>(x: FloatsWithShape, out: O, options?: ScoreOptions): O {
    score(this.#table, this.#lifetime, x, options, [out]);
    return out;
  }

  /**
   * The backward pass of `score` with the same `x` and ids: adds to the gradient of the table, `weight.grad`, and returns the
   * gradient of `x`, a new Tensor of the shape of `x`, or `[B, D]` for a Float32Array.
   *
   * ```text
   * the gradient of x[b]:   acc = +0;  for j ascending: acc = f32(acc + f32(gradScores[b, j] row (b, j)))
   * for (b, j) in order:    c = f32(gradScores[b, j] x[b]), with scaleGradByFreq f32(c / (contributions to the row))
   *                         to row (b, j), unless it is paddingIdx:  g = c the first time, then f32(g + c)
   * ```
   * It reads the table: call it before the table is updated. `gradScores` has exactly `B * k` elements; the last size of a
   * Tensor is k. A frozen table gets no gradient. Errors: as `score`; `ERR_INVALID_ARRAY`, `ERR_SHAPE` (`gradScores`);
   * `ERR_TOO_LARGE` if there is no memory for the gradient. After an error nothing has changed.
   */
  scoreBackward(
    x: FloatsWithShape,
    gradScores: FloatsWithShape,
    options?: ScoreBackwardOptions,
  ): Tensor<'f32'> {
    return scoreBackward(this.#table, this.#lifetime, x, gradScores, options, null).tensor();
  }

  /**
   * As `scoreBackward`, with the gradient of `x` in the first `B * D` elements of `out`, which it returns. Errors: as
   * `scoreBackward`, and `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  scoreBackwardInto<O extends Out>(
    x: FloatsWithShape,
    gradScores: FloatsWithShape,
    out: O,
    options?: ScoreBackwardOptions,
  ): O {
    scoreBackward(this.#table, this.#lifetime, x, gradScores, options, [out]);
    return out;
  }

  /**
   * The `k` rows with the greatest scores for each query, best first: ids and scores of shape `[k]` for one query `[D]`,
   * or `[q, k]` for `[q, D]`. `k` is V if it exceeds V.
   *
   * ```text
   * dot      s = dot(q, row): products in 16 lanes, column c in lane c mod 16, added in order; the lanes in a tree
   * cosine   f32(s / f32(f32(sqrt(dot(q, q))) f32(sqrt(dot(row, row)))));  +0 where either norm is 0
   * ```
   * `row` has the f32 values that a lookup gives; the padding row is a row like any other. Of equal scores (+0 and -0
   * are equal) the lower row comes first, and NaN comes last. Exact, in one pass over all rows. `queries` is a Tensor or
   * a Float32Array; without the option `shape` an array is one query. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`,
   * `ERR_INVALID_ARRAY`, `ERR_RANK`, `ERR_DIM`, `ERR_SHAPE`, `ERR_TOO_LARGE`.
   */
  nearest(queries: Float32Array | Tensor, options?: NearestOptions): NearestRows {
    return nearestRows(this.#table, this.#lifetime, queries, options);
  }

  /** The word of each row, from a file that has words; else null. */
  get words(): readonly string[] | null {
    return this.#notes.words?.list ?? null;
  }

  /** The first row of a word; -1 if no row has it. Errors: `ERR_INVALID_OPTION` unless `word` is a string. */
  indexOf(word: string): number {
    if (typeof word !== 'string') throw wrongKind('word', word, 'a string');
    return this.#notes.words?.indexOf(word) ?? -1;
  }

  /** The metadata of the file that the table was loaded from, without a prototype; empty if there are none. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#notes.metadata;
  }

  /** Whether the table can only be read: it is mapped, or stored in blocks. */
  get readOnly(): boolean {
    return this.#table.spec.readOnly;
  }

  /**
   * Writes the table to a file, in Node: first beside `path`, then by a rename, so that the file at `path` is the old
   * one or the complete new one. Words and metadata are written, too, but not to a .npy.
   *
   * ```text
   * f32, f16, bf16   a tensor named `tensor`
   * i8, i4           `tensor`.rows, U8 [V, bytes of a row], and the metadata tokenbed.dtype, tokenbed.dim
   * words            `tensor`.words, U8, UTF-8 without separators; `tensor`.words.offsets, U32 [V + 1]
   * npy              f32 and f16 alone
   * ```
   * Rows that are written meanwhile may or may not be in the file. Errors: `ERR_DISPOSED`; `ERR_INVALID_OPTION`, also
   * for a dtype that the format does not have; errors of the system, after which nothing is left beside `path`.
   */
  async save(path: string | { readonly href: string }, options?: SaveOptions): Promise<void> {
    this.#lifetime.check();
    const { format, tensor } = readSaveOptions(this.#table, named(options, ['format', 'tensor']));
    const saved = { table: this.#table, ...this.#notes };
    await writeFile(readPath(path), fileOf(saved, format, tensor));
  }

  /**
   * The bytes that `save` writes, owned by the caller. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`.
   */
  toBytes(format: SaveFormat, options?: { readonly tensor?: string | undefined }): Uint8Array {
    this.#lifetime.check();
    const values = { ...named(options, ['tensor']), format: choice({ format }, 'format', SAVE_FORMATS) };
    const read = readSaveOptions(this.#table, values);
    return toBytes({ table: this.#table, ...this.#notes }, read.format, read.tensor);
  }

  /**
   * Requests the rows of `ids` from the disk, all at once, if the table is mapped; does nothing else. `ids` in any form.
   * Errors: `ERR_DISPOSED`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_ID_OUT_OF_RANGE`.
   */
  prefetch(ids: IdsInput): void {
    // A call whose rows have no columns: its ids are checked, and it has no result.
    const calls = new CallReader({ lifetime: this.#lifetime, dim: 0, ids: { bound: this.vocabSize } });
    const call = calls.read(ids, undefined);
    call.done(this.#table.backend.kernels.tablePrefetch(this.#table.handle(), call.ids));
  }

  /** The memory of the table; also readable after `dispose()`. */
  getMemoryUsage(): MemoryUsage {
    const { vocabSize, embeddingDim, dtype } = this;
    const { values, bytes, rowBytes } = this.#table.spec;
    return {
      totalMemoryMb: bytes / 2 ** 20,
      memoryPerTokenKb: rowBytes / 2 ** 10,
      totalParameters: values,
      vocabSize,
      embeddingDim,
      bytes,
      bytesPerRow: rowBytes,
      dtype,
    };
  }

  /**
   * A new plain object of the options and of `weight`, for `JSON.stringify`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` for a table of more than 1 MiB.
   */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

  /** Frees the table. Idempotent; earlier results stay valid. */
  dispose(): void {
    if (!this.#lifetime.ended) trainingOf(this.weight)!.endGradient();
    this.#lifetime.end();
    this.#table.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}

/** Throws `ERR_INVALID_OPTION` unless `value` is an Embedding of this copy of the package. */
export function expectEmbedding(value: unknown, option: string): asserts value is Embedding {
  if (!embeddings.has(value as object)) throw wrongObject(option, value, 'an Embedding', BRAND);
}

/** The table and the lifetime of an Embedding. */
export const internalsOf = (embedding: Embedding): Internals => embeddings.get(embedding)!;

/** The table of an Embedding. */
export const tableOf = (embedding: Embedding): Table => internalsOf(embedding).table;
