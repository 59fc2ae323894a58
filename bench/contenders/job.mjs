/** Values that every contender derives from a job. */

/** @import { Job } from './contract.js' */

/** Ids per call, width of a row, rows of the table. @param {Pick<Job, 'table' | 'batches' | 'out'>} job */
export function shapeOf({ table, batches, out }) {
  const n = batchOf(batches, 0).length;
  const dim = out.length / n;
  return { n, dim, vocab: table.length / dim };
}

/** The ids of call k. @param {Job['batches']} batches @param {number} k */
export const batchOf = (batches, k) => /** @type {Int32Array} */ (batches[k % batches.length]);
