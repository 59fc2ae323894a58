/**
 * Compiles or installs every example like a user's program, which imports `tokenbed` by name, and runs it, on both backends
 * if that makes a difference. An example that cannot run on this machine is reported as NOT RUN and not counted.
 */

import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { EXAMPLES } from '../examples/list.mjs';
import { checkTypes, compile, install, missing, program } from '../examples/prepare.mjs';
import { say } from '../lib/progress.mjs';
import { root, run } from '../lib/run.mjs';
import { checks } from '../lib/suite.mjs';

/** @import { Example } from '../examples/list.mjs' */
/** @import { Result } from '../lib/run.mjs' */

/** The time limit of an example. */
const TIMEOUT_MS = 300_000;

/** @typedef {[name: string, check: () => Promise<Result>]} Check */

export async function examples() {
  await rm(path.join(root, '.cache/examples'), { recursive: true, force: true });
  const each = await Promise.all(EXAMPLES.map(checksOf));
  return checks([
    ['every example is in the list', () => attempt(allListed)],
    ['compiling the examples', compile],
    ...each.flat(),
  ]);
}

/** @param {Example} example @returns {Promise<Check[]>} */
async function checksOf(example) {
  const { name, project, suite, prepare, check, once } = example;
  if (suite !== undefined) return [];
  const reason = await missing(example);
  if (reason !== undefined) {
    say(`  NOT RUN: examples/${name}: ${reason}`);
    return [];
  }
  /** @type {Check[]} */
  const list = [];
  if (project) {
    list.push([`installing ${name}`, () => attempt(() => install(example))]);
    list.push([`types of ${name}`, () => checkTypes(example)]);
  }
  const command = async (/** @type {string} */ line, env = {}) => {
    const [file, args] = await program(line, example);
    return run(file, args, { env, timeout: TIMEOUT_MS });
  };
  for (const line of prepare ?? []) list.push([`preparing ${name}`, () => command(line)]);
  if (once) list.push([name, () => command(check)]);
  else {
    for (const backend of ['native', 'wasm']) {
      list.push([`${name} on ${backend}`, () => command(check, { TOKENBED_BACKEND: backend })]);
    }
  }
  return list;
}

/** Checks that the list contains every folder of examples/. */
async function allListed() {
  const listed = new Set(EXAMPLES.map(({ name }) => name));
  const forgotten = (await readdir(path.join(root, 'examples'))).filter((name) => !listed.has(name));
  if (forgotten.length > 0) throw new Error(`not in scripts/examples/list.mjs: ${forgotten.join(', ')}`);
}

/** Turns work that throws into a check. @param {() => Promise<void>} work @returns {Promise<Result>} */
async function attempt(work) {
  const result = { code: 0, stdout: '', stderr: '', output: '' };
  try {
    await work();
    return result;
  } catch (error) {
    return { ...result, code: 1, output: error instanceof Error ? error.message : String(error) };
  }
}
