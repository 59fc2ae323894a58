/**
 * A process of its own for one backend: token ids from a file, through an EmbeddingLayer, batch after batch.
 *
 *   node embed-child.mjs BACKEND IDS VOCAB_SIZE HEAD
 *
 * IDS is a file of u16; the first CHECKED_ROWS rows go to the file HEAD. Reports over the IPC channel:
 * { done, total } now and then, { result } at the end. The hash is computed outside the timing.
 */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { backendInfo, EmbeddingLayer, init, Tensor } from 'tokenbed';
import { savedTables } from './saved.mjs';
import { BATCH, batches, CHECKED_ROWS, DIM, SEED, SEQUENCE } from './settings.mjs';
import { storedRows } from './stored.mjs';

const MIB = 2 ** 20;

/**
 * @typedef {object} EmbedResult
 * @property {import('tokenbed').BackendInfo} info
 * @property {number} tokens
 * @property {number} ms           inside forwardInto, all batches
 * @property {number} copyMibS     best of three copies of 64 MiB
 * @property {number} peakMib      largest resident memory of this process
 * @property {string} sha256       over all output rows, in order, as little-endian f32
 * @property {import('./stored.mjs').StoredResult[]} stored  the token table in each dtype
 * @property {import('./saved.mjs').SavedResult[]} saved    the token table in files
 */

const [backend = '', idsFile = '', vocabSize = '', headFile = ''] = process.argv.slice(2);
if (backend !== 'native' && backend !== 'wasm') throw new Error(`BACKEND is native or wasm, not ${backend}`);

await init({ backend });
const info = backendInfo();
if (info.name !== backend) throw new Error(`asked for the backend ${backend}, but ${info.name} answers`);

const file = await readFile(idsFile);
const ids = new Uint16Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const layer = new EmbeddingLayer({
  vocabSize: Number(vocabSize),
  embeddingDim: DIM,
  maxSeqLength: SEQUENCE,
  positional: 'sinusoidal',
  seed: SEED,
});
const out = Tensor.allocate([BATCH * SEQUENCE, DIM]);

const hash = createHash('sha256');
/** @type {Uint8Array[]} */
const head = [];
let ms = 0;
let rows = 0;
let told = 0;
layer.forwardInto(ids.subarray(0, Math.min(ids.length, SEQUENCE)), out); // the first call pays for code and pages
for (const { start, shape } of batches(ids.length)) {
  const count = shape.reduce((a, b) => a * b, 1);
  const batch = ids.subarray(start, start + count);
  const before = performance.now();
  layer.forwardInto(batch, out, { shape });
  ms += performance.now() - before;
  const { buffer, byteOffset } = out.data;
  const bytes = new Uint8Array(buffer, byteOffset, count * DIM * 4);
  hash.update(bytes);
  if (rows < CHECKED_ROWS) head.push(bytes.slice(0, (CHECKED_ROWS - rows) * DIM * 4));
  rows += count;
  if (performance.now() - told > 100) {
    told = performance.now();
    process.send?.({ done: rows, total: ids.length });
  }
}
await writeFile(headFile, Buffer.concat(head));
/** @type {EmbedResult} */
const result = {
  info,
  tokens: rows,
  ms,
  copyMibS: copyRate(),
  peakMib: process.resourceUsage().maxRSS / 1024,
  sha256: hash.digest('hex'),
  stored: storedRows(layer.token, ids, out),
  saved: await savedTables(layer.token, backend),
};
process.send?.({ result }, () => process.disconnect());

/** MiB per second of a plain copy of 64 MiB: what this machine's memory does without us. */
function copyRate() {
  const from = new Float32Array((64 * MIB) / 4).fill(1);
  const to = new Float32Array(from.length).fill(2); // touched: its pages are there
  let best = 0;
  for (let i = 0; i < 3; i++) {
    const before = performance.now();
    to.set(from);
    best = Math.max(best, 64 / ((performance.now() - before) / 1000));
  }
  return best;
}
