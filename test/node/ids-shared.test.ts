/** Ids that another thread changes during the call: a torn value can be read, but never memory out of bounds. */

import { Worker } from 'node:worker_threads';
import { EmbeddingBag, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout, countingTable } from '../helpers/backend.js';
import { expectPainted, paint, painted } from '../helpers/bits.js';

answersThroughout();

const ROWS = 16;
const DIM = 2;
const COUNT = 4096;

/** Alternates between a valid and an invalid id, as fast as possible, until stopped. */
const FLIPPER = `
  const { workerData: { ids, bad, stop } } = require('node:worker_threads');
  Atomics.store(stop, 1, 1);
  Atomics.notify(stop, 1);
  while (Atomics.load(stop, 0) === 0) {
    ids.fill(bad);
    ids.fill(ids instanceof BigInt64Array || ids instanceof BigUint64Array ? 3n : 3);
  }
`;

/** Runs `look` repeatedly while a worker writes to `ids`. */
async function whileFlipping(ids: object, bad: number | bigint, look: () => void): Promise<void> {
  const stop = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(FLIPPER, { eval: true, workerData: { ids, bad, stop } });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  expect(Atomics.wait(stop, 1, 0, 10_000)).not.toBe('timed-out');
  try {
    for (let i = 0; i < 300; i++) look();
  } finally {
    Atomics.store(stop, 0, 1);
    await ended;
  }
}

const CASES = [
  [Int8Array, -1],
  [Uint8Array, 255],
  [Int16Array, -32768],
  [Uint16Array, 65535],
  [Int32Array, 2 ** 31 - 1],
  [Uint32Array, 2 ** 32 - 1],
  [BigInt64Array, -1n],
  [BigUint64Array, 2n ** 64n - 1n],
] as unknown as readonly (readonly [Int32ArrayConstructor, number | bigint])[];

describe('ids flipped by another thread', () => {
  it.each(CASES)('in a %o give rows of the table or an error', async (Class, bad) => {
    const table = countingTable(ROWS, DIM);
    const ids = new Class(new SharedArrayBuffer(COUNT * Class.BYTES_PER_ELEMENT));
    const out = painted(COUNT * DIM);
    const tensor = new Tensor(ids, { shape: [64, 64] });
    const bags = EmbeddingBag.from(table, { mode: 'sum' });
    const offsets = Int32Array.from({ length: COUNT }, (_, i) => i);
    let [served, refused] = [0, 0];
    const forms = [
      () => table.forwardInto(ids, out),
      () => table.forwardInto(tensor, out),
      () => table.forwardInto([ids, ids.subarray(0)], new Float32Array(2 * COUNT * DIM)),
      () => bags.forwardInto(ids, out, { offsets }),
    ];
    await whileFlipping(ids, bad, () => {
      const form = (served + refused) % forms.length;
      paint(out);
      try {
        forms[form]!();
        served++;
      } catch (error) {
        refused++;
        const { code, value } = error as { code?: string; value?: number | bigint };
        expect(code).toBe('ERR_ID_OUT_OF_RANGE');
        expect(Number(value) < 0 || Number(value) >= ROWS).toBe(true);
        expectPainted(out);
        return;
      }
      // Each row is a complete row of the table: that of id 0 or of id 3.
      if (form === 2) return;
      for (let i = 0; i < COUNT; i++) {
        const [first, second] = [out[2 * i]!, out[2 * i + 1]!];
        if (second !== first + 1 || (first !== 3000 && first !== 0))
          expect([first, second]).toEqual([3000, 3001]);
      }
    });
    expect(served + refused).toBe(300);
    table.dispose();
  });
});
