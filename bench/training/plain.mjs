/** Plain JavaScript as a contender: what a program writes without a library. */

import { dataFile } from './data.mjs';
import { batches, floats, serve } from './serve.mjs';

/** @typedef {import('./serve.mjs').Work} Work @typedef {any} Task */

/** @param {Task} task */
function contributions({ ids, dim, batch }) {
  const all = batches(dataFile(`${ids}.i32`), batch);
  const gradient = floats(dataFile('gradient.f32')).subarray(0, batch * dim);
  return { gradient, ids: (/** @type {number} */ k) => all[k % all.length] };
}

/** A Map of rows. @param {Task} task @returns {Work} */
function map(task) {
  const { dim } = task;
  const { gradient, ids } = contributions(task);
  /** @type {Map<number, Float32Array>} */
  let rows = new Map();
  return {
    step(k) {
      rows = new Map();
      const batch = ids(k);
      for (let i = 0; i < batch.length; i++) {
        const row = rows.get(batch[i]);
        const at = i * dim;
        if (row === undefined) rows.set(batch[i], gradient.slice(at, at + dim));
        else for (let c = 0; c < dim; c++) row[c] += gradient[at + c];
      }
    },
    answer: () => inOrder([...rows.keys()], (id) => /** @type {Float32Array} */ (rows.get(id)), dim),
  };
}

/** A dense array with a list of the rows that were written. @param {Task} task @returns {Work} */
function dense(task) {
  const { vocab, dim, batch: size } = task;
  const { gradient, ids } = contributions(task);
  const sums = new Float32Array(vocab * dim);
  const written = new Uint8Array(vocab);
  const rows = new Int32Array(size);
  let count = 0;
  return {
    step(k) {
      for (let i = 0; i < count; i++) written[rows[i]] = 0;
      count = 0;
      const batch = ids(k);
      for (let i = 0, at = 0; i < batch.length; i++, at += dim) {
        const id = batch[i];
        const to = id * dim;
        if (written[id] === 0) {
          written[id] = 1;
          rows[count++] = id;
          for (let c = 0; c < dim; c++) sums[to + c] = gradient[at + c];
        } else for (let c = 0; c < dim; c++) sums[to + c] += gradient[at + c];
      }
    },
    answer: () => inOrder([...rows.subarray(0, count)], (id) => sums.subarray(id * dim, (id + 1) * dim), dim),
  };
}

/** The rows and the values of a gradient. @param {number[]} ids @param {(id: number) => Float32Array} row @param {number} dim */
function inOrder(ids, row, dim) {
  ids.sort((a, b) => a - b);
  const all = new Float32Array(ids.length * (1 + dim));
  all.set(ids);
  for (const [i, id] of ids.entries()) all.set(row(id), ids.length + i * dim);
  return all;
}

/**
 * Skip-gram with negatives, one pair after the other: the loops of word2vec. Sums of four lanes were the fastest of one, two,
 * four and eight.
 *
 * @param {Task} task @returns {Work}
 */
function skipgram({ dim, batch, negatives }) {
  const [inputs, outputs] = [floats(dataFile('inputs.f32')), floats(dataFile('outputs.f32'))];
  const centers = batches(dataFile('centers.i32'), batch);
  const scored = batches(dataFile('scored.i32'), batch * (1 + negatives));
  const lr = 0.025;
  const change = new Float32Array(dim);
  /** @param {Int32Array} center @param {Int32Array} score */
  function train(center, score) {
    for (let pair = 0, at = 0; pair < batch; pair++) {
      const x = center[pair] * dim;
      change.fill(0);
      for (let k = 0; k <= negatives; k++) {
        const y = score[at++] * dim;
        let [a, b, c, d] = [0, 0, 0, 0];
        for (let i = 0; i < dim; i += 4) {
          a += inputs[x + i] * outputs[y + i];
          b += inputs[x + i + 1] * outputs[y + i + 1];
          c += inputs[x + i + 2] * outputs[y + i + 2];
          d += inputs[x + i + 3] * outputs[y + i + 3];
        }
        const g = lr * ((k === 0 ? 1 : 0) - 1 / (1 + Math.exp(-(a + b + c + d))));
        for (let i = 0; i < dim; i++) {
          change[i] += g * outputs[y + i];
          outputs[y + i] += g * inputs[x + i];
        }
      }
      for (let i = 0; i < dim; i++) inputs[x + i] += change[i];
    }
  }
  const rowsOf = (/** @type {Float32Array} */ table, /** @type {Int32Array} */ ids) =>
    Array.from(ids, (id) => [...table.subarray(id * dim, (id + 1) * dim)]).flat();
  return {
    step: (k) => train(centers[k % centers.length], scored[k % scored.length]),
    answer: () => Float32Array.from([...rowsOf(inputs, centers[0]), ...rowsOf(outputs, scored[0])]),
  };
}

/** @type {Record<string, (task: Task) => Work>} */
const WORKS = { map, dense, skipgram };
await serve((task) => WORKS[task.work](task));
