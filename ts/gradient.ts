/// <reference lib="esnext.disposable" preserve="true" />
/** The gradient of a table: the rows that occurred in backward passes, and their values. */

import { lengthOf } from './args/arrays.js';
import { formatShape } from './args/shape.js';
import { resultFloats, resultIds, type Table } from './backend/index.js';
import { MAX_JSON, showContents } from './contents.js';
import { Digest } from './digest.js';
import { fail, tooLarge } from './errors.js';
import { floatBytes } from './table-spec.js';
import { type Tensor, tensorOf } from './tensor.js';

/**
 * The gradient of a table of shape `[V, D]`: its rows that were passed to `backward`, and their values.
 *
 * ```text
 * g[row] = the first contribution to the row;  then g[row] = f32(g[row] + c) for each later one, in flat order
 * ```
 * It ends with the `step` that applies it, with `zeroGrad()`, when the table is frozen, and when it is disposed. Then
 * `shape`, `count` and `toString()` stay readable, and all other members throw `ERR_DISPOSED`.
 */
export class Gradient {
  /** `[V, D]`, the shape of the table. */
  readonly shape: readonly [number, number];
  readonly #table: Table;
  /** The number of rows when the gradient ended; null before. */
  #ended: number | null = null;

  /** @internal */
  constructor(table: Table) {
    this.#table = table;
    this.shape = Object.freeze([table.rows, table.dim] as const);
    enders.set(this, () => {
      this.#ended ??= table.backend.lost ? 0 : this.count;
    });
    showContents(this, () => (this.#ended === null ? digest(this) : `ended with ${this.#ended} rows`));
    Object.freeze(this);
  }

  /** The number of rows. */
  get count(): number {
    return this.#ended ?? this.#table.backend.kernels.gradientCount(this.#table.handle()) ?? 0;
  }

  /** The rows, distinct and ascending: a copy. Errors: `ERR_DISPOSED` after the end, `ERR_TOO_LARGE`. */
  get rows(): Uint32Array {
    const handle = this.#live();
    const rows = resultIds(this.count);
    this.#table.backend.kernels.gradientRows(handle, rows);
    return rows;
  }

  /** The values of the rows, `[count, D]`: a copy. Errors: `ERR_DISPOSED` after the end, `ERR_TOO_LARGE`. */
  get values(): Tensor<'f32'> {
    const handle = this.#live();
    const { count } = this;
    const values = resultFloats(count * this.#table.dim);
    this.#table.backend.kernels.gradientValues(handle, values);
    return tensorOf(values, [count, this.#table.dim]);
  }

  /** A dense copy, `[V, D]`, with +0 in all other rows. Errors: `ERR_DISPOSED` after the end, `ERR_TOO_LARGE`. */
  toTensor(): Tensor<'f32'> {
    this.#live();
    const { dim, spec } = this.#table;
    const dense = resultFloats(spec.values).fill(0); // new memory is not zeros
    const { data } = this.values;
    this.rows.forEach((row, i) => dense.set(data.subarray(i * dim, (i + 1) * dim), row * dim));
    return tensorOf(dense, this.shape);
  }

  /** The bytes of memory that it holds now. Errors: `ERR_DISPOSED` after the end. */
  get bytes(): number {
    return this.#table.backend.kernels.gradientBytes(this.#live());
  }

  /** Such as `Gradient of 3 rows, shape [10, 4]`. Never throws. */
  toString(): string {
    let count: number | string;
    try {
      ({ count } = this);
    } catch {
      count = 'lost'; // after a trap of the WASM instance
    }
    const ended = this.#ended === null ? '' : ', ended';
    return `Gradient of ${count} rows, shape ${formatShape(this.shape)}${ended}`;
  }

  /**
   * A new plain object of shape, rows and values, for `JSON.stringify`. Errors: `ERR_DISPOSED` after the end;
   * `ERR_TOO_LARGE` for more than 1 MiB of values.
   */
  toJSON(): object {
    this.#live();
    const bytes = floatBytes(this.count * this.#table.dim);
    if (bytes > MAX_JSON) throw tooLarge('The JSON of a gradient', bytes, MAX_JSON);
    return { shape: [...this.shape], rows: Array.from(this.rows), values: this.values.toJSON() };
  }

  #live(): number {
    if (this.#ended === null) return this.#table.handle();
    const text = 'The gradient has been disposed: it has ended; parameter.grad is the next one';
    throw fail(Error, 'ERR_DISPOSED', text);
  }
}

/** Ends each gradient. */
const enders = new WeakMap<Gradient, () => void>();

/** Ends a gradient before its rows are cleared. */
export const endGradient = (gradient: Gradient): void => enders.get(gradient)!();

/** The digest of rows and bits. */
function digest(gradient: Gradient): string {
  const all = new Digest();
  const { data } = gradient.values;
  for (const words of [gradient.rows, new Uint32Array(data.buffer, data.byteOffset, data.length)]) {
    all.words(words);
  }
  return String(all);
}

/** A backward pass that has called its kernel. */
interface BackwardCall {
  /** The gradient of the result. */
  readonly gradOutput: Float32Array;
  readonly out: Float32Array;
  /** Ends the call: throws the error for the status of its kernel. */
  done(status?: number): this;
}

/**
 * Ends a backward pass: throws the error for the status of its kernel. `contributions`: their number, if it is not that of the
 * rows of `gradOutput`. Errors: `ERR_TOO_LARGE` without memory.
 */
export function added<C extends BackwardCall>(
  call: C,
  table: Table,
  status: number,
  contributions?: number,
): C {
  if (!Number.isNaN(status)) return call.done(status);
  call.done();
  const values =
    contributions === undefined
      ? lengthOf(call.gradOutput) || lengthOf(call.out)
      : Math.min(contributions, table.rows) * table.dim;
  throw tooLarge('A gradient', floatBytes(values), table.backend.limit);
}

/** `ERR_NOT_TRAINABLE`: a table that is stored in another dtype, or can only be read. */
export function notTrainable({ spec }: Table): Error {
  const what = spec.mapping === undefined ? `table of ${spec.dtype}` : 'mapped table';
  const text = `A ${what} cannot be trained; convert('f32') returns one that can`;
  return fail(Error, 'ERR_NOT_TRAINABLE', text, { dtype: spec.dtype });
}

/** Whether a table can be trained: f32 that may be written. */
export const isTrainable = ({ spec }: Table): boolean => spec.dtype === 'f32' && !spec.readOnly;
