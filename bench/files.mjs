/**
 * npm run bench:files: word vectors from a file to a table (K2), and the first row of a large file (K3).
 *
 *   K2  400,000 x 50, as GloVe text and as word2vec binary: tokenbed on both backends, gensim, plain JS
 *   K3  1 GB of safetensors: tokenbed (mapped), safetensors in Python (`get_slice`), plain JS (`readFileSync`); each time a
 *       fresh process. `open` is the time after the imports, `process` that of the whole process. Then the memory of 1,000
 *       lookups, after the pages of the file were evicted
 *
 * One thread. Each contender of K2 has a process of its own; they take turns, in a new random order in each round. Answers
 * are compared first. A time is that of the clock or of the processor, whichever is less, since the machine may be busy (but
 * `process` is the clock's). A ratio is paired round by round; the table has the median. The files are written into .cache/bench at
 * the first run (1.3 GB), and are in the page cache when they are read. `npm run bench:peers` installs gensim and safetensors.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { say, step } from '../scripts/lib/progress.mjs';
import { environment, must, root } from '../scripts/lib/run.mjs';
import { describeMachine } from './harness/machine.mjs';
import { median } from './harness/statistics.mjs';
import { lineProcess, ratio, shuffled } from './harness/turns.mjs';
import { python } from './peers/installed.mjs';

const CACHE = path.join(root, '.cache/bench');
const [TEXT, BINARY, LARGE] = ['glove.txt', 'word2vec.bin', 'large.safetensors'].map((name) =>
  path.join(CACHE, name),
);
const [WORDS, COLUMNS] = [400_000, 50];
const [ROWS, DIM] = [976_562, 256]; // 1 GB
const ROUNDS = 5;
const program = (/** @type {string} */ name) => fileURLToPath(new URL(`files/${name}`, import.meta.url));
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', TOKENBED_THREADS: '1' };

/** xorshift32: numbers in [0, 1), the same in every run. */
function numbers() {
  let state = 0x7061;
  return () => {
    for (const shift of [13, -17, 5]) state ^= shift > 0 ? state << shift : state >>> -shift;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Writes a file in pieces and puts it in place as a whole. @param {string} file @param {Iterable<string | Uint8Array>} parts */
async function write(file, parts) {
  const to = await open(`${file}.part`, 'w');
  for (const part of parts) await to.write(/** @type {string} */ (part));
  await to.close();
  await rename(`${file}.part`, file);
}

/** Words of 2 to 11 letters and numbers of 5 digits, as in the files of GloVe: 13 rows of a hundred have another script. */
function* vectors() {
  const next = numbers();
  for (let row = 0; row < WORDS; row++) {
    const first = next() < 0.13 ? 0x430 : 0x61;
    const letters = Array.from({ length: 2 + Math.floor(5 * next()) }, () =>
      String.fromCodePoint(first + Math.floor(26 * next())),
    );
    const values = Array.from({ length: COLUMNS }, () =>
      Number.parseFloat((next() + next() + next() - 1.5).toPrecision(5)),
    );
    yield { word: `${letters.join('')}${row.toString(36)}`, values };
  }
}

function* asText() {
  let lines = '';
  for (const { word, values } of vectors()) {
    lines += `${word} ${values.join(' ')}\n`;
    if (lines.length > 2 ** 20) {
      yield lines;
      lines = '';
    }
  }
  yield lines;
}

function* asBinary() {
  yield `${WORDS} ${COLUMNS}\n`;
  /** @type {Uint8Array[]} */
  const pieces = [];
  for (const { word, values } of vectors()) {
    pieces.push(Buffer.from(`${word} `), new Uint8Array(Float32Array.from(values).buffer));
    if (pieces.length >= 2 ** 13) yield Buffer.concat(pieces.splice(0));
  }
  yield Buffer.concat(pieces);
}

function* asSafetensors() {
  const shape = [ROWS, DIM];
  const header = JSON.stringify({ weight: { dtype: 'F32', shape, data_offsets: [0, 4 * ROWS * DIM] } });
  yield new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer);
  yield header;
  const block = new Float32Array(2 ** 16 * DIM);
  for (let start = 0; start < ROWS; start += 2 ** 16) {
    for (let i = 0; i < block.length; i++) block[i] = (((start * DIM + i) % 8191) - 4095) / 1024;
    const rows = Math.min(2 ** 16, ROWS - start);
    yield new Uint8Array(block.buffer, 0, 4 * rows * DIM);
  }
}

async function makeFiles() {
  await mkdir(CACHE, { recursive: true });
  const makers = { [TEXT]: asText, [BINARY]: asBinary, [LARGE]: asSafetensors };
  for (const [file, make] of Object.entries(makers))
    if (!existsSync(file))
      await step(`Writing ${path.relative(root, file)}`, '10 s', () => write(file, make()));
}

/** A contender of K2: a process that reads a file for each line. @param {string} name */
function reader(name) {
  const [command, ...args] =
    name === 'gensim'
      ? [python, '-u', program('reader.py')]
      : [process.execPath, '--expose-gc', program('reader.mjs'), name];
  const { request, end } = lineProcess(name, command, args, ONE_THREAD);
  /** @type {(file: string) => Promise<{ ms: number, withWords?: number, rows: number, digest: string }>} */
  const read = request;
  return { name, read, end };
}

const ms = (/** @type {readonly number[]} */ times) =>
  `${median(times).toFixed(median(times) < 10 ? 2 : 0)} ms`;

/** @param {string} what @param {string} own @param {Record<string, number[]>} times @param {Record<string, number>} wanted */
function report(what, own, times, wanted) {
  say(`${what}:`);
  for (const [name, list] of Object.entries(times)) {
    const against = name === own ? '' : `${ratio(/** @type {number[]} */ (times[own]), list).toFixed(2)} x`;
    const target = wanted[name] === undefined ? '' : `  target ${wanted[name]} x`;
    say(`    ${name.padEnd(28)}${ms(list).padStart(12)}${against.padStart(12)}${target}`);
  }
}

/** K2: one file. @param {string} what @param {string} file @param {Record<string, number>} wanted */
async function words(what, file, wanted) {
  const readers = ['tokenbed native', 'tokenbed wasm', 'gensim', 'plain JS'].map(reader);
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(readers.map(({ name }) => [name, []]));
  /** @type {number[]} */
  const withWords = [];
  const digests = new Set();
  for (const each of readers) {
    const { rows, digest } = await each.read(file); // also warms the code and the page cache up
    if (rows !== WORDS) throw new Error(`${each.name} read ${rows} rows`);
    digests.add(digest);
  }
  if (digests.size !== 1) throw new Error(`${what}: the answers differ`);
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of shuffled(readers)) {
      const answer = await each.read(file);
      times[each.name]?.push(answer.ms);
      if (each.name === 'tokenbed native') withWords.push(Number(answer.withWords));
    }
  }
  for (const each of readers) each.end();
  report(`K2 ${what}, 400,000 x 50`, 'tokenbed native', times, wanted);
  say(`    with an array of all words and a copy of all values, tokenbed native takes ${ms(withWords)}`);
}

/** K3: a fresh process each time. */
async function firstRow() {
  const row = 123_456;
  const js = (/** @type {string} */ name) => [process.execPath, program('first-row.mjs'), name, LARGE, row];
  /** @type {Record<string, readonly (string | number | undefined)[]>} */
  const contenders = {
    'tokenbed, mapped': js('tokenbed'),
    'safetensors in Python': [python, program('first_row.py'), LARGE, row],
    'plain JS': js('plain'),
  };
  /** @type {Record<string, number[]>[]} */
  const [opened, whole] = [{}, {}];
  const sums = new Set();
  for (let round = -1; round < 3 * ROUNDS; round++) {
    for (const [name, [command, ...args]] of shuffled(Object.entries(contenders))) {
      const start = performance.now();
      const { stdout, stderr, status } = spawnSync(String(command), args.map(String), {
        env: environment(ONE_THREAD),
        encoding: 'utf8',
      });
      const took = performance.now() - start;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      const { ms, sum } = JSON.parse(stdout);
      sums.add(sum);
      if (round < 0) continue;
      (opened[name] ??= []).push(ms);
      (whole[name] ??= []).push(took);
    }
  }
  if (sums.size !== 1) throw new Error('K3: the answers differ');
  const order = (/** @type {Record<string, number[]>} */ times) =>
    Object.fromEntries(Object.keys(contenders).map((name) => [name, times[name] ?? []]));
  const wanted = { 'safetensors in Python': 1, 'plain JS': 20 };
  report('K3 first row of 1 GB, open', 'tokenbed, mapped', order(opened), wanted);
  report('K3 first row of 1 GB, process', 'tokenbed, mapped', order(whole), {});
}

/** Python has the call that evicts a file's pages. */
const EVICT = `import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
os.fsync(file)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)`;

/** What 1,000 lookups in the large file add to the memory of a process. */
async function memory() {
  await must(python, ['-c', EVICT, LARGE]);
  const { stdout } = await must(process.execPath, ['--expose-gc', program('memory.mjs'), LARGE]);
  const { anonymous, resident } = JSON.parse(stdout);
  const mb = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  say(`K3 1,000 rows of 1 GB: RssAnon + ${mb(anonymous)} (target 8), RSS + ${mb(resident)} (target 32)`);
}

const { cpu, load } = await describeMachine();
await makeFiles();
await readFile(LARGE); // into the page cache
await words('GloVe text', TEXT, { gensim: 5, 'plain JS': 4 });
await words('word2vec binary', BINARY, { gensim: 1 });
await firstRow();
await memory();
say();
say(
  `${cpu}, load ${load} at the start, node ${process.versions.node}; one thread; medians of ${ROUNDS} rounds, K3 of ${3 * ROUNDS}`,
);
