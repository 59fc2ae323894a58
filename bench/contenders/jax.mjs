/**
 * jax-js on its WASM backend, one thread: `take` along the rows, compiled once by `jit`, then dataSync.
 * (It has threads only if `Worker` is a global, which Node lacks.)
 */

import { importPeer, notInstalled, versionOf } from '../peers/installed.mjs';
import { batchOf, shapeOf } from './job.mjs';

/** @import { Job, Opened, Prepared } from './contract.js' */

export const peer = 'jax';

/** The module's memory is at most 4 GiB. */
const LARGEST = 1.5 * 2 ** 30;

/** @returns {Promise<Opened>} */
export async function open() {
  const version = versionOf('@jax-js/jax');
  const jax = await load();
  const prepare = (/** @type {Job} */ job) => gather(jax, job);
  return {
    version,
    contenders: [{ name: 'jax-js', backend: 'wasm', ops: { gather: prepare, forward: prepare } }],
  };
}

async function load() {
  try {
    const jax = await importPeer('@jax-js/jax/dist/index.js');
    await jax.init('wasm');
    jax.defaultDevice('wasm');
    return jax;
  } catch (error) {
    throw notInstalled('jax-js', error);
  }
}

/** @param {any} jax @param {Job} job @returns {Prepared | null} */
function gather({ jit, numpy: np }, job) {
  const { table, batches } = job;
  if (table.byteLength > LARGEST) return null;
  const { dim, vocab } = shapeOf(job);
  const weight = np.array(table).reshape([vocab, dim]);
  const take = jit((/** @type {any} */ weight, /** @type {any} */ ids) => np.take(weight, ids, 0));
  /** @type {Float32Array} */
  let rows;
  return {
    call(k) {
      rows = take(weight.ref, np.array(batchOf(batches, k))).dataSync(); // frees ids and result
    },
    output: () => rows,
    close: () => weight.dispose(),
  };
}
