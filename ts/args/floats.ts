/**
 * Float arguments: wherever `x`, `out` or weights are asked for, a Float32Array or a `Tensor<'f32'>` will do.
 */

import { describeGone, isGone, kindOf, lengthOf, type TypedArray, withArticle } from './arrays.js';
import { describe, invalidArray, type TokenbedError } from '../errors.js';
import { askedShape, fitShape, readShape } from './shape.js';
import { asTensor, dataOf } from '../tensor.js';

const ACCEPTED = "a Float32Array or a Tensor<'f32'>";

/**
 * The live Float32Array in `value`: itself, or the data of a Tensor of this or another copy of the package.
 *
 * Nothing is copied. Errors: `ERR_INVALID_ARRAY` with `argument: name`; `ERR_DISPOSED` from a disposed Tensor.
 */
export function readFloats(name: string, value: unknown): Float32Array {
  const kind = kindOf(value);
  if (kind === 'Float32Array') {
    if (isGone(value as Float32Array)) throw gone(name, '', value as Float32Array);
    return value as Float32Array;
  }
  const tensor = kind === undefined ? asTensor(value) : undefined;
  if (tensor === undefined) throw invalidArray(name, ACCEPTED, describeWhole(value));
  return tensorFloats(name, tensor.data);
}

/**
 * The same for what is most often given, in little time: a Float32Array, or a Tensor of this copy of the package.
 *
 * `undefined` says nothing but that `readFloats` has to look. What comes back may be gone: then its length is 0.
 */
export function plainFloats(value: unknown): Float32Array | undefined {
  if (kindOf(value) === 'Float32Array') return value as Float32Array;
  const data = dataOf(value);
  return data !== undefined && kindOf(data) === 'Float32Array' ? (data as Float32Array) : undefined;
}

/** Floats with a shape; `data` is live, and has exactly as many elements as `shape` says. */
export interface ShapedFloats {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/**
 * Like `readFloats`, with the shape: `[length]` for an array, a Tensor's own, or the option `shape`, which only
 * flat things may be given. `check` sees the final shape before its product is compared with the length.
 *
 * Errors: `ERR_INVALID_OPTION` (`shape`), those of `readFloats`, what `check` throws, `ERR_SHAPE`.
 */
export function readShapedFloats(
  name: string,
  value: unknown,
  shape?: unknown,
  check?: (shape: readonly number[]) => void,
): ShapedFloats {
  const asked = shape === undefined ? undefined : readShape(shape);
  const tensor = kindOf(value) === undefined ? asTensor(value) : undefined;
  const data = tensor === undefined ? readFloats(name, value) : tensorFloats(name, tensor.data);
  const count = lengthOf(data);
  const settled = askedShape(tensor === undefined ? [count] : tensor.shape, asked);
  check?.(settled);
  fitShape(settled, count, `in ${name}`);
  return { data, shape: settled };
}

function tensorFloats(name: string, data: TypedArray): Float32Array {
  if (kindOf(data) !== 'Float32Array')
    throw invalidArray(name, ACCEPTED, `a Tensor of ${withArticle(kindOf(data)!)}`);
  if (isGone(data)) throw gone(name, 'a Tensor of ', data);
  return data as Float32Array;
}

function gone(name: string, prefix: string, view: TypedArray): TokenbedError {
  return invalidArray(name, ACCEPTED, prefix + describeGone(view));
}

function describeWhole(value: unknown): string {
  return value === undefined ? 'nothing' : describe(value);
}
