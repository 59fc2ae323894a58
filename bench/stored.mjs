/**
 * npm run bench:stored: what a table costs in each dtype, as a Markdown table.
 *
 * Lookups of 32,768 tokens and sums of 1,024 bags of 32, from a table of 256 MiB in f32, on one thread. The dtypes take
 * turns in the rounds of the library's timing loop; a ratio is paired round by round. The time is CPU time of the
 * process, so that other programs count little. `--wasm` measures WASM.
 */

import { measure, median, ratios } from '../dist/profiler/rounds.js';
import { say } from '../scripts/lib/progress.mjs';
import { describeMachine } from './harness/machine.mjs';

process.env['TOKENBED_THREADS'] = '1'; // read when the library is loaded
const { backendInfo, Embedding, EmbeddingBag, init } = await import('tokenbed');

/** @typedef {import('tokenbed').StorageDType} DType */

const DTYPES = /** @type {const} */ (['f32', 'f16', 'bf16', 'i8', 'i4']);
const DIM = 384;
const VOCAB = Math.floor(2 ** 28 / (4 * DIM));
const TOKENS = 32_768;
const BAGS = 1024;
const BATCHES = 32;
const ROUNDS = 21;

/** Ids in batches, the same in every run. */
function randomBatches() {
  let state = 0x7061;
  const next = () => {
    for (const shift of [13, -17, 5]) state ^= shift > 0 ? state << shift : state >>> -shift;
    return state >>> 0;
  };
  return Array.from({ length: BATCHES }, () =>
    Int32Array.from({ length: TOKENS }, () => Math.floor((next() / 2 ** 32) * VOCAB)),
  );
}

/** The largest difference of the first 10,000 rows. @param {import('tokenbed').Embedding} a @param {import('tokenbed').Embedding} b */
function largestError(a, b) {
  const ids = Int32Array.from({ length: 10_000 }, (_, row) => row);
  const [x, y] = [a.forward(ids).data, b.forward(ids).data];
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(y[i]))), 0);
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The speed of each of `calls` as a multiple of the first one's, and the tokens per second of the first. @param {((ids: Int32Array) => void)[]} calls */
async function speeds(calls) {
  const batches = randomBatches();
  const contenders = calls.map((call) => {
    let k = 0;
    return {
      run(/** @type {number} */ times) {
        for (let i = 0; i < times; i++) call(/** @type {Int32Array} */ (batches[k++ % BATCHES]));
      },
    };
  });
  const all = await measure(contenders, {
    warmupMs: 50,
    clock: { now: cpuMs, resolutionMs: 0.001 },
    next: (series) => (/** @type {any} */ (series[0]).rounds.length < ROUNDS ? series : []),
  });
  const [first] = /** @type {[typeof all[0] & {}]} */ (all);
  return {
    relative: all.map((series) => (series === first ? 1 : median(ratios(first, series)))),
    perSecond: (1000 * TOKENS) / median(first.rounds),
  };
}

await init({ backend: process.argv.includes('--wasm') ? 'wasm' : 'native' });
const table = new Embedding({ vocabSize: VOCAB, embeddingDim: DIM, initType: 'normal', std: 1, seed: 1 });
const stored = DTYPES.map((dtype) => (dtype === 'f32' ? table : table.convert(dtype)));
const [rows, sums] = [new Float32Array(TOKENS * DIM), new Float32Array(BAGS * DIM)];
const offsets = Int32Array.from({ length: BAGS }, (_, bag) => (bag * TOKENS) / BAGS);
const lookup = await speeds(stored.map((each) => (ids) => void each.forwardInto(ids, rows)));
const bags = stored.map((each) => EmbeddingBag.from(each, { mode: 'sum' }));
const bag = await speeds(bags.map((each) => (ids) => void each.forwardInto(ids, sums, { offsets })));

const millions = (/** @type {number} */ perSecond) => (perSecond / 1e6).toFixed(1);
say('| dtype | bytes of a row | largest error | lookup | bags |');
say('|---|---|---|---|---|');
for (const [i, each] of stored.entries()) {
  const [error, ...ratios] = [largestError(table, each), lookup.relative[i], bag.relative[i]];
  const times = ratios.map((ratio) => `${Number(ratio).toFixed(2)} x`).join(' | ');
  say(
    `| ${each.dtype} | ${each.getMemoryUsage().bytesPerRow} | ${error === 0 ? '0' : error.toPrecision(2)} | ${times} |`,
  );
}
say();
say(
  `${VOCAB} rows of ${DIM} columns from a standard normal distribution; ${(await describeMachine()).cpu}, ${backendInfo().isa}, one thread; f32: ${millions(lookup.perSecond)} million tokens/s looked up, ${millions(bag.perSecond)} million in bags.`,
);
