/** A stack that runs out in the middle of a call costs that call, and nothing else. */

import { Embedding, EmbeddingLayer } from 'tokenbed';
import { expect, it } from 'vitest';
import { expectBits } from './helpers/bits.js';

it('a call that has no stack left throws, and every object works on', () => {
  const embedding = new Embedding({ vocabSize: 50, embeddingDim: 8, seed: 7 });
  const layer = new EmbeddingLayer({ vocabSize: 50, embeddingDim: 8, maxSeqLength: 64, seed: 7 });
  const ids = Int32Array.from({ length: 32 }, (_, i) => i);
  const out = new Float32Array(32 * 8);
  const [row, vectors] = [embedding.forward(ids).data, layer.forward(ids).data];

  let refused = 0;
  // On the way back from the deepest call each level tries with a little more stack than the one below.
  const descend = (): void => {
    try {
      descend();
    } catch {
      // The stack is full here.
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
      // Refused at every level.
    }
    expectBits(embedding.forward(ids).data, row);
    expectBits(layer.forward(ids).data, vectors);
  }
  expect(refused).toBeGreaterThan(0);
  layer.dispose();
  embedding.dispose();
});
