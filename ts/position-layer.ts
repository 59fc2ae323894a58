/// <reference lib="esnext.disposable" preserve="true" />
/** What both kinds of positions share: a table of positions that is added to embeddings. */

import { isShared, lengthOf, sameView } from './args/arrays.js';
import { type Handle, resultFloats, type Table } from './backend/index.js';
import { DISPOSE } from './lifetime.js';
import type { Dropout } from './dropout.js';
import { dimMismatch, rankError } from './errors.js';
import { readFloats, readShapedFloats } from './args/floats.js';
import { badId, checkOut, expectWhole, type Out, readOut } from './lookup.js';
import { named } from './args/options.js';
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

/** Embeddings to add positions to: `[seq, D]` or `[batch, seq, D]`. */
export type FloatsWithShape = Float32Array | Tensor<'f32'>;

/** What a PositionLayer is made of. */
export interface PositionParts {
  readonly table: Table;
  readonly dropout: Dropout;
}

/** Set by the first layer: the class alone can see its parts, and a static block would hold it in every bundle. */
let partsUnder: (layer: PositionLayer) => PositionParts;

/** The table and the dropout of a layer of positions, for the fused pass. */
export function positionParts(layer: PositionLayer): PositionParts {
  return partsUnder(layer);
}

/** Adds a row of a table of positions to each row: out = f32(x + pe), then dropout while training. */
export abstract class PositionLayer {
  readonly #parts: PositionParts;
  readonly #op: Handle;

  protected constructor(parts: PositionParts) {
    partsUnder ??= (layer) => layer.#parts;
    this.#parts = parts;
    const { table, dropout } = parts;
    this.#op = table.backend.prepare((kernels) =>
      kernels.positionsCreate({ table: table.handle(), ...dropout.record }),
    );
  }

  /** D, the number of columns. */
  abstract readonly embeddingDim: number;
  /** How many positions the table has. */
  abstract readonly maxSeqLength: number;

  /** Whether dropout is on; starts false. */
  get training(): boolean {
    return this.#parts.dropout.training;
  }

  /** Turns dropout on. */
  train(): this {
    this.#parts.dropout.training = true;
    return this;
  }

  /** Turns dropout off. */
  eval(): this {
    this.#parts.dropout.training = false;
    return this;
  }

  /** Whether the table is gone. */
  get disposed(): boolean {
    return this.#parts.table.disposed;
  }

  /**
   * out[b, s] = x[b, s] + pe[startPos + s] (or pe[positionIds[s]]), as a Tensor of the shape of `x` over memory of
   * its own.
   *
   * `x` is `[seq, D]` or `[batch, seq, D]`, a Tensor or a Float32Array with the option `shape`. Errors:
   * `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`,
   * `ERR_RANK`, `ERR_DIM`, `ERR_SHAPE`, `ERR_SEQUENCE_LENGTH`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE` (positions).
   */
  forward(x: FloatsWithShape, options?: PositionOptions): Tensor<'f32'> {
    const { out, shape } = this.#run(x, null, options);
    return tensorOf(out, Object.freeze([...shape]));
  }

  /**
   * The same into `out`, whose rest stays as it is; gives `out` back. `out` may be exactly `x` (in place).
   *
   * Errors: as `forward`, and `ERR_OVERLAP`. After an error `out` is as before.
   */
  forwardInto<O extends Out>(x: FloatsWithShape, out: O, options?: PositionOptions): O {
    this.#run(x, { out }, options);
    return out;
  }

  #run(x: FloatsWithShape, into: { readonly out: Out } | null, options: unknown) {
    const { table, dropout } = this.#parts;
    table.handle();
    const given = named(options, POSITION_OPTIONS);
    const shapeAsked = given['shape'] === undefined ? undefined : readShape(given['shape']);
    const asked = readPositions(given);
    readFloats('x', x);
    if (into !== null) readOut(into.out);
    expectPositions(asked);
    const ids = readPositionIds(asked);
    const { data, shape } = readShapedFloats('x', x, shapeAsked, (each) => {
      if (each.length !== 2 && each.length !== 3) throw rankError('2D or 3D embeddings', each);
      if (each.at(-1) !== table.dim) throw dimMismatch(table.dim, each.at(-1)!);
    });
    const seq = shape.at(-2)!;
    checkPositionShape(ids, shape.slice(0, -1));

    const target = into === null ? null : readOut(into.out); // again: reading ids may run the caller's getters
    expectWhole(ids, asked.positionIds, 'positionIds');
    const inPlace = target !== null && sameView(target, data);
    const needed = lengthOf(data);
    if (target !== null) checkOut(target, needed, ['x', inPlace ? null : data], ['positionIds', ids]);
    const { backend } = table;
    checkPositionRange(backend, table, asked, ids, seq);
    const out = target ?? resultFloats(needed);
    table.handle();
    const status = backend.kernels.positionsRun(
      this.#op.handle(),
      inPlace ? undefined : isShared(data) ? new Float32Array(data) : data,
      seq,
      ids?.data ?? asked.startPos,
      dropout.call,
      out,
    );
    if (status >= 0) throw badId(ids!, status, table.rows, 'Positions');
    ids?.release();
    dropout.done();
    return { out: out as Float32Array<ArrayBuffer>, shape };
  }

  /** Frees what the object made; harmless the second time. */
  dispose(): void {
    this.#op.dispose();
    this.#parts.table.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
