/** The limits in ERR_TOO_LARGE do not exceed physical memory. */

import { totalmem } from 'node:os';
import { Embedding, Tensor } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { contentsOf, expectGradient, numbers, Sums } from '../helpers/gradient.js';

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

/** Objects that leave less than 64 KiB of linear memory, all of it zeros that nobody touches. */
function fill(): { dispose(): void }[] {
  const all: { dispose(): void }[] = [];
  for (let rows = 2 ** 21; rows >= 16;) {
    try {
      all.push(new Embedding({ vocabSize: rows, embeddingDim: 256, initType: 'zeros' }));
    } catch {
      rows /= 2;
    }
  }
  return all;
}

if (inject('backend') === 'wasm') {
  describe('with linear memory exhausted', () => {
    it('a backward pass is ERR_TOO_LARGE, everything stays as it is, and small ones work', () => {
      const [V, D] = [2 ** 12, 64];
      const embedding = new Embedding({ vocabSize: V, embeddingDim: D, seed: 1, paddingIdx: 3 });
      const small = [1, 3, 2, 1];
      const sums = new Sums(D, 3).add(small, numbers(4 * D));
      embedding.backward(small, numbers(4 * D));
      const before = contentsOf(embedding);
      const filling = fill();
      const all = Int32Array.from({ length: V }, (_, i) => i);
      const grad = numbers(V * D);
      for (const scaleGradByFreq of [false, true]) {
        const backward = () => embedding.backward(all, grad, { scaleGradByFreq });
        const error = expectError(backward, { class: RangeError, code: 'ERR_TOO_LARGE' });
        expect(error['bytes']).toBe(V * D * 4);
        expect(error['limit']).toBeGreaterThanOrEqual(0);
      }
      expect(contentsOf(embedding)).toEqual(before);
      // Rows that are there need no memory.
      embedding.backward(small, numbers(4 * D, 2));
      expectGradient(embedding.weight, sums.add(small, numbers(4 * D, 2)));
      for (const each of filling) each.dispose();
      embedding.backward(all, grad);
      expectGradient(embedding.weight, sums.add([...all], grad));
      embedding.dispose();
    });
  });
}
