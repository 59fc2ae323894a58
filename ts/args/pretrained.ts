/** Weights that exist already, in the forms they come in, as flat f32. */

import { describeGone, isArray, isGone, kindOf, lengthOf } from './arrays.js';
import {
  describe,
  dimMismatch,
  fail,
  invalidArray,
  lengthError,
  outOfStorage,
  wrongKind,
} from '../errors.js';
import { readFloats } from './floats.js';
import { integer, type Named } from './options.js';
import { fitShape, formatShape } from './shape.js';
import { asTensor, readNumbers, type Tensor } from '../tensor.js';

/** A 2-D Tensor, nested numbers, or a flat array together with `embeddingDim`. */
export type PretrainedWeight = Tensor<'f32'> | Tensor<'f64'> | Float32Array | readonly (readonly number[])[];

const ACCEPTED = "a Tensor<'f32' | 'f64'>, a Float32Array or nested arrays of numbers";

/**
 * Reads weights: rows x dim values, borrowed or converted.
 *
 * Errors: `ERR_INVALID_OPTION` (`embeddingDim`); `ERR_INVALID_ARRAY`, `ERR_RAGGED`; `ERR_DIM`, `ERR_SHAPE`;
 * `ERR_RANGE`.
 */
export function readPretrained(
  weight: unknown,
  options: Named,
): { data: Float32Array; rows: number; dim: number } {
  const asked = integer(options, 'embeddingDim', { min: 1 }, undefined);
  const { data, shape } = readWeight(weight);
  const [rows, dim] = shape.length === 1 ? cut(lengthOf(data), asked) : check(shape, asked);
  fitShape([rows, dim], lengthOf(data), 'in weight');
  return {
    data: kindOf(data) === 'Float64Array' ? narrow(data, [rows, dim]) : (data as Float32Array),
    rows,
    dim,
  };
}

/** The shape of `length` flat values in rows of `dim`. */
function cut(length: number, dim: number | undefined): readonly [rows: number, dim: number] {
  if (dim === undefined) throw wrongKind('embeddingDim', undefined, 'given together with a flat weight');
  if (length === 0 || length % dim !== 0) {
    throw lengthError('weight', length, `rows have ${dim} and there must be at least one`);
  }
  return [length / dim, dim];
}

/** The shape of what is not flat: two sizes, the second one as asked. */
function check(shape: readonly number[], asked: number | undefined): readonly [rows: number, dim: number] {
  const [rows, dim] = shape as [number, number];
  if (shape.length !== 2 || rows < 1 || dim < 1) {
    const text = `weight must have shape [V, D] with V, D >= 1: got ${formatShape(shape)}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...shape] });
  }
  if (asked !== undefined && asked !== dim) throw dimMismatch(asked, dim);
  return [rows, dim];
}

/** The values, borrowed where they are an array, and their own shape. */
function readWeight(weight: unknown): { data: Float32Array | Float64Array; shape: readonly number[] } {
  if (isArray(weight)) return readNumbers('weight', weight, ACCEPTED);
  const kind = kindOf(weight);
  if (kind === 'Float32Array') {
    const data = readFloats('weight', weight);
    return { data, shape: [lengthOf(data)] };
  }
  const tensor = kind === undefined ? asTensor(weight) : undefined;
  if (tensor === undefined) {
    throw invalidArray('weight', ACCEPTED, weight === undefined ? 'nothing' : describe(weight));
  }
  const { data, shape, dtype } = tensor;
  if (dtype !== 'f32' && dtype !== 'f64') throw invalidArray('weight', ACCEPTED, `a Tensor of ${dtype}`);
  if (isGone(data)) throw invalidArray('weight', ACCEPTED, `a Tensor of ${describeGone(data)}`);
  return { data: data as Float32Array | Float64Array, shape };
}

/** f64 to f32, rounded to nearest; a finite value that would overflow is `ERR_RANGE`. */
function narrow(values: Float32Array | Float64Array, shape: readonly number[]): Float32Array {
  const floats = new Float32Array(values);
  for (let i = 0; i < floats.length; i++) {
    if (!Number.isFinite(floats[i]!) && Number.isFinite(values[i]!)) {
      throw outOfStorage('f32', values[i]!, i, shape);
    }
  }
  return floats;
}
