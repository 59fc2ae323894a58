/**
 * A contender of files.mjs in a process of its own: `reader.mjs NAME`. It answers each line `FILE` on standard input with a
 * line of JSON: the milliseconds, and the rows, dim and a digest of what was read. Nothing of a load is kept for the next one.
 *
 *   tokenbed native, tokenbed wasm   Embedding.loadSync
 *   plain JS                         readFileSync, split and parseFloat; binary: TextDecoder and a Float32Array of each row
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { stopwatch } from './stopwatch.mjs';

/** @typedef {{ words: readonly string[], values: Float32Array }} Read */

/** @param {string} file @returns {Read} */
function text(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const dim = /** @type {string} */ (lines[0]).split(' ').length - 1;
  const values = new Float32Array(lines.length * dim);
  const words = lines.map((line, row) => {
    const fields = line.split(' ');
    for (let column = 0; column < dim; column++)
      values[row * dim + column] = Number.parseFloat(/** @type {string} */ (fields[column + 1]));
    return /** @type {string} */ (fields[0]);
  });
  return { words, values };
}

/** @param {string} file @returns {Read} */
function binary(file) {
  const bytes = readFileSync(file);
  let at = bytes.indexOf(10) + 1;
  const [rows = 0, dim = 0] = bytes.toString('latin1', 0, at).split(' ').map(Number);
  const values = new Float32Array(rows * dim);
  const into = new Uint8Array(values.buffer);
  const words = Array.from({ length: rows }, (_, row) => {
    if (bytes[at] === 10) at++;
    const end = bytes.indexOf(32, at);
    const word = bytes.toString('utf8', at, end);
    at = end + 1 + 4 * dim;
    into.set(bytes.subarray(end + 1, at), row * 4 * dim);
    return word;
  });
  return { words, values };
}

/** @type {(file: string) => { read: () => Read, dispose: () => void }} */
let load = (file) => {
  const read = file.endsWith('.txt') ? text(file) : binary(file);
  return { read: () => read, dispose() {} };
};

const [, , name = ''] = process.argv;
if (name.startsWith('tokenbed')) {
  process.env['TOKENBED_THREADS'] = '1';
  const { Embedding, init } = await import('tokenbed');
  await init({ backend: name === 'tokenbed wasm' ? 'wasm' : 'native' });
  load = (file) => {
    const embedding = Embedding.loadSync(file);
    return {
      read: () => ({ words: embedding.words ?? [], values: embedding.weight.toTensor().data }),
      dispose: () => embedding.dispose(),
    };
  };
}

for await (const file of createInterface({ input: process.stdin })) {
  globalThis.gc?.();
  const elapsed = stopwatch();
  const loaded = load(file);
  const ms = elapsed();
  const { words, values } = loaded.read();
  const withWords = elapsed();
  const digest = createHash('sha256').update(new Uint8Array(values.buffer)).update(words.join('\n'));
  loaded.dispose();
  process.stdout.write(
    `${JSON.stringify({ ms, withWords, rows: words.length, digest: digest.digest('hex') })}\n`,
  );
}
