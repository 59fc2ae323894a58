/** The search: a static model, the passages of a text, and their vectors as an index. A Worker has one of each. */

import { Embedding, StaticModel } from 'tokenbed';
import type { Hit, Indexed, IndexStep, LoadedModel, LoadStep, Mark, Nearest } from '../messages.js';
import { type Passage, passagesIn } from './passages.js';

/** Vite copies the files, and their names change with their contents. */
const FILES = {
  model: new URL('../../../../models/minilm-static/model.safetensors', import.meta.url),
  tokenizer: new URL('../../../../models/minilm-static/tokenizer.json', import.meta.url),
  config: new URL('../../../../models/minilm-static/config.json', import.meta.url),
};

/** The hits that the page shows. */
const NEAREST = 5;
/** The most passages of an index. */
const MOST_PASSAGES = 100_000;
/** Between two batches the Worker answers queries. */
const BATCH = 1024;
/** The cosine similarity from which on a word of a passage is near the query. */
const NEAR = 0.4;

interface Index {
  readonly text: string;
  readonly passages: readonly Passage[];
  readonly vectors: Embedding;
}

let model: StaticModel | null = null;
let current: Index | null = null;

/** Loads the model. A browser that refuses to keep as much as it has does not need the cache. */
export async function load(cache: string | null, onProgress: (step: LoadStep) => void): Promise<LoadedModel> {
  const options = cache === null ? {} : { cache };
  try {
    model = await StaticModel.load(FILES, { ...options, onProgress });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'QuotaExceededError')) throw error;
    model = await StaticModel.load(FILES, { onProgress });
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
  const { dim } = model!;
  const vectors = new Float32Array(total * dim);
  let ms = 0;
  for (let done = 0; done < total;) {
    const batch = passages.slice(done, done + BATCH).map(({ start, end }) => text.slice(start, end));
    const start = performance.now();
    model!.embedInto(batch, vectors.subarray(done * dim));
    ms += performance.now() - start;
    done += batch.length;
    onStep({ done, total });
    await new Promise((resolve) => setTimeout(resolve));
  }
  const before = current;
  current =
    total === 0
      ? null
      : {
          text,
          passages,
          vectors: Embedding.fromPretrained(vectors, { embeddingDim: dim, dtype: 'i8' }),
        };
  before?.vectors.dispose();
  return { passages: total, isCut: total < all.length, ms };
}

export function search(query: string): Nearest {
  if (current === null) return { hits: [], passages: 0, ms: 0 };
  const { text, passages, vectors } = current;
  const start = performance.now();
  const vector = model!.embed([query]).data;
  const { ids, scores } = vectors.nearest(vector, { k: NEAREST });
  const ms = performance.now() - start;

  const hits = Array.from(ids.data, (id, i): Omit<Hit, 'marks'> => {
    const { start, end } = passages[id]!;
    return { start, end, text: text.slice(start, end), score: scores.data[i]! };
  }).filter(({ score }) => score > 0);
  const marks = marksIn(
    hits.map(({ text }) => text),
    vector,
  );
  return { hits: hits.map((hit, i) => ({ ...hit, marks: marks[i]! })), passages: passages.length, ms };
}

/** The words of each text whose own vectors are near the vector of the query. */
function marksIn(texts: readonly string[], query: Float32Array): Mark[][] {
  const words = texts.map((text) => [...text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)]);
  const all = words.flat();
  const { dim } = model!;
  const vectors = model!.embed(all.map(([word]) => word)).data;
  const near = new Set(all.filter((_, i) => dot(vectors.subarray(i * dim, (i + 1) * dim), query) >= NEAR));
  return words.map((list) =>
    list
      .filter((word) => near.has(word))
      .map(({ index, 0: word }) => ({ start: index, end: index + word.length })),
  );
}

/** The cosine similarity of vectors of length 1. */
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, c) => sum + value * b[c]!, 0);
