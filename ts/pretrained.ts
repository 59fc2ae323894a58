/** Weights that exist already, in the forms they come in, as flat f32. */

import { isGone, kindOf, type TypedArray } from './arrays.js';
import { dimMismatch, fail, invalidArray, lengthError, outOfStorage, wrongKind } from './errors.js';
import { readFloats } from './floats.js';
import { integer, type Named } from './options.js';
import { formatShape } from './shape.js';
import { asTensor, Tensor } from './tensor.js';

/** A 2-D Tensor, nested numbers, or a flat array together with `embeddingDim`. */
export type PretrainedWeight = Tensor<'f32'> | Tensor<'f64'> | Float32Array | readonly (readonly number[])[];

const ACCEPTED = "a Tensor<'f32' | 'f64'>, a Float32Array or nested arrays of numbers";

/** Reads weights: rows x dim values, borrowed or converted. */
export function readPretrained(
  weight: unknown,
  options: Named,
): { data: Float32Array; rows: number; dim: number } {
  const asked = integer(options, 'embeddingDim', { min: 1 }, undefined);
  const { data, shape } = readWeight(weight);
  if (shape.length === 1) {
    if (asked === undefined) throw wrongKind('embeddingDim', undefined, 'given together with a flat weight');
    if (data.length === 0 || data.length % asked !== 0) {
      throw lengthError('weight', data.length, `rows have ${asked} and there must be at least one`);
    }
    return { data, rows: data.length / asked, dim: asked };
  }
  const [rows, dim] = shape;
  if (shape.length !== 2 || rows! < 1 || dim! < 1) {
    const text = `weight must have shape [V, D] with V, D >= 1: got ${formatShape(shape)}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...shape] });
  }
  if (asked !== undefined && asked !== dim) throw dimMismatch(asked, dim!);
  return { data, rows: rows!, dim: dim! };
}

function readWeight(weight: unknown): { data: Float32Array; shape: readonly number[] } {
  if (Array.isArray(weight)) {
    const { data, shape } = new Tensor(weight);
    return { data, shape };
  }
  const kind = kindOf(weight);
  const tensor = kind === undefined ? asTensor(weight) : undefined;
  if (tensor === undefined) {
    if (kind !== 'Float32Array') throw invalidArray('weight', ACCEPTED, kind ?? describeKind(weight));
    const data = readFloats('weight', weight);
    return { data, shape: [data.length] };
  }
  const { data, shape, dtype } = tensor;
  if (dtype === 'f32') return { data: readFloats('weight', data), shape };
  if (dtype !== 'f64') throw invalidArray('weight', ACCEPTED, `a Tensor of ${dtype}`);
  if (isGone(data as TypedArray)) throw invalidArray('weight', ACCEPTED, 'a Tensor over a detached array');
  return { data: narrow(data as Float64Array, shape), shape };
}

function describeKind(weight: unknown): string {
  return weight === undefined ? 'nothing' : typeof weight === 'object' ? 'an object' : `a ${typeof weight}`;
}

/** f64 to f32, rounded to nearest; a finite value that would overflow is `ERR_RANGE`. */
function narrow(values: Float64Array, shape: readonly number[]): Float32Array {
  const floats = Float32Array.from(values);
  for (let i = 0; i < floats.length; i++) {
    if (!Number.isFinite(floats[i]!) && Number.isFinite(values[i]!)) {
      throw outOfStorage('f32', values[i]!, i, shape);
    }
  }
  return floats;
}
