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
 * Skip-gram with negatives, one pair after the other. @param {Task} task
 * @param {(inputs: Float32Array, outputs: Float32Array, task: Task) => (x: number, rows: Int32Array) => void} trainOf
 * @returns {Work}
 */
function skipgram(task, trainOf) {
  const { dim, batch, negatives } = task;
  const [inputs, outputs] = [floats(dataFile('inputs.f32')), floats(dataFile('outputs.f32'))];
  const width = 1 + negatives;
  const centers = batches(dataFile('centers.i32'), batch);
  const scored = batches(dataFile('scored.i32'), batch * width);
  const train = trainOf(inputs, outputs, task);
  const rowsOf = (/** @type {Float32Array} */ table, /** @type {Int32Array} */ ids) =>
    Array.from(ids, (id) => [...table.subarray(id * dim, (id + 1) * dim)]).flat();
  const rows = new Int32Array(width);
  return {
    step(k) {
      const [center, score] = [centers[k % centers.length], scored[k % scored.length]];
      for (let pair = 0, at = 0; pair < batch; pair++) {
        for (let i = 0; i < width; i++) rows[i] = score[at++] * dim;
        train(center[pair] * dim, rows);
      }
    },
    answer: () => Float32Array.from([...rowsOf(inputs, centers[0]), ...rowsOf(outputs, scored[0])]),
  };
}

const LR = 0.025;
/** The positive has label 1. @param {number} score @param {boolean} positive */
const rate = (score, positive) => LR * ((positive ? 1 : 0) - 1 / (1 + Math.exp(-score)));

/** The loops of word2vec: one row after the other, in four lanes. @param {Float32Array} inputs @param {Float32Array} outputs @param {Task} task */
function rowByRow(inputs, outputs, { dim }) {
  const [row, change] = [new Float64Array(dim), new Float64Array(dim)];
  return (/** @type {number} */ x, /** @type {Int32Array} */ rows) => {
    for (let i = 0; i < dim; i++) {
      row[i] = inputs[x + i];
      change[i] = 0;
    }
    for (let k = 0; k < rows.length; k++) {
      const other = outputs.subarray(rows[k], rows[k] + dim);
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < dim; i += 4) {
        a += row[i] * other[i];
        b += row[i + 1] * other[i + 1];
        c += row[i + 2] * other[i + 2];
        d += row[i + 3] * other[i + 3];
      }
      const g = rate(a + b + c + d, k === 0);
      for (let i = 0; i < dim; i += 4) {
        const p = other[i];
        const q = other[i + 1];
        const r = other[i + 2];
        const s = other[i + 3];
        change[i] += g * p;
        change[i + 1] += g * q;
        change[i + 2] += g * r;
        change[i + 3] += g * s;
        other[i] = p + g * row[i];
        other[i + 1] = q + g * row[i + 1];
        other[i + 2] = r + g * row[i + 2];
        other[i + 3] = s + g * row[i + 3];
      }
    }
    for (let i = 0; i < dim; i++) inputs[x + i] += change[i];
  };
}

/** Written for five negatives: the six rows are read together, column by column. @param {Float32Array} inputs @param {Float32Array} outputs @param {Task} task */
function sixRows(inputs, outputs, { dim }) {
  return (/** @type {number} */ x, /** @type {Int32Array} */ rows) => {
    const [r0, r1, r2, r3, r4, r5] = [rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]];
    let [s0, s1, s2, s3, s4, s5] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < dim; i++) {
      const h = inputs[x + i];
      s0 += h * outputs[r0 + i];
      s1 += h * outputs[r1 + i];
      s2 += h * outputs[r2 + i];
      s3 += h * outputs[r3 + i];
      s4 += h * outputs[r4 + i];
      s5 += h * outputs[r5 + i];
    }
    const [g0, g1, g2] = [rate(s0, true), rate(s1, false), rate(s2, false)];
    const [g3, g4, g5] = [rate(s3, false), rate(s4, false), rate(s5, false)];
    for (let i = 0; i < dim; i++) {
      const h = inputs[x + i];
      let w = outputs[r0 + i];
      let change = g0 * w;
      outputs[r0 + i] = w + g0 * h;
      w = outputs[r1 + i];
      change += g1 * w;
      outputs[r1 + i] = w + g1 * h;
      w = outputs[r2 + i];
      change += g2 * w;
      outputs[r2 + i] = w + g2 * h;
      w = outputs[r3 + i];
      change += g3 * w;
      outputs[r3 + i] = w + g3 * h;
      w = outputs[r4 + i];
      change += g4 * w;
      outputs[r4 + i] = w + g4 * h;
      w = outputs[r5 + i];
      change += g5 * w;
      outputs[r5 + i] = w + g5 * h;
      inputs[x + i] = h + change;
    }
  };
}

/** @type {Record<string, (task: Task) => Work>} */
const WORKS = {
  map,
  dense,
  rowByRow: (task) => skipgram(task, rowByRow),
  sixRows: (task) => skipgram(task, sixRows),
};
await serve((task) => WORKS[task.work](task));
