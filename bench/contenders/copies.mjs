/**
 * Tables of contenders that have none of their own: copies of the job's, in the memory that their kind asks for.
 *
 *   ...          ordinary memory, as a program gets it
 *   ... 2 MiB    where tokenbed's tables lie: on large pages, and beginning at a pair of cache lines
 */

import { machine } from './machine.mjs';

/** @typedef {import('../harness/types.d.ts').Job} Job */

/** Bytes in a pair of cache lines. */
const PAIR = 128;

/** One table in the making at a time: jobs on the same table share its copy. @type {Map<string, { of: Float32Array, copy: Float32Array }>} */
const copies = new Map();

/** The table of a job in memory of its own, with `extra` values behind it. @param {Job} job @param {string} kind @param {number} [extra] */
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
