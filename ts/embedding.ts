/// <reference lib="esnext.disposable" preserve="true" />
/** The lookup table: ids in, rows out. */

import { expectIds, type IdBatch, type IdsInput, readIds } from './args/ids.js';
import { activeBackend, resultFloats, type Table } from './backend/index.js';
import { DISPOSE } from './lifetime.js';
import { wrongKind } from './errors.js';
import { type Initializer, type InitType, initialize, readInitializer, Stream } from './initializer.js';
import { badId, checkOut, checkOverflow, lookUp, type Out, readOut } from './lookup.js';
import { integer, type Named, named } from './args/options.js';
import { Parameter } from './parameter.js';
import { type PretrainedWeight, readPretrained } from './args/pretrained.js';
import { readShape } from './args/shape.js';
import { TableSpec } from './table-spec.js';
import { type Tensor, tensorOf } from './tensor.js';

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
  /** The spread of `normal`; default 1/sqrt(D). */
  readonly std?: number | undefined;
  /** 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default a fresh random number. */
  readonly seed?: number | bigint | undefined;
}

/** Options of a call that takes ids. */
export interface IdsOptions {
  /** A shape for flat ids; its product is their number. */
  readonly shape?: readonly number[] | undefined;
}

/** What a table costs. */
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
  /** How values are stored. */
  dtype: 'f32';
}

/** The names of the options that say how a table is made. */
export const TABLE_OPTIONS = ['vocabSize', 'embeddingDim', 'paddingIdx', 'initType', 'std', 'seed'] as const;

/** What an Embedding is made of: a filled table, and how it was filled if it was not given. */
export class EmbeddingParts {
  constructor(
    readonly table: Table,
    readonly paddingIdx: number | null,
    readonly initializer: Initializer | null,
  ) {}
}

/** `paddingIdx` in [-V, V), normalised to [0, V). */
export function readPadding(options: Named, vocabSize: number): number | null {
  if (options['paddingIdx'] === null) return null;
  const index = integer(options, 'paddingIdx', { min: -vocabSize, max: vocabSize - 1 }, null);
  return index === null ? null : index < 0 ? index + vocabSize : index;
}

/** Makes and fills a table. `ERR_TOO_LARGE` before anything is allocated. */
export function newTable(
  rows: number,
  dim: number,
  initializer: Initializer,
  stream: number,
  paddingIdx: number | null = null,
): EmbeddingParts {
  const contents = initializer.initType === 'zeros' ? 'zeros' : 'anything';
  const table = activeBackend().table(new TableSpec(rows, dim), contents);
  initialize(table, initializer, stream);
  if (paddingIdx !== null && initializer.initType !== 'zeros') {
    table.backend.kernels.tableWrite(table.handle(), paddingIdx, new Float32Array(dim));
  }
  return new EmbeddingParts(table, paddingIdx, initializer);
}

/** Set by the first Embedding: the class alone can see its table, and a static block would hold it in every bundle. */
let tableUnder: (embedding: Embedding) => Table;

function partsFrom(options: EmbeddingOptions): EmbeddingParts {
  const given = named(options, TABLE_OPTIONS, { required: true });
  const vocabSize = integer(given, 'vocabSize', { min: 1, max: 2 ** 32 });
  const embeddingDim = integer(given, 'embeddingDim', { min: 1 });
  const paddingIdx = readPadding(given, vocabSize);
  return newTable(vocabSize, embeddingDim, readInitializer(given, 'uniform'), Stream.token, paddingIdx);
}

/**
 * A table of V rows of D floats, looked up by id.
 *
 * ```ts
 * const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 384, seed: 7 });
 * embedding.forward([[1, 2, 3], [4, 5, 6]]).shape; // [2, 3, 384]
 * ```
 *
 * The table belongs to the backend that was active at construction, and is freed by `dispose()`. Errors of the
 * constructor: `ERR_INVALID_OPTION`, `ERR_UNKNOWN_INIT`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class Embedding {
  /** V, the number of rows. */
  readonly vocabSize: number;
  /** D, the length of a row. */
  readonly embeddingDim: number;
  /** Normalised to 0 .. V-1; `null` where there is none. */
  readonly paddingIdx: number | null;
  /** How the table was filled; `null` for given weights. */
  readonly initType: InitType | null;
  /** How values are stored. */
  readonly dtype = 'f32';
  /** The seed of the table; `null` for given weights. */
  readonly seed: number | bigint | null;
  /** The table, to be read and written by rows. */
  readonly weight: Parameter;
  /** `[weight]`. */
  readonly parameters: readonly [Parameter];
  readonly #table: Table;

  constructor(options: EmbeddingOptions) {
    const parts = options instanceof EmbeddingParts ? options : partsFrom(options);
    const { table, paddingIdx, initializer } = parts;
    tableUnder ??= (embedding) => embedding.#table;
    this.#table = table;
    this.vocabSize = table.rows;
    this.embeddingDim = table.dim;
    this.paddingIdx = paddingIdx;
    this.initType = initializer?.initType ?? null;
    this.seed = initializer?.seed ?? null;
    this.weight = new Parameter(table);
    this.parameters = Object.freeze([this.weight] as const);
    Object.freeze(this);
  }

  /**
   * An Embedding over weights that exist: `[V, D]`, copied at once. `initType` and `seed` are null, and the padding
   * row keeps its values.
   *
   * `weight` is a 2-D Tensor of f32 or f64, nested numbers, or a flat array together with `embeddingDim`. Errors:
   * `ERR_INVALID_OPTION`; `ERR_INVALID_ARRAY`, `ERR_RAGGED`; `ERR_DIM`, `ERR_SHAPE`; `ERR_RANGE` for an f64 beyond
   * f32; `ERR_TOO_LARGE`.
   */
  static fromPretrained(
    weight: PretrainedWeight,
    options?: { readonly embeddingDim?: number | undefined; readonly paddingIdx?: number | null | undefined },
  ): Embedding {
    const given = { ...named(options, ['embeddingDim', 'paddingIdx']) };
    readPadding(given, 2 ** 32); // its kind, before anything is read; its range when V is known
    const { data, rows, dim } = readPretrained(weight, given);
    const paddingIdx = readPadding(given, rows);
    const table = activeBackend().table(new TableSpec(rows, dim), 'anything');
    table.backend.kernels.tableWrite(table.handle(), 0, data);
    return embeddingOf(new EmbeddingParts(table, paddingIdx, null));
  }

  /** Whether the table is gone. */
  get disposed(): boolean {
    return this.#table.disposed;
  }

  /**
   * out[i] = weight[ids[i]], bit for bit: a Tensor of the shape of `ids` + `[D]`, over memory of its own.
   *
   * `ids` in any form. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`,
   * `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE`.
   */
  forward(ids: IdsInput, options?: IdsOptions): Tensor<'f32'> {
    this.#table.handle();
    const batch = readIds(ids, shapeOption(options));
    const out = resultFloats(batch.count * this.embeddingDim);
    this.#gather(batch, out);
    return tensorOf(out, Object.freeze([...batch.shape, this.embeddingDim]));
  }

  /**
   * The same into `out`, whose first elements are written and whose rest stays as it is; gives `out` back.
   *
   * Allocates nothing that grows with the batch. Errors: as `forward`, and `ERR_INVALID_ARRAY`, `ERR_SHAPE` (too
   * short), `ERR_OVERLAP`. After an error `out` is as before.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: IdsOptions): O {
    if (options === undefined && lookUp(this.#table, ids, out)) return out;
    this.#table.handle();
    const shape = shapeOption(options);
    expectIds(ids);
    readOut(out);
    const batch = readIds(ids, shape);
    const target = readOut(out); // again: a getter inside nested ids may have moved or detached it
    checkOut(target, batch.count * this.embeddingDim, ['ids', batch]);
    this.#gather(batch, target);
    return out;
  }

  #gather(batch: IdBatch, out: Float32Array): void {
    const { backend, rows } = this.#table;
    const handle = this.#table.handle();
    checkOverflow(backend, batch, rows, 'Token indices');
    if (this.#table.copyFew(batch.data, batch.count, out)) return batch.release();
    const status = backend.kernels.gather(handle, batch.data, out);
    if (status >= 0) throw badId(batch, status, rows, 'Token indices');
    batch.release();
  }

  /** What the table costs, computed; readable after `dispose()` too. */
  getMemoryUsage(): MemoryUsage {
    const { vocabSize, embeddingDim, dtype } = this;
    const { bytes, rowBytes, values } = this.#table.spec;
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

  /** Frees the table; harmless the second time. Earlier results stay valid. */
  dispose(): void {
    this.#table.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}

/** The option `shape` of a call, its name and entries checked. */
export function shapeOption(options: unknown): number[] | undefined {
  if (options === undefined) return undefined;
  const { shape } = named(options, ['shape']);
  return shape === undefined ? undefined : readShape(shape);
}

/** The table of an Embedding, for the layers that look into it. */
export function tableOf(embedding: Embedding): Table {
  return tableUnder(embedding);
}

/** An Embedding of finished parts. */
export function embeddingOf(parts: EmbeddingParts): Embedding {
  return new Embedding(parts as unknown as EmbeddingOptions);
}

/** Whether `value` is an Embedding of this copy of the package; else `ERR_INVALID_OPTION`. */
export function expectEmbedding(value: unknown, option: string): asserts value is Embedding {
  if (!(value instanceof Embedding)) throw wrongKind(option, value, 'an Embedding');
}
