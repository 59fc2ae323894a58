/** Memory of disposed tables is reused: up to 32 MiB stay warm, the rest is released. New tables never see old contents. */

import { Embedding } from 'tokenbed';
import { expect, it } from 'vitest';

/** `count` tables of ones with shape [rows, dim]. */
const written = (count: number, rows: number, dim: number): Embedding[] =>
  Array.from({ length: count }, () => {
    const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros' });
    embedding.weight.setRows(0, new Float32Array(rows * dim).fill(1));
    return embedding;
  });

// Must run first, before other tests leave holes in the heap that the engine would fill with zeroed arrays.
it('the memory that was disposed last stays warm', () => {
  const [ones, pages] = [new Float32Array(2 ** 18).fill(1), 256]; // 1 MiB
  const use = () => {
    const embedding = new Embedding({ vocabSize: 1024, embeddingDim: 256, initType: 'zeros' });
    embedding.weight.setRows(0, ones);
    embedding.dispose();
  };
  written(1, 32 * 1024, 256)[0]!.dispose(); // the maximum that stays warm
  for (let i = 0; i < 5; i++) use();
  const before = process.resourceUsage().minorPageFault;
  for (let i = 0; i < 40; i++) use();
  expect(process.resourceUsage().minorPageFault - before).toBeLessThan((40 * pages) / 4);
});

it('new tables of zeros are zero in reused memory', () => {
  // The first 32 of 1 MiB stay warm; the others, and the small ones after them, are released.
  const sizes = [
    { count: 40, rows: 1024, dim: 256 },
    { count: 20, rows: 3, dim: 5 },
  ];
  const old = sizes.map(({ count, rows, dim }) => written(count, rows, dim));
  for (const embedding of old.flat()) embedding.dispose();
  for (const { count, rows, dim } of sizes) {
    for (let i = 0; i < count; i++) {
      const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros' });
      expect(embedding.weight.toTensor().data.every((value) => Object.is(value, 0))).toBe(true);
    }
  }
});

it('new tables of numbers are correct in reused memory', () => {
  const options = { vocabSize: 1024, embeddingDim: 256, seed: 3 };
  const first = new Embedding(options).weight.toTensor().data.slice();
  for (const embedding of written(2, 1024, 256)) embedding.dispose();
  expect(new Embedding(options).weight.toTensor().data).toEqual(first);
});
