/**
 * Start-up time, measured on whole processes: an empty one (`node -e 0`) and one with `import` and a first lookup, in turn.
 *
 *   milliseconds over the empty process = median over rounds of (ours - empty), paired
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.mjs';

const PROGRAM = fileURLToPath(new URL('../start-up/first-lookup.mjs', import.meta.url));

/** @param {readonly string[]} args @param {NodeJS.ProcessEnv} env */
function timed(args, env) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`start-up: node ${args.join(' ')} ended with ${status}\n${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** @param {number} rounds @returns {Record<string, number>} */
export function measureStartUp(rounds) {
  const env = { ...process.env };
  /** @type {Record<string, number[]>} */
  const extra = { native: [], wasm: [] };
  for (let round = 0; round <= rounds; round++) {
    const empty = timed(['-e', '0'], env);
    for (const [program, list] of Object.entries(extra)) {
      const ms = timed([PROGRAM, program], env) - empty;
      if (round > 0) list.push(ms); // the first one fills the system's file cache
    }
  }
  return Object.fromEntries(Object.entries(extra).map(([program, list]) => [program, median(list)]));
}
