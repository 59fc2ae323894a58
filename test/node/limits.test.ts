/** The limits in ERR_TOO_LARGE do not exceed physical memory. */

import { totalmem } from 'node:os';
import { Embedding, Tensor } from 'tokenbed';
import { expect, it } from 'vitest';

it.each<[string, () => unknown]>([
  ['a tensor', () => Tensor.allocate([2 ** 40])],
  ['a table', () => new Embedding({ vocabSize: 2 ** 32, embeddingDim: 2 ** 10 })],
])('%s larger than any memory names a limit within the memory of the machine', (_, make) => {
  let error: { code?: string; bytes?: number; limit?: number } = {};
  try {
    make();
  } catch (caught) {
    error = caught as typeof error;
  }
  expect(error).toMatchObject({ code: 'ERR_TOO_LARGE', bytes: 2 ** 42 * (_ === 'a table' ? 4 : 1) });
  expect(error.limit).toBeGreaterThan(0);
  expect(error.limit).toBeLessThanOrEqual(totalmem());
});
