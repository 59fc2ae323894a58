/** Faults of the profiler: figures that look right and are not, and what it leaves behind. */

import { vitest } from './commands.mjs';

const ts = (/** @type {string} */ name) => `ts/profiler/${name}.ts`;

/** @type {readonly import('./list.mjs').Fault[]} */
export const PROFILER_FAULTS = [
  {
    name: 'profiler-bandwidth',
    what: 'the bandwidth of lookups counts the vectors alone',
    file: ts('lookups'),
    find: '(inputMemoryMb + outputMemoryMb) / seconds',
    replace: 'outputMemoryMb / seconds',
    look: vitest('native', 'profiler'),
  },
  {
    name: 'profiler-machine',
    what: 'the plain copy is timed as if it moved each byte twice',
    file: ts('lookups'),
    find: 'const machineBandwidthMbS = outputMemoryMb /',
    replace: 'const machineBandwidthMbS = (2 * outputMemoryMb) /',
    look: vitest('native', 'profiler-clock'),
  },
  {
    name: 'profiler-best',
    what: 'the quickest sample is called the median',
    file: ts('timer'),
    find: 'medianMs: quantile(sorted, 0.5),',
    replace: 'medianMs: quantile(sorted, 0),',
    look: vitest('wasm', 'profiler-clock'),
  },
  {
    name: 'profiler-per-call',
    what: 'the time of a sample is called that of a call',
    file: ts('timer'),
    find: 'this.#samples.push(ms / calls);',
    replace: 'this.#samples.push(ms);',
    look: vitest('native', 'profiler-clock'),
  },
  {
    name: 'profiler-frozen-clock',
    what: 'where the monotonic clock stands still, no other one is asked',
    file: ts('clock'),
    find: 'for (const now of CLOCKS) {',
    replace: 'for (const now of CLOCKS.slice(0, 1)) {',
    look: vitest('native', 'profiler-clock'),
  },
  {
    name: 'profiler-same-ids',
    what: 'every call looks the same ids up, which are then in cache',
    file: ts('lookups'),
    find: 'next = next + 1 < views.length ? next + 1 : 0;',
    replace: 'next = next + 1 < 0 ? next + 1 : 0;',
    look: vitest('native', 'profiler-patterns'),
  },
  {
    name: 'profiler-zipf',
    what: 'within an octave of ranks all are as likely',
    file: ts('patterns'),
    find: 'const kept = below(rank, next) < first;',
    replace: 'const kept = below(rank, next) < rank;',
    look: vitest('wasm', 'profiler-patterns'),
  },
  {
    name: 'profiler-unchecked',
    what: 'the answers that were timed are not looked at',
    file: ts('lookups'),
    find: 'if (expected.every((word, column) => word === bits[start + column])) continue;',
    replace: 'if (expected.some((word, column) => word !== bits[start + column])) continue;',
    look: vitest('native', 'profiler'),
  },
  {
    name: 'profiler-order',
    what: 'results stand sequence by sequence',
    file: ts('profiler'),
    find: 'first.flatMap((a) => second.map((b) => [a, b] as const))',
    replace: 'second.flatMap((b) => first.map((a) => [a, b] as const))',
    look: vitest('native', 'profiler'),
  },
  {
    name: 'profiler-table-kept',
    what: 'the tables of the analysis are left to the finalizer',
    file: ts('profiler'),
    find: 'embedding?.dispose();',
    replace: '',
    look: vitest('native', 'profiler', 'node/profiler-memory'),
  },
  {
    name: 'profiler-live-results',
    what: 'results are the profiler’s own objects',
    file: ts('profiler'),
    find: 'return structuredClone(this.#results);',
    replace: 'return this.#results;',
    look: vitest('native', 'profiler'),
  },
  {
    name: 'profiler-insight',
    what: 'the printed scaling is upside down',
    file: ts('reports'),
    find: 'times(large.lookupTimeMs! / small.lookupTimeMs!)',
    replace: 'times(small.lookupTimeMs! / large.lookupTimeMs!)',
    look: vitest('native', 'profiler-report-text'),
  },
];
