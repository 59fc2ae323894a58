/**
 * The expected result of a call, computed from the formulas in plain loops, and the error of an answer.
 *
 * Answers must have the same bits. Sinusoids may differ by one unit in the last place from `Math.sin`, which is not
 * exact to the bit. A contender with approximate arithmetic states a tolerance, and the record has its largest error.
 */

import { rowOf } from './stored.mjs';

/** @typedef {import('./types.d.ts').Job} Job */

const { fround } = Math;

/** @param {Job} job @param {Int32Array} ids */
function rows(job, ids) {
  const { dim } = job.params;
  const out = new Float32Array(ids.length * dim);
  ids.forEach((id, r) => out.set(rowOf(job, id), r * dim));
  return out;
}

/** @param {Job} job @param {Int32Array} ids */
function layer(job, ids) {
  const { dim, seq, scale } = job.params;
  const positions = /** @type {Float32Array} */ (job.positions);
  const out = rows(job, ids);
  const factor = scale ? fround(Math.sqrt(dim)) : 1;
  for (let i = 0; i < out.length; i++) {
    out[i] = fround(fround(out[i] * factor) + positions[i % (seq * dim)]);
  }
  return out;
}

/** @param {Job} job @param {Int32Array} ids */
function bag(job, ids) {
  const { params, weights } = job;
  const { dim, bags, mode, padding } = params;
  const perBag = ids.length / bags;
  const out = new Float32Array(bags * dim);
  for (let b = 0; b < bags; b++) {
    let kept = 0;
    let weight = 0;
    for (let at = b * perBag; at < (b + 1) * perBag; at++) {
      const id = ids[at];
      if (id === padding) continue;
      const w = weights?.[at] ?? 1;
      const row = rowOf(job, id);
      for (let c = 0; c < dim; c++) {
        const [i, x] = [b * dim + c, row[c]];
        if (mode === 'max') out[i] = kept === 0 ? x : Math.max(out[i], x);
        else out[i] = out[i] + (weights ? fround(w * x) : x);
      }
      kept++;
      weight = fround(weight + w);
    }
    if (mode === 'mean' && kept > 0) {
      for (let c = 0; c < dim; c++) out[b * dim + c] /= weight;
    }
  }
  return out;
}

/** @param {Job} job */
function sinusoid({ params }) {
  const { rows, dim, base } = params;
  const out = new Float32Array(rows * dim);
  for (let c = 0; c < dim; c++) {
    const frequency = base ** (-(c - (c % 2)) / dim);
    const turn = c % 2 === 0 ? Math.sin : Math.cos;
    for (let p = 0; p < rows; p++) out[p * dim + c] = turn(p * frequency);
  }
  return out;
}

/** The sum of the products in 16 lanes. @param {Float32Array} a @param {Float32Array} b */
function dot(a, b) {
  const lanes = new Float32Array(16);
  for (let c = 0; c < a.length; c++) lanes[c % 16] += fround(a[c] * b[c]);
  for (let h = 8; h >= 1; h /= 2) for (let j = 0; j < h; j++) lanes[j] += lanes[j + h];
  return lanes[0];
}

/** The ids of the nearest rows, then their scores. @param {Job} job @param {number} query */
function nearest(job, query) {
  const { dim, vocab, k, metric } = job.params;
  const q = /** @type {Float32Array} */ (job.queries).subarray(query * dim, (query + 1) * dim);
  const norm = (/** @type {Float32Array} */ x) => fround(Math.sqrt(dot(x, x)));
  const scores = new Float32Array(vocab);
  for (let id = 0; id < vocab; id++) {
    const row = rowOf(job, id);
    scores[id] = metric === 'dot' ? dot(q, row) : dot(q, row) / fround(norm(q) * norm(row));
  }
  const ids = Array.from(scores.keys())
    .sort((a, b) => scores[b] - scores[a] || a - b)
    .slice(0, k);
  return Float32Array.from([...ids, ...ids.map((id) => scores[id])]);
}

/** The answer over the f32 table, for a contender that does not store it in the job's dtype. @param {Job} job @param {number} k */
export const expectedOfFloats = (job, k) => expected({ ...job, params: { ...job.params, dtype: 'f32' } }, k);

/** The answer to call `k`; `null` if the job only fixes a distribution. @param {Job} job @param {number} k */
export function expected(job, k) {
  const batch = job.batches[k % job.batches.length];
  if (job.op === 'token') return rows(job, job.pool.subarray(k % job.pool.length, (k % job.pool.length) + 1));
  if (job.op === 'layer') return layer(job, batch);
  if (job.op === 'bag') return bag(job, batch);
  if (job.op === 'sinusoid') return sinusoid(job);
  if (job.op === 'init') return null;
  if (job.op === 'nearest') return nearest(job, batch[0]);
  return rows(job, batch);
}

/** The largest difference; NaN if a value is missing or is NaN. @param {Float32Array} got @param {Float32Array} wanted */
function largestError(got, wanted) {
  let most = 0;
  for (let i = 0; i < wanted.length; i++) most = Math.max(most, Math.abs(got[i] - wanted[i]));
  return most;
}

/** Whether `a` begins with the bits of `b`. @param {Float32Array} a @param {Float32Array} b */
export function sameBits(a, b) {
  const [x, y] = [a, b].map((f) => Buffer.from(f.buffer, f.byteOffset, b.byteLength));
  return x.equals(y);
}

/** Uniform in [-1/sqrt(D), 1/sqrt(D)), normal of that deviation: finite, in range, and not all alike. @param {Job} job @param {Float32Array} got */
function plausible({ params }, got) {
  const most = params.kind === 'uniform' ? 1 / Math.sqrt(params.dim) : 10 / Math.sqrt(params.dim);
  const sample = got.subarray(0, 100_000);
  return sample.every((x) => Math.abs(x) <= most * 1.0001) && new Set(sample).size > 1000;
}

/**
 * Whether `got` answers call `k`, and the largest difference. Tolerance 0 requires the same bits.
 *
 * @param {Job} job @param {Float32Array | null} wanted @param {Float32Array} got @param {number} tolerance
 */
export function judge(job, wanted, got, tolerance) {
  if (wanted === null) return { verified: plausible(job, got), maxError: 0 };
  if (got.length < wanted.length) return { verified: false, maxError: NaN };
  if (sameBits(got, wanted)) return { verified: true, maxError: 0 };
  const maxError = largestError(got, wanted);
  // `Math.sin` of an angle that was rounded to f64 is not exact to the last bit.
  const allowed = job.op === 'sinusoid' ? Math.max(tolerance, 2 ** -24) : tolerance;
  return { verified: allowed > 0 && maxError <= allowed, maxError };
}
