/** A stack overflow in the middle of a call affects only that call. */

import { Embedding, EmbeddingLayer } from 'tokenbed';
import { expect, it } from 'vitest';
import { expectBits } from './helpers/bits.js';

it('a call without remaining stack throws, and all objects stay usable', () => {
  const embedding = new Embedding({ vocabSize: 50, embeddingDim: 8, seed: 7 });
  const layer = new EmbeddingLayer({ vocabSize: 50, embeddingDim: 8, maxSeqLength: 64, seed: 7 });
  const ids = Int32Array.from({ length: 32 }, (_, i) => i);
  const out = new Float32Array(32 * 8);
  const [row, vectors] = [embedding.forward(ids).data, layer.forward(ids).data];

  let refused = 0;
  // While unwinding, each level tries with slightly more stack than the level below.
  const descend = (): void => {
    try {
      descend();
    } catch {
      // The stack is exhausted.
    }
    try {
      embedding.forwardInto(ids, out);
      layer.forwardInto(ids, out);
    } catch (error) {
      refused++;
      throw error;
    }
  };
  for (let round = 0; round < 3; round++) {
    try {
      descend();
    } catch {
      // Fails at every level.
    }
    expectBits(embedding.forward(ids).data, row);
    expectBits(layer.forward(ids).data, vectors);
  }
  expect(refused).toBeGreaterThan(0);
  layer.dispose();
  embedding.dispose();
});
