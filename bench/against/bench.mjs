/**
 * Compares this build with an earlier one: `npm run bench -- --against FOLDER`.
 *
 * Both builds are loaded by the same process and take turns in the rounds of the harness. The speed of a case is the
 * median over rounds of before / after: above 1, this build is faster. Both must return the same bits. Each
 * configuration and each call or operation has a separate process, because the engine specializes code for the calls
 * that it has seen.
 *
 * A case below THRESHOLD is measured again in REPEATS further processes, which open the builds in alternating order:
 * the addresses of the tables change times by a few percent, and the noise of a machine by more. A case is slower if
 * the median of the repeats is below THRESHOLD too, and this build is faster in none of them. The first measurement
 * does not count, since it was selected for being low.
 */

import { writeFile } from 'node:fs/promises';
import { say, seconds } from '../../scripts/lib/progress.mjs';
import { measureApart } from '../harness/apart.mjs';
import { describeMachine } from '../harness/machine.mjs';
import { planAll } from '../harness/plan.mjs';
import { median } from '../harness/statistics.mjs';
import { entryOf, expectSameCompilers } from './build.mjs';
import { ON } from './configurations.mjs';
import { nameOf } from './names.mjs';
import { line, repeatedLine, summaryLines } from './report.mjs';

/** @typedef {import('../harness/types.d.ts').Row} Row @typedef {import('../harness/types.d.ts').JobSpec} JobSpec */
/** @typedef {ReturnType<typeof import('../harness/options.mjs').readOptions>} Options */

/**
 * One case on one configuration.
 *
 * @typedef {object} Result
 * @property {string} on
 * @property {string} name       in words
 * @property {JobSpec} spec
 * @property {number} beforeNs
 * @property {number} afterNs
 * @property {number} ratio      before / after
 * @property {number} p25
 * @property {number} p75
 * @property {boolean} same      both gave the same bits
 * @property {number[]} repeats  the ratio, measured again
 */

/**
 * The engine compiles on the calling thread, and WASM directly with the optimizing compiler: on a busy machine a
 * background thread may be late. Garbage is collected between rounds.
 */
const FLAGS = ['--single-threaded', '--no-liftoff', '--expose-gc'];

const THRESHOLD = 0.97;
const REPEATS = 3;

const SETTINGS = {
  full: { rounds: 41, roundMs: 1, warmupMs: 150, compare: true },
  quick: { rounds: 31, roundMs: 1, warmupMs: 100, compare: true },
};

/** @param {Options} options @param {readonly string[]} isas  of this machine, the best first */
function configurations({ on, quick }, isas) {
  if (on !== null) return on;
  return quick ? [isas[0], 'wasm'] : [...isas, 'threads', 'wasm'];
}

/** The jobs of one configuration. Threads matter only to the jobs of T1. @param {string} on @param {Options} options */
function jobsOn(on, options) {
  const choice = on === 'threads' ? { ...options, cases: options.cases ?? ['T1'] } : options;
  return planAll(choice).filter((spec) => nameOf(spec).includes(options.only));
}

/** Groups jobs by the function that they call, in order. @param {readonly JobSpec[]} jobs */
function byCall(jobs) {
  /** @type {Map<string, JobSpec[]>} */
  const groups = new Map();
  for (const spec of jobs) {
    const key = String(spec.params['call'] ?? spec.op);
    groups.set(key, [...(groups.get(key) ?? []), spec]);
  }
  return [...groups.values()];
}

/**
 * The rows of one job: each of this build's with the earlier build's on the same output.
 *
 * @param {string} on @param {readonly Row[]} rows @returns {Result[]}
 */
function pairs(on, rows) {
  const { case: id, op, params } = rows[0];
  const spec = /** @type {JobSpec} */ ({ case: id, op, params, contenders: ['*'] });
  return rows
    .filter(({ contender }) => contender.startsWith('tokenbed'))
    .flatMap((row) => {
      const other = rows.find(({ contender }) => contender === row.contender.replace('tokenbed', 'before'));
      if (other === undefined) return []; // the earlier build does not have the operation or the dtype
      const [, output] = row.contender.split(', ');
      return {
        on,
        name: output === undefined ? nameOf(spec) : `${nameOf(spec)}, ${output} output`,
        spec,
        beforeNs: other.medianNs,
        afterNs: row.medianNs,
        ...row.vs[other.contender],
        same: row.verified && other.verified,
        repeats: [],
      };
    });
}

/** The median of several results of a case; the bits must be the same in all. @param {Result[]} results */
function middle(results) {
  const sorted = results.sort((a, b) => a.ratio - b.ratio);
  return { ...sorted[sorted.length >> 1], same: results.every(({ same }) => same) };
}

/** Runs the measurements, one process after the other. */
class Comparison {
  /** @type {string[]} */
  failures = [];

  /** @param {string} before @param {boolean} quick @param {readonly string[]} thorough  the configurations that measure short calls in several processes */
  constructor(before, quick, thorough) {
    this.before = before;
    this.quick = quick;
    this.thorough = thorough;
  }

  /**
   * @param {string} on @param {readonly JobSpec[]} jobs
   * @param {boolean} reversed  this build is opened first
   * @param {(results: Result[]) => void} take  gets the results of each call
   */
  async measure(on, jobs, reversed, take) {
    for (const group of byCall(jobs)) {
      /** @type {Result[]} */
      const all = [];
      for (let i = 0; i < this.#processes(on, group); i++) {
        all.push(...(await this.#process(on, group, reversed !== (i % 2 === 1))));
      }
      const names = [...new Set(all.map(({ name }) => name))];
      take(names.map((name) => middle(all.filter((each) => each.name === name))));
    }
  }

  /**
   * Measures short calls in several processes: the machine code of the engine differs from process to process. The
   * code before the kernel is the same on every instruction set.
   *
   * @param {string} on @param {readonly JobSpec[]} group
   */
  #processes(on, [{ op }]) {
    return !this.quick && this.thorough.includes(on) && (op === 'call' || op === 'token') ? 3 : 1;
  }

  /** @param {string} on @param {readonly JobSpec[]} jobs @param {boolean} reversed */
  async #process(on, jobs, reversed) {
    const { backends, env } = ON[on];
    const against = { before: this.before, backends, reversed };
    // With several threads the CPU time does not shrink, so the elapsed time is measured.
    const settings = { ...SETTINGS[this.quick ? 'quick' : 'full'], cpuTime: on !== 'threads' };
    const task = { group: on, jobs: [...jobs], settings, against };
    /** @type {Result[]} */
    const results = [];
    const failure = await measureApart(task, env, FLAGS, ({ rows, failed }) => {
      if (failed) this.failures.push(`${on}: ${failed.case} ${JSON.stringify(failed.params)}: ${failed.why}`);
      if (rows) results.push(...pairs(on, rows));
    });
    if (failure !== null) this.failures.push(`${on}: ${nameOf(jobs[0])}: ${failure}`);
    return results;
  }

  /** Measures the results below the threshold again, and adds the ratios. @param {string} on @param {readonly Result[]} low */
  async repeat(on, low) {
    const jobs = [...new Set(low.map(({ spec }) => spec))];
    for (let i = 0; i < REPEATS; i++) {
      await this.measure(on, jobs, i % 2 === 0, (again) => {
        for (const { name, ratio } of again) low.find((first) => first.name === name)?.repeats.push(ratio);
      });
    }
  }
}

/** @param {Result} result */
const isLow = ({ ratio }) => ratio < THRESHOLD;

/** @param {Result} result */
function isSlower({ ratio, repeats }) {
  if (ratio >= THRESHOLD || repeats.length === 0) return ratio < THRESHOLD;
  return median(repeats) < THRESHOLD && repeats.every((each) => each < 1);
}

/** @param {Options} options @returns {Promise<boolean>} whether all bits are equal, no case failed and no case is slower */
export async function benchAgainst(options) {
  const start = performance.now();
  const folder = options.against ?? '';
  const before = entryOf(folder);
  await expectSameCompilers(folder);
  const machine = await describeMachine();
  const { instructionSets } = await import('../contenders/variants.mjs'); // it needs dist/
  const isas = await instructionSets();
  const comparison = new Comparison(before, options.quick, [isas[0], 'wasm']);
  /** @type {Result[]} */
  const results = [];
  say(`${machine.cpu}, ${machine.threads} threads, load ${machine.load}. Ratio: before / after.`);
  for (const on of configurations(options, isas)) {
    const jobs = jobsOn(on, options);
    say(`\n${on}: ${jobs.length} jobs`);
    /** @type {Result[]} */
    const here = [];
    await comparison.measure(on, jobs, false, (few) => {
      here.push(...few);
      for (const result of few) say(line(result, isLow(result)));
    });
    const low = here.filter(isLow);
    if (low.length > 0) say(`  ${low.length} below ${THRESHOLD}, measured ${REPEATS} more times:`);
    await comparison.repeat(on, low);
    for (const result of low) say(repeatedLine(result, isSlower(result)));
    results.push(...here);
  }
  if (options.json !== null) {
    await writeFile(options.json, `${JSON.stringify({ machine, results }, null, 1)}\n`);
  }
  const slower = results.filter(isSlower);
  const different = results.filter(({ same }) => !same);
  say();
  for (const text of summaryLines(results)) say(text);
  for (const failure of comparison.failures) say(`FAILED ${failure}`);
  for (const { on, name } of different) say(`OTHER BITS ${on}: ${name}`);
  for (const result of slower) say(`SLOWER ${result.on}: ${repeatedLine(result, true).trim()}`);
  say(
    `${results.length} cases, ${slower.length} slower, ${different.length} with other bits, ${comparison.failures.length} failed (${seconds(performance.now() - start)})`,
  );
  return slower.length + different.length + comparison.failures.length === 0;
}
