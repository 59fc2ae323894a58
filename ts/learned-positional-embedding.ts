/** Learned positions: an Embedding of positions that is added to embeddings. */

import { Dropout } from './dropout.js';
import { type Embedding, embeddingOf, newTable, tableOf } from './embedding.js';
import { type InitType, readInitializer, Stream } from './initializer.js';
import { integer, named } from './args/options.js';
import type { Parameter } from './parameter.js';
import { PositionLayer } from './position-layer.js';

/** Options of {@link LearnedPositionalEmbedding}. */
export interface LearnedPositionalEmbeddingOptions {
  /** How many positions the table has: 1 .. 2^32. */
  readonly maxSeqLength: number;
  /** D, the number of columns: 1 or more. */
  readonly embeddingDim: number;
  /** Default `'normal'`. */
  readonly initType?: InitType | undefined;
  /** The spread of `normal`; default 1/sqrt(D). */
  readonly std?: number | undefined;
  /** 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default a fresh random number. */
  readonly seed?: number | bigint | undefined;
}

/**
 * x[b, s] + positionEmbedding[s]: positions as trainable rows, drawn from stream 1 of the seed.
 *
 * Errors of the constructor: as {@link Embedding}.
 */
export class LearnedPositionalEmbedding extends PositionLayer {
  /** How many positions the table has. */
  readonly maxSeqLength: number;
  /** D, the number of columns. */
  readonly embeddingDim: number;
  /** The table of positions, an Embedding of its own. */
  readonly positionEmbedding: Embedding;
  /** Those of `positionEmbedding`, the same object. */
  readonly parameters: readonly [Parameter];

  constructor(options: LearnedPositionalEmbeddingOptions) {
    const given = named(options, ['maxSeqLength', 'embeddingDim', 'initType', 'std', 'seed'], {
      required: true,
    });
    const rows = integer(given, 'maxSeqLength', { min: 1, max: 2 ** 32 });
    const dim = integer(given, 'embeddingDim', { min: 1 });
    const embedding = embeddingOf(newTable(rows, dim, readInitializer(given, 'normal'), Stream.position));
    super({ table: tableOf(embedding), dropout: new Dropout(0, 0) });
    this.maxSeqLength = rows;
    this.embeddingDim = dim;
    this.positionEmbedding = embedding;
    this.parameters = embedding.parameters;
    Object.freeze(this);
  }

  /** The seed of the table. */
  get seed(): number | bigint {
    return this.positionEmbedding.seed!;
  }

  /** How the table was filled. */
  get initType(): InitType {
    return this.positionEmbedding.initType!;
  }
}
