/** The demo's processes: one for each backend, one in plain JavaScript. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { bar, count, seconds } from '../lib/progress.mjs';
import { endWithUs, environment } from '../lib/run.mjs';
import { scratch } from './tokens.mjs';

/** @param {string} name */
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Runs a script to its end; its messages come over the IPC channel.
 *
 * @param {string} name @param {string[]} args @param {Record<string, string>} env @param {(message: any) => void} onMessage
 * @returns {Promise<void>}
 */
function child(name, args, env, onMessage) {
  return new Promise((resolve, reject) => {
    const process = fork(script(name), args, {
      env: environment(env),
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    endWithUs(process);
    let errors = '';
    process.stderr?.setEncoding('utf8').on('data', (text) => (errors += text));
    process.on('message', onMessage);
    process.once('error', reject);
    process.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`${name} ${args[0]} ended with ${signal ?? `exit code ${code}`}\n${errors.trimEnd()}`),
        );
    });
  });
}

/**
 * All tokens through one backend.
 *
 * @param {'native' | 'wasm'} backend @param {string} idsFile @param {number} vocabSize
 * @returns {Promise<import('./embed-child.mjs').EmbedResult & { headFile: string }>}
 */
export async function embedOn(backend, idsFile, vocabSize) {
  const headFile = scratch(`${backend}.f32`);
  const progress = bar(`Embedding on ${backend}`);
  /** @type {import('./embed-child.mjs').EmbedResult | undefined} */
  let result;
  const args = [backend, idsFile, String(vocabSize), headFile];
  await child('embed-child.mjs', args, { TOKENBED_BACKEND: backend }, (message) => {
    if ('result' in message) result = message.result;
    else progress.update(message.done, message.total);
  });
  if (result === undefined) throw new Error(`the ${backend} process reported nothing`);
  progress.done(`${count(result.tokens)} tokens by ${inspect(result.info, { breakLength: Infinity })}`);
  return { ...result, headFile };
}

/**
 * Text to vectors by the model, and a search, on one backend.
 *
 * @param {'native' | 'wasm'} backend @param {readonly string[]} files
 * @returns {Promise<import('./search-child.mjs').SearchResult>}
 */
export async function searchOn(backend, files) {
  const progress = bar(`Text to vectors on ${backend}`);
  /** @type {import('./search-child.mjs').SearchResult | undefined} */
  let result;
  await child('search-child.mjs', [backend, ...files], { TOKENBED_BACKEND: backend }, (message) => {
    if ('result' in message) result = message.result;
    else progress.update(message.done, message.total);
  });
  if (result === undefined) throw new Error(`the ${backend} process reported nothing`);
  const { info, texts, bytes, ms } = result;
  const threads = info.threads === 1 ? 'one thread' : `${info.threads} threads`;
  const rate = `${count(texts / (ms / 1000))} texts/s, ${(bytes / 1e6 / (ms / 1000)).toFixed(1)} MB/s`;
  progress.done(`${count(texts)} paragraphs of ${count(bytes / texts)} bytes on ${threads}, ${rate}`);
  return result;
}

/** The first rows from the formulas alone. @param {string} idsFile @returns {Promise<string>} the file of rows */
export async function embedInPlainJs(idsFile) {
  const rowsFile = scratch('plain-js.f32');
  const start = performance.now();
  const progress = bar('The first 1,000 rows again, in plain JavaScript from the formulas alone');
  await child('plain-js-child.mjs', [idsFile, rowsFile], {}, () => {});
  progress.done(`done in ${seconds(performance.now() - start)}`);
  return rowsFile;
}
