/**
 * A process of its own for one backend: the vectors of texts by the model in the repository, and a search with them.
 *
 *   node search-child.mjs BACKEND [FILE ...]
 *
 * Reports { done, total } now and then and { result } at the end, over the IPC channel. The hash is computed outside the
 * timing.
 */

import { createHash } from 'node:crypto';
import { backendInfo, init, StaticModel } from 'tokenbed';
import { readPassages } from './passages.mjs';
import { MODEL, search } from './search.mjs';
import { readCorpus } from './text.mjs';

const BATCH = 1024;
/** Enough for a rate. */
const MOST_TEXTS = 100_000;

/**
 * @typedef {object} SearchResult
 * @property {import('tokenbed').BackendInfo} info
 * @property {{ vocabSize: number, dim: number, dtype: string }} model
 * @property {number} loadMs
 * @property {number} texts       paragraphs of the demo's text
 * @property {number} bytes       of them, as UTF-8
 * @property {number} ms          from texts to vectors, each text once
 * @property {string} sha256      over all vectors, in order, as little-endian f32
 * @property {number} passages
 * @property {{ ids: number[], scores: number[] }[]} found  the passages nearest to each question
 * @property {{ dtype: string, bytes: number }[]} sizes     of the file of the model's table
 */

const [backend = '', ...files] = process.argv.slice(2);
if (backend !== 'native' && backend !== 'wasm') throw new Error(`BACKEND is native or wasm, not ${backend}`);
await init({ backend });
const loading = performance.now();
const model = await StaticModel.load(MODEL);
const loadMs = performance.now() - loading;

const corpus = await readCorpus(files);
const texts = corpus.files
  .flatMap(({ text }) => text.split(/\n\s*\n/))
  .filter((text) => text.trim() !== '')
  .slice(0, MOST_TEXTS);
const out = new Float32Array(BATCH * model.dim);
const hash = createHash('sha256');
model.embed(texts.slice(0, 1)); // the first call pays for code and pages
let ms = 0;
let told = 0;
for (let start = 0; start < texts.length; start += BATCH) {
  const some = texts.slice(start, start + BATCH);
  const before = performance.now();
  model.embedInto(some, out);
  ms += performance.now() - before;
  hash.update(out.subarray(0, some.length * model.dim));
  if (performance.now() - told > 100) {
    told = performance.now();
    process.send?.({ done: start + some.length, total: texts.length });
  }
}

const passages = await readPassages();
const { vectors, found } = search(model, passages);
hash.update(vectors);
const { table, dim } = model;
/** @type {SearchResult} */
const result = {
  info: backendInfo(),
  model: { vocabSize: table.vocabSize, dim, dtype: table.dtype },
  loadMs,
  texts: texts.length,
  bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  ms,
  sha256: hash.digest('hex'),
  passages: passages.length,
  found,
  sizes: /** @type {const} */ (['f32', 'f16', 'i8', 'i4']).map((dtype) => {
    const stored = table.convert(dtype);
    const { length: bytes } = stored.toBytes('safetensors');
    stored.dispose();
    return { dtype, bytes };
  }),
};
process.send?.({ result }, () => process.disconnect());
