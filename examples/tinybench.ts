/**
 * Compares lookups with a loop of your own, in tinybench: the addon, WASM and plain JavaScript over the same table.
 *
 *   npm run example tinybench.ts
 *
 * The answers are compared before anything is timed. Times on a shared machine vary: compare the rows of one run.
 */

import { Bench } from 'tinybench';
import { backendInfo, Embedding, init } from 'tokenbed';

const ROWS = 50_000;
const DIM = 128;
const TOKENS = 4096;

const ids = Int32Array.from({ length: TOKENS }, () => Math.floor(Math.random() * ROWS));
const options = { vocabSize: ROWS, embeddingDim: DIM, seed: 7 };

/** One contender: fills its own output. */
type Lookup = () => Float32Array;
const contenders = new Map<string, Lookup>();

const own = backendInfo().name;
for (const backend of ['native', 'wasm'] as const) {
  await init({ backend });
  const table = new Embedding(options);
  const out = new Float32Array(TOKENS * DIM);
  contenders.set(`tokenbed, ${backend}`, () => table.forwardInto(ids, out));
}
await init({ backend: own });

const rows = new Embedding(options).weight.toTensor().data;
const out = new Float32Array(TOKENS * DIM);
contenders.set('plain JavaScript', () => {
  ids.forEach((id, i) => out.set(rows.subarray(id * DIM, (id + 1) * DIM), i * DIM));
  return out;
});

const [expected, ...others] = [...contenders.values()].map((lookUp) => Buffer.from(lookUp().buffer));
for (const [i, answer] of others.entries()) {
  if (!answer.equals(expected!)) throw new Error(`contender ${i + 1} gives other vectors`);
}

const bench = new Bench({ time: Number(process.env['BENCH_MS'] ?? 300) });
for (const [name, lookUp] of contenders) bench.add(name, lookUp);
await bench.run();
console.log(`${TOKENS} of ${ROWS} rows of ${DIM} floats`);
console.table(bench.table());
