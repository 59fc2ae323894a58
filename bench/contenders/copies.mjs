/**
 * Copies of a job's table in the kind of memory that a contender requests.
 *
 *   ...          ordinary memory, as a program gets it
 *   ... 2 MiB    like tokenbed's tables: on large pages, aligned to a pair of cache lines
 */

import { machine } from './machine.mjs';

/** @typedef {import('../harness/types.d.ts').Job} Job */

/** Bytes in a pair of cache lines. */
const PAIR = 128;

/** The last copy of each kind: jobs on the same table share it. @type {Map<string, { of: Float32Array, copy: Float32Array }>} */
const copies = new Map();

/** A copy of a job's table, with room for `extra` values after it. @param {Job} job @param {string} kind @param {number} [extra] */
export function copyOf({ table, pages }, kind, extra = 0) {
  const held = copies.get(kind);
  if (held?.of === table && held.copy.length >= table.length + extra) return held.copy;
  copies.delete(kind);
  const length = table.length + extra;
  const copy = kind.endsWith('2 MiB') && pages === '2MiB' ? likeOurs(length) : new Float32Array(length);
  copy.set(table);
  copies.set(kind, { of: table, copy });
  return copy;
}

/** @param {number} length */
function likeOurs(length) {
  const memory = new Float32Array(length + PAIR / 4);
  const { advise, address } = machine();
  advise(memory);
  const before = (PAIR - (address(memory) % PAIR)) % PAIR;
  return memory.subarray(before / 4, before / 4 + length);
}
