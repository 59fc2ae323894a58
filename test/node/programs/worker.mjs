/** The tasks of worker threads in workers.test.ts, selected by `workerData.task`. */

// oxlint-disable unicorn/require-post-message-target-origin -- applies to windows: threads have no origin

import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const tasks = {
  /** Imports the package immediately and computes. */
  async digest() {
    const { backendInfo, Embedding, EmbeddingBag, PositionalEncoding } =
      await import('../../../dist/index.mjs');
    const hash = createHash('sha256');
    const embedding = new Embedding({ vocabSize: 100, embeddingDim: 33, seed: 11 });
    const pe = new PositionalEncoding({ embeddingDim: 33, maxSeqLength: 50, dropout: 0.5, seed: 3 }).train();
    const bag = EmbeddingBag.from(embedding);
    for (let round = 0; round < 50; round++) {
      const ids = Int32Array.from({ length: 50 }, (_, i) => (i * 7 + round) % 100);
      hash.update(new Uint8Array(pe.forward(embedding.forward(ids)).data.buffer));
      hash.update(new Uint8Array(bag.forward(ids, { offsets: [0, round % 50] }).data.buffer));
    }
    const { name, isa } = backendInfo();
    return { name, isa, digest: hash.digest('hex') };
  },

  /** Fills tables with ones and ends without disposing them. */
  async leave() {
    const { Embedding } = await import('../../../dist/index.mjs');
    const rows = new Float32Array(2 ** 18).fill(1);
    const tables = Array.from({ length: workerData.count }, () => {
      const embedding = new Embedding({ vocabSize: 1024, embeddingDim: 256, initType: 'zeros' });
      embedding.weight.setRows(0, rows);
      return embedding;
    });
    return tables.length;
  },

  /** Uses a handle of a table of another thread. */
  async handle() {
    await import('../../../dist/index.mjs');
    const { activeBackend } = await import('../../../dist/backend/index.cjs');
    const { kernels } = activeBackend();
    const out = new Float32Array(4);
    const uses = [
      () => kernels.gather(workerData.handle, Int32Array.of(0), out),
      () => kernels.tableRead(workerData.handle, 0, out),
      () => kernels.tableWrite(workerData.handle, 0, out),
      () => kernels.sinusoidEncode(workerData.handle, Int32Array.of(0), out),
    ];
    const codes = uses.map((use) => {
      try {
        use();
        return 'none';
      } catch (error) {
        return /** @type {{ code?: string }} */ (error).code;
      }
    });
    kernels.free(workerData.handle);
    return codes;
  },

  /** Alternates shared ids between valid and invalid values until stopped. */
  async flip() {
    /** @type {{ flags: Int32Array, targets: { ids: Int32Array, good: Int32Array, bad: Int32Array }[] }} */
    const { flags, targets } = workerData;
    parentPort?.postMessage('flipping');
    for (let round = 0; Atomics.load(flags, 0) === 0; round++) {
      for (const { ids, good, bad } of targets) ids.set(round % 2 === 0 ? good : bad);
    }
    return 'stopped';
  },
};

parentPort?.postMessage(await tasks[/** @type {keyof typeof tasks} */ (workerData.task)]());
