/// <reference lib="esnext.disposable" preserve="true" />
/** Bags of ids reduced to one vector each, without the rows in between. */

import { isShared, lengthOf } from './args/arrays.js';
import { type Handle, resultFloats, type Table } from './backend/index.js';
import { DISPOSE } from './lifetime.js';
import {
  Embedding,
  type EmbeddingOptions,
  expectEmbedding,
  type IdsOptions,
  type MemoryUsage,
  TABLE_OPTIONS,
  tableOf,
} from './embedding.js';
import { fail, lengthError, offsetError, rankError, wrongValue } from './errors.js';
import { readFloats } from './args/floats.js';
import { expectIds, type IdBatch, type IdsInput, readIds } from './args/ids.js';
import type { InitType } from './initializer.js';
import { badId, checkOut, checkOverflow, expectWhole, type Out, readOut } from './lookup.js';
import { choice, flag, type Named, named } from './args/options.js';
import type { Parameter } from './parameter.js';
import { readShape } from './args/shape.js';
import { type Tensor, tensorOf } from './tensor.js';

/** How the rows of a bag become one. */
const MODES = ['sum', 'mean', 'max'] as const;

/** How the rows of a bag become one. */
export type BagMode = 'sum' | 'mean' | 'max';

/** What an EmbeddingBag adds to an Embedding. */
export interface BagOptions {
  /** Default `'mean'`. */
  readonly mode?: BagMode | undefined;
  /** Whether the last offset is the number of ids, and begins no bag. Default false. */
  readonly includeLastOffset?: boolean | undefined;
}

/** Options of {@link EmbeddingBag}. */
export interface EmbeddingBagOptions extends EmbeddingOptions, BagOptions {}

/** Options of a call. */
export interface BagCallOptions extends IdsOptions {
  /** Where the bags of flat ids begin: from 0, never falling, at most the number of ids. */
  readonly offsets?: IdsInput | undefined;
  /** One factor per id; with `sum` and `mean`. */
  readonly perSampleWeights?: Float32Array | Tensor<'f32'> | undefined;
}

const BAG_OPTIONS = ['mode', 'includeLastOffset'] as const;
const CALL_OPTIONS = ['shape', 'offsets', 'perSampleWeights'] as const;

function readBagOptions(given: Named): { mode: BagMode; includeLastOffset: boolean } {
  const mode = choice(given, 'mode', MODES, 'mean');
  return { mode, includeLastOffset: flag(given, 'includeLastOffset', false) };
}

/** A bag over an Embedding that exists. */
class Shared {
  constructor(
    readonly embedding: Embedding,
    readonly mode: BagMode,
    readonly includeLastOffset: boolean,
  ) {}
}

/**
 * The sum, mean or maximum of the rows of each bag, column by column.
 *
 * ```text
 * sum   acc = +0; for each id kept, in order: acc = f32(acc + f32(row * weight))
 * mean  sum / (ids kept, or the sum of their weights), one f32 division
 * max   a later value replaces the held one if it is greater, or if it is NaN and the held one is not
 * ```
 * Ids equal to `paddingIdx` are left out, with their weights. An empty bag gives zeros. Errors of the constructor: as
 * {@link Embedding}.
 */
export class EmbeddingBag {
  /** How the rows of a bag become one. */
  readonly mode: BagMode;
  /** Whether the last offset is the number of ids, and begins no bag. */
  readonly includeLastOffset: boolean;
  /** The table, as an Embedding: of this bag's own, or the one given to `from`. */
  readonly embedding: Embedding;
  readonly #table: Table;
  readonly #op: Handle;
  readonly #owned: boolean;

  constructor(options: EmbeddingBagOptions) {
    if (options instanceof Shared) {
      this.embedding = options.embedding;
      this.mode = options.mode;
      this.includeLastOffset = options.includeLastOffset;
      this.#owned = false;
    } else {
      const given = named(options, [...TABLE_OPTIONS, ...BAG_OPTIONS], { required: true });
      const own = readBagOptions(given);
      const table = TABLE_OPTIONS.map((name) => [name, given[name]] as const);
      this.embedding = new Embedding(Object.fromEntries(table) as unknown as EmbeddingOptions);
      this.mode = own.mode;
      this.includeLastOffset = own.includeLastOffset;
      this.#owned = true;
    }
    this.#table = tableOf(this.embedding);
    const { mode, includeLastOffset, paddingIdx } = this;
    this.#op = this.#table.backend.prepare((kernels) =>
      kernels.bagCreate({
        table: this.#table.handle(),
        mode,
        ...(paddingIdx === null ? {} : { padding: paddingIdx }),
        includeLastOffset,
      }),
    );
    Object.freeze(this);
  }

  /** A bag that shares the table of `embedding`, and does not dispose it. Errors: `ERR_INVALID_OPTION`. */
  static from(embedding: Embedding, options?: BagOptions): EmbeddingBag {
    expectEmbedding(embedding, 'embedding');
    const { mode, includeLastOffset } = readBagOptions(named(options, BAG_OPTIONS));
    return new EmbeddingBag(new Shared(embedding, mode, includeLastOffset) as unknown as EmbeddingBagOptions);
  }

  /** V, the number of rows. */
  get vocabSize(): number {
    return this.embedding.vocabSize;
  }

  /** D, the length of a row. */
  get embeddingDim(): number {
    return this.embedding.embeddingDim;
  }

  /** The id that counts for nothing; `null` where there is none. */
  get paddingIdx(): number | null {
    return this.embedding.paddingIdx;
  }

  /** How the table was filled; `null` for given weights. */
  get initType(): InitType | null {
    return this.embedding.initType;
  }

  /** How values are stored. */
  get dtype(): 'f32' {
    return this.embedding.dtype;
  }

  /** The seed of the table; `null` for given weights. */
  get seed(): number | bigint | null {
    return this.embedding.seed;
  }

  /** The table, to be read and written by rows. */
  get weight(): Parameter {
    return this.embedding.weight;
  }

  /** `[weight]`. */
  get parameters(): readonly [Parameter] {
    return this.embedding.parameters;
  }

  /** Whether the table is gone. */
  get disposed(): boolean {
    return this.#table.disposed;
  }

  /**
   * One vector per bag, `[bags, D]`, over memory of its own.
   *
   * `ids` is `[n]` with `offsets`, or `[bags, n]`. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION` (also weights with
   * `max`, and offsets with 2-D ids), `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_INVALID_ARRAY`, `ERR_RANK`,
   * `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_OFFSETS`, `ERR_ID_OUT_OF_RANGE`.
   */
  forward(ids: IdsInput, options?: BagCallOptions): Tensor<'f32'> {
    const { out, bags } = this.#run(ids, null, options);
    return tensorOf(out, Object.freeze([bags, this.embeddingDim]));
  }

  /**
   * The same into `out`, whose rest stays as it is; gives `out` back.
   *
   * Errors: as `forward`, and `ERR_OVERLAP`. After an error `out` is as before.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: BagCallOptions): O {
    this.#run(ids, { out }, options);
    return out;
  }

  #run(ids: IdsInput, into: { readonly out: Out } | null, options: unknown) {
    this.#table.handle();
    const { backend, dim, rows } = this.#table;
    const given = named(options, CALL_OPTIONS);
    const shapeAsked = given['shape'] === undefined ? undefined : readShape(given['shape']);
    const { offsets, perSampleWeights } = given;
    if (perSampleWeights !== undefined && this.mode === 'max') {
      throw wrongValue('perSampleWeights', perSampleWeights, 'absent in mode "max"');
    }
    expectIds(ids);
    if (into !== null) readOut(into.out);
    if (offsets !== undefined) expectIds(offsets, 'offsets');
    if (perSampleWeights !== undefined) readFloats('perSampleWeights', perSampleWeights);

    const starts = offsets === undefined ? null : readIds(offsets, undefined, 'offsets');
    const batch = readIds(ids, shapeAsked, 'ids', (shape) => checkRank(shape, starts !== null, offsets));
    if (starts !== null && starts.shape.length !== 1) {
      throw fail(
        RangeError,
        'ERR_OFFSETS',
        `Offsets must be a flat list: got shape [${starts.shape.join(', ')}]`,
        {
          shape: [...starts.shape],
        },
      );
    }
    const bags =
      starts === null ? batch.shape[0]! : Math.max(0, starts.count - (this.includeLastOffset ? 1 : 0));

    // Only now: reading ids may run the caller's getters.
    this.#table.handle();
    const target = into === null ? null : readOut(into.out);
    const weights =
      perSampleWeights === undefined ? undefined : readFloats('perSampleWeights', perSampleWeights);
    expectWhole(starts, offsets, 'offsets');
    expectWhole(batch, ids, 'ids');
    if (weights !== undefined && lengthOf(weights) !== batch.count) {
      throw lengthError('perSampleWeights', lengthOf(weights), `there are ${batch.count} ids`);
    }
    if (target !== null) {
      const inputs = [
        ['ids', batch],
        ['offsets', starts],
        ['perSampleWeights', weights ?? null],
      ] as const;
      checkOut(target, bags * dim, ...inputs);
    }
    const out = target ?? resultFloats(bags * dim);
    if (starts?.overflow) throw brokenOffset(starts, batch.count, this.includeLastOffset);
    if (batch.overflow !== null) {
      if (starts !== null) this.#checkOffsets(starts, batch.count);
      checkOverflow(backend, batch, rows, 'Token indices');
    }
    const status = backend.kernels.bagRun(
      this.#op.handle(),
      batch.data,
      starts?.data ?? bags,
      weights !== undefined && isShared(weights) ? new Float32Array(weights) : weights,
      out,
    );
    if (status <= -2) throw brokenOffset(starts!, batch.count, this.includeLastOffset);
    if (status >= 0) throw badId(batch, status, rows, 'Token indices');
    starts?.release();
    batch.release();
    return { out: out as Float32Array<ArrayBuffer>, bags };
  }

  #checkOffsets(starts: IdBatch, count: number): void {
    if (findBroken(starts, count, this.includeLastOffset) !== null) {
      throw brokenOffset(starts, count, this.includeLastOffset);
    }
  }

  /** What the table costs, computed. */
  getMemoryUsage(): MemoryUsage {
    return this.embedding.getMemoryUsage();
  }

  /** Frees the table if the bag made it; harmless the second time. */
  dispose(): void {
    if (!this.#owned) return;
    this.#op.dispose();
    this.embedding.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}

function checkRank(shape: readonly number[], withOffsets: boolean, offsets: unknown): void {
  if (shape.length === 1 && !withOffsets) {
    throw fail(
      RangeError,
      'ERR_OFFSETS',
      'Offsets are needed for 1D ids: give offsets, or ids of shape [bags, n]',
      {},
    );
  }
  if (shape.length === 2 && withOffsets) throw wrongValue('offsets', offsets, 'absent for 2D ids');
  if (shape.length !== 1 && shape.length !== 2) throw rankError('1D ids with offsets or 2D ids', shape);
}

/** The first offset that breaks a rule, and which one: the words for what a kernel found. */
function findBroken(
  starts: IdBatch,
  count: number,
  includeLast: boolean,
): { index: number; rule: string } | null {
  const { data, overflow } = starts;
  for (let index = 0; index < data.length; index++) {
    const value = data[index]!;
    if (index === 0 && value !== 0) return { index, rule: 'must start at 0' };
    if (index > 0 && value < data[index - 1]!)
      return { index, rule: `must not fall (${data[index - 1]} came before)` };
    if (value > count) return { index, rule: `must not exceed the number of ids, ${count}` };
  }
  if (overflow !== null) {
    const { position: index, value } = overflow;
    if (index === 0) return { index, rule: 'must start at 0' };
    if (value < data[index - 1]!) return { index, rule: `must not fall (${data[index - 1]} came before)` };
    return { index, rule: `must not exceed the number of ids, ${count}` };
  }
  if (includeLast && data.length === 0) return { index: 0, rule: 'must end with the number of ids' };
  if (includeLast && data.at(-1) !== count) {
    return { index: data.length - 1, rule: `must end with the number of ids, ${count}` };
  }
  if (data.length === 0 && count > 0) return { index: 0, rule: `must cover all ${count} ids` };
  return null;
}

function brokenOffset(starts: IdBatch, count: number, includeLast: boolean): Error {
  const { index, rule } = findBroken(starts, count, includeLast)!;
  const value = starts.overflow?.position === index ? starts.overflow.value : undefined;
  return offsetError(index, value ?? (index < starts.data.length ? starts.at(index) : undefined), rule);
}
