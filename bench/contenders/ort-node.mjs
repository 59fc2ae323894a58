/**
 * onnxruntime-node: one Gather on the CPU, one thread.
 *
 * The table is an input that is bound once and read in place, so it lies on the same pages as the other contenders' table.
 *
 *   gather    run(feeds, fetches)   the rows go into the caller's output
 *   forward   run(feeds)            a fresh one
 */

import { notInstalled, requirePeer, versionOf } from '../peers/installed.mjs';
import { gatherModel } from '../peers/onnx.mjs';
import { batchOf, shapeOf } from './job.mjs';

/** @import { Job, Opened, Prepared } from './contract.js' */

export const peer = 'ort';

/** @returns {Promise<Opened>} */
export async function open() {
  const version = versionOf('onnxruntime-node');
  const ort = load();
  return {
    version,
    contenders: [
      {
        name: 'onnxruntime-node',
        backend: 'cpu',
        ops: { gather: (job) => gather(ort, job, true), forward: (job) => gather(ort, job, false) },
      },
    ],
  };
}

function load() {
  try {
    return requirePeer('onnxruntime-node');
  } catch (error) {
    throw notInstalled('onnxruntime-node', error);
  }
}

/** @param {any} ort @param {Job} job @param {boolean} reuse @returns {Promise<Prepared>} */
async function gather(ort, job, reuse) {
  const { table, batches, out } = job;
  const { n, dim, vocab } = shapeOf(job);
  const session = await ort.InferenceSession.create(gatherModel({ vocab, dim, n }), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const input = new ort.Tensor('float32', table, [vocab, dim]);
  const fetches = reuse ? { rows: new ort.Tensor('float32', out, [n, dim]) } : ['rows'];
  /** @type {any} */
  let results;
  return {
    async: true,
    async call(k) {
      results = undefined; // lets the last output be collected before the next one is allocated
      const ids = new ort.Tensor('int32', batchOf(batches, k), [n]);
      results = await session.run({ table: input, ids }, fetches);
    },
    output: () => results.rows.data,
    close: () => session.release(),
  };
}
