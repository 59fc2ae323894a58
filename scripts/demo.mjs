/**
 * A demo on real text: from text to vectors on both backends.
 *
 *   npm run demo                   all Markdown files of the project and of its installed dependencies
 *   npm run demo -- FILE ...       your files
 *
 *   text -> byte-pair tokens -> batches [32, 512] -> EmbeddingLayer [32, 512, 384], token + sinusoid
 *                                                 -> the token table as f32, f16, bf16, i8, i4
 *                                                 -> saved, opened again (mapped on native), read
 *   text -> vectors by a static model -> the passages of the documents that answer five questions
 *
 * Native and WASM run in separate processes. A third process computes the first rows from the formulas in plain
 * JavaScript. All results must be bit-identical; otherwise the exit code is 1.
 */

import { embedInPlainJs, embedOn, searchOn } from './demo/children.mjs';
import { readPassages } from './demo/passages.mjs';
import {
  printNearest,
  printNextSteps,
  printRates,
  printSaved,
  printSearch,
  printStored,
  printTokens,
} from './demo/report.mjs';
import { CHECKED_ROWS, DIM } from './demo/settings.mjs';
import { readCorpus } from './demo/text.mjs';
import { encodeCorpus, readRows, trainTokenizer, writeIds } from './demo/tokens.mjs';
import { count, say } from './lib/progress.mjs';
import { setUp } from './setup.mjs';

const MIB = 2 ** 20;

/** @param {string[]} files */
async function demo(files) {
  if (files.length > 0) await readCorpus(files); // reports unreadable files before the lengthy set-up
  await setUp();
  say();

  const corpus = await readCorpus(files);
  for (const reason of corpus.leftOut) say(`skipped: ${reason}`);
  const origin = files.length > 0 ? '' : ', the Markdown of this project and its installed dependencies';
  const cut = corpus.cut ? '; truncated at 64 MiB' : '';
  say(`Text: ${count(corpus.files.length)} files, ${(corpus.bytes / MIB).toFixed(1)} MiB${origin}${cut}`);

  const tokenizer = await trainTokenizer(corpus);
  const ids = encodeCorpus(tokenizer, corpus);
  const idsFile = await writeIds(ids);

  const runs = [];
  for (const backend of /** @type {const} */ (['native', 'wasm'])) {
    runs.push(await embedOn(backend, idsFile, tokenizer.vocabSize));
  }
  const plainFile = await embedInPlainJs(idsFile);
  printRates(runs);

  const [native, wasm] = await Promise.all(runs.map(({ headFile }) => readRows(headFile)));
  const plain = await readRows(plainFile);
  if (native === undefined || wasm === undefined) throw new Error('a backend wrote no rows');
  compareHashes(runs);
  compareRows('native', native, plain);
  compareRows('wasm', wasm, plain);
  say(`Plain JavaScript is bit-identical in the first ${count(plain.length / DIM)} rows.`);
  say();
  printStored(runs);
  if (runs[0] !== undefined) printNearest(tokenizer, runs[0]);
  compareStored(runs);
  say();
  printSaved(runs);
  compareSaved(runs);
  say();
  printTokens(tokenizer, ids, native);
  say();
  await searchDocuments(files);
  printNextSteps();
}

/** Search in the project's own documents, on both backends. @param {readonly string[]} files */
async function searchDocuments(files) {
  const native = await searchOn('native', files);
  const wasm = await searchOn('wasm', files);
  const passages = await readPassages();
  say(`The ${count(native.passages)} passages of this project's documents, searched by meaning:`);
  printSearch(passages, native);
  if (native.sha256 !== wasm.sha256) throw new Error('the vectors of the backends differ');
  if (JSON.stringify(native.found) !== JSON.stringify(wasm.found)) {
    throw new Error('the passages that the backends find differ');
  }
  say(
    `SHA-256 over all vectors begins with ${native.sha256.slice(0, 12)} on both; WASM finds the same, to the bit.`,
  );
}

/** @param {import('./demo/report.mjs').Run[]} runs */
function compareHashes(runs) {
  for (const { info, sha256 } of runs) say(`SHA-256 over all rows, ${info.name.padEnd(6)} ${sha256}`);
  if (new Set(runs.map(({ sha256 }) => sha256)).size !== 1) {
    throw new Error('the results of the backends differ');
  }
  say('Native and WASM are bit-identical.');
}

/** Every row of each dtype, and the nearest rows. @param {import('./demo/report.mjs').Run[]} runs */
function compareStored(runs) {
  const [first = [], ...others] = runs.map(({ stored }) =>
    stored.map(({ dtype, nearest, scores, sha256 }) => ({
      dtype,
      result: JSON.stringify([sha256, nearest, scores]),
    })),
  );
  for (const [i, { dtype, result }] of first.entries()) {
    if (others.some((other) => other[i]?.result !== result)) {
      throw new Error(`the ${dtype} results of the backends differ`);
    }
  }
  say('In every dtype, native and WASM are bit-identical.');
}

/** The files, and every row of the tables in them. @param {import('./demo/report.mjs').Run[]} runs */
function compareSaved(runs) {
  for (const { info, saved, stored } of runs) {
    if (info.name === 'native' && !saved.every(({ mapped }) => mapped))
      throw new Error('a file was not mapped');
    for (const [i, { dtype, sha256, fileSha256 }] of saved.entries()) {
      if (sha256 !== stored.find((each) => each.dtype === dtype)?.sha256) {
        throw new Error(`${info.name}: the rows of the ${dtype} file differ from those of the table`);
      }
      if (fileSha256 !== runs[0]?.saved[i]?.fileSha256) {
        throw new Error(`the ${dtype} files of the backends differ`);
      }
    }
  }
  say('Native and WASM write the same files; every row read back from them is bit-identical.');
}

/** @param {string} name @param {Float32Array} rows @param {Float32Array} plain */
function compareRows(name, rows, plain) {
  const actual = bits(rows);
  const expected = bits(plain);
  if (actual.length !== expected.length) {
    throw new Error(
      `${name} returned ${actual.length} of the ${expected.length} numbers of the first ${CHECKED_ROWS} rows`,
    );
  }
  const i = expected.findIndex((value, index) => value !== actual[index]);
  if (i < 0) return;
  const place = `row ${Math.floor(i / DIM)}, column ${i % DIM}`;
  throw new Error(`${name} and plain JavaScript differ at ${place}: ${rows[i]} and ${plain[i]}`);
}

/** @param {Float32Array} values */
const bits = ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length);

try {
  await demo(process.argv.slice(2));
} catch (error) {
  console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
