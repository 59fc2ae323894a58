/**
 * Ids to look up, spread over a table in one of four ways.
 *
 * They come from a generator of their own: no other one is disturbed, and a seed gives the same ids everywhere (only
 * integers and exact arithmetic, no logarithm of the host).
 */

import { tooLarge } from '../errors.js';
import { halves } from '../args/options.js';
import type { AccessPattern } from './results.js';

/** The names of the patterns. */
export const PATTERNS = ['uniform', 'zipf', 'sequential', 'repeated'] as const;

/** Ids are an Int32Array: of a larger table, the rows beyond are not looked up. */
const MOST_ROWS = 2 ** 31;
/** How many rows `repeated` takes. */
const REPEATED = 16;

/** Words of 32 bits, as doubles. */
type Generator = () => number;

/** Chris Doty-Humphrey's sfc32: small, fast, and good enough for every test that ids will ever be put to. */
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
  for (let i = 0; i < 12; i++) next(); // until a seed of few bits has spread
  return next;
}

/** An integer of 0 .. bound - 1, each as likely as any other; `bound` at most 2^32. */
function below(bound: number, next: Generator): number {
  return Math.floor((next() / 2 ** 32) * bound);
}

/**
 * A rank of 1 .. count, rank r with probability proportional to 1/r.
 *
 *     an octave 2^j .. 2^(j+1) - 1, each as likely;  r in it, each as likely;  kept with probability 2^j / r
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

/** What yields one id after the other. */
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

/** `count` ids of a table of `rows` rows. `ERR_TOO_LARGE` where the engine has no array so long. */
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
