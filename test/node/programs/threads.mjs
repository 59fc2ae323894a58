/**
 * Runs every operation on results below, at and above the size from which a call uses helper threads, including odd lengths.
 * Prints the backend and the SHA-256 over all results; a worker thread posts them as a message.
 *
 *   threads.mjs digest
 *   threads.mjs exit      exits while worker threads are computing
 */

// oxlint-disable unicorn/require-post-message-target-origin -- applies to windows: threads have no origin

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  Adagrad,
  AdamW,
  backendInfo,
  clipGradNorm,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  PositionalEncoding,
  RowwiseAdagrad,
  SGD,
  similarity,
  StaticModel,
} from '../../../dist/index.mjs';

/** The size from which a call uses helper threads. Without threads any size works. */
const FLOATS = backendInfo().name === 'native' ? 1_000_000 : 20_000;
const VOCAB = 5000;

/** A model, and texts: sentences of this file in many orders, the first one longer than a part, some empty. */
const model = await StaticModel.load(new URL('../../../models/minilm-static/', import.meta.url));
const words = readFileSync(new URL(import.meta.url), 'utf8').split(/(?<=[,;.])\s/);
const texts = Array.from({ length: 3000 }, (_, i) =>
  Array.from({ length: i === 0 ? 5000 : i % 17 }, (_, j) => words[(i * j * j + j) % words.length]).join(' '),
);

/**
 * Steps of every kind, over rows of a gradient and over all rows.
 *
 * @param {number} dim @param {(tensor: { data: Float32Array | Uint32Array }) => void} add
 */
function train(dim, add) {
  const rows = Math.ceil(FLOATS / dim);
  const ids = Int32Array.from({ length: Math.ceil(rows / 2) }, (_, i) => (i * 7919 + dim) % rows);
  const gradient = Float32Array.from({ length: ids.length * dim }, (_, i) =>
    Math.fround(1 / ((i % 977) - 5.5)),
  );
  for (const lazy of [true, false]) {
    const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, seed: dim, paddingIdx: 7 });
    const { parameters, weight } = embedding;
    for (const optimizer of [
      new SGD({ parameters, lr: 0.1, momentum: 0.9, nesterov: true, lazy }),
      new Adagrad({ parameters, weightDecay: 0.1, lazy }),
      new RowwiseAdagrad({ parameters, lazy }),
      new AdamW({ parameters, lazy }),
    ]) {
      for (let step = 0; step < 2; step++) {
        embedding.backward(ids, gradient);
        add({ data: Float32Array.of(clipGradNorm(parameters, 10)) });
        optimizer.step();
      }
      weight.renorm(1, ids);
      weight.renorm(0.9);
      add(weight.toTensor());
      const { rows: used, momentum, sum, m, v } = optimizer.state(weight);
      add({ data: used });
      for (const tensor of [momentum, sum, m, v]) if (tensor !== undefined) add(tensor);
      optimizer.dispose();
    }
    embedding.dispose();
  }
}

function digest() {
  const hash = createHash('sha256');
  /** @param {{ data: Float32Array | Uint32Array }} tensor */
  const add = ({ data }) => hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

  for (const dim of [1, 333, 1024]) {
    const token = new Embedding({ vocabSize: VOCAB, embeddingDim: dim, seed: dim, paddingIdx: 7 });
    for (const extra of [-1, 0, 1, 2.5 * Math.ceil(FLOATS / dim)]) {
      const n = Math.ceil(FLOATS / dim) + Math.floor(extra);
      const ids = Int32Array.from({ length: n }, (_, i) => (i * 7919 + dim) % VOCAB);
      add(token.forward(ids));

      const [maxSeqLength, base] = [n, 10_000];
      const positional = new PositionalEncoding({
        embeddingDim: dim,
        maxSeqLength,
        base,
        dropout: 0.3,
        seed: 5,
      });
      add(positional.pe);
      add(positional.encode(Uint32Array.from(ids, (id) => id * 100_003)));
      const x = token.forward(ids);
      add(positional.forward(x));
      add(positional.train().forward(x, { positionIds: ids.map((id) => id % n) }));
      positional.eval().forwardInto(x, x);
      add(x);
      add(new EmbeddingLayer({ token, positional, scale: true }).forward(ids));
      positional.train();
      add(new EmbeddingLayer({ token, positional }).forward(ids, { positionIds: ids.map((id) => id % n) }));
      positional.dispose();

      const weights = Float32Array.from(ids, (id, i) => Math.fround((id - 11) / (i + 1)));
      // Bags without ids, with a few and with many; the first and the last are empty.
      const offsets = [0];
      for (let at = 0, i = 0; at < n; at += (i++ * i) % 977) offsets.push(at);
      offsets.push(n);
      for (const mode of /** @type {const} */ (['sum', 'mean', 'max'])) {
        const bag = EmbeddingBag.from(token, { mode });
        add(bag.forward(ids, { offsets }));
        add(bag.forward(ids, { offsets: ids.map((_, i) => i) }));
        if (mode !== 'max') add(bag.forward(ids, { offsets, perSampleWeights: weights }));
      }
    }
    const n = Math.ceil(FLOATS / dim) + 1;
    const ids = Int32Array.from({ length: n }, (_, i) => (i * 7919 + dim) % VOCAB);
    const queries = token.forward(ids.subarray(0, 200));
    add(similarity(queries, token.weight.toTensor()));
    /** @param {Embedding} table */
    const addNearest = (table) => {
      for (const options of /** @type {const} */ ([{}, { metric: 'dot', k: 100 }, { k: 3000 }])) {
        const { ids: nearest, scores } = table.nearest(queries.data.subarray(0, 7 * dim), {
          ...options,
          shape: [7, dim],
        });
        add(nearest);
        add(scores);
      }
    };
    addNearest(token);
    if (dim === 333) train(dim, add);
    for (const dtype of /** @type {const} */ (['f16', 'bf16', 'i8', 'i4'])) {
      const stored = token.convert(dtype);
      addNearest(stored);
      add(stored.forward(ids));
      add(EmbeddingBag.from(stored).forward(ids, { offsets: ids.map((_, i) => i) }));
      add(new EmbeddingLayer({ token: stored, positional: null, scale: true }).forward(ids));
      stored.dispose();
    }
    token.dispose();
  }
  // What a call learns is known to the next one.
  for (let pass = 0; pass < 2; pass++) {
    for (const ids of model.tokenize(texts)) add({ data: Uint32Array.from(ids) });
    add(model.embed(texts));
  }
  // Tables around the size, and one with many parts.
  for (const vocabSize of [FLOATS - 1, FLOATS, FLOATS + 1, 3 * FLOATS + 17]) {
    for (const initType of /** @type {const} */ (['uniform', 'normal', 'zeros'])) {
      const embedding = new Embedding({ vocabSize, embeddingDim: 1, seed: 3, initType });
      const read = embedding.weight.toTensor();
      add(read);
      embedding.weight.setRows(
        0,
        read.data.map((value, i) => value + i),
      );
      add(embedding.weight.toTensor());
      embedding.dispose();
    }
  }
  return { info: backendInfo(), digest: hash.digest('hex') };
}

/** Computes forever with helper threads. Posts a message when it has started. */
function calls() {
  const token = new Embedding({ vocabSize: 1000, embeddingDim: 1024, seed: 1 });
  const out = new Float32Array(16 * FLOATS);
  const ids = Int32Array.from({ length: Math.floor(out.length / 1024) }, (_, i) => i % 1000);
  token.forwardInto(ids, out);
  parentPort?.postMessage('computing');
  for (;;) token.forwardInto(ids, out);
}

if (isMainThread) {
  if (process.argv[2] === 'exit') {
    const start = () => new Worker(new URL(import.meta.url), { workerData: 'calls' });
    await Promise.all([start(), start()].map((worker) => once(worker, 'message')));
    console.log(JSON.stringify(backendInfo()));
    process.exit(0);
  }
  console.log(JSON.stringify(digest()));
} else if (workerData === 'calls') {
  calls();
} else {
  parentPort?.postMessage(digest());
}
