/**
 * Runs random programs on an earlier build and on this one in one process, and compares bits and errors.
 *
 *   node bench/against/programs.mjs [FOLDER] [COUNT] [SEED] [--on native,scalar,wasm] [--program INDEX]
 *
 * FOLDER: .cache/before (build.mjs); COUNT: programs on each of native, native without SIMD, and WASM, default 20,000;
 * SEED: default a random one, which is printed. The exit code is 1 if a program differs: the program is minimized and
 * printed as a standalone module. `--program INDEX` runs only that program.
 */

import { fork } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { count, say, seconds } from '../../scripts/lib/progress.mjs';
import { endWithUs, environment, root } from '../../scripts/lib/run.mjs';
import { entryOf, expectSameCompilers } from './build.mjs';
import { firstDifference, REASONS } from './programs/compare.mjs';
import { programOf } from './programs/generate.mjs';
import { moduleOf, runnable } from './programs/run.mjs';

/** @typedef {import('./programs/generate.mjs').Program} Program @typedef {typeof import('tokenbed')} Library */

/** @type {Record<string, { backend: 'native' | 'wasm', env: Record<string, string> }>} */
const ON = {
  native: { backend: 'native', env: {} },
  scalar: { backend: 'native', env: { TOKENBED_ISA: 'scalar' } },
  wasm: { backend: 'wasm', env: {} },
};

/** The largest number of failing programs that are printed. */
const SHOWN = 3;

/** @typedef {{ on: string, entry: string, total: number, seed: number, only: number | null }} Task */

class Comparison {
  /** @type {Map<string, number>} */
  applied = new Map();
  /** @type {Map<string, number>} */
  codes = new Map();
  steps = 0;
  failed = 0;

  /** @param {Library} before @param {Library} after @param {Task} task */
  constructor(before, after, task) {
    this.before = before;
    this.after = after;
    this.task = task;
    this.backend = ON[task.on].backend;
  }

  /** The first step that differs, or -1. @param {Program} program */
  difference(program) {
    const run = runnable(program);
    const [before, after] = [run(this.before), run(this.after)];
    const at = firstDifference(program, before, after, this.backend, this.applied);
    return { at, before, after };
  }

  /** @param {number} index */
  compare(index) {
    const program = programOf(this.task.seed, index);
    const { at, before } = this.difference(program);
    this.steps += program.steps.length;
    for (const { error } of before) {
      if (error) this.codes.set(String(error.code), (this.codes.get(String(error.code)) ?? 0) + 1);
    }
    if (at < 0) return;
    this.failed++;
    if (this.failed > SHOWN) return;
    say(`\nDIFFERENT: program ${index} of seed ${this.task.seed} on ${this.task.on}, step ${at}`);
    this.show(this.shortened({ ...program, steps: program.steps.slice(0, at + 1) }));
  }

  /** Removes the steps that do not affect the difference. @param {Program} program */
  shortened(program) {
    let { steps } = program;
    for (let at = steps.length - 2; at >= 0; at--) {
      const fewer = steps.filter((_, i) => i !== at);
      if (this.difference({ ...program, steps: fewer }).at === fewer.length - 1) steps = fewer;
    }
    const variables = program.variables.filter((name) =>
      steps.some(({ code, arrays }) => arrays?.includes(name) || new RegExp(`\\b${name}\\b`).test(code)),
    );
    return { ...program, steps, variables };
  }

  /** @param {Program} program */
  show(program) {
    const { at, before, after } = this.difference(program);
    say(moduleOf(program, path.join(root, 'dist/index.mjs'), this.backend, at));
    say(`// before: ${brief(before[at])}\n// after:  ${brief(after[at])}`);
  }
}

/** An outcome on one line. @param {unknown} outcome */
function brief(outcome) {
  const text = JSON.stringify(outcome, (_, value) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (value?.type === 'Buffer') return Buffer.from(value.data).toString('hex').slice(0, 400);
    return value;
  });
  return text.slice(0, 1500);
}

/** Runs the programs of one configuration, in its own process. @param {Task} task */
async function work(task) {
  const { on, entry, total, only } = task;
  const { backend } = ON[on];
  /** @type {Library[]} */
  const [before, after] = await Promise.all(
    [entry, path.join(root, 'dist/index.mjs')].map((file) => import(pathToFileURL(file).href)),
  );
  for (const library of [before, after]) await library.init({ backend });
  const missing = Object.keys(before).filter((name) => !(name in after));
  if (missing.length > 0) throw new Error(`this build does not export ${missing.join(', ')}`);
  const { isa, threads } = after.backendInfo();
  const comparison = new Comparison(before, after, task);
  const start = performance.now();
  const [first, end] = only === null ? [0, total] : [only, only + 1];
  for (let index = first; index < end; index++) {
    comparison.compare(index);
    if (index % 100 === 99) await setImmediate(); // an interrupt ends the run, and finalizers run too
  }
  const { applied, codes, steps, failed } = comparison;
  const errors = [...codes.values()].reduce((sum, each) => sum + each, 0);
  say(
    `${on} (${isa}, ${threads} threads): ${count(end - first)} programs, ${count(steps)} steps, ${count(errors)} errors with ${codes.size} codes, ${failed} programs differ (${seconds(performance.now() - start)})`,
  );
  for (const [name, times] of applied) say(`  ${times} by design: ${name} (${REASONS.get(name)})`);
  return failed === 0;
}

/** @param {Task} task @returns {Promise<boolean>} */
function workApart(task) {
  return new Promise((resolve) => {
    const env = {
      TOKENBED_ISA: undefined,
      TOKENBED_TUNING: undefined,
      TOKENBED_BACKEND: undefined,
      ...ON[task.on].env,
    };
    const child = fork(fileURLToPath(import.meta.url), [], { env: environment(env), stdio: 'inherit' });
    endWithUs(child);
    child.once('exit', (code) => resolve(code === 0));
    child.send(task);
  });
}

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { on: { type: 'string', default: Object.keys(ON).join(',') }, program: { type: 'string' } },
  });
  const [folder = path.join(root, '.cache/before'), total = '20000', seedText] = positionals;
  const seed = Number(seedText ?? Math.floor(Math.random() * 2 ** 31));
  const only = values.program === undefined ? null : Number(values.program);
  await expectSameCompilers(folder);
  say(`Random programs of seed ${seed}, ${folder} and dist/`);
  let same = true;
  for (const on of values.on.split(',')) {
    if (!(on in ON)) throw new Error(`--on: ${on} is not one of ${Object.keys(ON).join(', ')}`);
    same = (await workApart({ on, entry: entryOf(folder), total: Number(total), seed, only })) && same;
  }
  process.exitCode = same ? 0 : 1;
}

if (process.send === undefined) await main();
else {
  process.once('message', async (task) => {
    process.exitCode = (await work(/** @type {Task} */ (task))) ? 0 : 1;
    process.disconnect();
  });
}
