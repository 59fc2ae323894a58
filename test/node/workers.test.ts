/** Worker threads: each has a separate instance of the package, frees its objects when it ends, and can write shared ids. */

import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { backendInfo, Embedding, EmbeddingBag, EmbeddingLayer, PositionalEncoding } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { root } from '../helpers/children.js';
import { expectBits, expectPainted, painted } from '../helpers/bits.js';

const backend = inject('backend');

const start = (task: string, data: object = {}, env: object = {}) =>
  new Worker(path.join(root, 'test/node/programs/worker.mjs'), {
    workerData: { task, ...data },
    env: { ...process.env, TOKENBED_BACKEND: backend, ...env },
    execArgv: [],
  });

/** The message of a worker, after it has ended. */
async function resultOf<T>(worker: Worker): Promise<T> {
  const [[result], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  expect(code).toBe(0);
  return result as T;
}

describe('worker threads', () => {
  it('import the package concurrently and compute identical bits', async () => {
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => resultOf<{ name: string; digest: string }>(start('digest'))),
    );
    expect(new Set(replies.map(({ digest }) => digest)).size).toBe(1);
    expect(replies.map(({ name }) => name)).toEqual(replies.map(() => backend));
    const again = await resultOf<{ digest: string }>(start('digest'));
    expect(again.digest).toBe(replies[0]!.digest);
  });

  it('have separate instruction sets, without effect on this thread', async () => {
    const best = backendInfo().isa;
    const sets = ['scalar', best, 'scalar', best];
    const found = await Promise.all(
      sets.map((isa) =>
        resultOf<{ isa: string; digest: string }>(start('digest', {}, { TOKENBED_ISA: isa })),
      ),
    );
    expect(found.map(({ isa }) => isa)).toEqual(sets);
    expect(new Set(found.map(({ digest }) => digest)).size).toBe(1);
    expect(backendInfo().isa).toBe(best);
  });

  it('free their tables when they end', async () => {
    await resultOf(start('leave', { count: 16 }));
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 8; i++) expect(await resultOf(start('leave', { count: 96 }))).toBe(96);
    const mebibytes = (process.memoryUsage().rss - before) / 2 ** 20;
    expect(mebibytes).toBeLessThan(384); // of 768 written
  });

  it('can be terminated while computing', async () => {
    const workers = Array.from({ length: 4 }, () =>
      start('flip', { flags: new Int32Array(new SharedArrayBuffer(4)), targets: [] }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(new Embedding({ vocabSize: 2, embeddingDim: 2 }).forward(1).shape).toEqual([2]);
  });

  it('cannot use handles of another thread', async () => {
    const embedding = new Embedding({ vocabSize: 3, embeddingDim: 4, seed: 1 });
    const expected = embedding.weight.toTensor().data;
    const insides = (await import(path.join(root, 'dist/backend/index.cjs'))) as {
      activeBackend(): { table(spec: object, contents: string): { handle(): number } };
    };
    const table = insides.activeBackend().table({ rows: 3, dim: 4, dtype: 'f32', bytes: 48 }, 'zeros');
    const codes = await resultOf(start('handle', { handle: table.handle() }));
    expect(codes).toEqual(['ERR_INTERNAL', 'ERR_INTERNAL', 'ERR_INTERNAL', 'ERR_INTERNAL']);
    expectBits(embedding.weight.toTensor().data, expected);
    expect(table.handle()).toBeGreaterThanOrEqual(0);
  });
});

describe('shared arrays that another thread writes during the call', () => {
  const COUNT = 5000;
  const VOCAB = 50;
  const DIM = 3;
  const shared = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  /** Row r of the table is [r, r, r]. No other value may occur. */
  const rows = Float32Array.from({ length: VOCAB * DIM }, (_, i) => Math.floor(i / DIM));

  it('are used as validated: a correct result or an error, never a read out of bounds', async () => {
    const [ids, positions, offsets] = [shared(COUNT), shared(COUNT), shared(COUNT)];
    const flags = shared(1);
    const fill = (value: (i: number) => number) => Int32Array.from({ length: COUNT }, (_, i) => value(i));
    const targets = [
      {
        ids,
        good: fill((i) => i % VOCAB),
        bad: fill((i) => (i === COUNT - 1 ? 0x7fff_ffff : (i + 7) % VOCAB)),
      },
      { ids: positions, good: fill((i) => i % 9), bad: fill((i) => (i === COUNT - 1 ? -1 : (i + 3) % 9)) },
      { ids: offsets, good: fill((i) => i), bad: fill((i) => (i === 0 ? 0 : 0x4000_0000 + i)) },
    ];
    const flipper = start('flip', { flags, targets });
    await once(flipper, 'message');
    const ended = once(flipper, 'message');

    const embedding = Embedding.fromPretrained(rows, { embeddingDim: DIM });
    const pe = new PositionalEncoding({ embeddingDim: DIM, maxSeqLength: 9, base: 1 });
    const layer = new EmbeddingLayer({ token: embedding, positional: pe });
    const bag = EmbeddingBag.from(embedding, { mode: 'max' });
    const x = new Float32Array(COUNT * DIM);
    const still = Int32Array.from({ length: COUNT }, (_, i) => i % VOCAB);
    const whole = (value: number) => Number.isInteger(value) && value >= 0 && value < VOCAB;
    const unit = (value: number) => value >= -1 && value <= 1;
    const uses: [(out: Float32Array<ArrayBuffer>) => unknown, (value: number) => boolean][] = [
      [(out) => embedding.forwardInto(ids, out), whole],
      [(out) => bag.forwardInto(ids, out, { offsets: still.map((_, i) => i) }), whole],
      [(out) => bag.forwardInto(still, out, { offsets }), whole],
      [(out) => bag.forwardInto(ids, out, { offsets }), whole],
      [
        (out) => layer.forwardInto(ids, out, { positionIds: positions }),
        (value) => value >= -1 && value <= VOCAB,
      ],
      [(out) => pe.forwardInto(x, out, { shape: [COUNT, DIM], positionIds: positions }), unit],
      [(out) => out.set(pe.encode(positions).data), unit],
    ];
    const seen = { right: 0, refused: 0 };
    const until = performance.now() + 3000;
    for (let i = 0; performance.now() < until || seen.right === 0 || seen.refused === 0; i++) {
      const [use, valid] = uses[i % uses.length]!;
      const out = painted(COUNT * DIM);
      try {
        use(out);
        seen.right++;
        expect(out.every(valid)).toBe(true);
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^ERR_(ID_OUT_OF_RANGE|OFFSETS)$/);
        expectPainted(out);
        seen.refused++;
      }
    }
    Atomics.store(flags, 0, 1);
    expect(await ended).toEqual(['stopped']);
    expect(seen.right).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });
});
