/**
 * TensorFlow.js on its WASM backend, SIMD, one thread: tf.gather, then dataSync, since the other contenders' rows also
 * end up in memory that JavaScript reads.
 */

import path from 'node:path';
import { folder, notInstalled, requirePeer, versionOf } from '../peers/installed.mjs';
import { batchOf, shapeOf } from './job.mjs';

/** @import { Job, Opened, Prepared } from './contract.js' */

export const peer = 'tfjs';

/** The module's memory is at most 2 GiB. */
const LARGEST = 1.5 * 2 ** 30;

/** @returns {Promise<Opened>} */
export async function open() {
  const version = versionOf('@tensorflow/tfjs-backend-wasm');
  const tf = await load();
  const prepare = (/** @type {Job} */ job) => gather(tf, job);
  return {
    version,
    contenders: [
      { name: 'tfjs-wasm', backend: 'wasm', isa: 'simd128', ops: { gather: prepare, forward: prepare } },
    ],
  };
}

async function load() {
  try {
    const tf = requirePeer('@tensorflow/tfjs-core');
    const wasm = requirePeer('@tensorflow/tfjs-backend-wasm');
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    wasm.setWasmPaths(path.join(folder, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/'));
    if (!(await tf.setBackend('wasm'))) throw new Error('the WASM backend does not start');
    return tf;
  } catch (error) {
    throw notInstalled('tfjs-wasm', error);
  }
}

/** @param {any} tf @param {Job} job @returns {Prepared | null} */
function gather(tf, job) {
  const { table, batches } = job;
  if (table.byteLength > LARGEST) return null;
  const { dim, vocab } = shapeOf(job);
  const weight = tf.tensor2d(table, [vocab, dim]);
  /** @type {Float32Array} */
  let rows;
  return {
    call(k) {
      const ids = tf.tensor1d(batchOf(batches, k), 'int32');
      const gathered = tf.gather(weight, ids);
      rows = gathered.dataSync();
      ids.dispose();
      gathered.dispose();
    },
    output: () => rows,
    close: () => weight.dispose(),
  };
}
