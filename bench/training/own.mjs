/** tokenbed as a contender: `own.mjs BACKEND`. */

import {
  Adagrad,
  Adam,
  binaryCrossEntropy,
  crossEntropy,
  Embedding,
  init,
  NegativeSampler,
  SGD,
} from 'tokenbed';
import { dataFile, generator, LINE } from './data.mjs';
import { batches, floats, integers, serve } from './serve.mjs';

/** @typedef {import('./serve.mjs').Work} Work @typedef {any} Task */

await init({ backend: /** @type {'native' | 'wasm'} */ (process.argv[2]) });

const OPTIMIZERS = {
  sgd: (/** @type {any} */ parameters) => new SGD({ parameters, lr: 0.025 }),
  adagrad: (/** @type {any} */ parameters) => new Adagrad({ parameters, lr: 0.01 }),
  adam: (/** @type {any} */ parameters) => new Adam({ parameters, lr: 0.001 }),
};
/** @param {Task} task @param {Embedding[]} tables */
const optimizerOf = (task, ...tables) =>
  OPTIMIZERS[/** @type {'sgd'} */ (task.optimizer)](tables.map(({ weight }) => weight));

/** @param {string} name @param {number} embeddingDim */
const tableOf = (name, embeddingDim) => Embedding.fromPretrained(floats(dataFile(name)), { embeddingDim });

/** @param {Task} task */
function large({ ids, dim, batch }) {
  const all = batches(dataFile(`${ids}.i32`), batch);
  const gradient = floats(dataFile('gradient.f32')).subarray(0, batch * dim);
  return {
    table: tableOf('table.f32', dim),
    gradient,
    ids: (/** @type {number} */ k) => all[k % all.length],
  };
}

/** @param {ArrayLike<number>[]} parts */
function joined(...parts) {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @param {Task} task @returns {Work} */
function backward(task) {
  const { table, gradient, ids } = large(task);
  return {
    step(k) {
      table.weight.zeroGrad();
      table.backward(ids(k), gradient);
    },
    answer() {
      const { rows, values } = /** @type {import('tokenbed').Gradient} */ (table.weight.grad);
      return joined(rows, values.data);
    },
  };
}

/** @param {Task} task @returns {Work} */
function step(task) {
  const { table, gradient, ids } = large(task);
  const optimizer = optimizerOf(task, table);
  return {
    step(k) {
      table.backward(ids(k), gradient);
      optimizer.step();
    },
    answer: () => table.forward(ids(0)).data,
  };
}

/** @param {Task} task @returns {Work} */
function small(task) {
  const { table, gradient, ids } = large(task);
  const optimizer = optimizerOf(task, table);
  const out = new Float32Array(gradient.length);
  return {
    step(k) {
      table.forwardInto(ids(k), out);
      table.backward(ids(k), gradient);
      optimizer.step();
    },
    answer: () => table.forward(ids(0)).data,
  };
}

/** A batch of skip-gram: a step of both tables, in memory that is used again. @param {Task} task @param {Embedding} inputs @param {Embedding} outputs */
function pairs({ batch, dim, negatives }, inputs, outputs) {
  const shape = [batch, 1 + negatives];
  const [hidden, gradient] = [new Float32Array(batch * dim), new Float32Array(batch * dim)];
  const scores = new Float32Array(batch * (1 + negatives));
  /** @param {Int32Array} centers @param {Int32Array} scored @param {{ step(): void }} optimizer */
  return (centers, scored, optimizer) => {
    inputs.forwardInto(centers, hidden);
    outputs.scoreInto(hidden, scores, { ids: scored, shape });
    binaryCrossEntropy(scores, { reduction: 'sum', shape, out: scores });
    outputs.scoreBackwardInto(hidden, scores, gradient, { ids: scored, shape });
    inputs.backward(centers, gradient);
    optimizer.step();
  };
}

/** @param {Task} task @returns {Work} */
function skipgram(task) {
  const { dim, batch, negatives } = task;
  const [inputs, outputs] = [tableOf('inputs.f32', dim), tableOf('outputs.f32', dim)];
  const optimizer = optimizerOf(task, inputs, outputs);
  const [centers, scored] = [
    batches(dataFile('centers.i32'), batch),
    batches(dataFile('scored.i32'), batch * (1 + negatives)),
  ];
  const train = pairs(task, inputs, outputs);
  return {
    step: (k) => train(centers[k % centers.length], scored[k % scored.length], optimizer),
    answer: () => joined(inputs.forward(centers[0]).data, outputs.forward(scored[0]).data),
  };
}

/** Passes over a corpus. @param {Task} task @returns {Work} */
function corpus(task) {
  const { batch, dim, negatives, epochs } = task;
  const ids = integers(dataFile(`${task.corpus}.i32`));
  const counts = new Float64Array(ids.reduce((most, id) => Math.max(most, id), 0) + 1);
  for (const id of ids) counts[id]++;
  const table = { vocabSize: counts.length, embeddingDim: dim };
  const start = generator(4);
  const inputs = Embedding.fromPretrained(
    Float32Array.from({ length: counts.length * dim }, () => (start() - 0.5) / dim),
    { embeddingDim: dim },
  );
  const outputs = new Embedding({ ...table, initType: 'zeros' });
  const optimizer = new SGD({ parameters: [inputs.weight, outputs.weight], lr: 0.025 });
  const sampler = new NegativeSampler({ weights: counts.map((count) => count ** 0.75), seed: 2 });
  const train = pairs(task, inputs, outputs);
  const random = generator(3);
  const [centers, scored, drawn] = [
    new Int32Array(batch),
    new Int32Array(batch * (1 + negatives)),
    new Int32Array(batch * negatives),
  ];
  function pass(/** @type {number} */ done) {
    let filled = 0;
    for (let at = 0; at < ids.length; at++) {
      const window = 1 + Math.floor(5 * random());
      const start = at - (at % LINE);
      const last = Math.min(at + window, start + LINE - 1, ids.length - 1);
      for (let other = Math.max(start, at - window); other <= last; other++) {
        if (other === at) continue;
        centers[filled] = ids[at];
        scored[filled * (1 + negatives)] = ids[other];
        if (++filled < batch) continue;
        filled = 0;
        sampler.sampleInto(drawn);
        for (let pair = 0, from = 0; pair < batch; pair++)
          for (let k = 1; k <= negatives; k++) scored[pair * (1 + negatives) + k] = drawn[from++];
        optimizer.lr = 0.025 * Math.max(1e-4, 1 - (done + at / ids.length) / epochs);
        train(centers, scored, optimizer);
      }
    }
  }
  return {
    step() {
      for (let epoch = 0; epoch < epochs; epoch++) pass(epoch);
    },
    answer: () => inputs.weight.toTensor().data,
  };
}

/** @param {Task} task @returns {Work} */
function loss({ shape }) {
  const [rows, columns] = shape;
  const scores = floats(dataFile('scores.f32')).subarray(0, rows * columns);
  const targets = Int32Array.from({ length: rows }, (_, row) => (row * 7919) % columns);
  const out = new Float32Array(scores.length);
  let value = 0;
  return {
    step() {
      ({ loss: value } = crossEntropy(scores, { targets, shape, out }));
    },
    answer: () => joined([value], out),
  };
}

/** A step of few rows of a large table. @param {Task} task @returns {Work} */
function rows(task) {
  const { vocab, dim, batch } = task;
  const random = generator(8);
  const ids = Array.from({ length: 256 }, () =>
    Int32Array.from({ length: batch }, () => Math.floor(random() * vocab)),
  );
  const gradient = floats(dataFile('gradient.f32')).subarray(0, batch * dim);
  const table = new Embedding({ vocabSize: vocab, embeddingDim: dim, seed: 1 });
  const optimizer = optimizerOf(task, table);
  return {
    before: (k) => table.backward(ids[k % ids.length], gradient),
    step: () => optimizer.step(),
    answer: () => table.forward(ids[0]).data,
  };
}

/** @type {Record<string, (task: Task) => Work>} */
const WORKS = { backward, step, small, skipgram, corpus, loss, rows };
await serve((task) => WORKS[task.work](task));
