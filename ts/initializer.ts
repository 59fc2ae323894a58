/** The initial values of a table. */

import type { Kernels } from './backend/index.js';
import { DONE } from './args/call.js';
import { describe, fail, wrongValue } from './errors.js';
import { type Named, readSeed, real } from './args/options.js';

/** The distributions: U[-1/sqrt(D), 1/sqrt(D)), N(0, 1/sqrt(D)), U[-a, a) with a = sqrt(6/(V+D)), zeros. */
export type InitType = 'uniform' | 'normal' | 'xavier' | 'zeros';

const INIT_TYPES: readonly unknown[] = ['uniform', 'normal', 'xavier', 'zeros'];

/** The stream of the generator that a table draws from. */
export const Stream = { token: 0, position: 1 } as const;

/** Checked options of initial values. */
export interface Initializer {
  readonly initType: InitType;
  readonly seed: number | bigint;
  /** The standard deviation of `normal`, if it was passed. */
  readonly std: number | undefined;
}

/** Reads `initType`, `std` and `seed`. Errors: `ERR_UNKNOWN_INIT`, `ERR_INVALID_OPTION`. */
export function readInitializer(options: Named, fallback: InitType): Initializer {
  const { initType: requested = fallback } = options;
  if (!INIT_TYPES.includes(requested)) {
    const text = `Unknown init_type: ${typeof requested === 'string' ? requested : describe(requested)}`;
    throw fail(RangeError, 'ERR_UNKNOWN_INIT', `${text} (expected one of: ${INIT_TYPES.join(', ')})`, {
      value: requested,
    });
  }
  const initType = requested as InitType;
  const std = real(options, 'std', { min: 0 }, undefined);
  if (std !== undefined && initType !== 'normal') {
    throw wrongValue('std', std, `absent unless initType is "normal" (it is "${initType}")`);
  }
  return { initType, std, seed: readSeed(options) };
}

/**
 * Fills a table of `rows` x `dim` values, row `padding` with +0, and returns the status; for `zeros` it must already be
 * zero. All arithmetic here is correctly rounded, so every platform computes the same bits.
 */
export function initialize(
  kernels: Kernels,
  handle: number,
  { rows, dim }: { readonly rows: number; readonly dim: number },
  { initType, std, seed }: Initializer,
  stream: number,
  padding: number | undefined,
): number {
  const bits = BigInt(seed);
  switch (initType) {
    case 'uniform':
      return kernels.tableUniform(handle, bits, stream, 1 / Math.sqrt(dim), padding);
    case 'xavier':
      return kernels.tableUniform(handle, bits, stream, Math.sqrt(6 / (rows + dim)), padding);
    case 'normal':
      return kernels.tableNormal(handle, bits, stream, std ?? 1 / Math.sqrt(dim), padding);
    case 'zeros':
      return DONE;
  }
}
