/** Memory of disposed tables is used again: warm up to 32 MiB, given back beyond. A new table shows none of it. */

import { Embedding } from 'tokenbed';
import { expect, it } from 'vitest';

/** Tables of [rows, dim] full of ones, all alive at once. */
const written = (count: number, rows: number, dim: number): Embedding[] =>
  Array.from({ length: count }, () => {
    const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros' });
    embedding.weight.setRows(0, new Float32Array(rows * dim).fill(1));
    return embedding;
  });

// First, before the others leave holes in the heap of the process, which the engine's arrays would then fill with zeros.
it('what was disposed last is what stays warm', () => {
  const [ones, pages] = [new Float32Array(2 ** 18).fill(1), 256]; // 1 MiB
  const use = () => {
    const embedding = new Embedding({ vocabSize: 1024, embeddingDim: 256, initType: 'zeros' });
    embedding.weight.setRows(0, ones);
    embedding.dispose();
  };
  written(1, 32 * 1024, 256)[0]!.dispose(); // as much as is kept
  for (let i = 0; i < 5; i++) use();
  const before = process.resourceUsage().minorPageFault;
  for (let i = 0; i < 40; i++) use();
  expect(process.resourceUsage().minorPageFault - before).toBeLessThan((40 * pages) / 4);
});

it('new tables of zeros are zeros, whatever lay there before', () => {
  // The first 32 of 1 MiB stay warm; the others, and the small ones after them, are given back.
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

it('new tables of numbers are those numbers, in used memory too', () => {
  const options = { vocabSize: 1024, embeddingDim: 256, seed: 3 };
  const first = new Embedding(options).weight.toTensor().data.slice();
  for (const embedding of written(2, 1024, 256)) embedding.dispose();
  expect(new Embedding(options).weight.toTensor().data).toEqual(first);
});
