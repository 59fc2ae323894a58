/// <reference lib="esnext.disposable" preserve="true" />
/** Token to vector in one pass: lookup, scale, position, dropout. */

import { type Handle, resultFloats, type Table } from './backend/index.js';
import { DISPOSE } from './lifetime.js';
import { Dropout } from './dropout.js';
import {
  type Embedding,
  embeddingOf,
  type EmbeddingOptions,
  expectEmbedding,
  newTable,
  readPadding,
  TABLE_OPTIONS,
  tableOf,
} from './embedding.js';
import { dimMismatch, rankError, wrongKind, wrongValue } from './errors.js';
import { expectIds, type IdsInput, readIds } from './args/ids.js';
import { readInitializer, Stream } from './initializer.js';
import { LearnedPositionalEmbedding } from './learned-positional-embedding.js';
import { badId, checkOut, checkOverflow, expectWhole, lookUpSequence, type Out, readOut } from './lookup.js';
import { choice, flag, integer, type Named, named, real } from './args/options.js';
import type { Parameter } from './parameter.js';
import { positionParts } from './position-layer.js';
import { PositionalEncoding, type PositionalEncodingOptions, readLayout } from './positional-encoding.js';
import {
  checkPositionRange,
  checkPositionShape,
  expectPositions,
  POSITION_OPTIONS,
  type PositionOptions,
  readPositionIds,
  readPositions,
} from './positions.js';
import { readShape } from './args/shape.js';
import { type Tensor, tensorOf } from './tensor.js';

/** What adds positions in a layer. */
export type Positional = PositionalEncoding | LearnedPositionalEmbedding | null;

/** Options of an {@link EmbeddingLayer} that makes its own parts. */
export interface EmbeddingLayerOptions
  extends EmbeddingOptions, Pick<PositionalEncodingOptions, 'base' | 'layout' | 'dropout'> {
  /** How many positions there are: 1 .. 2^32, default 512. */
  readonly maxSeqLength?: number | undefined;
  /** Default `'sinusoidal'`; `null` adds none. */
  readonly positional?: 'sinusoidal' | 'learned' | null | undefined;
  /** Whether rows are multiplied by sqrt(D) first. Default false. */
  readonly scale?: boolean | undefined;
}

/** Options of an {@link EmbeddingLayer} over parts that exist. */
export interface EmbeddingLayerParts {
  /** The table of tokens. */
  readonly token: Embedding;
  /** What adds positions, of the same width and backend; `null` adds none. Its own dropout applies. */
  readonly positional: Positional;
  /** Whether rows are multiplied by sqrt(D) first. Default false. */
  readonly scale?: boolean | undefined;
}

/** What a layer is made of. */
interface Made {
  readonly token: Embedding;
  readonly positional: Positional;
  readonly scale: boolean;
  /** The dropout of the positional part, or of the layer itself where that part has none. */
  readonly dropout: Dropout;
  /** Whether the parts are this layer's to dispose. */
  readonly owned: boolean;
}

const OWN_OPTIONS = ['maxSeqLength', 'positional', 'scale', 'base', 'layout', 'dropout'] as const;

/** Whether `options` name parts that exist; `token: undefined` beside a `vocabSize` does not. */
function givesParts(options: unknown): options is EmbeddingLayerParts {
  if (typeof options !== 'object' || options === null || !Object.hasOwn(options, 'token')) return false;
  const { token, vocabSize } = options as Named;
  return token !== undefined || vocabSize === undefined;
}

/** Those names of the other form that `options` mention as undefined, which is absent. */
function absent(options: unknown, names: readonly string[]): string[] {
  if (typeof options !== 'object' || options === null) return [];
  return names.filter((name) => Object.hasOwn(options, name) && (options as Named)[name] === undefined);
}

function fromParts(options: EmbeddingLayerParts): Made {
  const known = ['token', 'positional', 'scale'];
  const given = named(options, [...known, ...absent(options, [...TABLE_OPTIONS, ...OWN_OPTIONS])]);
  const { token, positional } = given;
  expectEmbedding(token, 'token');
  const fits =
    positional === null ||
    positional instanceof PositionalEncoding ||
    positional instanceof LearnedPositionalEmbedding;
  if (!fits) {
    throw wrongKind('positional', positional, 'a PositionalEncoding, a LearnedPositionalEmbedding or null');
  }
  const scale = flag(given, 'scale', false);
  if (positional === null) return { token, positional, scale, dropout: new Dropout(0, 0), owned: false };
  const { table, dropout } = positionParts(positional);
  if (table.backend !== tableOf(token).backend) {
    throw wrongValue('positional', positional, 'made on the same backend as token');
  }
  if (table.dim !== token.embeddingDim) throw dimMismatch(token.embeddingDim, table.dim);
  return { token, positional, scale, dropout, owned: false };
}

/** `'sinusoidal'`, `'learned'` or null. */
function readKind(given: Named): 'sinusoidal' | 'learned' | null {
  if (given['positional'] === null) return null;
  return choice<'sinusoidal' | 'learned'>(given, 'positional', ['sinusoidal', 'learned'], 'sinusoidal');
}

function fromOptions(options: EmbeddingLayerOptions): Made {
  const known = [...TABLE_OPTIONS, ...OWN_OPTIONS, ...absent(options, ['token'])];
  const given = named(options, known, { required: true });
  const vocabSize = integer(given, 'vocabSize', { min: 1, max: 2 ** 32 });
  const embeddingDim = integer(given, 'embeddingDim', { min: 1 });
  const maxSeqLength = integer(given, 'maxSeqLength', { min: 1, max: 2 ** 32 }, 512);
  const kind = readKind(given);
  const scale = flag(given, 'scale', false);
  const paddingIdx = readPadding(given, vocabSize);
  const initializer = readInitializer(given, 'uniform');
  const base = real(given, 'base', { min: 1, max: 1e12 }, undefined);
  const layout = readLayout(given, undefined);
  for (const [name, value] of Object.entries({ base, layout })) {
    if (value !== undefined && kind !== 'sinusoidal') {
      throw wrongValue(name, value, 'absent unless positional is "sinusoidal"');
    }
  }
  const { seed } = initializer;
  const p = real(given, 'dropout', { min: 0, below: 1 }, 0);

  const token = embeddingOf(newTable(vocabSize, embeddingDim, initializer, Stream.token, paddingIdx));
  const shape = { embeddingDim, maxSeqLength, seed };
  try {
    if (kind === 'sinusoidal') {
      const positional = new PositionalEncoding({ ...shape, dropout: p, base, layout });
      return { token, positional, scale, dropout: positionParts(positional).dropout, owned: true };
    }
    const positional = kind === 'learned' ? new LearnedPositionalEmbedding(shape) : null;
    return { token, positional, scale, dropout: new Dropout(p, seed), owned: true };
  } catch (error) {
    token.dispose(); // nothing half-made is left behind
    throw error;
  }
}

/**
 * Rows of a table with positions added.
 *
 * ```text
 * x = token[ids];  if scale: x = f32(x * f32(sqrt(D)));  x = f32(x + pe);  dropout last, while training
 * ```
 * The same bits as the parts one after the other, in one pass over the output. Errors of the constructor: those of
 * the parts; `ERR_DIM` for parts of unequal width, `ERR_INVALID_OPTION` for parts of two backends.
 */
export class EmbeddingLayer {
  /** The table of tokens. */
  readonly token: Embedding;
  /** The positions. */
  readonly positional: Positional;
  /** Whether rows are multiplied by sqrt(D). */
  readonly scale: boolean;
  /** Those of `token`, then those of `positional`. */
  readonly parameters: readonly Parameter[];
  readonly #made: Made;
  readonly #table: Table;
  readonly #positions: Table | null;
  readonly #op: Handle;

  constructor(options: EmbeddingLayerOptions | EmbeddingLayerParts) {
    const made = givesParts(options) ? fromParts(options) : fromOptions(options as EmbeddingLayerOptions);
    this.#made = made;
    this.token = made.token;
    this.positional = made.positional;
    this.scale = made.scale;
    this.#table = tableOf(made.token);
    this.#positions = made.positional === null ? null : positionParts(made.positional).table;
    const [table, positions] = this.#handles();
    this.#op = this.#table.backend.prepare((kernels) =>
      kernels.embedCreate({
        table,
        ...(made.scale ? { scale: Math.sqrt(this.#table.dim) } : {}),
        ...(positions === undefined ? {} : { positions }),
        ...made.dropout.record,
      }),
    );
    this.parameters = Object.freeze([...made.token.parameters, ...(made.positional?.parameters ?? [])]);
    Object.freeze(this);
  }

  /** Whether dropout is on; starts false. */
  get training(): boolean {
    return this.#made.dropout.training;
  }

  /** Turns dropout on, in the parts too. */
  train(): this {
    this.#made.dropout.training = true;
    this.positional?.train();
    return this;
  }

  /** Turns dropout off, in the parts too. */
  eval(): this {
    this.#made.dropout.training = false;
    this.positional?.eval();
    return this;
  }

  /** Whether a table of the layer is gone. */
  get disposed(): boolean {
    return this.#table.disposed || (this.#positions?.disposed ?? false);
  }

  /**
   * The vectors of `ids`, `[seq]` or `[batch, seq]`: a Tensor of their shape + `[D]`, over memory of its own.
   *
   * Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_RANK`,
   * `ERR_SHAPE`, `ERR_SEQUENCE_LENGTH`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE` (tokens, then positions).
   */
  forward(ids: IdsInput, options?: PositionOptions): Tensor<'f32'> {
    const { out, shape } = this.#run(ids, null, options);
    return tensorOf(out, Object.freeze([...shape, this.token.embeddingDim]));
  }

  /**
   * The same into `out`, whose rest stays as it is; gives `out` back.
   *
   * Errors: as `forward`, and `ERR_INVALID_ARRAY`, `ERR_OVERLAP`. After an error `out` is as before.
   */
  forwardInto<O extends Out>(ids: IdsInput, out: O, options?: PositionOptions): O {
    if (options === undefined && this.#lookUp(ids, out)) return out;
    this.#run(ids, { out }, options);
    return out;
  }

  /** A plain call, as most are (see `lookUp`); false when nothing was done. */
  #lookUp(ids: unknown, out: unknown): boolean {
    if (this.training) return false;
    return lookUpSequence(this.#table, this.#positions, this.#op, ids, out);
  }

  #handles(): readonly [token: number, positions: number | undefined] {
    return [this.#table.handle(), this.#positions?.handle()];
  }

  #run(ids: IdsInput, into: { readonly out: Out } | null, options: unknown) {
    this.#handles();
    const { backend, dim, rows } = this.#table;
    const positions = this.#positions;
    const given = named(options, POSITION_OPTIONS);
    const shapeAsked = given['shape'] === undefined ? undefined : readShape(given['shape']);
    const asked = readPositions(given);
    if (positions === null) {
      for (const name of ['startPos', 'positionIds'] as const) {
        if (given[name] !== undefined)
          throw wrongValue(name, given[name], 'absent in a layer without positions');
      }
    }
    expectIds(ids);
    if (into !== null) readOut(into.out);
    expectPositions(asked);
    const positionIds = readPositionIds(asked);
    const batch = readIds(ids, shapeAsked, 'ids', (shape) => {
      if (shape.length !== 1 && shape.length !== 2) throw rankError('1D or 2D token ids', shape);
    });
    checkPositionShape(positionIds, batch.shape);

    // Only now: reading ids may run the caller's getters.
    this.#handles();
    const target = into === null ? null : readOut(into.out);
    expectWhole(positionIds, asked.positionIds, 'positionIds');
    expectWhole(batch, ids, 'ids');
    const needed = batch.count * dim;
    if (target !== null) checkOut(target, needed, ['ids', batch], ['positionIds', positionIds]);
    const seq = batch.shape.at(-1)!;
    if (positions !== null && positionIds === null) checkPositionRange(backend, positions, asked, null, seq);
    const out = target ?? resultFloats(needed);
    checkOverflow(backend, batch, rows, 'Token indices');
    if (positions !== null && positionIds?.overflow) {
      // Token ids come first, also when a position is beyond all ranges.
      const status = backend.kernels.checkIds(batch.data, rows);
      if (status >= 0) throw badId(batch, status, rows, 'Token indices');
      checkPositionRange(backend, positions, asked, positionIds, seq);
    }
    const { dropout } = this.#made;
    const places = positionIds?.data ?? asked.startPos;
    const status = backend.kernels.embedRun(this.#op.handle(), batch.data, seq, places, dropout.call, out);
    if (status >= 0) throw badId(batch, status, rows, 'Token indices');
    if (status <= -2) throw badId(positionIds!, -2 - status, positions!.rows, 'Positions');
    positionIds?.release();
    batch.release();
    dropout.done();
    return { out: out as Float32Array<ArrayBuffer>, shape: batch.shape };
  }

  /** Frees the parts that the layer made, not those it was given; harmless the second time. */
  dispose(): void {
    if (!this.#made.owned) return;
    this.#op.dispose();
    this.token.dispose();
    this.positional?.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
