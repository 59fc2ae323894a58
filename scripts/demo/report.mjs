/** What the demo prints at its end. */

import { count, say } from '../lib/progress.mjs';
import { QUESTIONS } from './questions.mjs';
import { DIM, SEED } from './settings.mjs';

const MIB = 2 ** 20;

/** @typedef {import('./embed-child.mjs').EmbedResult & { headFile: string }} Run */

const mibS = (/** @type {Run} */ { tokens, ms }) => (tokens * DIM * 4) / MIB / (ms / 1000);

/** One column per backend. @param {readonly Run[]} runs */
export function printRates(runs) {
  /** @param {string} label @param {(run: Run) => string} cell */
  const line = (label, cell) =>
    say(`  ${label.padEnd(34)}${runs.map((run) => cell(run).padStart(14)).join('')}`);
  say();
  line('', ({ info }) => info.name);
  line('instruction set', ({ info }) => info.isa);
  line('tokens', ({ tokens }) => count(tokens));
  line('tokens/s', ({ tokens, ms }) => count(tokens / (ms / 1000)));
  line('output, MiB/s', (run) => count(mibS(run)));
  line('a plain copy of 64 MiB, MiB/s', ({ copyMibS }) => count(copyMibS));
  line('share of that copy rate', (run) => `${Math.round((100 * mibS(run)) / run.copyMibS)} %`);
  line('peak memory of the process, MiB', ({ peakMib }) => count(peakMib));
  line('SHA-256 of all rows, begins with', ({ sha256 }) => sha256.slice(0, 12));
  say();
}

/** One row per dtype, the rates one column per backend. @param {readonly Run[]} runs */
export function printStored(runs) {
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    say(
      `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(6) : cell.padStart(i === 2 ? 21 : 17))).join('')}`,
    );
  const all = runs.map(({ stored }) => stored);
  say(`The table of ${DIM} columns in every dtype, its rows looked up without positions:`);
  line(['', 'bytes', 'largest difference', ...runs.map(({ info }) => `${info.name} tokens/s`)]);
  for (const [i, { dtype, bytes, difference }] of (all[0] ?? []).entries()) {
    const rates = all
      .map((stored) => stored[i])
      .map((result) => (result ? count(result.tokens / (result.ms / 1000)) : ''));
    line([dtype, count(bytes), difference === 0 ? '0' : difference.toExponential(2), ...rates]);
  }
}

/** One row per file. @param {readonly Run[]} runs */
export function printSaved(runs) {
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    say(`  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(6) : cell.padStart(28))).join('')}`);
  const all = runs.map(({ saved }) => saved);
  say('The token table saved and opened again, from `load` to the first row:');
  line([
    '',
    'bytes of the file',
    ...runs.map(({ info, saved }) => {
      return `${info.name}, ${saved[0]?.mapped ? 'mapped' : 'read'}, ms`;
    }),
  ]);
  for (const [i, { dtype, bytes }] of (all[0] ?? []).entries()) {
    line([dtype, count(bytes), ...all.map((saved) => (saved[i]?.firstRowMs ?? NaN).toFixed(2))]);
  }
}

/** The tokens nearest to the first one, and how many of them the other dtypes find. @param {import('tokenbed').Tokenizer} tokenizer @param {Run} run */
export function printNearest(tokenizer, { stored }) {
  const [f32, ...others] = stored;
  if (f32 === undefined) return;
  const [own, ...found] = f32.nearest;
  const text = (/** @type {number} */ id) => JSON.stringify(tokenizer.decode([id]));
  const best = found.slice(0, 4).map((id, i) => `${text(id)} ${f32.scores[i + 1]?.toFixed(3)}`);
  const same = others.map(({ dtype, nearest }) => {
    return `${dtype} ${nearest.filter((id) => found.includes(id)).length}`;
  });
  say(`Nearest to ${text(Number(own))} by cosine: ${best.join(', ')}`);
  say(`Of its ${found.length} nearest tokens, the other dtypes find: ${same.join(', ')}`);
}

/** A few tokens and where they went. @param {import('tokenbed').Tokenizer} tokenizer @param {Uint16Array} ids @param {Float32Array} rows */
export function printTokens(tokenizer, ids, rows) {
  say(`The first tokens, and the first 4 of their ${DIM} numbers (token + position):`);
  for (let r = 0; r < Math.min(6, ids.length); r++) {
    const id = Number(ids[r]);
    const text = JSON.stringify(tokenizer.decode([id]));
    const numbers = Array.from(rows.subarray(r * DIM, r * DIM + 4), (x) => x.toFixed(5).padStart(9));
    say(`  ${text.padEnd(16)} id ${String(id).padStart(4)}  [${numbers.join(' ')} ...]`);
  }
  say(
    `The table is seeded (seed ${SEED}), not trained: equal tokens get equal vectors, but their nearness means nothing yet.`,
  );
}

const LONGEST_PASSAGE = 84;

/**
 * The questions with the passages that were found, and the sizes of the model.
 *
 * @param {readonly import('./passages.mjs').Passage[]} passages
 * @param {import('./search-child.mjs').SearchResult} result
 */
export function printSearch(passages, { found, model, sizes }) {
  for (const [i, { question }] of QUESTIONS.entries()) {
    say(`  ${question}`);
    for (const [j, id] of (found[i]?.ids ?? []).entries()) {
      const { file, heading, text } = /** @type {import('./passages.mjs').Passage} */ (passages[id]);
      const start = text.length > LONGEST_PASSAGE ? `${text.slice(0, LONGEST_PASSAGE - 3)}...` : text;
      say(`    ${found[i]?.scores[j]?.toFixed(3)}  ${file}: ${heading}`);
      say(`           ${start}`);
    }
  }
  const list = sizes.map(({ dtype, bytes }) => `${dtype} ${(bytes / 1e6).toFixed(1)} MB`);
  say(
    `The model's table, ${count(model.vocabSize)} x ${model.dim}, as ${list.join(', ')}; the file has ${model.dtype}.`,
  );
}

export function printNextSteps() {
  say(`
Next:
  Your own search (npm i tokenbed); npx tokenbed search does it from the command line:
      import { StaticModel } from 'tokenbed';
      const model = await StaticModel.load('models/minilm-static');
      const vectors = model.embed(['a text', 'another text']);      // Tensor [2, 256]
  Your own table (npm i tokenbed); docs/your-own-table.md has more:
      import { Embedding } from 'tokenbed';
      const table = await Embedding.load('model.safetensors');      // or .npy, .gguf, word vectors
      console.log(table.forward([1, 2, 3]).toString());
  Your own text:
      npm run demo -- FILE ...
  In the browser: the same import, and once, before the first layer,
      await init();`);
}
