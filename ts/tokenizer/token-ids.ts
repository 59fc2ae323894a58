/** Token ids as an argument: one flat sequence, read once and checked, as ordinary numbers. */

import {
  bufferOf,
  describeGone,
  isArray,
  isFloat,
  isGone,
  isNarrow,
  isShared,
  kindOf,
  lengthOf,
  tensorContents,
  type TypedArray,
} from '../args/arrays.js';
import { describe, fail, idOutOfRange, invalidId, type TokenbedError } from '../errors.js';

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

/** Up to this number of ids, a copy is faster than the look at the buffer. */
const FEW = 1024;

/** Checked ids. */
export interface Ids {
  readonly list: ArrayLike<number>;
  /** The number of ids. (The caller's array may have a forged `length`.) */
  readonly length: number;
}

/**
 * The ids, each an integer in `0 .. bound - 1`; `bound` is at most 2^32. A Tensor is read flat.
 *
 * `list` is the caller's array if that is a long unshared typed array of up to 32 bits, to be used before other code can
 * run. Otherwise it is a copy, for which each entry was read once.
 *
 * `where` ends the messages. Errors: `ERR_INVALID_IDS` unless it is one flat sequence, `ERR_INVALID_ID`
 * for an entry that is not an integer, `ERR_ID_OUT_OF_RANGE`; for the first bad entry.
 */
export function readIds(value: unknown, bound: number, where = ''): Ids {
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
  const isLong = length > FEW && kind !== undefined && isNarrow(kind);
  const asItIs = isLong && !isShared(bufferOf(data as TypedArray));
  // Grows, because a sparse array may have a large length.
  let ids = new Uint32Array(asItIs ? 0 : Math.min(length, FEW));
  for (let position = 0; position < length; position++) {
    const id = list[position]!;
    if (kind === undefined && !Number.isInteger(id)) {
      if (isArray(id) || kindOf(id) !== undefined) throw invalidIds(where, value, `nested at [${position}]`);
      throw invalidId(id, position, scalar ? [] : [position], where);
    }
    if (id < 0 || id >= bound) throw idOutOfRange('Token indices', id, position, bound, shape);
    if (asItIs) continue;
    if (position === ids.length) ids = longer(ids, Math.min(length, 2 * position));
    ids[position] = Number(id);
  }
  return { list: asItIs ? list : ids, length };
}

function longer(ids: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(length);
  more.set(ids);
  return more;
}

function invalidIds(where: string, value: unknown, received = describe(value)): TokenbedError {
  const expected = 'an integer, a flat array of integers, an integer typed array or an integer Tensor';
  const text = `Token ids must be ${expected}: got ${received}${where}`;
  return fail(TypeError, 'ERR_INVALID_IDS', text, { value });
}
