/**
 * npm run test:quality [-- FOLDER ...]: models (default: models/minilm-static), and how alike people find two words.
 *
 *   WordSim-353, SimLex-999   pairs of words with the mean of the judgements, of the tests of gensim 4.4.0 (PyPI, 27.8 MB)
 *
 * Printed is Spearman's correlation x 100 of the judgements and the cosines. The wheel is downloaded into .cache/gensim/ at
 * the first run, by Python. The exit code is 1 if a figure is below 68 or 45. `npm run model` leaves the model as f32, before its
 * rows are stored as i4, in .cache/model/f32.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StaticModel } from 'tokenbed';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { wheels } from '../../scripts/lib/python.mjs';
import { root } from '../../scripts/lib/run.mjs';

const FOLDER = path.join(root, '.cache/gensim');
/** The files, and the least figures. */
const SETS = { 'wordsim353.tsv': 68, 'simlex999.txt': 45 };
/** @typedef {{ words: [string, string], judgement: number }} Pair */

/** The pairs of a file: two words and a number on each line, with tabs between them. @param {string} name @returns {Promise<Pair[]>} */
async function pairs(name) {
  const text = await readFile(path.join(FOLDER, 'gensim/test/test_data', name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [a = '', b = '', judgement] = line.split('\t');
      return { words: /** @type {[string, string]} */ ([a, b]), judgement: Number(judgement) };
    });
}

/** The ranks of numbers; equal numbers have the mean of theirs. @param {readonly number[]} numbers */
function ranks(numbers) {
  const order = numbers.map((_, i) => i).sort((a, b) => Number(numbers[a]) - Number(numbers[b]));
  /** @type {number[]} */
  const result = [];
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && numbers[order[end] ?? 0] === numbers[order[start] ?? 0]) end++;
    for (const i of order.slice(start, end)) result[i] = (start + end - 1) / 2;
  }
  return result;
}

/** Spearman's correlation x 100. @param {readonly number[]} a @param {readonly number[]} b */
function spearman(a, b) {
  const middle = (a.length - 1) / 2;
  const [x, y] = /** @type {[number[], number[]]} */ (
    [a, b].map((each) => ranks(each).map((r) => r - middle))
  );
  const dot = (/** @type {number[]} */ p, /** @type {number[]} */ q) =>
    p.reduce((sum, value, i) => sum + value * Number(q[i]), 0);
  return (100 * dot(x, y)) / Math.sqrt(dot(x, x) * dot(y, y));
}

/** The cosine of the words of each pair. @param {StaticModel} model @param {readonly Pair[]} all */
function cosines(model, all) {
  const { data } = model.embed(all.flatMap(({ words }) => words));
  return all.map((_, i) => {
    let sum = 0;
    for (let d = 0; d < model.dim; d++) {
      sum += Number(data[2 * i * model.dim + d]) * Number(data[(2 * i + 1) * model.dim + d]);
    }
    return sum;
  });
}

async function main() {
  if (!existsSync(FOLDER)) await step('Downloading gensim', '5 s', () => wheels(['gensim==4.4.0'], FOLDER));
  const folders = parseArgs({ allowPositionals: true }).positionals;
  for (const folder of folders.length > 0 ? folders : [path.join(root, 'models/minilm-static')]) {
    const model = await StaticModel.load(folder);
    for (const [name, least] of Object.entries(SETS)) {
      const all = await pairs(name);
      const figure = spearman(
        cosines(model, all),
        all.map(({ judgement }) => judgement),
      );
      const low = figure >= least ? '' : `  BELOW ${least}`;
      if (low !== '') process.exitCode = 1;
      say(
        `${name.padEnd(16)} ${model.table.dtype.padEnd(4)} ${all.length} pairs  ${figure.toFixed(1)}${low}`,
      );
    }
    model.dispose();
  }
}

await asProgram(import.meta.url, main);
