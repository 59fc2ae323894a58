/** The ids of the profiler: distributed according to their pattern, and reproducible for a seed. */

import { Embedding } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { quick, watchLookups } from './helpers/profiler.js';

type Pattern = 'uniform' | 'zipf' | 'sequential' | 'repeated';

const VOCAB = 1000;
const embedding = new Embedding({ vocabSize: VOCAB, embeddingDim: 1, seed: 0 });

/** Copies of the first batches that are looked up. */
function batches(
  pattern: Pattern,
  { tokens = 900, count = 4, of = embedding } = {},
  seed?: number | bigint,
): number[][] {
  const seen: number[][] = [];
  const unwatch = watchLookups((ids) => {
    if (seen.length === count) return;
    expect(ids).toBeInstanceOf(Int32Array);
    seen.push([...ids]);
  });
  quick().measureLookupPerformance({ embedding: of, batchSizes: [tokens], seqLengths: [1], pattern, seed });
  unwatch();
  return seen;
}

const counts = (ids: readonly number[]): number[] => {
  const histogram = Array.from({ length: VOCAB }, () => 0);
  for (const id of ids) histogram[id]!++;
  return histogram;
};

describe.each(['uniform', 'zipf', 'sequential', 'repeated'] as const)('%s', (pattern) => {
  it('generates ids within the table', () => {
    for (const vocabSize of [1, 2, 3, 17]) {
      const of = new Embedding({ vocabSize, embeddingDim: 1 });
      const [ids] = batches(pattern, { of, tokens: 500 });
      expect(Math.min(...ids!)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...ids!)).toBeLessThan(vocabSize);
    }
  });

  it('generates the same ids for the same seed, and other ids for another', () => {
    const first = batches(pattern, {}, 7);
    expect(batches(pattern, {}, 7n)).toEqual(first);
    expect(batches(pattern, {}, 8)).not.toEqual(first);
    expect(batches(pattern, {}, 7n + 2n ** 32n)).not.toEqual(first);
    expect(batches(pattern)).toEqual(batches(pattern, {}, 0));
  });

  it('uses different ids in the next call, even for small batches', () => {
    // The first batch is looked up twice, once for validation.
    for (const tokens of [3, 63, 64, 900]) {
      const seen = batches(pattern, { tokens, count: 4 });
      expect(seen[1]).not.toEqual(seen[0]);
      expect(seen[2]).not.toEqual(seen[1]);
    }
  });
});

describe('the ids of a seed on every platform', () => {
  it.each([
    ['uniform', [31, 3, 406, 820, 497, 74, 615, 266, 742, 109, 324, 33]],
    ['zipf', [0, 382, 80, 1, 64, 30, 18, 230, 0, 16, 9, 47]],
    ['sequential', [31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42]],
    ['repeated', [464, 31, 615, 820, 497, 646, 646, 820, 31, 820, 31, 266]],
  ] as const)('%s', (pattern, expected) => {
    expect(batches(pattern, { tokens: 12 }, 2024)[0]).toEqual(expected);
  });
});

/** Expects a count within five standard deviations of its expected value. */
function expectLikely(count: number, of: number, probability: number): void {
  const deviation = Math.sqrt(of * probability * (1 - probability));
  expect(Math.abs(count - of * probability)).toBeLessThan(5 * deviation);
}

it('uniform: all rows are equally likely', () => {
  const ids = batches('uniform', { count: 4 }).flat();
  const tenths = Array.from({ length: 10 }, (_, k) => ids.filter((id) => Math.floor(id / 100) === k).length);
  for (const count of tenths) expectLikely(count, ids.length, 0.1);
  expectLikely(ids.filter((id) => id % 2 === 0).length, ids.length, 0.5);
});

it('zipf: the probability of row k - 1 is proportional to 1/k', () => {
  const ids = batches('zipf', { count: 4 }).flat();
  const histogram = counts(ids);
  let harmonic = 0;
  for (let k = 1; k <= VOCAB; k++) harmonic += 1 / k;
  for (const k of [1, 2, 3, 5, 10]) expectLikely(histogram[k - 1]!, ids.length, 1 / k / harmonic);
  const tail = histogram.slice(99).reduce((sum, each) => sum + each, 0);
  let tailMass = 0;
  for (let k = 100; k <= VOCAB; k++) tailMass += 1 / k / harmonic;
  expectLikely(tail, ids.length, tailMass);
});

it('sequential: consecutive rows, wrapping around, continued by the next call', () => {
  const ids = batches('sequential', { tokens: 600, count: 3 }).flat();
  expect(ids.length).toBe(1800);
  for (let i = 1; i < ids.length; i++) expect(ids[i]).toBe((ids[i - 1]! + 1) % VOCAB);
});

it('repeated: only sixteen rows', () => {
  const ids = batches('repeated', { count: 4 }).flat();
  const distinct = new Set(ids).size;
  expect(distinct).toBeLessThanOrEqual(16);
  expect(distinct).toBeGreaterThan(8);
});
