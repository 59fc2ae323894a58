/** The search: a static model, the passages of a text, and their vectors as an index. A Worker has one of each. */

import { Embedding, StaticModel } from 'tokenbed';
import { measureNow, roundsOf } from '../../../../dist/profiler/rounds.js';
import { config, model as rows, tokenizer } from '../../../../models/minilm-static/index.js';
import type { Hit, Indexed, IndexStep, LoadedModel, LoadStep, Mark, Nearest } from '../messages.js';
import { type Passage, passagesIn } from './passages.js';

/** Vite copies the files, and their names change with their contents. */
const FILES = { model: rows, tokenizer, config };

/** The hits that the page shows. */
const NEAREST = 5;
/** The most passages of an index. */
const MOST_PASSAGES = 100_000;
/** Between two batches the Worker answers queries. */
const BATCH = 1024;
/** The part of a passage's score from which on a word is marked. */
const MARKED = 0.05;

interface Index {
  readonly text: string;
  readonly passages: readonly Passage[];
  readonly vectors: Embedding;
}

let model: StaticModel | null = null;
let current: Index | null = null;

/**
 * Loads the model. Its vectors are means that are not normalized: cosine similarity does not depend on their lengths, and a
 * mean times the number of tokens is the sum of the words of a text. A browser that has no room for the model loads it without
 * keeping it.
 */
export async function load(cache: string | null, onProgress: (step: LoadStep) => void): Promise<LoadedModel> {
  const options = { normalize: false, onProgress };
  try {
    model = await StaticModel.load(FILES, cache === null ? options : { ...options, cache });
  } catch (error) {
    if (cache === null || !(error instanceof DOMException && error.name === 'QuotaExceededError'))
      throw error;
    await caches.delete(cache); // a part of the model is of no use
    return load(null, onProgress);
  }
  if (cache !== null) await removeOthers(cache);
  const { table, dim } = model;
  const { bytes, dtype } = table.getMemoryUsage();
  return { rows: table.vocabSize, dim, dtype, bytes };
}

/** Removes the files of an earlier version of the model. */
async function removeOthers(name: string): Promise<void> {
  const cache = await caches.open(name);
  const own = new Set(Object.values(FILES).map(({ href }) => href));
  for (const request of await cache.keys()) if (!own.has(request.url)) await cache.delete(request);
}

/** Replaces the index by one of this text. Until then queries are answered from the index before. */
export async function index(text: string, onStep: (step: IndexStep) => void): Promise<Indexed> {
  const all = passagesIn(text);
  const passages = all.slice(0, MOST_PASSAGES);
  const total = passages.length;
  const vectors = new Embedding({
    vocabSize: Math.max(1, total),
    embeddingDim: model!.dim,
    dtype: 'i8',
    initType: 'zeros',
  });
  let ms = 0;
  for (let done = 0; done < total;) {
    const batch = textsOf(text, passages.slice(done, done + BATCH));
    const start = performance.now();
    vectors.weight.setRows(done, model!.embed(batch));
    ms += performance.now() - start;
    done += batch.length;
    onStep({ done, total });
    await new Promise((resolve) => setTimeout(resolve));
  }
  current?.vectors.dispose();
  current = { text, passages, vectors };
  return { passages: total, isCut: total < all.length, ms };
}

const textsOf = (text: string, passages: readonly Passage[]): string[] =>
  passages.map(({ start, end }) => text.slice(start, end));

/** How many passages of the index become vectors in a second, once the code is compiled: a median. */
export function textsPerSecond(): number {
  const { text, passages } = current!;
  const batch = textsOf(text, passages.slice(0, BATCH));
  const contender = {
    run(calls: number): void {
      for (let i = 0; i < calls; i++) model!.embed(batch);
    },
  };
  const [series] = measureNow([contender], { warmupMs: 150, next: roundsOf(15) });
  return (1000 * batch.length) / series!.medianMs;
}

export function search(query: string): Nearest {
  const { text, passages, vectors } = current!;
  const start = performance.now();
  const vector = model!.embed([query]).data;
  const { ids, scores } = vectors.nearest(vector, { k: NEAREST });
  const ms = performance.now() - start;

  const found = Array.from(ids.data, (id, i) => ({ id, score: scores.data[i]! })).filter(
    ({ score }) => score > 0,
  );
  const hits = found.map(({ id, score }): Hit => {
    const { start, end } = passages[id]!;
    const passage = text.slice(start, end);
    return { start, end, text: passage, score, marks: marksIn(passage, score, vector) };
  });
  return { hits, ms };
}

/** The words of a passage whose rows add the most to its score, which is the sum of the parts of all tokens. */
function marksIn(text: string, score: number, query: Float32Array): Mark[] {
  const words = [...text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)];
  const [whole, ...parts] = productsOf([text, ...words.map(([word]) => word)], query);
  return words
    .filter((_, i) => (parts[i]! / whole!) * score >= MARKED)
    .map(({ index, 0: word }) => ({ start: index, end: index + word.length }));
}

/** For each text the sum of dot(row, query), over the rows of its tokens. */
function productsOf(texts: readonly string[], query: Float32Array): number[] {
  const means = model!.embed(texts).data;
  return model!.tokenize(texts).map(({ length }, i) => {
    const mean = means.subarray(i * query.length, (i + 1) * query.length);
    return length * mean.reduce((sum, value, c) => sum + value * query[c]!, 0);
  });
}
