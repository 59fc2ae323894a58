/** The data of the cases, made once from fixed seeds into files that every contender reads. */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../scripts/lib/run.mjs';
import { unlessFresh } from '../../scripts/lib/stamp.mjs';

const CACHE = '.cache/bench-training';

/** The path of a file of the cases. @param {string} name */
export const dataFile = (name) => path.join(root, CACHE, name);

/** Ids of a pool, so that large tables are cold. */
export const POOL = 2 ** 20;
/** Rows of the large table. */
export const LARGE = 1_000_000;
export const DIM = 64;
/** Rows, columns, pairs of a batch and negatives of skip-gram. */
export const WORDS = { vocab: 30_000, dim: 100, batch: 1024, negatives: 5, pairs: 2 ** 18 };
/** Words of a line of a corpus. */
export const LINE = 1000;
/** A corpus whose words have topics: a run of words is drawn from one topic, but for some noise. `dim`: of its vectors. */
export const TOPICS = { topics: 50, words: 20, run: 25, noise: 0.5, dim: 50 };

/** xorshift32, as numbers in [0, 1). @param {number} seed */
export function generator(seed) {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Draws from `weights`. @param {ArrayLike<number>} weights @param {() => number} random */
function drawer(weights, random) {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sums[i] = sum += weights[i];
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** The weight of each of `count` ids by Zipf's law. @param {number} count */
const zipf = (count) => Float64Array.from({ length: count }, (_, i) => 1 / (i + 1));

/** Uniform in [-bound, bound). @param {number} length @param {number} bound @param {number} seed */
function uniform(length, bound, seed) {
  const random = generator(seed);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = (2 * random() - 1) * bound;
  return values;
}

/** Lines of words `w0`, `w1`, ... @param {Int32Array} ids */
function text(ids) {
  const lines = [];
  for (let at = 0; at < ids.length; at += LINE)
    lines.push(Array.from(ids.subarray(at, at + LINE), (id) => `w${id}`).join(' '));
  return `${lines.join('\n')}\n`;
}

/** Word vectors as text. @param {Float32Array} values @param {number} columns */
function vectors(values, columns) {
  const lines = [`${values.length / columns} ${columns}`];
  for (let at = 0; at < values.length; at += columns) {
    const row = Array.from(values.subarray(at, at + columns), (value) => value.toFixed(6));
    lines.push(`w${at / columns} ${row.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The words of a corpus of topics: word i is of topic `floor(i / words)`. @param {number} length */
function topicWords(length) {
  const random = generator(7);
  const { topics, words, run, noise } = TOPICS;
  let topic = 0;
  return Int32Array.from({ length }, (_, i) => {
    if (i % run === 0) topic = Math.floor(random() * topics);
    const of = random() < noise ? Math.floor(random() * topics) : topic;
    return of * words + Math.floor(random() * words);
  });
}

function* files() {
  const many = zipf(LARGE);
  const random = generator(1);
  yield ['uniform.i32', Int32Array.from({ length: POOL }, () => Math.floor(random() * LARGE))];
  yield ['zipf.i32', Int32Array.from({ length: POOL }, drawer(many, random))];
  yield ['table.f32', uniform(LARGE * DIM, 0.1, 2)];
  yield ['gradient.f32', uniform(2 ** 16 * DIM, 1, 3)];
  const { vocab, dim, negatives, pairs } = WORDS;
  const word = drawer(zipf(vocab), random);
  const negative = drawer(
    zipf(vocab).map((weight) => weight ** 0.75),
    random,
  );
  yield ['centers.i32', Int32Array.from({ length: pairs }, word)];
  // The positive of each pair, then its negatives.
  const width = 1 + negatives;
  yield [
    'scored.i32',
    Int32Array.from({ length: pairs * width }, (_, i) => (i % width === 0 ? word() : negative())),
  ];
  yield ['inputs.f32', uniform(vocab * dim, 0.5 / dim, 4)];
  yield ['outputs.f32', uniform(vocab * dim, 0.5 / dim, 5)];
  yield ['scores.f32', uniform(32 * 50_000, 4, 6)];
  const corpora = {
    corpus: Int32Array.from({ length: 300_000 }, word),
    topics: topicWords(200_000),
  };
  for (const [name, ids] of Object.entries(corpora)) {
    yield [`${name}.i32`, ids];
    yield [`${name}.txt`, text(ids)];
    // fastText 0.9.3 fills a tenth of its vectors with one thread: it starts from these.
    const [size, columns] = name === 'corpus' ? [vocab, dim] : [TOPICS.topics * TOPICS.words, TOPICS.dim];
    yield [`${name}.vec`, vectors(uniform(size * columns, 0.5 / columns, 8), columns)];
  }
}

/** Makes the files, unless they are there. */
export async function makeData() {
  const outputs = [`${CACHE}/topics.txt`];
  await unlessFresh({ name: 'bench-training', inputs: ['bench/training/data.mjs'], outputs }, async () => {
    await mkdir(path.join(root, CACHE), { recursive: true });
    for (const [name, content] of files()) await writeFile(dataFile(String(name)), content);
  });
}
