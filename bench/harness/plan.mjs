/** From cases to jobs: every combination of parameters, by group. */

import { CASES } from '../cases.mjs';
import { GROUPS } from '../contenders/index.mjs';

/** @typedef {import('./types.d.ts').JobSpec} JobSpec @typedef {Record<string, import('../cases.mjs').Value>} Params */

/** @param {Record<string, readonly import('../cases.mjs').Value[]>} vary @returns {Params[]} */
function combinations(vary) {
  return Object.entries(vary).reduce(
    (list, [name, values]) => list.flatMap((made) => values.map((value) => ({ ...made, [name]: value }))),
    /** @type {Params[]} */ ([{}]),
  );
}

/** `mib`, `table` and `size` are ways to write vocab, rows and dim. @param {Params} params @returns {Params} */
function settled({ mib, table, size, ...params }) {
  if (mib !== undefined) {
    return { vocab: Math.floor((Number(mib) * 2 ** 20) / (4 * Number(params['dim']))), ...params };
  }
  if (table !== undefined) {
    const [vocab, dim] = String(table).split('x').map(Number);
    return { vocab, dim, ...params };
  }
  if (size !== undefined) {
    const [rows, dim] = String(size).split('x').map(Number);
    return { rows, dim, ...params };
  }
  return params;
}

/**
 * @param {{ ops: readonly string[] | null, cases: readonly string[] | null, peers: readonly string[] | null, quick: boolean }} choice
 * @returns {Map<string, JobSpec[]>} the jobs of each group
 */
export function plan({ ops, cases, peers, quick }) {
  /** @type {Map<string, JobSpec[]>} */
  const jobs = new Map();
  for (const [group, { peers: words }] of Object.entries(GROUPS)) {
    if (peers !== null && !words.some((word) => peers.includes(word))) continue;
    for (const { id, op, vary, quick: fewer, groups } of CASES) {
      const contenders = groups[group];
      if (contenders === undefined) continue;
      if ((ops !== null && !ops.includes(op)) || (cases !== null && !cases.includes(id))) continue;
      const specs = combinations(quick ? { ...vary, ...fewer } : vary).map((params) => ({
        case: id,
        op,
        params: settled(params),
        contenders,
      }));
      jobs.set(group, [...(jobs.get(group) ?? []), ...specs]);
    }
  }
  // Jobs on the same table one after the other: it is made once.
  for (const list of jobs.values()) list.sort((a, b) => tableKey(a).localeCompare(tableKey(b)));
  return jobs;
}

/** @param {JobSpec} spec */
const tableKey = ({ params }) => `${params['dim']}x${params['vocab'] ?? ''}`;
