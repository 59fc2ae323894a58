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

/** @typedef {{ ops: readonly string[] | null, cases: readonly string[] | null, quick: boolean }} Choice */

/** The cases that `--op` and `--case` select. @param {Choice} choice */
const chosen = ({ ops, cases }) =>
  CASES.filter(({ id, op }) => (ops?.includes(op) ?? true) && (cases?.includes(id) ?? true));

/** @param {import('../cases.mjs').Case} aCase @param {boolean} quick @param {readonly string[]} contenders @returns {JobSpec[]} */
function jobsOf({ id, op, vary, quick: fewer }, quick, contenders) {
  return combinations(quick ? { ...vary, ...fewer } : vary).map((params) => ({
    case: id,
    op,
    params: settled(params),
    contenders,
  }));
}

/** Sorts the jobs so that those on the same table are adjacent: it is made once. @param {JobSpec[]} jobs */
const byTable = (jobs) => jobs.sort((a, b) => tableKey(a).localeCompare(tableKey(b)));

/**
 * @param {Choice & { peers: readonly string[] | null }} choice
 * @returns {Map<string, JobSpec[]>} the jobs of each group
 */
export function plan({ peers, ...choice }) {
  /** @type {Map<string, JobSpec[]>} */
  const jobs = new Map();
  for (const [group, { peers: words }] of Object.entries(GROUPS)) {
    if (peers !== null && !words.some((word) => peers.includes(word))) continue;
    const list = chosen(choice).flatMap((each) => {
      const contenders = each.groups[group];
      return contenders === undefined ? [] : jobsOf(each, choice.quick, contenders);
    });
    if (list.length > 0) jobs.set(group, byTable(list));
  }
  return jobs;
}

/** Every job of the selected cases once, regardless of the contenders that the case lists. @param {Choice} choice @returns {JobSpec[]} */
export function planAll(choice) {
  /** @type {Map<string, JobSpec>} */
  const jobs = new Map();
  for (const spec of chosen(choice).flatMap((each) => jobsOf(each, choice.quick, ['*']))) {
    const key = JSON.stringify([spec.op, Object.entries(spec.params).sort()]);
    if (!jobs.has(key)) jobs.set(key, spec);
  }
  return byTable([...jobs.values()]);
}

/** @param {JobSpec} spec */
const tableKey = ({ params }) => `${params['dim']}x${params['vocab'] ?? ''}`;
