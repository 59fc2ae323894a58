/** Token ids as an argument: one flat sequence, read once and checked, as ordinary numbers. */

import {
  describeGone,
  isArray,
  isFloat,
  isGone,
  kindOf,
  lengthOf,
  tensorContents,
  type TypedArray,
} from '../args/arrays.js';
import { describe, fail, idOutOfRange, invalidId, tooLarge, type TokenbedError } from '../errors.js';

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

/** The properties of an integer `Tensor` that are read here. (Tokenizers do not import `Tensor`.) */
export interface TensorLike {
  /** The ids: an integer typed array. */
  readonly data: unknown;
  /** The shape, such as `[n]`; ids are read flat. */
  readonly shape: readonly number[];
  /** The name of the element type. */
  readonly dtype: string;
}

/** One sequence of token ids. */
export type TokenIds = number | readonly number[] | IntegerArray | TensorLike;

/**
 * The ids as new numbers, each an integer in `0 .. bound - 1`, with `bound` at most 2^32; -0 becomes 0. A Tensor is read
 * flat. Each entry is read once.
 *
 * `where` ends the messages. Errors: `ERR_INVALID_IDS` unless it is one flat sequence, `ERR_INVALID_ID`
 * for an entry that is not an integer, `ERR_ID_OUT_OF_RANGE`; for the first bad entry. `ERR_TOO_LARGE` if there is no
 * memory for the numbers.
 */
export function readIds(value: unknown, bound: number, where = ''): ArrayLike<number> {
  const scalar = typeof value === 'number';
  const data = scalar ? [value] : (tensorContents(value)?.data ?? value);
  const kind = kindOf(data);
  if (kind === undefined ? !isArray(data) : isFloat(kind)) throw invalidIds(where, value);
  if (kind !== undefined && isGone(data as TypedArray)) {
    throw invalidIds(where, value, describeGone(data as TypedArray));
  }
  const list = data as ArrayLike<number>;
  const length = kind === undefined ? list.length : lengthOf(data as TypedArray);
  const shape = scalar ? [] : [length];
  // An ordinary array may claim any length.
  const ids = kind === undefined ? [] : numbers(length);
  for (let position = 0; position < length; position++) {
    const id = list[position]!;
    if (kind === undefined && !Number.isInteger(id)) {
      if (isArray(id) || kindOf(id) !== undefined) throw invalidIds(where, value, `nested at [${position}]`);
      throw invalidId(id, position, scalar ? [] : [position], where);
    }
    if (id < 0 || id >= bound) throw idOutOfRange('Token indices', id, position, bound, shape, where);
    ids[position] = Number(id) + 0;
  }
  return ids;
}

function numbers(length: number): Uint32Array {
  try {
    return new Uint32Array(length);
  } catch {
    throw tooLarge('A copy of the ids', 4 * length, 2 ** 32);
  }
}

function invalidIds(where: string, value: unknown, received = describe(value)): TokenbedError {
  const expected = 'an integer, a flat array of integers, an integer typed array or an integer Tensor';
  const text = `Token ids must be ${expected}: got ${received}${where}`;
  return fail(TypeError, 'ERR_INVALID_IDS', text, { value });
}
