/** Text to token ids: a byte-pair tokenizer trained on the text itself, then everything encoded. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bar, count, seconds } from '../lib/progress.mjs';
import { root } from '../lib/run.mjs';
import { writeWhole } from '../lib/stamp.mjs';
import { VOCABULARY } from './settings.mjs';
import { chunks, trainingTexts } from './text.mjs';

const MIB = 2 ** 20;

/** @param {import('./text.mjs').Corpus} corpus @returns {Promise<import('tokenbed').BPETokenizer<'bytes'>>} */
export async function trainTokenizer(corpus) {
  const { BPETokenizer } = await import('tokenbed'); // built only now
  const texts = trainingTexts(corpus);
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const start = performance.now();
  const progress = bar(`Training a byte-pair tokenizer on ${(size / MIB).toFixed(1)} MiB`);
  const tokenizer = new BPETokenizer({ vocabSize: VOCABULARY, mode: 'bytes' });
  tokenizer.train(texts, { onProgress: ({ done, total }) => progress.update(done, total) });
  progress.done(`vocabulary ${count(tokenizer.vocabSize)}, ${seconds(performance.now() - start)}`);
  return tokenizer;
}

/**
 * Encodes every file, in order, without anything between them.
 *
 * @param {import('tokenbed').Tokenizer} tokenizer @param {import('./text.mjs').Corpus} corpus
 * @returns {Uint16Array<ArrayBuffer>}
 */
export function encodeCorpus(tokenizer, corpus) {
  const start = performance.now();
  const progress = bar(`Encoding ${(corpus.bytes / MIB).toFixed(1)} MiB`);
  const ids = new Uint16Array(corpus.bytes); // a token is at least one byte
  let n = 0;
  let encoded = 0;
  for (const { text, bytes } of corpus.files) {
    for (const piece of chunks(text)) {
      const tokens = tokenizer.encode(piece);
      ids.set(tokens, n);
      n += tokens.length;
      encoded += (bytes * piece.length) / text.length;
      progress.update(encoded, corpus.bytes);
    }
  }
  const ms = performance.now() - start;
  progress.done(`${count(n)} tokens, ${(corpus.bytes / n).toFixed(2)} bytes each, ${seconds(ms)}`);
  return ids.slice(0, n);
}

/** The scratch files of the demo's processes. @param {string} name */
export const scratch = (name) => path.join(root, '.cache/demo', name);

/** @param {Uint16Array<ArrayBuffer>} ids @returns {Promise<string>} the file */
export async function writeIds(ids) {
  const file = scratch('ids.u16');
  await writeWhole(file, new Uint8Array(ids.buffer));
  return file;
}

/** @param {string} file @returns {Promise<Float32Array>} */
export async function readRows(file) {
  const { buffer, byteOffset, byteLength } = await readFile(file);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}
