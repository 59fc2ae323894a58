/**
 * Start-up time, measured on whole processes: one of an empty module, and one with `import` and a first lookup, in turn.
 *
 *   milliseconds over the empty module = median over rounds of (ours - empty), paired
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.mjs';

const ROUNDS = 15;

/** @param {string} name */
const program = (name) => fileURLToPath(new URL(`../start-up/${name}.mjs`, import.meta.url));
const [EMPTY, FIRST_LOOKUP] = [program('empty'), program('first-lookup')];

/** @param {readonly string[]} args @param {NodeJS.ProcessEnv} env */
function timed(args, env) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`start-up: node ${args.join(' ')} ended with ${status}\n${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** @returns {Record<string, number>} milliseconds over an empty module, by backend */
export function measureStartUp() {
  const env = { ...process.env };
  /** @type {Record<string, number[]>} */
  const extra = { native: [], wasm: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    const empty = timed([EMPTY], env);
    for (const [backend, list] of Object.entries(extra)) {
      const ms = timed([FIRST_LOOKUP, backend], env) - empty;
      if (round > 0) list.push(ms); // the first one fills the system's file cache
    }
  }
  return Object.fromEntries(Object.entries(extra).map(([backend, list]) => [backend, median(list)]));
}
