/// <reference lib="esnext.disposable" preserve="true" />
/** Token to vector in one pass: lookup, scale, position, dropout. */

import { bufferOf, type IdArray, isShared } from './args/arrays.js';
import {
  type Call,
  CallReader,
  DONE,
  type PositionBackwardOptions,
  type PositionOptions,
  rank,
} from './args/call.js';
import type { Out } from './args/floats.js';
import type { IdsInput } from './args/ids.js';
import {
  choice,
  COLUMNS,
  expectNames,
  expectOptions,
  flag,
  integer,
  type Named,
  ROWS,
  snapshot,
} from './args/options.js';
import type { Handle, Table } from './backend/index.js';
import { Dropout } from './dropout.js';
import {
  Embedding,
  type EmbeddingOptions,
  expectEmbedding,
  internalsOf,
  newTable,
  TABLE_OPTIONS,
  tableOf,
} from './embedding.js';
import { readDType, readPadding } from './filled-table.js';
import { added } from './gradient.js';
import { ownJSON, showContents } from './contents.js';
import { dimMismatch, wrongObject, wrongValue } from './errors.js';
import { readInitializer, Stream } from './initializer.js';
import { LearnedPositionalEmbedding } from './learned-positional-embedding.js';
import { DISPOSE, Lifetime } from './lifetime.js';
import type { Parameter } from './parameter.js';
import { BRAND as POSITIONS, positionInternals } from './position-layer.js';
import { PositionalEncoding, type PositionalEncodingOptions, readForm } from './positional-encoding.js';
import { TableSpec } from './table-spec.js';
import { rowsOf, type Tensor, plainFloats } from './tensor.js';

/** The positional part of a layer. */
export type Positional = PositionalEncoding | LearnedPositionalEmbedding | null;

/** Options of an {@link EmbeddingLayer} that creates its parts. */
export interface EmbeddingLayerOptions
  extends EmbeddingOptions, Pick<PositionalEncodingOptions, 'base' | 'layout' | 'dropout'> {
  /** The number of positions: 1 .. 2^32, default 512. */
  readonly maxSeqLength?: number | undefined;
  /** Default `'sinusoidal'`; `null` adds no positions. */
  readonly positional?: 'sinusoidal' | 'learned' | null | undefined;
  /** Whether rows are multiplied by sqrt(D) first. Default false. */
  readonly scale?: boolean | undefined;
}

/** Options of an {@link EmbeddingLayer} over existing parts. */
export interface EmbeddingLayerParts {
  /** The table of tokens. */
  readonly token: Embedding;
  /** The positions, of the same width and backend; `null` adds none. Their dropout applies. */
  readonly positional: Positional;
  /** Whether rows are multiplied by sqrt(D) first. Default false. */
  readonly scale?: boolean | undefined;
}

/** The parts of a layer. */
interface Parts {
  readonly token: Embedding;
  readonly positional: Positional;
  readonly scale: boolean;
  /** The dropout of the positional part, or of the layer itself if that part has none. */
  readonly dropout: Dropout;
  /** Whether the layer created the parts, and disposes them. */
  readonly owned: boolean;
}

const PARTS = ['token', 'positional', 'scale'] as const;
const OPTIONS = [
  ...TABLE_OPTIONS,
  'maxSeqLength',
  'positional',
  'scale',
  'base',
  'layout',
  'dropout',
] as const;

/** Reads the options of either form. Undefined options of the other form count as absent. */
function readParts(options: unknown): Parts {
  expectOptions(options);
  const values = snapshot(options, [...OPTIONS, 'token']);
  // `token: undefined` beside a vocabSize counts as absent, too.
  const passed =
    Object.hasOwn(options, 'token') && (values['token'] !== undefined || values['vocabSize'] === undefined);
  const [own, other] = passed ? [PARTS, OPTIONS] : [OPTIONS, PARTS];
  const absent = other.filter((name) => values[name] === undefined && Object.hasOwn(options, name));
  expectNames(options, [...own, ...absent]);
  return passed ? passedParts(values) : createdParts(values);
}

function passedParts(values: Named): Parts {
  const { token, positional } = values;
  expectEmbedding(token, 'token');
  const internals = positionInternals(positional);
  if (internals === undefined && positional !== null) {
    const wanted = 'a PositionalEncoding, a LearnedPositionalEmbedding or null';
    throw wrongObject('positional', positional, wanted, POSITIONS);
  }
  const scale = flag(values, 'scale', false);
  if (internals === undefined) {
    return { token, positional: null, scale, dropout: new Dropout(0, 0), owned: false };
  }
  const { table, dropout } = internals;
  if (table.backend !== tableOf(token).backend) {
    throw wrongValue('positional', positional, 'made on the same backend as token');
  }
  if (table.dim !== token.embeddingDim) throw dimMismatch(token.embeddingDim, table.dim);
  return { token, positional: positional as Positional, scale, dropout, owned: false };
}

/** `'sinusoidal'`, `'learned'` or null. */
function readKind(values: Named): 'sinusoidal' | 'learned' | null {
  if (values['positional'] === null) return null;
  return choice<'sinusoidal' | 'learned'>(values, 'positional', ['sinusoidal', 'learned'], 'sinusoidal');
}

function createdParts(values: Named): Parts {
  const vocabSize = integer(values, 'vocabSize', ROWS);
  const embeddingDim = integer(values, 'embeddingDim', COLUMNS);
  const maxSeqLength = integer(values, 'maxSeqLength', ROWS, 512);
  const kind = readKind(values);
  const scale = flag(values, 'scale', false);
  const paddingIdx = readPadding(values, vocabSize);
  const initializer = readInitializer(values, 'uniform');
  const spec = new TableSpec(vocabSize, embeddingDim, readDType(values));
  const form = readForm(values);
  for (const [name, value] of Object.entries(form)) {
    if (value !== undefined && kind !== 'sinusoidal') {
      throw wrongValue(name, value, 'absent unless positional is "sinusoidal"');
    }
  }
  const { seed } = initializer;
  const p = Dropout.readProbability(values);

  const token = new Embedding(newTable(spec, initializer, Stream.token, paddingIdx));
  const shape = { embeddingDim, maxSeqLength, seed };
  try {
    if (kind === 'sinusoidal') {
      const positional = new PositionalEncoding({ ...shape, dropout: p, ...form });
      const { dropout } = positionInternals(positional)!;
      return { token, positional, scale, dropout, owned: true };
    }
    const positional = kind === 'learned' ? new LearnedPositionalEmbedding(shape) : null;
    return { token, positional, scale, dropout: new Dropout(p, seed), owned: true };
  } catch (error) {
    token.dispose(); // a constructor that throws leaves nothing allocated
    throw error;
  }
}

/**
 * Rows of a table with positions added.
 *
 * ```text
 * x = token[ids];  if scale: x = f32(x * f32(sqrt(D)));  x = f32(x + pe);  dropout last, during training
 * ```
 * One pass over the output; the result has the same bits as applying the parts one after the other. Errors of the
 * constructor: those of the parts; `ERR_DIM` if their widths differ, `ERR_INVALID_OPTION` if their backends differ.
 */
export class EmbeddingLayer {
  /** The table of tokens. */
  readonly token: Embedding;
  /** The positions. */
  readonly positional: Positional;
  /** Whether rows are multiplied by sqrt(D). */
  readonly scale: boolean;
  readonly #table: Table;
  /** The prepared operation. */
  readonly #op: Handle;
  readonly #dropout: Dropout;
  readonly #owned: boolean;
  readonly #lifetime: Lifetime;
  readonly #calls: CallReader;
  readonly #backwardCalls: CallReader;
  readonly #parameters: readonly Parameter[];

  constructor(options: EmbeddingLayerOptions | EmbeddingLayerParts) {
    const { token, positional, scale, dropout, owned } = readParts(options);
    const { table, lifetime } = internalsOf(token);
    const positions = positionInternals(positional);
    this.token = token;
    this.positional = positional;
    this.scale = scale;
    this.#parameters = Object.freeze([...token.parameters, ...(positional?.parameters ?? [])]);
    this.#table = table;
    this.#dropout = dropout;
    this.#owned = owned;
    this.#lifetime = new Lifetime('The layer', lifetime, positions?.lifetime);
    this.#lifetime.check();
    this.#op = table.backend.prepare((kernels) =>
      kernels.embedCreate({
        table: table.handle(),
        ...(scale ? { scale: Math.sqrt(table.dim) } : {}),
        ...(positions === undefined ? {} : { positions: positions.table.handle() }),
        ...dropout.record,
      }),
    );
    const takes = {
      lifetime: this.#lifetime,
      dim: table.dim,
      ids: { bound: table.rows, rank: rank(1, 2, '1D or 2D token ids') },
      positions: positions?.table.rows ?? null,
    };
    this.#calls = new CallReader(takes);
    this.#backwardCalls = new CallReader({ ...takes, backward: { dropout } });
    showContents(this, () => `${this.#lifetime.text} ${this.#dropout.text}`);
    if (new.target === EmbeddingLayer) Object.freeze(this);
  }

  /** The parameters of `token`, then those of `positional`; always the same array. */
  get parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /** Whether dropout is on; initially false. */
  get training(): boolean {
    return this.#dropout.training;
  }

  /**
   * The number of successful training calls with a dropout above 0 so far, shared with a PositionalEncoding. It can be set,
   * to resume training: an integer in 0 .. 2^32, else `ERR_INVALID_OPTION`. At 2^32 a training call is `ERR_TOO_LARGE`.
   */
  get trainingCalls(): number {
    return this.#dropout.calls;
  }

  /** Sets the number of training calls. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`. */
  set trainingCalls(value: number) {
    this.#lifetime.check();
    this.#dropout.setCalls(value);
  }

  /** Turns dropout on, also in the parts. Errors: `ERR_DISPOSED`. */
  train(): this {
    this.#lifetime.check();
    this.#dropout.training = true;
    this.positional?.train();
    return this;
  }

  /** Turns dropout off, also in the parts. Errors: `ERR_DISPOSED`. */
  eval(): this {
    this.#lifetime.check();
    this.#dropout.training = false;
    this.positional?.eval();
    return this;
  }

  /** Whether the layer was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * The vectors of `ids`, `[seq]` or `[batch, seq]`: a new Tensor of shape `[...ids.shape, D]`.
   *
   * Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_RANK`,
   * `ERR_SHAPE`, `ERR_SEQUENCE_LENGTH`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE` (tokens, then positions).
   */
  forward(ids: IdsInput, options?: PositionOptions): Tensor<'f32'> {
    const few = options === undefined ? this.#calls.plainResult(ids) : null;
    if (few !== null && this.#runPlain(ids, few)) return rowsOf(few, this.#calls.dim);
    return this.#run(this.#calls.read(ids, options)).tensor();
  }

  /**
   * Writes the result of `forward` into the first elements of `out` and returns `out`.
   *
   * Errors: as `forward`, and `ERR_INVALID_ARRAY`, `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: PositionOptions): O {
    if (options === undefined && this.#runPlain(ids, out)) return out;
    this.#run(this.#calls.readInto(ids, out, options));
    return out;
  }

  #run(call: Call): Call {
    const { ids, seq, positions, out } = call;
    const { kernels } = this.#table.backend;
    call.done(kernels.embedRun(this.#op.handle(), ids, seq, positions, this.#dropout.call, out));
    this.#dropout.done();
    return call;
  }

  /**
   * Adds to the gradients of the parts, from the gradient of the result of `forward` for these ids.
   *
   * ```text
   * d = +0 where training call `call` dropped the element, else f32(g / f32(1 - p));  d = g in `eval`, or with p = 0
   * positions receive d, for padding tokens, too;  tokens receive d, or f32(d * f32(sqrt(D))) with `scale`
   * ```
   * The same bits as the backward passes of the parts, one after the other. Errors: as `forward`; `ERR_INVALID_ARRAY`,
   * `ERR_DIM`, `ERR_SHAPE` (`gradOutput`); `ERR_INVALID_OPTION` for a `call` that was not made; `ERR_TOO_LARGE` if there is
   * no memory for the gradients. After an error nothing is added.
   */
  backward(ids: IdsInput, gradOutput: Float32Array | Tensor<'f32'>, options?: PositionBackwardOptions): void {
    const call = this.#backwardCalls.readBackward(ids, gradOutput, options);
    const { kernels } = this.#table.backend;
    const { seq, positions } = call;
    const op = this.#op.handle();
    const status = kernels.embedBackward(op, call.ids, seq, positions, call.call, call.gradOutput);
    added(call, this.#table, status);
  }

  /** The fast path of `forwardInto`, see `CallReader.plainCount`. Returns false if it did nothing. */
  #runPlain(ids: unknown, out: unknown): boolean {
    this.#lifetime.check();
    const target = plainFloats(out);
    if (target === undefined) return false;
    const count = this.#calls.plainCount(ids, target);
    if (count === 0 || isShared(bufferOf(ids as IdArray))) return false;
    const { kernels } = this.#table.backend;
    const status = kernels.embedRun(this.#op.handle(), ids as IdArray, count, 0, this.#dropout.call, target);
    if (status !== DONE) return false;
    this.#dropout.done();
    return true;
  }

  /**
   * A new plain object of the options and the parts, for `JSON.stringify`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` for a part with a table of more than 1 MiB.
   */
  toJSON(): object {
    this.#lifetime.check();
    return { ...ownJSON(this), dropout: this.#dropout.p };
  }

  /** Disposes the layer, and the parts that it created. Idempotent; earlier results stay valid. */
  dispose(): void {
    this.#lifetime.end();
    this.#op.dispose();
    if (!this.#owned) return;
    this.token.dispose();
    this.positional?.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
