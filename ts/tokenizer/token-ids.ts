/**
 * Reading token ids that a caller gave: one flat sequence, checked once, as ordinary numbers.
 *
 * Every id is read exactly once, so a getter or another thread cannot change it after the check.
 */

import { describeGone, isGone, kindOf, type TypedArray } from '../args/arrays.js';
import { describe, fail, idOutOfRange, type TokenbedError } from '../errors.js';

/** Integer typed arrays. */
export type IntegerArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** As much of an integer `Tensor` as is read here, where tensors are not known. */
export interface TensorLike {
  /** The ids, an integer typed array. */
  readonly data: unknown;
  /** `[n]`. */
  readonly shape: readonly number[];
  /** The name of the element type. */
  readonly dtype: string;
}

/** One sequence of token ids. */
export type TokenIds = number | readonly number[] | IntegerArray | TensorLike;

const TENSOR = Symbol.for('tokenbed.Tensor');

/**
 * The ids as a fresh array of numbers, each an integer in `0 .. bound - 1`; -0 becomes 0.
 *
 * `where` is added to messages, to tell one sequence from another.
 * Errors: `ERR_INVALID_IDS` when it is no flat sequence, `ERR_INVALID_ID` when an entry is no integer,
 * `ERR_ID_OUT_OF_RANGE` when there is no such id; the first bad entry decides.
 */
export function readIds(value: unknown, bound: number, where = ''): number[] {
  if (typeof value === 'number') return [readId(value, 0, bound, [], where)];
  const data = isTensor(value) ? value.data : value;
  if (Array.isArray(data)) {
    const { length } = data;
    const ids: number[] = [];
    for (let position = 0; position < length; position++) {
      const id: unknown = data[position];
      if (Array.isArray(id) || kindOf(id) !== undefined)
        throw invalidIds(`nested at [${position}]`, value, where);
      ids.push(readId(id, position, bound, [length], where));
    }
    return ids;
  }
  const kind = kindOf(data);
  if (kind === undefined || kind.startsWith('Float')) throw invalidIds(describe(value), value, where);
  const view = data as IntegerArray;
  if (isGone(view)) throw invalidIds(describeGone(view as TypedArray), value, where);
  const { length } = view;
  const ids: number[] = [];
  for (let position = 0; position < length; position++) {
    const id = view[position]!;
    if (id < 0 || id >= bound) throw idOutOfRange('Token indices', id, position, bound, [length]);
    ids.push(Number(id));
  }
  return ids;
}

function isTensor(value: unknown): value is { readonly data: unknown } {
  return typeof value === 'object' && value !== null && TENSOR in value;
}

function readId(
  id: unknown,
  position: number,
  bound: number,
  shape: readonly number[],
  where: string,
): number {
  if (!Number.isInteger(id)) {
    const at = shape.length === 0 ? '' : ` at [${position}]`;
    const message = `Token indices must be integers: got ${describe(id)}${at}${where}`;
    throw fail(TypeError, 'ERR_INVALID_ID', message, { value: id, position });
  }
  const number = (id as number) + 0;
  if (number < 0 || number >= bound) throw idOutOfRange('Token indices', number, position, bound, shape);
  return number;
}

function invalidIds(got: string, value: unknown, where: string): TokenbedError {
  const wanted = 'an integer, a flat array of integers, an integer typed array or an integer Tensor';
  return fail(TypeError, 'ERR_INVALID_IDS', `Token ids must be ${wanted}: got ${got}${where}`, { value });
}
