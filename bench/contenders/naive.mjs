/**
 * The reference kernels in Rust without any tuning, native and WASM (bench/naive).
 *
 *   native   typed arrays in, a check per id, one memcpy per row
 *   wasm     the table is in the module's memory, one memory.copy per row; ids are copied in, rows are read in place.
 *            For a layer it copies the rows of the tokens and adds nothing: the limit of WASM
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/lib/run.mjs';
import { copyOf } from './copies.mjs';
import { expected } from '../harness/expected.mjs';
import { batchOf, shapeOf } from './job.mjs';
import { machine } from './machine.mjs';

/** @import { Job, Opened, Prepared } from './contract.js' @import { Machine } from './machine.mjs' */

export const peer = 'naive';

/** The rows of the tokens. @param {Job} job @param {number} k */
export const rows = (job, k) => expected({ ...job, op: 'gather' }, k);

const MODULE = path.join(root, '.cache/bench/naive.wasm');

/** @returns {Promise<Opened>} */
export async function open() {
  const native = machine();
  const module = new WebAssembly.Module(readFileSync(MODULE));
  return {
    version: '0',
    contenders: [
      { name: 'naive napi', backend: 'native', ops: { gather: (job) => gatherNative(native, job) } },
      {
        name: 'naive wasm',
        backend: 'wasm',
        answer: rows,
        ops: {
          gather: (job) => gatherWasm(module, native, job),
          layer: (job) => gatherWasm(module, native, job),
        },
      },
    ],
  };
}

/** @param {Machine} native @param {Job} job @returns {Prepared} */
function gatherNative(native, job) {
  const { batches, out } = job;
  const table = copyOf(job, 'naive, 2 MiB');
  return {
    call: (k) => native.gather(table, batchOf(batches, k), out),
    output: () => out,
  };
}

/** The longest memory that a module with 32-bit addresses has, and the longest piece that Rust allocates of it. */
const LIMIT = 2 ** 32 - 65_536;
const PIECE = 2 ** 31 - 64;

/** @param {WebAssembly.Module} module @param {Machine} native @param {Job} job @returns {Prepared | null} */
function gatherWasm(module, native, job) {
  const { table, batches, out, pages } = job;
  const { n, dim, vocab } = shapeOf(job);
  const bytes = table.byteLength + out.byteLength + n * 4 + 2 ** 21;
  if (bytes > LIMIT || Math.max(table.byteLength, out.byteLength) > PIECE) return null;
  /** @type {any} */
  const { memory, alloc, gather } = new WebAssembly.Instance(module).exports;
  const place = (/** @type {number} */ size) => {
    const start = alloc(size) >>> 0;
    if (start === 0) throw new Error(`naive wasm: no room for ${size} bytes`);
    return start;
  };
  const at = { table: place(table.byteLength), ids: place(n * 4), out: place(out.byteLength) };
  if (pages === '2MiB') native.advise(new Float32Array(memory.buffer)); // now that it has its size, and nothing in it
  new Float32Array(memory.buffer, at.table, table.length).set(table);
  const ids = new Int32Array(memory.buffer, at.ids, n);
  const rows = new Float32Array(memory.buffer, at.out, out.length);
  return {
    call(k) {
      ids.set(batchOf(batches, k));
      if (gather(at.table, at.ids, n, dim, vocab, at.out) !== n) throw new Error('naive wasm: no such row');
    },
    output: () => rows,
  };
}
