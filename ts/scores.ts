/** Scores: dot products of rows of the caller with rows of a table, and their backward pass. */

import { type IdArray, lengthOf, overlaps } from './args/arrays.js';
import { DONE, isForeign, readAgain } from './args/call.js';
import { Floats, readFloats, unshared } from './args/floats.js';
import { Ids, type IdsInput } from './args/ids.js';
import { flag, named } from './args/options.js';
import { formatShape, shapeOption, sizeOf } from './args/shape.js';
import { resultFloats, type Table } from './backend/index.js';
import { dimMismatch, fail, lengthError, overlapError, rankError, wrongValue } from './errors.js';
import { added } from './gradient.js';
import type { Lifetime } from './lifetime.js';
import { type Tensor, tensorOf } from './tensor.js';

/** Options of `Embedding.score`. */
export interface ScoreOptions {
  /**
   * The rows to score: `[k]` for all rows of `x`, or `[..., k]` with k rows for each row of `x`. Default: every row of the
   * table.
   */
  readonly ids?: IdsInput | undefined;
  /** A shape for flat ids; its product is their number. */
  readonly shape?: readonly number[] | undefined;
}

/** Options of `Embedding.scoreBackward`. */
export interface ScoreBackwardOptions extends ScoreOptions {
  /** Whether a contribution is divided by the number of contributions to its row in the call. Default false. */
  readonly scaleGradByFreq?: boolean | undefined;
}

const NAMES = ['ids', 'shape'];
const BACKWARD_NAMES = [...NAMES, 'scaleGradByFreq'];

/** An argument in a list; null: the method does not have it. */
type Argument = readonly [unknown] | null;

/** Stands for an array that is not there. */
const NONE = new Float32Array(0);

/** The arguments of one call, as a kernel takes them, after all checks but that of the ids. */
class ScoreCall {
  /** Where the result goes. */
  out: Float32Array;
  /** The rows of the caller, `[B, D]`. */
  x: Float32Array;
  /** The gradient of the scores, `[B, k]`, of a backward pass. */
  gradOutput: Float32Array = NONE;
  /** The option `scaleGradByFreq`. */
  readonly counted: boolean;
  readonly #table: Table;
  readonly #x: Floats;
  readonly #grads: Floats | null;
  readonly #ids: Ids | null;
  readonly #rows: number;
  readonly #k: number;

  constructor(
    table: Table,
    lifetime: Lifetime,
    x: unknown,
    grads: Argument,
    out: Argument,
    options: unknown,
  ) {
    lifetime.check();
    const values = named(options, grads === null ? NAMES : BACKWARD_NAMES);
    const { ids } = values;
    const shape = shapeOption(values['shape']);
    if (shape !== undefined && ids === undefined) throw wrongValue('shape', shape, 'absent without ids');
    this.counted = flag(values, 'scaleGradByFreq', false);
    this.#table = table;
    this.#x = new Floats('x', x);
    this.#grads = grads === null ? null : new Floats('gradScores', grads[0]);
    this.out = out === null ? NONE : readFloats('out', out[0]);
    this.#ids = ids === undefined ? null : new Ids(ids, 'ids');
    this.#takeSnapshot(lifetime, out);
    if (shape !== undefined) this.#ids!.reshape(shape);
    if (this.#ids?.rank === 0) throw rankError('1D ids for all rows, or ids for each row', []);
    this.#checkWidth();
    this.#rows = this.#countRows();
    this.#k = this.#ids === null ? table.rows : this.#ids.shape.at(-1)!;
    this.#checkRows();
    this.#checkGrads();
    if (out !== null) this.#checkOut();
    else this.out = resultFloats(this.#length);
    this.#ids?.expectNoOverflow('Token indices', table.rows);
    this.x = unshared(this.#x.data, this.#rows * table.dim);
    if (this.#grads !== null) this.gradOutput = unshared(this.#grads.data, this.#rows * this.#k);
  }

  /** The flat ids; undefined: every row of the table. */
  get ids(): IdArray | undefined {
    return this.#ids?.data;
  }

  /** Whether there are ids for each row of `x`. */
  get perRow(): boolean {
    return this.#ids !== null && this.#ids.rank > 1;
  }

  /** Reads nested ids, and copies ids from shared memory. If getters have run, reads the other arrays again. */
  #takeSnapshot(lifetime: Lifetime, out: Argument): void {
    const ids = this.#ids;
    ids?.read();
    const nested = ids?.nested ?? false;
    if (nested || [ids?.value, this.#x.value, this.#grads?.value, out?.[0]].some(isForeign)) {
      readAgain(nested, (selects) => {
        this.#x.refresh(selects);
        this.#grads?.refresh(selects);
        if (out !== null && selects(out[0])) this.out = readFloats('out', out[0]);
      });
    }
    lifetime.check();
  }

  #checkWidth(): void {
    const { dim } = this.#table;
    const width = this.#x.isTensor ? (this.#x.shape.at(-1) ?? 0) : dim;
    if (width !== dim) throw dimMismatch(dim, width);
  }

  /** The number of rows of `x`. */
  #countRows(): number {
    const x = this.#x;
    const { dim } = this.#table;
    if (x.isTensor) x.fit();
    if (x.count % dim !== 0) throw lengthError('x', x.count, `rows have ${dim}`);
    return x.count / dim;
  }

  /** Ids for each row must be for as many rows as there are. */
  #checkRows(): void {
    const ids = this.#ids;
    if (ids === null) return;
    ids.fit();
    if (!this.perRow) return;
    const { shape } = ids;
    const rows = sizeOf(shape.slice(0, -1));
    if (rows === this.#rows) return;
    const text = `ids of shape ${formatShape(shape)} are for ${rows} rows, but x has ${this.#rows}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...shape] });
  }

  #checkGrads(): void {
    const grads = this.#grads;
    if (grads === null) return;
    const [rows, k] = [this.#rows, this.#k];
    if (grads.isTensor) grads.fit();
    if (grads.count !== rows * k) {
      throw lengthError('gradScores', grads.count, `there are ${rows * k} scores`);
    }
    if (!grads.isTensor || grads.shape.at(-1) === k) return;
    const shape = [...grads.shape];
    const text = `gradScores has shape ${formatShape(shape)}, but each row has ${k} scores`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape });
  }

  /** `out` must have room for the result and share no byte with an input. */
  #checkOut(): void {
    const { out } = this;
    const length = lengthOf(out);
    if (length < this.#length) throw lengthError('out', length, `the result has ${this.#length} elements`);
    for (const input of [this.#x, this.#grads]) {
      if (input !== null && overlaps(input.data, out)) throw overlapError(input.name);
    }
    if (this.#ids?.overlaps(out)) throw overlapError('ids');
  }

  /** The number of elements of the result: scores, or the gradient of `x`. */
  get #length(): number {
    return this.#rows * (this.#grads === null ? this.#k : this.#table.dim);
  }

  /** Ends the call: throws the error for the status of its kernel, or returns scratch memory to the pool. */
  done(status: number = DONE): this {
    if (status !== DONE) throw this.#ids!.outOfRange('Token indices', status, this.#table.rows);
    this.#ids?.release();
    return this;
  }

  /** The result of a call that was not passed an `out`. */
  tensor(): Tensor<'f32'> {
    const outer = this.#x.isTensor ? this.#x.shape.slice(0, -1) : [this.#rows];
    const width = this.#grads === null ? this.#k : this.#table.dim;
    return tensorOf(this.out as Float32Array<ArrayBuffer>, [...outer, width]);
  }
}

/** `Embedding.score`, into `out` if it was passed. */
export function score(
  table: Table,
  lifetime: Lifetime,
  x: unknown,
  options: unknown,
  out: Argument,
): ScoreCall {
  const call = new ScoreCall(table, lifetime, x, null, out, options);
  return call.done(table.backend.kernels.scoreRun(table.handle(), call.x, call.ids, call.perRow, call.out));
}

/** `Embedding.scoreBackward`, into `out` if it was passed. */
export function scoreBackward(
  table: Table,
  lifetime: Lifetime,
  x: unknown,
  gradScores: unknown,
  options: unknown,
  out: Argument,
): ScoreCall {
  const call = new ScoreCall(table, lifetime, x, [gradScores], out, options);
  const { ids, gradOutput, perRow, counted } = call;
  const { kernels } = table.backend;
  const handle = table.handle();
  const status = kernels.scoreBackward(handle, call.x, ids, gradOutput, perRow, counted, call.out);
  return added(call, table, status, gradOutput.length);
}
