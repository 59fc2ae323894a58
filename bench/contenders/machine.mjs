/** Functions of the naive addon for memory operations that JavaScript lacks. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../../scripts/lib/run.mjs';

/**
 * The addon, as `naive/` builds it.
 *
 * @typedef {object} Machine
 * @property {(table: Float32Array, ids: Int32Array, out: Float32Array) => void} gather
 * @property {(from: Float32Array, to: Float32Array) => void} copy           memcpy, as long as the shorter of both
 * @property {(from: Float32Array, to: Float32Array) => void} copyStreaming  the same past the caches
 * @property {(table: Float32Array, ids: Int32Array, out: Float32Array, ahead: number, far: boolean, nonTemporal: boolean, threads: number) => void} copyRows  the accesses of a lookup
 * @property {(table: Float32Array, ids: Int32Array, dim: number, ahead: number, far: boolean, nonTemporal: boolean) => void} copyRowsFresh  into new memory
 * @property {(table: Float32Array, ids: Int32Array, dim: number, out: Float32Array, ahead: number, far: boolean) => void} xorRows  the accesses of a bag
 * @property {(out: Float32Array, value: number, nonTemporal: boolean) => void} fill
 * @property {(memory: Float32Array) => number} address       of its first value
 * @property {(memory: Float32Array) => number} advise        requests 2 MiB pages, before the first touch; returns the bytes requested
 * @property {(on: boolean) => void} noHugePages              forbids this process 2 MiB pages, or allows them again
 * @property {() => number} hugeBytes                         of this process, on 2 MiB pages
 */

const ADDON = path.join(root, '.cache/bench/naive.node');

/** @returns {Machine} */
export function machine() {
  if (!existsSync(ADDON)) throw new Error('the naive references are not built: node bench/naive/build.mjs');
  return createRequire(import.meta.url)(ADDON);
}
