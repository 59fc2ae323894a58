/**
 * Start-up time, measured on whole processes: one of an empty module, and one with `import` and a first lookup, in turn.
 *
 *   milliseconds over the empty module = median over rounds of (ours - empty), paired
 *   their limit: the same for a process that only compiles the library and loads its addon or its WASM
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.mjs';

const ROUNDS = 15;

/** @param {string} name */
const program = (name) => fileURLToPath(new URL(`../start-up/${name}.mjs`, import.meta.url));
const EMPTY = program('empty');
/** What is measured, by the name in the record: a program and its argument. */
const PROGRAMS = {
  native: [program('first-lookup'), 'native'],
  wasm: [program('first-lookup'), 'wasm'],
  nativeLimit: [program('limit'), 'native'],
  wasmLimit: [program('limit'), 'wasm'],
};

/** @param {readonly string[]} args @param {NodeJS.ProcessEnv} env */
function timed(args, env) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`start-up: node ${args.join(' ')} ended with ${status}\n${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** @returns {Record<string, number>} milliseconds over an empty module, by the names above */
export function measureStartUp() {
  const env = { ...process.env };
  const extra = Object.entries(PROGRAMS).map(([name, args]) => ({
    name,
    args,
    list: /** @type {number[]} */ ([]),
  }));
  for (let round = 0; round <= ROUNDS; round++) {
    const empty = timed([EMPTY], env);
    for (const { args, list } of extra) {
      const ms = timed(args, env) - empty;
      if (round > 0) list.push(ms); // the first one fills the system's file cache
    }
  }
  return Object.fromEntries(extra.map(({ name, list }) => [name, median(list)]));
}
