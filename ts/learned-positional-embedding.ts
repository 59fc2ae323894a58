/** Learned positions: an Embedding of positions that is added to embeddings. */

import { COLUMNS, integer, named, ROWS } from './args/options.js';
import { ownJSON, showContents } from './contents.js';
import { Dropout } from './dropout.js';
import { Embedding, internalsOf, newTable } from './embedding.js';
import { type InitType, readInitializer, Stream } from './initializer.js';
import { Lifetime } from './lifetime.js';
import type { Parameter } from './parameter.js';
import { PositionLayer } from './position-layer.js';
import { TableSpec } from './table-spec.js';

/** Options of {@link LearnedPositionalEmbedding}. */
export interface LearnedPositionalEmbeddingOptions {
  /** The number of positions in the table: 1 .. 2^32. */
  readonly maxSeqLength: number;
  /** D, the number of columns: 1 or more. */
  readonly embeddingDim: number;
  /** Default `'normal'`. */
  readonly initType?: InitType | undefined;
  /** The standard deviation of `normal`; default 1/sqrt(D). */
  readonly std?: number | undefined;
  /** 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default from `Math.random`, so not a secret. */
  readonly seed?: number | bigint | undefined;
}

const OPTIONS = ['maxSeqLength', 'embeddingDim', 'initType', 'std', 'seed'];

/**
 * x[b, s] + positionEmbedding[s]: positions as trainable rows, drawn from stream 1 of the seed.
 *
 * Errors of the constructor: as {@link Embedding}.
 */
export class LearnedPositionalEmbedding extends PositionLayer {
  /** The number of positions in the table. */
  readonly maxSeqLength: number;
  /** D, the number of columns. */
  readonly embeddingDim: number;
  /** The table of positions, an Embedding that this object owns. */
  readonly positionEmbedding: Embedding;
  readonly #lifetime: Lifetime;

  constructor(options: LearnedPositionalEmbeddingOptions) {
    const values = named(options, OPTIONS, { required: true });
    const rows = integer(values, 'maxSeqLength', ROWS);
    const dim = integer(values, 'embeddingDim', COLUMNS);
    const embedding = new Embedding(
      newTable(new TableSpec(rows, dim), readInitializer(values, 'normal'), Stream.position),
    );
    const { table, lifetime } = internalsOf(embedding);
    const own = new Lifetime('The learned positional embedding', lifetime);
    const dropout = new Dropout(0, 0);
    super({ table, dropout, lifetime: own });
    this.#lifetime = own;
    this.maxSeqLength = rows;
    this.embeddingDim = dim;
    this.positionEmbedding = embedding;
    showContents(this, () => `${own.text} ${dropout.text}`);
    if (new.target === LearnedPositionalEmbedding) Object.freeze(this);
  }

  /** `positionEmbedding.parameters`, the same array. */
  get parameters(): readonly [Parameter] {
    return this.positionEmbedding.parameters;
  }

  /** The seed of the table. */
  get seed(): number | bigint {
    return this.positionEmbedding.seed!;
  }

  /** How the table was filled. */
  get initType(): InitType {
    return this.positionEmbedding.initType!;
  }

  /**
   * A new plain object of the options and of `positionEmbedding`, for `JSON.stringify`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` for a table of more than 1 MiB.
   */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

  /** Frees the table and disposes `positionEmbedding`. Idempotent; earlier results stay valid. */
  override dispose(): void {
    this.positionEmbedding.dispose(); // first: it ends the gradient
    super.dispose();
  }
}
