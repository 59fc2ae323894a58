/** The demo's table in files: saved, opened again (mapped on native, read on WASM), and read to the last row. */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Embedding } from 'tokenbed';
import { scratch } from './tokens.mjs';

/**
 * @typedef {object} SavedResult
 * @property {'f32' | 'i8'} dtype
 * @property {number} bytes       of the file
 * @property {number} saveMs
 * @property {boolean} mapped
 * @property {number} firstRowMs  from `load` to the first row
 * @property {string} sha256      over all rows of the opened table, looked up, as little-endian f32
 * @property {string} fileSha256
 */

/**
 * @param {import('tokenbed').Embedding} table @param {'native' | 'wasm'} backend
 * @returns {Promise<SavedResult[]>}
 */
export async function savedTables(table, backend) {
  const everyId = Uint16Array.from({ length: table.vocabSize }, (_, id) => id);
  /** @type {SavedResult[]} */
  const results = [];
  for (const dtype of /** @type {const} */ (['f32', 'i8'])) {
    const file = scratch(`${backend}.${dtype}.safetensors`);
    const source = table.convert(dtype);
    const start = performance.now();
    await source.save(file);
    const saveMs = performance.now() - start;
    source.dispose();

    const opening = performance.now();
    const opened = await Embedding.load(file, { mmap: backend === 'native' });
    opened.forward([0]);
    const firstRowMs = performance.now() - opening;
    const sha256 = createHash('sha256').update(opened.forward(everyId).data).digest('hex');
    const fileSha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    const { size: bytes } = await stat(file);
    results.push({ dtype, bytes, saveMs, mapped: opened.readOnly, firstRowMs, sha256, fileSha256 });
    opened.dispose();
  }
  return results;
}
