/**
 * Benchmarks lookups with tinybench: the addon, WASM and a plain JavaScript loop over the same table.
 *
 *   npm run example tinybench.ts
 *
 * The results are compared before timing. Times on a shared machine vary: compare only rows of the same run.
 */

import { Bench } from 'tinybench';
import { backendInfo, Embedding, init } from 'tokenbed';

const ROWS = 50_000;
const DIM = 128;
const TOKENS = 4096;

const ids = Int32Array.from({ length: TOKENS }, () => Math.floor(Math.random() * ROWS));
const options = { vocabSize: ROWS, embeddingDim: DIM, seed: 7 };

/** A contender: fills and returns its output. */
type Lookup = () => Float32Array;
const contenders = new Map<string, Lookup>();

const initial = backendInfo().name;
for (const backend of ['native', 'wasm'] as const) {
  await init({ backend });
  const table = new Embedding(options);
  const out = new Float32Array(TOKENS * DIM);
  contenders.set(`tokenbed, ${backend}`, () => table.forwardInto(ids, out));
}
await init({ backend: initial });

const rows = new Embedding(options).weight.toTensor().data;
const out = new Float32Array(TOKENS * DIM);
contenders.set('plain JavaScript', () => {
  ids.forEach((id, i) => out.set(rows.subarray(id * DIM, (id + 1) * DIM), i * DIM));
  return out;
});

const [expected, ...others] = [...contenders.values()].map((lookUp) => Buffer.from(lookUp().buffer));
for (const [i, result] of others.entries()) {
  if (!result.equals(expected!)) throw new Error(`contender ${i + 1} returns different vectors`);
}

const bench = new Bench({ time: Number(process.env['BENCH_MS'] ?? 300) });
for (const [name, lookUp] of contenders) bench.add(name, lookUp);
await bench.run();
console.log(`${TOKENS} of ${ROWS} rows of ${DIM} floats`);
console.table(bench.table());
