/** What every method that takes ids shares: the output, and the words for a bad id. */

import { lengthOf, overlaps } from './arrays.js';
import type { Backend } from './backend/index.js';
import { idOutOfRange, invalidIds, lengthError, overlapError } from './errors.js';
import { readFloats } from './floats.js';
import { expectIds, IdBatch } from './ids.js';
import type { Tensor } from './tensor.js';

/** Where a result goes: the first elements are written, the rest stays untouched. */
export type Out = Float32Array | Tensor<'f32'>;

/** Something that may lie where the result goes. */
type Input = readonly [name: string, overlaps: IdBatch | Float32Array | null];

/** Checks an output that was recognised already: `ERR_SHAPE` when too short, `ERR_OVERLAP` with an input. */
export function checkOut(out: Float32Array, needed: number, ...inputs: Input[]): void {
  const length = lengthOf(out);
  if (length < needed) throw lengthError('out', length, `the result has ${needed} elements`);
  for (const [name, input] of inputs) {
    if (input === null) continue;
    if (input instanceof IdBatch ? input.overlaps(out) : overlaps(out, input)) throw overlapError(name);
  }
}

/** The live floats of an `out` argument. */
export function readOut(out: Out): Float32Array {
  return readFloats('out', out);
}

/**
 * Throws `ERR_INVALID_IDS` when `batch` is no longer what was read: reading another argument ran code of the
 * caller (a getter among nested ids) that took the memory of `ids` away.
 */
export function expectWhole(batch: IdBatch | null, ids: unknown, name: string): void {
  if (batch === null || lengthOf(batch.data) === (batch.overflow?.position ?? batch.count)) return;
  expectIds(ids, name);
  throw invalidIds(name, 'an array whose length changed during the call');
}

/** What an index array is checked against. */
export type IndexKind = 'Token indices' | 'Positions';

/**
 * Throws when the batch holds an id that fits no u32: that one, or a lower one that is out of range too.
 *
 * A kernel never sees such a batch, so nothing is written.
 */
export function checkOverflow(backend: Backend, batch: IdBatch, bound: number, kind: IndexKind): void {
  const { overflow } = batch;
  if (overflow === null) return;
  const status = backend.kernels.checkIds(batch.data, bound);
  if (status >= 0) throw badId(batch, status, bound, kind);
  throw idOutOfRange(kind, overflow.value, overflow.position, bound, batch.shape);
}

/** The error for the id at flat `position`. */
export function badId(batch: IdBatch, position: number, bound: number, kind: IndexKind): Error {
  return idOutOfRange(kind, batch.at(position), position, bound, batch.shape);
}
