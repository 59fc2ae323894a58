/**
 * onnxruntime-web in Node: one Gather in WASM with SIMD, one thread.
 *
 * The table is an initializer: it is copied into the module's memory once. An input would be copied at each call.
 * Rows are always returned in a new array: an output that the caller passes is copied in, and never written.
 */

import { importPeer, notInstalled, versionOf } from '../peers/installed.mjs';
import { gatherModel, TABLE_FILE } from '../peers/onnx.mjs';
import { batchOf, shapeOf } from './job.mjs';

/** @import { Job, Opened, Prepared } from './contract.js' */

export const peer = 'ort-web';

/** The module's memory is at most 4 GiB, and the table passes through it once more while it is loaded. */
const LARGEST = 1.5 * 2 ** 30;

/** @returns {Promise<Opened>} */
export async function open() {
  const version = versionOf('onnxruntime-web');
  const ort = await load();
  ort.env.wasm.numThreads = 1;
  return {
    version,
    contenders: [
      {
        name: 'onnxruntime-web',
        backend: 'wasm',
        isa: 'simd128',
        ops: { gather: (job) => gather(ort, job), forward: (job) => gather(ort, job) },
      },
    ],
  };
}

/**
 * This runtime is imported and onnxruntime-node is required, so that each has its own copy of onnxruntime-common. In
 * a shared copy both register a backend 'cpu' and the first wins: one runtime would silently be measured as the other.
 */
async function load() {
  try {
    return await importPeer('onnxruntime-web/dist/ort.node.min.mjs');
  } catch (error) {
    throw notInstalled('onnxruntime-web', error);
  }
}

/** @param {any} ort @param {Job} job @returns {Promise<Prepared | null>} */
async function gather(ort, job) {
  const { table, batches } = job;
  if (table.byteLength > LARGEST) return null;
  const { n, dim, vocab } = shapeOf(job);
  const data = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
  const session = await ort.InferenceSession.create(gatherModel({ vocab, dim, n, external: true }), {
    executionProviders: ['wasm'],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    externalData: [{ path: TABLE_FILE, data }],
  });
  /** @type {any} */
  let results;
  return {
    async: true,
    async call(k) {
      results = undefined; // lets the last output be collected before the next one is allocated
      results = await session.run({ ids: new ort.Tensor('int32', batchOf(batches, k), [n]) });
    },
    output: () => results.rows.data,
    close: () => session.release(),
  };
}
