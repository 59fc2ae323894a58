/** Multithreaded calls: identical bits, concurrent worker threads, and termination. */

import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { backendInfo, type BackendInfo, Embedding } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { jsonOf, root, runProgram } from '../helpers/children.js';

const backend = inject('backend');
const PROGRAM = 'threads.mjs';

interface Digest {
  readonly info: BackendInfo;
  readonly digest: string;
}

const run = (threads: string) =>
  jsonOf<Digest>(runProgram(PROGRAM, ['digest'], { TOKENBED_BACKEND: backend, TOKENBED_THREADS: threads }));

const one = run('1');

const start = (threads: number, task?: 'calls') =>
  new Worker(path.join(root, 'test/node/programs', PROGRAM), {
    workerData: task,
    env: { ...process.env, TOKENBED_BACKEND: backend, TOKENBED_THREADS: String(threads) },
    execArgv: [],
  });

describe('TOKENBED_THREADS', () => {
  it.each(backend === 'native' ? ['2', '3', '8'] : ['2'])(
    '%s: every operation gives the bits of one thread',
    async (threads) => {
      const [expected, actual] = [await one, await run(threads)];
      expect(expected.info).toMatchObject({ name: backend, threads: 1 });
      expect(actual.info).toMatchObject({
        name: backend,
        threads: backend === 'native' ? Number(threads) : 1,
      });
      expect(actual.digest).toBe(expected.digest);
    },
    300_000,
  );

  it('unset: one per available processor', async () => {
    const { threads } = await jsonOf<BackendInfo>(runProgram('info.mjs', [], { TOKENBED_BACKEND: backend }));
    // A control group may allow fewer than the CPU mask.
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(threads).toBeLessThanOrEqual(backend === 'native' ? availableParallelism() : 1);
  });

  it('is read by each worker thread separately', async () => {
    const actual = await Promise.all(
      [1, 2, 3].map(async (threads) => {
        const worker = start(threads);
        const [[result]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
        return result as Digest;
      }),
    );
    const threads = actual.map(({ info }) => info.threads);
    expect(threads).toEqual(backend === 'native' ? [1, 2, 3] : [1, 1, 1]);
    // All at once, so that they compete for helper threads.
    const { digest } = await one;
    expect(actual.map((each) => each.digest)).toEqual([digest, digest, digest]);
  }, 300_000);
});

describe('termination during calls', () => {
  it('of worker threads does not affect others', async () => {
    for (let round = 0; round < 5; round++) {
      const workers = [start(4, 'calls'), start(2, 'calls')];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    const embedding = new Embedding({ vocabSize: 4, embeddingDim: 1024, seed: 1 });
    const ids = Int32Array.from({ length: 4096 }, (_, i) => i % 4);
    const { data } = embedding.forward(ids);
    expect(data.subarray(-4096)).toEqual(data.subarray(0, 4096));
    expect(backendInfo().name).toBe(backend);
  }, 120_000);

  it.each([1, 2, 3])('of the process succeeds: round %i', async () => {
    const env = { TOKENBED_BACKEND: backend, TOKENBED_THREADS: '3' };
    const ended = await runProgram(PROGRAM, ['exit'], env);
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(ended.stdout)).toMatchObject({ name: backend });
  });
});
