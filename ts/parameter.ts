/// <reference lib="esnext.disposable" preserve="true" />
/** The values of a table, read and written as rows: the table itself lies where JavaScript need not reach. */

import { bufferOf, isArray, isShared, lengthOf, offsetOf } from './args/arrays.js';
import { resultFloats, type Table } from './backend/index.js';
import { describe, fail, lengthError } from './errors.js';
import { readFloats } from './args/floats.js';
import { readNumbers, type Tensor, tensorOf } from './tensor.js';

/** Floats to be written: `number[]` is rounded to f32. */
export type FloatsInput = Float32Array | Tensor<'f32'> | readonly number[];

/**
 * A table of `[V, D]` values that can be read and written, and later trained.
 *
 * There is no live `.data`: on WASM memory may move, and natively a table may be longer than any typed array.
 * Every method throws `ERR_DISPOSED` once the table is gone; shape and size stay readable.
 */
export class Parameter {
  /** `[V, D]`. */
  readonly shape: readonly [number, number];
  /** How values are stored. */
  readonly dtype = 'f32';
  /** `V * D`. */
  readonly size: number;
  readonly #table: Table;

  /** @internal */
  constructor(table: Table) {
    this.#table = table;
    this.shape = Object.freeze([table.rows, table.dim] as const);
    this.size = table.rows * table.dim;
    Object.freeze(this);
  }

  /**
   * A copy of row `i` as f32, in `out` if given (its first D values), else in a fresh array.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY`, `ERR_SHAPE` (`out`); `ERR_ID_OUT_OF_RANGE`.
   */
  row(i: number, out?: Float32Array): Float32Array {
    this.#table.handle();
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
   * Replaces row `i` by `values`, D of them; the next lookup sees them.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY`; `ERR_SHAPE`; `ERR_ID_OUT_OF_RANGE`.
   */
  set(i: number, values: FloatsInput): void {
    this.#table.handle();
    const { rows, dim, backend } = this.#table;
    const row = readValues(values);
    const length = lengthOf(row);
    if (length !== dim) throw lengthError('values', length, `a row has ${dim}`);
    checkRow(i, rows);
    backend.kernels.tableWrite(this.#table.handle(), i, row);
  }

  /**
   * Replaces the rows from `start` on by `values`, a whole number of rows.
   *
   * Errors: as `set`; `ERR_SHAPE` also when the rows would end behind the table.
   */
  setRows(start: number, values: FloatsInput): void {
    this.#table.handle();
    const { rows, dim, backend } = this.#table;
    const all = readValues(values);
    const length = lengthOf(all);
    if (length % dim !== 0) throw lengthError('values', length, `rows have ${dim}`);
    checkRow(start, rows);
    if (start + length / dim > rows) {
      throw lengthError('values', length, `there are ${rows - start} rows of ${dim} from row ${start}`);
    }
    backend.kernels.tableWrite(this.#table.handle(), start, all);
  }

  /** A copy of the whole table, `[V, D]`, owned by the caller. Errors: `ERR_DISPOSED`, `ERR_TOO_LARGE`. */
  toTensor(): Tensor<'f32'> {
    const handle = this.#table.handle();
    const data = resultFloats(this.size);
    this.#table.backend.kernels.tableRead(handle, 0, data);
    return tensorOf(data, this.shape);
  }
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

const ACCEPTED = "a Float32Array, a Tensor<'f32'> or an array of numbers";

/** Floats that nobody changes during the call. */
function readValues(values: FloatsInput): Float32Array {
  if (isArray(values)) return readNumbers('values', values, ACCEPTED).data;
  const floats = readFloats('values', values);
  return isShared(floats) ? new Float32Array(floats) : floats;
}
