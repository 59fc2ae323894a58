/**
 * The limit of the machine: a copy of as many bytes as the result has, one stream in, one stream out.
 *
 * The source moves through the table from call to call, so that it is as cold as the rows of the other contenders.
 */

import { machine } from './machine.mjs';

/** @typedef {import('../harness/types.d.ts').Prepare} Prepare */

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

/** The values that call k copies: the same steps as above. @param {import('../harness/types.d.ts').Job} job @param {number} k */
function answer({ table, out }, k) {
  const start = (k % Math.floor(table.length / out.length)) * out.length;
  return table.subarray(start, start + out.length);
}

/** @returns {Promise<{ version: string, contenders: readonly import('../harness/types.d.ts').Contender[] }>} */
export async function open() {
  return {
    version: '',
    contenders: [
      { name: 'copy, memcpy', backend: 'limit', answer, ops: { gather: copying('copy') } },
      { name: 'copy, non-temporal', backend: 'limit', answer, ops: { gather: copying('copyStreaming') } },
    ],
  };
}
