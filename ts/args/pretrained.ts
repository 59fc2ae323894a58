/** Pretrained weights in any accepted form, as flat f32. */

import { describeGone, isArray, isGone, kindOf, lengthOf, type TypedArray } from './arrays.js';
import { dtypeOf } from '../dtype.js';
import { dimMismatch, fail, invalidArray, lengthError, outOfStorage, wrongKind } from '../errors.js';
import { expectTensor, readFloats, readNumbers, unshared } from './floats.js';
import { COLUMNS, integer, type Named } from './options.js';
import { fitShape, formatShape, readShape } from './shape.js';
import type { Tensor } from '../tensor.js';

/** A 2-D Tensor, nested numbers, or a flat array together with `embeddingDim`. */
export type PretrainedWeight = Tensor<'f32'> | Tensor<'f64'> | Float32Array | readonly (readonly number[])[];

const ACCEPTED = "a Tensor<'f32' | 'f64'>, a Float32Array or nested arrays of numbers";

/**
 * Reads weights: rows x dim values, converted, or the caller's array.
 *
 * Errors: `ERR_INVALID_OPTION` (`embeddingDim`); `ERR_INVALID_ARRAY`, `ERR_RAGGED`; `ERR_DIM`, `ERR_SHAPE`;
 * `ERR_RANGE`.
 */
export function readPretrained(
  weight: unknown,
  options: Named,
): { data: Float32Array; rows: number; dim: number } {
  const requested = integer(options, 'embeddingDim', COLUMNS, undefined);
  const { data, shape } = readWeight(weight);
  const count = lengthOf(data);
  const [rows, dim] = shape.length === 1 ? split(count, requested) : check(shape, requested);
  fitShape([rows, dim], count, 'in weight');
  const floats = kindOf(data) === 'Float64Array' ? narrow(data, [rows, dim]) : (data as Float32Array);
  return { data: unshared(floats, count), rows, dim };
}

/** The shape of `length` flat values in rows of `dim`. */
function split(length: number, dim: number | undefined): readonly [rows: number, dim: number] {
  if (dim === undefined) throw wrongKind('embeddingDim', undefined, 'given together with a flat weight');
  if (length === 0 || length % dim !== 0) {
    throw lengthError('weight', length, `rows have ${dim} and there must be at least one`);
  }
  return [length / dim, dim];
}

/** The shape of weights that are not flat: two sizes, the second one as requested. */
function check(
  shape: readonly number[],
  requested: number | undefined,
): readonly [rows: number, dim: number] {
  const [rows, dim] = shape as [number, number];
  if (shape.length !== 2 || rows < 1 || dim < 1) {
    const text = `weight must have shape [V, D] with V, D >= 1: got ${formatShape(shape)}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...shape] });
  }
  if (requested !== undefined && requested !== dim) throw dimMismatch(requested, dim);
  return [rows, dim];
}

/** The values and their own shape; arrays and Tensors are not copied. */
function readWeight(weight: unknown): { data: TypedArray; shape: readonly number[] } {
  if (isArray(weight)) return readNumbers('weight', weight, ACCEPTED);
  if (kindOf(weight) === 'Float32Array') {
    const data = readFloats('weight', weight);
    return { data, shape: [lengthOf(data)] };
  }
  const { data, shape } = expectTensor('weight', weight, ACCEPTED);
  const dtype = dtypeOf(kindOf(data)!);
  if (dtype !== 'f32' && dtype !== 'f64') throw invalidArray('weight', ACCEPTED, `a Tensor of ${dtype}`);
  if (isGone(data)) throw invalidArray('weight', ACCEPTED, `a Tensor of ${describeGone(data)}`);
  return { data, shape: readShape(shape) };
}

/** f64 to f32, rounded to nearest; a finite value that would overflow is `ERR_RANGE`. */
function narrow(values: TypedArray, shape: readonly number[]): Float32Array {
  const floats = new Float32Array(values as Float64Array);
  for (let i = 0; i < floats.length; i++) {
    if (!Number.isFinite(floats[i]!) && Number.isFinite(values[i] as number)) {
      throw outOfStorage('f32', values[i] as number, i, shape);
    }
  }
  return floats;
}
