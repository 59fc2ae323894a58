/** The demo's table in every dtype: bytes, speed of lookups, difference from f32, nearest rows. */

import { createHash } from 'node:crypto';
import { batches } from './settings.mjs';

/** @type {readonly import('tokenbed').StorageDType[]} */
const DTYPES = ['f32', 'f16', 'bf16', 'i8', 'i4'];

/** Enough for a rate: 64 batches of [32, 512]. */
const MOST_TOKENS = 2 ** 20;

const NEAREST = 10;

/**
 * @typedef {object} StoredResult
 * @property {import('tokenbed').StorageDType} dtype
 * @property {number} bytes        of the table
 * @property {number} tokens       looked up
 * @property {number} ms           inside forwardInto, all batches
 * @property {number} difference   the largest |value - f32 value| of the table
 * @property {number[]} nearest    the ids nearest to the first token of the text, by cosine; the token itself is the first
 * @property {number[]} scores     their cosines
 * @property {string} sha256       over all rows of the table, looked up, as little-endian f32
 */

/**
 * Looks the same batches up in the table and in its conversions. The dtypes take turns with every batch, so that a
 * slower moment of the machine falls on all of them.
 *
 * @param {import('tokenbed').Embedding} table @param {Uint16Array} ids @param {import('tokenbed').Tensor<'f32'>} out
 * @returns {StoredResult[]}
 */
export function storedRows(table, ids, out) {
  const everyId = Uint16Array.from({ length: table.vocabSize }, (_, id) => id);
  const exact = table.forward(everyId).data;
  const query = table.forward(ids.subarray(0, 1));
  const contenders = DTYPES.map((dtype) => {
    const stored = table.convert(dtype);
    const { data } = stored.forward(everyId); // also pays for code and pages
    const difference = data.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(exact[i]))), 0);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const { bytes } = stored.getMemoryUsage();
    const found = stored.nearest(query, { k: NEAREST + 1 });
    const [nearest, scores] = [Array.from(found.ids.data), Array.from(found.scores.data)];
    return { stored, result: { dtype, bytes, tokens: 0, ms: 0, difference, nearest, scores, sha256 } };
  });
  for (const { start, shape } of batches(Math.min(ids.length, MOST_TOKENS))) {
    const count = shape.reduce((a, b) => a * b, 1);
    const batch = ids.subarray(start, start + count);
    for (const { stored, result } of contenders) {
      const before = performance.now();
      stored.forwardInto(batch, out);
      result.ms += performance.now() - before;
      result.tokens += count;
    }
  }
  for (const { stored } of contenders) stored.dispose();
  return contenders.map(({ result }) => result);
}
