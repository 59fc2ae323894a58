/// <reference lib="esnext.disposable" preserve="true" />
/** Bags of ids, each reduced to one vector without materializing the rows. */

import { type Call, type CallOptions, CallReader, DONE, type IdsOptions, type Takes } from './args/call.js';
import type { Out } from './args/floats.js';
import type { IdsInput } from './args/ids.js';
import { choice, flag, type Named, named } from './args/options.js';
import { type Handle, resultFloats, type Table } from './backend/index.js';
import {
  Embedding,
  type EmbeddingOptions,
  expectEmbedding,
  internalsOf,
  type MemoryUsage,
  TABLE_OPTIONS,
  tableFrom,
} from './embedding.js';
import { ownJSON, showContents } from './contents.js';
import { added } from './gradient.js';
import type { InitType } from './initializer.js';
import { DISPOSE, Lifetime } from './lifetime.js';
import type { Parameter } from './parameter.js';
import type { BlockDType, StorageDType } from './table-spec.js';
import { rowsOf, type Tensor, plainFloats, plainIds } from './tensor.js';

/** How the rows of a bag are reduced. */
export type BagMode = 'sum' | 'mean' | 'max';

const MODES: readonly BagMode[] = ['sum', 'mean', 'max'];

/** The options that an EmbeddingBag adds to those of an Embedding. */
export interface BagOptions {
  /** Default `'mean'`. */
  readonly mode?: BagMode | undefined;
  /** Whether the last offset is the number of ids instead of the start of a bag. Default false. */
  readonly includeLastOffset?: boolean | undefined;
}

/** Options of {@link EmbeddingBag}. */
export interface EmbeddingBagOptions extends EmbeddingOptions, BagOptions {}

/** Options of a call. */
export interface BagCallOptions extends IdsOptions {
  /** The start of each bag in flat ids: ascending (repeats allowed), from 0 up to at most the number of ids. */
  readonly offsets?: IdsInput | undefined;
  /** One factor per id; with `sum` and `mean`. */
  readonly perSampleWeights?: Float32Array | Tensor<'f32'> | undefined;
}

/** Options of a backward pass. */
export interface BagBackwardOptions extends BagCallOptions {
  /**
   * Where the gradient of the weights goes: its first elements, one per id, are overwritten, those of padding by +0. It may
   * not share bytes with an input.
   */
  readonly perSampleWeightsGrad?: Out | undefined;
  /** Whether a contribution is divided by the number of contributions to its row in the call. Default false. */
  readonly scaleGradByFreq?: boolean | undefined;
}

const BAG_OPTIONS = ['mode', 'includeLastOffset'] as const;

function readBagOptions(values: Named): { mode: BagMode; includeLastOffset: boolean } {
  const mode = choice(values, 'mode', MODES, 'mean');
  return { mode, includeLastOffset: flag(values, 'includeLastOffset', false) };
}

/** An existing Embedding and the options of a bag, as an argument of the constructor (see `FilledTable`). */
class SharedEmbedding implements EmbeddingBagOptions {
  declare readonly vocabSize: number;
  declare readonly embeddingDim: number;

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
 * sum   acc = +0; for each id but padding, in order: acc = f32(acc + f32(row * weight))
 * mean  sum / (number of ids, or sum of their weights, without padding), one f32 division
 * max   a later value replaces the current one if it is greater, or if it is NaN and the current one is not
 * ```
 * Ids equal to `paddingIdx` and their weights are excluded. The result of an empty bag is zeros. Errors of the
 * constructor: as {@link Embedding}.
 */
export class EmbeddingBag {
  /** How the rows of a bag are reduced. */
  readonly mode: BagMode;
  /** Whether the last offset is the number of ids instead of the start of a bag. */
  readonly includeLastOffset: boolean;
  /** The table, as an Embedding: created by the bag, or passed to `from`. */
  readonly embedding: Embedding;
  readonly #table: Table;
  /** The prepared operation. */
  readonly #op: Handle;
  readonly #owned: boolean;
  readonly #lifetime: Lifetime;
  readonly #calls: CallReader;
  /** Created with the first backward pass. */
  #backwardCalls: CallReader | undefined;

  constructor(options: EmbeddingBagOptions) {
    if (options instanceof SharedEmbedding) {
      this.embedding = options.embedding;
      this.mode = options.mode;
      this.includeLastOffset = options.includeLastOffset;
      this.#owned = false;
    } else {
      const values = named(options, [...TABLE_OPTIONS, ...BAG_OPTIONS], { required: true });
      const { mode, includeLastOffset } = readBagOptions(values);
      this.embedding = new Embedding(tableFrom(values));
      this.mode = mode;
      this.includeLastOffset = includeLastOffset;
      this.#owned = true;
    }
    const { table, lifetime } = internalsOf(this.embedding);
    this.#table = table;
    this.#lifetime = new Lifetime('The bag', lifetime);
    this.#lifetime.check();
    const { mode, includeLastOffset, paddingIdx } = this;
    this.#op = table.backend.prepare((kernels) =>
      kernels.bagCreate({
        table: table.handle(),
        mode,
        ...(paddingIdx === null ? {} : { padding: paddingIdx }),
        includeLastOffset,
      }),
    );
    this.#calls = new CallReader(this.#takes());
    showContents(this, () => this.#lifetime.text);
    if (new.target === EmbeddingBag) Object.freeze(this);
  }

  /** A bag over the table of `embedding`, which it shares and does not dispose. Errors: `ERR_INVALID_OPTION`. */
  static from(embedding: Embedding, options?: BagOptions): EmbeddingBag {
    expectEmbedding(embedding, 'embedding');
    const { mode, includeLastOffset } = readBagOptions(named(options, BAG_OPTIONS));
    return new EmbeddingBag(new SharedEmbedding(embedding, mode, includeLastOffset));
  }

  /** V, the number of rows. */
  get vocabSize(): number {
    return this.embedding.vocabSize;
  }

  /** D, the length of a row. */
  get embeddingDim(): number {
    return this.embedding.embeddingDim;
  }

  /** The id that is excluded from every bag; `null` if there is none. */
  get paddingIdx(): number | null {
    return this.embedding.paddingIdx;
  }

  /** How the table was filled; `null` for pretrained weights. */
  get initType(): InitType | null {
    return this.embedding.initType;
  }

  /** The storage of values. */
  get dtype(): StorageDType | BlockDType {
    return this.embedding.dtype;
  }

  /** The seed of the table; `null` for pretrained weights. */
  get seed(): number | bigint | null {
    return this.embedding.seed;
  }

  /** The table, read and written by rows. */
  get weight(): Parameter {
    return this.embedding.weight;
  }

  /** `[weight]`. */
  get parameters(): readonly [Parameter] {
    return this.embedding.parameters;
  }

  /** Whether the bag was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * One vector per bag: a new Tensor of shape `[bags, D]`.
   *
   * `ids` is `[n]` with `offsets`, or `[bags, n]`. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION` (also weights with
   * `max`, and offsets with 2-D ids), `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_INVALID_ARRAY`, `ERR_RANK`,
   * `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_OFFSETS`, `ERR_ID_OUT_OF_RANGE`.
   */
  forward(ids: IdsInput, options?: BagCallOptions): Tensor<'f32'> {
    const passed = this.#calls.readOptions(options);
    const few = this.#runPlain(ids, undefined, passed);
    if (few !== undefined) return rowsOf(few, this.#calls.dim);
    return this.#run(this.#calls.readNew(ids, passed)).tensor();
  }

  /**
   * Writes the result of `forward` into the first `bags * D` elements of `out` and returns `out`.
   *
   * Errors: as `forward`, and `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: BagCallOptions): O {
    const passed = this.#calls.readOptions(options);
    const target = plainFloats(out);
    if (target === undefined || this.#runPlain(ids, target, passed) === undefined) {
      this.#run(this.#calls.readRest(ids, out, passed));
    }
    return out;
  }

  /** The fast path, see `CallReader.plainBags`: the result, or undefined if it did nothing. */
  #runPlain(ids: unknown, out: Float32Array | undefined, passed: CallOptions): Float32Array | undefined {
    const data = plainIds(ids);
    if (data === undefined) return undefined;
    const bags = this.#calls.plainBags(ids, data, out, passed);
    if (bags === undefined) return undefined;
    this.#lifetime.check(); // the caller's options may have disposed it
    const result = out ?? resultFloats(this.#calls.bagCount(bags) * this.#calls.dim);
    const { kernels } = this.#table.backend;
    return kernels.bagRun(this.#op.handle(), data, bags, undefined, result) === DONE ? result : undefined;
  }

  #run(call: Call): Call {
    const { kernels } = this.#table.backend;
    return call.done(kernels.bagRun(this.#op.handle(), call.ids, call.bags, call.weights, call.out));
  }

  #takes(): Takes {
    const { mode, includeLastOffset } = this;
    return {
      lifetime: this.#lifetime,
      dim: this.embeddingDim,
      ids: { bound: this.vocabSize },
      bags: { weighted: mode !== 'max', includeLastOffset },
    };
  }

  /**
   * Adds `gradOutput`, the gradient of the result of `forward` for these ids, to the gradient of the table, `weight.grad`.
   *
   * ```text
   * for each bag b with an id that is not padding, and each such id i, in flat order, with G = gradOutput[b]:
   *     sum    c = G                          with weights: f32(G weight_i)
   *     mean   c = q = f32(G / divisor of b)  with weights: f32(q weight_i);  the divisor is that of `forward`
   *     max    c = G in the columns whose maximum is that of i (the first of equals, the first NaN), +0 in the others
   *     scaleGradByFreq: c = f32(c / (contributions to the row in this call))
   *     g[ids[i]] = c the first time, then f32(g[ids[i]] + c)
   * perSampleWeightsGrad[i] = dot(G, row_i);  mean: f32(dot(q, row_i) - dot(q, the result of b));  +0 for padding
   * ```
   * `dot` is that of `Embedding.nearest`. `max` and the gradient of the weights read the table: call `backward` before it is
   * updated. `gradOutput` is a Float32Array of exactly `bags * D` elements, or a Tensor whose last size is D. On a frozen
   * table it only checks, and writes the gradient of the weights. Errors: as `forward`; `ERR_INVALID_ARRAY`, `ERR_DIM`,
   * `ERR_SHAPE` (`gradOutput`, `perSampleWeightsGrad`); `ERR_INVALID_OPTION` for `perSampleWeightsGrad` without weights;
   * `ERR_OVERLAP`; `ERR_TOO_LARGE` if there is no memory for the gradient. After an error nothing has changed.
   */
  backward(ids: IdsInput, gradOutput: Float32Array | Tensor<'f32'>, options?: BagBackwardOptions): void {
    this.#backwardCalls ??= new CallReader({ ...this.#takes(), backward: { counted: true } });
    const call = this.#backwardCalls.readBackward(ids, gradOutput, options);
    const { bags, weights, weightsGrad, counted } = call;
    const { kernels } = this.#table.backend;
    const op = this.#op.handle();
    const status = kernels.bagBackward(op, call.ids, bags, weights, call.gradOutput, weightsGrad, counted);
    added(call, this.#table, status, call.ids.length);
  }

  /** The memory of the table; also readable after `dispose()`. */
  getMemoryUsage(): MemoryUsage {
    return this.embedding.getMemoryUsage();
  }

  /**
   * A new plain object of the options and of `embedding`, for `JSON.stringify`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` for a table of more than 1 MiB.
   */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

  /** Disposes the bag, and frees the table if the bag created it. Idempotent; earlier results stay valid. */
  dispose(): void {
    this.#lifetime.end();
    this.#op.dispose();
    if (this.#owned) this.embedding.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
