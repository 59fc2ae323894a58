/// <reference lib="esnext.disposable" preserve="true" />
/** The values of a table and its gradient. The table is read and written by rows: JavaScript may not be able to address its memory. */

import { bufferOf, isArray, lengthOf, offsetOf } from './args/arrays.js';
import { CallReader } from './args/call.js';
import { readFloats, readNumbers, unshared } from './args/floats.js';
import type { IdsInput } from './args/ids.js';
import { positive } from './args/options.js';
import { resultFloats, type Table } from './backend/index.js';
import { formatShape } from './args/shape.js';
import { MAX_JSON, NAME, showContents } from './contents.js';
import { Digest } from './digest.js';
import { describe, fail, lengthError, tooLarge, wrongKind } from './errors.js';
import { endGradient, Gradient, isTrainable, notTrainable } from './gradient.js';
import type { Lifetime } from './lifetime.js';
import { expectWritable, store } from './storing.js';
import { type BlockDType, floatBytes, type StorageDType } from './table-spec.js';
import { type Tensor, type TensorJSON, tensorOf } from './tensor.js';

/** Floats to write; numbers are rounded to f32. */
export type FloatsInput = Float32Array | Tensor<'f32'> | readonly number[];

/** The parameters of objects without trainable ones. */
export const NO_PARAMETERS: readonly [] = Object.freeze([] as const);

const ACCEPTED = "a Float32Array, a Tensor<'f32'> or an array of numbers";

/**
 * A table of `[V, D]` values, read and written by rows.
 *
 * There is no live `.data`: the table may be in WASM memory, or larger than one typed array can hold. Once the table is
 * disposed, every method throws `ERR_DISPOSED`; shape and size stay readable.
 */
export class Parameter {
  /** `[V, D]`. */
  readonly shape: readonly [number, number];
  /** The storage of values. */
  readonly dtype: StorageDType | BlockDType;
  /** `V * D`. */
  readonly size: number;
  readonly #table: Table;
  readonly #lifetime: Lifetime;
  readonly #padding: number | undefined;
  #trains: boolean;
  /** The object of the current gradient, once it was read. */
  #gradient: Gradient | null = null;

  /** @internal */
  constructor(table: Table, lifetime: Lifetime, padding: number | null, freeze = false) {
    this.#table = table;
    this.#lifetime = lifetime;
    this.#padding = padding ?? undefined;
    this.#trains = isTrainable(table) && !freeze;
    if (this.#trains) table.backend.kernels.tableTrains(table.handle(), true, this.#padding);
    internals.set(this, { table, lifetime, padding, endGradient: () => this.#endGradient() });
    this.shape = Object.freeze([table.rows, table.dim] as const);
    this.dtype = table.spec.dtype;
    this.size = table.spec.values;
    showContents(this, () => {
      const training = this.#trains || !isTrainable(table) ? '' : ' frozen';
      const gradient = this.grad === null ? '' : ` gradient ${Reflect.get(this.grad, NAME)}`;
      return `${formatShape(this.shape)} ${this.dtype} ${digest(table)}${training}${gradient}`;
    });
    if (new.target === Parameter) Object.freeze(this);
  }

  /**
   * A copy of row `i` as f32: in the first D elements of `out` if it is passed, else in a new array.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY`, `ERR_SHAPE` (`out`); `ERR_ID_OUT_OF_RANGE`.
   */
  row(i: number, out?: Float32Array): Float32Array {
    this.#lifetime.check();
    const { rows, dim, backend } = this.#table;
    const target = out === undefined ? undefined : readFloats('out', out);
    const length = target === undefined ? dim : lengthOf(target);
    if (length < dim) throw lengthError('out', length, `a row has ${dim}`);
    checkRow(i, rows);
    const row = target ?? resultFloats(dim);
    backend.kernels.tableRead(this.#table.handle(), i, length === dim ? row : front(row, dim));
    return out ?? row;
  }

  /**
   * Replaces row `i` by the D `values`, converted to the dtype of the table. The next lookup returns them.
   *
   * Errors: `ERR_DISPOSED`; `ERR_READ_ONLY`; `ERR_INVALID_ARRAY`; `ERR_SHAPE`; `ERR_ID_OUT_OF_RANGE`; `ERR_RANGE` for a
   * value that the dtype cannot store. After an error the table is unchanged.
   */
  set(i: number, values: FloatsInput): void {
    this.#lifetime.check();
    expectWritable(this.#table);
    const { rows, dim } = this.#table;
    const row = readValues(values, this.#lifetime);
    const length = lengthOf(row);
    if (length !== dim) throw lengthError('values', length, `a row has ${dim}`);
    checkRow(i, rows);
    store(this.#table, (kernels, handle) => kernels.tableWrite(handle, i, row), i);
  }

  /**
   * Replaces the rows from `start` on by `values`, a whole number of rows.
   *
   * Errors: as `set`; also `ERR_SHAPE` if the rows would end beyond the table.
   */
  setRows(start: number, values: FloatsInput): void {
    this.#lifetime.check();
    expectWritable(this.#table);
    const { rows, dim } = this.#table;
    const all = readValues(values, this.#lifetime);
    const length = lengthOf(all);
    if (length % dim !== 0) throw lengthError('values', length, `rows have ${dim}`);
    checkRow(start, rows);
    if (start + length / dim > rows) {
      throw lengthError('values', length, `there are ${rows - start} rows of ${dim} from row ${start}`);
    }
    store(this.#table, (kernels, handle) => kernels.tableWrite(handle, start, all), start);
  }

  /**
   * Whether backward passes add to the gradient. Starts true for a table of f32 that can be written, unless it was created
   * with `freeze`. False ends the gradient; then backward passes check their arguments, return the gradients of their
   * inputs, and add nothing.
   *
   * Errors when it is set: `ERR_DISPOSED`; `ERR_INVALID_OPTION` unless the value is a boolean; `ERR_NOT_TRAINABLE` for true
   * on any other table.
   */
  get requiresGrad(): boolean {
    return this.#trains;
  }

  /** Freezes the table, or lets it train again. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_NOT_TRAINABLE`. */
  set requiresGrad(value: boolean) {
    this.#lifetime.check();
    if (typeof value !== 'boolean') throw wrongKind('requiresGrad', value, 'true or false');
    if (value === this.#trains) return;
    if (value && !isTrainable(this.#table)) throw notTrainable(this.#table);
    this.#endGradient();
    this.#table.backend.kernels.tableTrains(this.#table.handle(), value, this.#padding);
    this.#trains = value;
  }

  /**
   * The gradient, one object until it ends: with a `step`, `zeroGrad`, `requiresGrad = false` or `dispose`. Null before
   * the first backward pass, and after the end.
   */
  get grad(): Gradient | null {
    if (!this.#trains || this.#table.disposed) return null;
    if (this.#table.backend.kernels.gradientCount(this.#table.handle()) === undefined) return null;
    this.#gradient ??= new Gradient(this.#table);
    return this.#gradient;
  }

  /** Ends the gradient, if there is one. Never throws. */
  zeroGrad(): void {
    if (this.#table.disposed || this.#table.backend.lost) return;
    this.#endGradient();
    this.#table.backend.kernels.gradientClear(this.#table.handle());
  }

  /**
   * Scales rows down to the norm `maxNorm`: each distinct row of `ids` once, in any form of ids, or every row without
   * `ids`. The padding row is one like any other; a gradient is kept. Before `forward` it is PyTorch's `max_norm`.
   *
   * ```text
   * n = f32(sqrt(dot(w, w)));   if n > f32(maxNorm): w = f32(w f32(f32(maxNorm) / f32(n + f32(1e-7))))
   * ```
   * `dot` adds 16 lanes. A row with a NaN is left as it is.
   *
   * Errors: `ERR_DISPOSED`; `ERR_NOT_TRAINABLE` unless the table is f32 and can be written; `ERR_INVALID_OPTION` unless
   * `maxNorm` is finite and greater than 0; those of ids; `ERR_TOO_LARGE`. After an error the table is unchanged.
   */
  renorm(maxNorm: number, ids?: IdsInput): void {
    this.#lifetime.check();
    const table = this.#table;
    if (!isTrainable(table)) throw notTrainable(table);
    const most = positive({ maxNorm }, 'maxNorm');
    const { kernels } = table.backend;
    if (ids === undefined) {
      kernels.tableRenorm(table.handle(), most, undefined);
      return;
    }
    // A call whose rows have no columns: its ids are checked, and it has no result.
    const calls = new CallReader({ lifetime: this.#lifetime, dim: 0, ids: { bound: table.rows } });
    const call = calls.read(ids, undefined);
    const status = kernels.tableRenorm(table.handle(), most, call.ids);
    if (!Number.isNaN(status)) call.done(status);
    else throw tooLarge('The distinct rows', floatBytes(call.ids.length), table.backend.limit);
  }

  #endGradient(): void {
    if (this.#gradient === null) return;
    endGradient(this.#gradient);
    this.#gradient = null;
  }

  /** A copy of the whole table, `[V, D]`, owned by the caller. Errors: `ERR_DISPOSED`, `ERR_TOO_LARGE`. */
  toTensor(): Tensor<'f32'> {
    this.#lifetime.check();
    const data = resultFloats(this.size);
    this.#table.backend.kernels.tableRead(this.#table.handle(), 0, data);
    return tensorOf(data, this.shape);
  }

  /**
   * A new plain object of shape, dtype and values, for `JSON.stringify`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` for a table of more than 1 MiB.
   */
  toJSON(): TensorJSON {
    this.#lifetime.check();
    const bytes = floatBytes(this.size);
    if (bytes > MAX_JSON) throw tooLarge('The JSON of a table', bytes, MAX_JSON);
    return this.toTensor().toJSON();
  }
}

/** The internals of a Parameter that training uses. */
export interface ParameterInternals {
  readonly table: Table;
  readonly lifetime: Lifetime;
  /** The row that gets no gradient and is never updated. */
  readonly padding: number | null;
  /** Ends the object of the gradient, before the backend clears or applies the rows. */
  endGradient(): void;
}

/** Every Parameter of this copy of the package. */
const internals = new WeakMap<object, ParameterInternals>();

/** The internals of a Parameter; undefined for any other value. */
export const trainingOf = (value: unknown): ParameterInternals | undefined => internals.get(value as object);

/** The number of values that are read at once for a digest. */
const BLOCK = 2 ** 14;

/** The digest of the bits of a table, or `disposed`. */
function digest(table: Table): string {
  if (table.disposed) return 'disposed';
  const { rows, dim, backend } = table;
  const all = new Digest();
  // A multiple of four rows, because a digest takes blocks of four words.
  const step = 4 * Math.ceil(BLOCK / (4 * dim));
  const block = new Float32Array(Math.min(step, rows) * dim);
  for (let row = 0; row < rows; row += step) {
    const part = block.subarray(0, Math.min(step, rows - row) * dim);
    backend.kernels.tableRead(table.handle(), row, part);
    all.words(new Uint32Array(part.buffer, 0, part.length));
  }
  return String(all);
}

/** Floats that no other thread changes during the call. */
function readValues(values: FloatsInput, lifetime: Lifetime): Float32Array {
  if (!isArray(values)) return unshared(readFloats('values', values));
  const { data } = readNumbers('values', values, ACCEPTED);
  lifetime.check(); // getters inside the numbers have run
  return data;
}

function checkRow(row: unknown, rows: number): void {
  if (Number.isInteger(row) && (row as number) >= 0 && (row as number) < rows) return;
  if (typeof row !== 'number') {
    const text = `Token indices must be integers: got ${describe(row)} as a row`;
    throw fail(TypeError, 'ERR_INVALID_ID', text, { value: row, position: 0 });
  }
  throw fail(
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    `Token indices must be in range [0, ${rows}): got row ${row}`,
    {
      value: row,
      position: 0,
      bound: rows,
    },
  );
}

/** The first `length` floats, a view. */
function front(floats: Float32Array, length: number): Float32Array {
  return new Float32Array(bufferOf(floats), offsetOf(floats), length);
}
