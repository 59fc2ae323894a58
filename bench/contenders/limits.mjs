/**
 * The limits of the machine.
 *
 *   copy, ...        a copy of as many bytes as the result has, one stream in, one stream out
 *   limit, ...       loops with the memory accesses of tokenbed's kernels and as few instructions as possible beside
 *                    them (bench/naive/node/src/limits.rs), with several prefetch distances and both kinds of stores;
 *                    for a layer, a lookup of the tokens
 *   two threads' limit, ...    lookups by two threads that are started for the call
 *
 * The source of a copy moves through the table from call to call, so that it is as cold as the rows of the others.
 */

import { copyOf } from './copies.mjs';
import { batchOf } from './job.mjs';
import { machine } from './machine.mjs';
import { rows } from './naive.mjs';

/** @typedef {import('../harness/types.d.ts').Job} Job @typedef {import('../harness/types.d.ts').Prepare} Prepare */
/** @typedef {import('../harness/types.d.ts').Contender} Contender */
/** The prefetch distance in rows, the caches, the stores. @typedef {{ ahead: number, far: boolean, nonTemporal: boolean }} Way */

export const peer = 'limits';

/** @type {(way: 'copy' | 'copyStreaming') => Prepare} */
const copying = (way) => (job) => {
  const { out } = job;
  const table = new Float32Array(job.table.length);
  if (job.pages === '2MiB') machine().advise(table);
  table.set(job.table);
  const steps = Math.floor(table.length / out.length);
  if (steps === 0) return null;
  const copy = machine()[way];
  const sources = Array.from({ length: steps }, (_, i) =>
    table.subarray(i * out.length, (i + 1) * out.length),
  );
  return {
    call: (k) => void copy(sources[k % steps], out),
    output: () => out,
  };
};

/** The values that call k copies: the same steps as above. @param {Job} job @param {number} k */
function copied({ table, out }, k) {
  const start = (k % Math.floor(table.length / out.length)) * out.length;
  return table.subarray(start, start + out.length);
}

/** Each way has its own table, so that none finds rows in a cache which another one has read. @param {Way} way @param {number} [threads] */
const kind = (way, threads = 1) => `${JSON.stringify(way)} ${threads}, 2 MiB`;

/** @type {(way: Way, threads?: number) => Prepare} */
const gather =
  (way, threads = 1) =>
  (job) => {
    const { batches, out } = job;
    const { ahead, far, nonTemporal } = way;
    const table = copyOf(job, kind(way, threads));
    const { copyRows } = machine();
    return {
      call: (k) => copyRows(table, batchOf(batches, k), out, ahead, far, nonTemporal, threads),
      output: () => out,
    };
  };

/** Into new memory for each call; the answer is that of `gather`. @type {(way: Way) => Prepare} */
const forward = (way) => (job) => {
  const { batches, out, params } = job;
  const { ahead, far, nonTemporal } = way;
  const table = copyOf(job, kind(way));
  const { copyRows, copyRowsFresh } = machine();
  let last = 0;
  return {
    call(k) {
      last = k;
      copyRowsFresh(table, batchOf(batches, k), params.dim, ahead, far, nonTemporal);
    },
    output() {
      copyRows(table, batchOf(batches, last), out, ahead, far, nonTemporal, 1);
      return out;
    },
  };
};

/** @type {(way: Way) => Prepare} */
const bag = (way) => (job) => {
  const { batches, out, params } = job;
  const { ahead, far } = way;
  const table = copyOf(job, kind(way));
  const { xorRows } = machine();
  return {
    call: (k) => xorRows(table, batchOf(batches, k), params.dim, out, ahead, far),
    output: () => out,
  };
};

const LINE = 16;

/** The xor of the lines of each bag's rows. @param {Job} job @param {number} k */
function xored({ batches, table, params, out }, k) {
  const { dim, bags } = params;
  const ids = batchOf(batches, k);
  const [from, to] = [
    new Int32Array(table.buffer, table.byteOffset, table.length),
    new Int32Array(out.length),
  ];
  ids.forEach((id, i) => {
    const start = Math.floor(i / (ids.length / bags)) * dim;
    for (let c = 0; c < dim; c++) to[start + (c % LINE)] ^= from[id * dim + c];
  });
  for (let i = 0; i < to.length; i++) to[i] = to[i - (i % dim) + (i % LINE)];
  return new Float32Array(to.buffer);
}

/** Writes as many bytes as the table has, into the same memory each time. @type {(way: Way) => Prepare} */
const fill =
  ({ nonTemporal }) =>
  ({ out }) => ({
    call: () => machine().fill(out, 1, nonTemporal),
    output: () => out,
  });

/** @param {Job} job */
const filled = ({ out }) => new Float32Array(out.length).fill(1);

/** @type {(job: Job, k: number) => Float32Array | null} */
function answer(job, k) {
  if (job.op === 'layer') return rows(job, k);
  if (job.op === 'bag') return xored(job, k);
  return job.op === 'sinusoid' || job.op === 'init' ? filled(job) : null;
}

/** @type {readonly { name: string, ahead: number, far: boolean }[]} */
const PREFETCHES = [
  { name: 'none', ahead: 0, far: false },
  { name: '8 ahead', ahead: 8, far: false },
  { name: '32 ahead', ahead: 32, far: false },
  { name: '64 ahead, far', ahead: 64, far: true },
];

/** @type {Contender[]} */
const LIMITS = PREFETCHES.flatMap(({ name, ...prefetch }) =>
  [false, true].map((nonTemporal) => {
    const way = { ...prefetch, nonTemporal };
    const reads = nonTemporal ? {} : { bag: bag(way) };
    const writes = prefetch.ahead > 0 ? {} : { sinusoid: fill(way), init: fill(way) };
    return {
      name: `limit, ${name}${nonTemporal ? ', non-temporal' : ''}`,
      backend: 'limit',
      answer,
      ops: { gather: gather(way), layer: gather(way), forward: forward(way), ...reads, ...writes },
    };
  }),
);

/** @returns {Promise<{ version: string, contenders: readonly Contender[] }>} */
export async function open() {
  return {
    version: '',
    contenders: [
      { name: 'copy, memcpy', backend: 'limit', answer: copied, ops: { gather: copying('copy') } },
      {
        name: 'copy, non-temporal',
        backend: 'limit',
        answer: copied,
        ops: { gather: copying('copyStreaming') },
      },
      ...LIMITS,
      ...PREFETCHES.flatMap(({ name, ...prefetch }) =>
        [false, true].map((nonTemporal) => ({
          name: `two threads' limit, ${name}${nonTemporal ? ', non-temporal' : ''}`,
          backend: 'limit',
          ops: { gather: gather({ ...prefetch, nonTemporal }, 2) },
        })),
      ),
    ],
  };
}
