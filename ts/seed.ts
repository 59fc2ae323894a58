/** Seeds: 64 bits. */

import { type Named, seed as read } from './options.js';

/** The seed in the options, or a fresh random one from 0 to 2^53 - 1. */
export function readSeed(options: Named): number | bigint {
  return read(options) ?? freshSeed();
}

function freshSeed(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! >>> 11) * 2 ** 32 + low!;
}

/** The lower and the upper 32 bits: 7 and 7n are the same seed. */
export function halves(seed: number | bigint): readonly [low: number, high: number] {
  const bits = BigInt(seed);
  return [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
}
