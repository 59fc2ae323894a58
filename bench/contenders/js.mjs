/**
 * Plain JavaScript as users write it: the most important peer.
 *
 *   set(subarray)    out.set(table.subarray(id * D, (id + 1) * D), r * D)
 *   copyWithin       table and output in one arena: arena.copyWithin(r * D + O, id * D, (id + 1) * D)
 *   loop             out[r * D + c] = table[id * D + c]
 *
 * Each runs on a table in ordinary memory, as a program gets it. The `2 MiB` variants use large pages, as tokenbed
 * does (`copies.mjs`). A plain program cannot request them: these variants show the effect of the memory alone.
 */

import { copyOf } from './copies.mjs';

/** @typedef {import('../harness/types.d.ts').Job} Job @typedef {import('../harness/types.d.ts').Prepare} Prepare */
/** @typedef {import('../harness/types.d.ts').Contender} Contender */

export const peer = 'js';

/** @param {number} id @param {number} vocab */
function outOfRange(id, vocab) {
  return new RangeError(`id ${id} is not in [0, ${vocab})`);
}

/** @type {(kind: string) => Prepare} */
const gatherBySet = (kind) => (job) => {
  const { batches, out } = job;
  const { dim } = job.params;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let r = 0; r < ids.length; r++) {
        const start = ids[r] * dim;
        out.set(table.subarray(start, start + dim), r * dim);
      }
    },
    output: () => out,
  };
};

/** @type {(kind: string) => Prepare} */
const gatherBySetChecked = (kind) => (job) => {
  const { batches, out } = job;
  const { dim, vocab } = job.params;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let r = 0; r < ids.length; r++) {
        const id = ids[r];
        if (id < 0 || id >= vocab) throw outOfRange(id, vocab);
        out.set(table.subarray(id * dim, (id + 1) * dim), r * dim);
      }
    },
    output: () => out,
  };
};

/** @type {(kind: string) => Prepare} */
const gatherByCopyWithin = (kind) => (job) => {
  const { batches, out } = job;
  const { dim, vocab } = job.params;
  const arena = copyOf(job, `arena, ${kind}`, out.length);
  const start = vocab * dim;
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let r = 0; r < ids.length; r++) {
        arena.copyWithin(start + r * dim, ids[r] * dim, (ids[r] + 1) * dim);
      }
    },
    output: () => arena.subarray(start, start + out.length),
  };
};

/** @type {(kind: string) => Prepare} */
const gatherByLoop = (kind) => (job) => {
  const { batches, out } = job;
  const { dim } = job.params;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let r = 0, to = 0; r < ids.length; r++) {
        for (let from = ids[r] * dim, end = from + dim; from < end;) out[to++] = table[from++];
      }
    },
    output: () => out,
  };
};

/** A fresh output for each call. @type {(kind: string) => Prepare} */
const forwardBySet = (kind) => (job) => {
  const { batches } = job;
  const { dim } = job.params;
  const table = copyOf(job, kind);
  let result = job.out;
  return {
    call(k) {
      const ids = batches[k % batches.length];
      const out = new Float32Array(ids.length * dim);
      for (let r = 0; r < ids.length; r++) {
        const start = ids[r] * dim;
        out.set(table.subarray(start, start + dim), r * dim);
      }
      result = out;
    },
    output: () => result,
  };
};

/** One id, checked, by `set`. @type {(kind: string) => Prepare} */
const tokenBySet = (kind) => (job) => {
  const { pool, out } = job;
  const { dim, vocab } = job.params;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const id = pool[k % pool.length];
      if (id < 0 || id >= vocab) throw outOfRange(id, vocab);
      out.set(table.subarray(id * dim, (id + 1) * dim));
    },
    output: () => out,
  };
};

/** One id, checked, value by value. @type {(kind: string) => Prepare} */
const tokenByLoop = (kind) => (job) => {
  const { pool, out } = job;
  const { dim, vocab } = job.params;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const id = pool[k % pool.length];
      if (id < 0 || id >= vocab) throw outOfRange(id, vocab);
      for (let c = 0, from = id * dim; c < dim; c++) out[c] = table[from + c];
    },
    output: () => out,
  };
};

/** Row and position added in one loop. @type {(kind: string) => Prepare} */
const layerByLoop = (kind) => (job) => {
  const { batches, out } = job;
  const { dim, seq, scale } = job.params;
  const positions = /** @type {Float32Array} */ (job.positions);
  const table = copyOf(job, kind);
  const factor = scale ? Math.fround(Math.sqrt(dim)) : 1;
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let r = 0, to = 0; r < ids.length; r++) {
        let from = ids[r] * dim;
        let at = (r % seq) * dim;
        if (scale) {
          for (const end = at + dim; at < end;) {
            out[to++] = Math.fround(Math.fround(table[from++] * factor) + positions[at++]);
          }
        } else {
          for (const end = at + dim; at < end;) out[to++] = table[from++] + positions[at++];
        }
      }
    },
    output: () => out,
  };
};

/** Row by row into the output. @type {(kind: string) => Prepare} */
const bagByRows = (kind) => (job) => {
  const { batches, out, weights } = job;
  const { dim, bags, tokens, mode, padding } = job.params;
  const perBag = tokens / bags;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const ids = batches[k % batches.length];
      out.fill(0);
      for (let b = 0; b < bags; b++) {
        const to = b * dim;
        let kept = 0;
        let weight = 0;
        for (let at = b * perBag; at < (b + 1) * perBag; at++) {
          const id = ids[at];
          if (id === padding) continue;
          const from = id * dim;
          if (mode === 'max') {
            for (let c = 0; c < dim; c++) {
              const x = table[from + c];
              if (kept === 0 || x > out[to + c]) out[to + c] = x;
            }
          } else if (weights) {
            const w = weights[at];
            for (let c = 0; c < dim; c++) out[to + c] += Math.fround(w * table[from + c]);
            weight = Math.fround(weight + w);
          } else {
            for (let c = 0; c < dim; c++) out[to + c] += table[from + c];
            weight++;
          }
          kept++;
        }
        if (mode === 'mean' && kept > 0) for (let c = 0; c < dim; c++) out[to + c] /= weight;
      }
    },
    output: () => out,
  };
};

/** Column by column, so that the sum stays in a register. @type {(kind: string) => Prepare} */
const bagByColumns = (kind) => (job) => {
  const { batches, out } = job;
  const { dim, bags, tokens, mode, padding } = job.params;
  if (mode !== 'sum' || padding !== null || job.weights) return null;
  const perBag = tokens / bags;
  const table = copyOf(job, kind);
  return {
    call(k) {
      const ids = batches[k % batches.length];
      for (let b = 0; b < bags; b++) {
        for (let c = 0; c < dim; c++) {
          let sum = 0;
          for (let at = b * perBag; at < (b + 1) * perBag; at++) {
            sum = Math.fround(sum + table[ids[at] * dim + c]);
          }
          out[b * dim + c] = sum;
        }
      }
    },
    output: () => out,
  };
};

/** f64 with frequencies that are computed once, into an output that is there already. @type {Prepare} */
const sinusoid = ({ params, out }) => {
  const { rows, dim, base } = params;
  const half = Math.ceil(dim / 2);
  const frequencies = Float64Array.from({ length: half }, (_, i) => base ** ((-2 * i) / dim));
  return {
    call() {
      for (let p = 0, to = 0; p < rows; p++) {
        for (let i = 0; i < half; i++) {
          const angle = p * frequencies[i];
          out[to++] = Math.sin(angle);
          if (2 * i + 1 < dim) out[to++] = Math.cos(angle);
        }
      }
    },
    output: () => out,
  };
};

/** @type {(kind: string) => readonly Contender[]} */
const on = (kind) => {
  const pages = kind === '2 MiB' ? /** @type {const} */ ('2MiB') : /** @type {const} */ ('4KiB');
  const suffix = kind === '2 MiB' ? ', 2 MiB' : '';
  /** @param {string} name @param {Contender['ops']} ops @returns {Contender} */
  const contender = (name, ops) => ({ name: `js ${name}${suffix}`, backend: 'js', pages, ops });
  return [
    contender('set', { gather: gatherBySet(kind), forward: forwardBySet(kind), token: tokenBySet(kind) }),
    contender('copyWithin', { gather: gatherByCopyWithin(kind) }),
    contender('loop', { gather: gatherByLoop(kind), token: tokenByLoop(kind), layer: layerByLoop(kind) }),
    contender('rows', { bag: bagByRows(kind) }),
    contender('columns', { bag: bagByColumns(kind) }),
  ];
};

/** @returns {Promise<{ version: string, contenders: readonly Contender[] }>} */
export async function open() {
  /** @type {Contender} */
  const checked = {
    name: 'js set, ids checked',
    backend: 'js',
    pages: '4KiB',
    ops: { gather: gatherBySetChecked('ordinary') },
  };
  /** @type {Contender} */
  const formulas = { name: 'js f64', backend: 'js', ops: { sinusoid } };
  return {
    version: `V8 ${process.versions.v8}`,
    contenders: [...on('ordinary'), checked, ...on('2 MiB'), formulas],
  };
}
