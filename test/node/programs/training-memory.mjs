/**
 * Trains and prints resident memory in bytes: after the first cycles, and at the end.
 *
 *   training-memory.mjs steps COUNT     `backward` and `zeroGrad` of one table
 *   training-memory.mjs tables COUNT    a table of 1 MiB with a gradient of 1 MiB, then disposed
 */

import { backendInfo, Embedding } from '../../../dist/index.mjs';

const [how, count] = [process.argv[2], Number(process.argv[3])];
const collect = /** @type {{ gc?: () => void }} */ (globalThis).gc;
const ids = Int32Array.from({ length: 1024 }, (_, i) => (i * 7919) % 1024);
const grad = new Float32Array(1024 * 256).fill(1);
const create = () => new Embedding({ vocabSize: 1024, embeddingDim: 256, seed: 1 });

const kept = create();
const cycles = {
  steps: () => {
    kept.backward(ids, grad);
    if (kept.weight.grad?.count !== 1024) throw new Error('a gradient of all rows');
    kept.weight.zeroGrad();
  },
  tables: () => {
    const embedding = create();
    embedding.backward(ids, grad);
    if (embedding.weight.grad?.bytes === undefined) throw new Error('a gradient');
    embedding.dispose();
  },
};
const cycle = cycles[/** @type {keyof typeof cycles} */ (how)];

for (let i = 0; i < 20; i++) cycle();
collect?.();
const start = process.memoryUsage().rss;
for (let i = 0; i < count; i++) cycle();
collect?.();
console.log(JSON.stringify({ backend: backendInfo().name, start, peak: process.memoryUsage().rss }));
