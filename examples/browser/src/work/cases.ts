/** What the gauge measures: each kind of work, done by the library and by plain JavaScript on the same numbers. */

import { Embedding, EmbeddingBag, EmbeddingLayer, PositionalEncoding, Tensor } from 'tokenbed';
import type { GaugeSettings } from '../messages.js';
import { bagByRows, layerByLoop, lookupByLoop, lookupBySet } from './plain-js.js';

/** Beyond the caches of most machines, and little enough for a phone. */
const TABLE_FLOATS = 2 ** 23;
const TOKENS = 8192;
const SEQUENCE = 512;
const PER_BAG = 16;
/** Different ids for each call, or the rows of one call would wait in the cache for the next. */
const BATCHES = 8;

export interface Way {
  readonly name: string;
  /** Does the work on batch `k`. */
  run(k: number): void;
  /** Where the answer is. */
  answer(): Float32Array;
}

export interface Case {
  readonly tokenbed: Way;
  /** Every way to write it; the fastest one counts. */
  readonly js: readonly Way[];
  /** As many bytes as the rows have, copied from one place to another. */
  readonly copy: Way;
  readonly tokens: number;
  readonly bytes: number;
}

export function caseOf({ work, dim }: GaugeSettings): Case {
  const vocabSize = Math.floor(TABLE_FLOATS / dim);
  const embedding = new Embedding({ vocabSize, embeddingDim: dim, seed: 1 });
  const table = embedding.weight.toTensor().data as Float32Array;
  const batches = Array.from({ length: BATCHES }, (_, k) => randomIds(vocabSize, k + 1));
  const rows = work === 'bag' ? TOKENS / PER_BAG : TOKENS;
  const theirs = new Float32Array(rows * dim);
  // The library's own memory: results are written where they stay.
  const ours = Tensor.allocate([rows, dim]);
  const batch = (k: number) => batches[k % BATCHES]!;
  const js = (name: string, run: (ids: Int32Array) => void): Way => ({
    name,
    run: (k) => run(batch(k)),
    answer: () => theirs,
  });
  const tokenbed = (run: (ids: Int32Array) => unknown): Way => ({
    name: 'tokenbed',
    run: (k) => void run(batch(k)),
    answer: () => ours.data as Float32Array,
  });

  const source = table.subarray(0, TOKENS * dim);
  const target = new Float32Array(TOKENS * dim);
  const copy: Way = { name: 'copy', run: () => target.set(source), answer: () => target };
  const common = { copy, tokens: TOKENS, bytes: TOKENS * dim * 4 };

  if (work === 'lookup') {
    return {
      ...common,
      tokenbed: tokenbed((ids) => embedding.forwardInto(ids, ours)),
      js: [
        js('set(subarray)', (ids) => lookupBySet(table, ids, dim, theirs)),
        js('a loop', (ids) => lookupByLoop(table, ids, dim, theirs)),
      ],
    };
  }
  if (work === 'bag') {
    const bags = EmbeddingBag.from(embedding, { mode: 'mean' });
    const shape = [TOKENS / PER_BAG, PER_BAG];
    return {
      ...common,
      tokenbed: tokenbed((ids) => bags.forwardInto(ids, ours, { shape })),
      js: [js('a loop', (ids) => bagByRows(table, ids, dim, theirs, PER_BAG))],
    };
  }
  const positional = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: SEQUENCE });
  const positions = positional.pe.data as Float32Array;
  const layer = new EmbeddingLayer({ token: embedding, positional, scale: true });
  const shape = [TOKENS / SEQUENCE, SEQUENCE];
  return {
    ...common,
    tokenbed: tokenbed((ids) => layer.forwardInto(ids, ours, { shape })),
    js: [js('a loop', (ids) => layerByLoop(table, ids, dim, theirs, positions))],
  };
}

/** Uniform ids from a small generator (mulberry32): the same on every visit. */
function randomIds(bound: number, seed: number): Int32Array {
  let state = seed;
  return Int32Array.from({ length: TOKENS }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * bound);
  });
}
