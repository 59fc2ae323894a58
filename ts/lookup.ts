/** What every method that takes ids shares: the output, and the words for a bad id. */

import { isShared, lengthOf, overlaps, type TypedArray } from './args/arrays.js';
import type { Backend, Handle, Table } from './backend/index.js';
import { idOutOfRange, invalidIds, lengthError, overlapError } from './errors.js';
import { plainFloats, readFloats } from './args/floats.js';
import { expectIds, IdBatch, isPlain } from './args/ids.js';
import type { Tensor } from './tensor.js';

/** Where a result goes: the first elements are written, the rest stays untouched. */
export type Out = Float32Array | Tensor<'f32'>;

/** The status of a kernel that did its work. */
const DONE = -1;

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

/** Where a single id lies for the call. */
const single = new Uint32Array(1);

/**
 * out = table[ids] if nothing about the call is unusual: true when it is done; false when nothing was done.
 *
 * The careful way (kinds, structure, shapes, lengths, overlap; an object for the batch) takes as long as ten rows.
 * Most calls need none of it: one id, or an integer array of up to 32 bits; floats that have room and lie elsewhere;
 * all ids in range. What is not so, and whatever is wrong, is for the careful way to see: so there is one place that
 * words errors and knows their order, and this one runs no code of the caller.
 */
export function lookUp(table: Table, ids: unknown, out: unknown): boolean {
  const target = plainFloats(out);
  if (target === undefined) return false;
  if (typeof ids === 'number') {
    if (ids >>> 0 !== ids || lengthOf(target) < table.dim) return false;
    single[0] = ids;
    return table.copyFew(single, 1, target);
  }
  if (!isPlain(ids)) return false;
  const count = plainCount(ids, target, table.dim);
  if (count === 0) return false;
  if (table.copyFew(ids, count, target)) return true;
  return !isShared(ids) && table.backend.kernels.gather(table.handle(), ids, target) === DONE;
}

/**
 * The same with scale and positions 0 .. count - 1, for ids in one sequence: out = table[ids] * scale + positions.
 */
export function lookUpSequence(
  table: Table,
  positions: Table | null,
  op: Handle,
  ids: unknown,
  out: unknown,
): boolean {
  const target = plainFloats(out);
  if (target === undefined || !isPlain(ids) || isShared(ids)) return false;
  const count = plainCount(ids, target, table.dim);
  if (count === 0 || (positions !== null && count > positions.rows)) return false;
  table.handle();
  positions?.handle();
  return table.backend.kernels.embedRun(op.handle(), ids, count, 0, undefined, target) === DONE;
}

/** How many ids there are; 0 where `target` has no room for their rows or lies where they do. */
function plainCount(ids: TypedArray, target: Float32Array, dim: number): number {
  const count = lengthOf(ids);
  return lengthOf(target) < count * dim || overlaps(ids, target) ? 0 : count;
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
