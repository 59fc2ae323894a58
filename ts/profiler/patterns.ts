/**
 * Ids to look up, in one of four distributions over a table.
 *
 * They come from a separate generator, so no other generator changes state. A seed gives the same ids on every
 * platform: the arithmetic is exact and calls no logarithm of the host.
 */

import { tooLarge } from '../errors.js';
import { halves } from '../args/options.js';
import type { AccessPattern } from './results.js';

/** The names of the patterns. */
export const PATTERNS = ['uniform', 'zipf', 'sequential', 'repeated'] as const;

/** Ids are an Int32Array: rows beyond this one are not looked up. */
const MOST_ROWS = 2 ** 31;
/** The number of rows of `repeated`. */
const REPEATED = 16;

/** Words of 32 bits, as doubles. */
type Generator = () => number;

/** Chris Doty-Humphrey's sfc32: small, fast, and of sufficient statistical quality for ids. */
function generator(seed: number | bigint): Generator {
  let [a, b] = halves(seed);
  let c = 0;
  let counter = 1;
  const next: Generator = () => {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  for (let i = 0; i < 12; i++) next(); // mixes the seed into the state
  return next;
}

/** A uniform integer in 0 .. bound - 1; `bound` is at most 2^32. */
function below(bound: number, next: Generator): number {
  return Math.floor((next() / 2 ** 32) * bound);
}

/**
 * A rank in 1 .. count; the probability of rank r is proportional to 1/r. Rejection sampling:
 *
 *     a uniform octave 2^j .. 2^(j+1) - 1;  a uniform r in it;  accepted with probability 2^j / r
 */
function zipfRank(count: number, next: Generator): number {
  const octaves = 32 - Math.clz32(count);
  for (;;) {
    const first = 2 ** below(octaves, next);
    const rank = first + below(first, next);
    const kept = below(rank, next) < first;
    if (kept && rank <= count) return rank;
  }
}

/** A function that returns the next id. */
function source(pattern: AccessPattern, rows: number, next: Generator): () => number {
  switch (pattern) {
    case 'uniform':
      return () => below(rows, next);
    case 'zipf':
      return () => zipfRank(rows, next) - 1;
    case 'sequential': {
      let row = below(rows, next);
      return () => {
        const id = row;
        row = row + 1 < rows ? row + 1 : 0;
        return id;
      };
    }
    case 'repeated': {
      const few = Array.from({ length: REPEATED }, () => below(rows, next));
      return () => few[below(REPEATED, next)]!;
    }
  }
}

/** `count` ids for a table of `rows` rows. `ERR_TOO_LARGE` if the engine cannot allocate the array. */
export function drawIds(
  pattern: AccessPattern,
  rows: number,
  count: number,
  seed: number | bigint,
): Int32Array {
  let ids: Int32Array;
  try {
    ids = new Int32Array(count);
  } catch {
    throw tooLarge('The ids', count * 4, 2 ** 32);
  }
  const draw = source(pattern, Math.min(rows, MOST_ROWS), generator(seed));
  for (let i = 0; i < count; i++) ids[i] = draw();
  return ids;
}
