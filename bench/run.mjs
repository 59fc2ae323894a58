/**
 * The bench: compares tokenbed with every peer at the same work.
 *
 *   npm run bench -- [--quick] [--case N1,...] [--op gather,...] [--peers js,...] [--json FILE] [--answers]
 *   npm run bench -- --against FOLDER [--on avx2,wasm,...] [--only TEXT] [--quick] ...    compares with an earlier build
 *
 *   cases.mjs        the cases                        marks.mjs     the targets
 *   contenders/      one file per contender           peers/        their installation (npm run bench:peers)
 *   harness/         the measurement                  results/      records of full runs
 *   naive/           reference kernels in Rust without any tuning
 *   against/         an earlier build and this one: speed, random programs, the earlier tests
 *
 * Each group of peers runs in one process with tokenbed and plain JavaScript. Rounds are short, each runs all contenders
 * in a new random order, and every answer is checked. A speed is a ratio, paired round by round. The exit code is 1 if
 * an answer is wrong or a contender failed; the figures do not affect it.
 */

import { say, seconds } from '../scripts/lib/progress.mjs';
import { setUp } from '../scripts/setup.mjs';
import { benchAgainst } from './against/bench.mjs';
import { measureApart } from './harness/apart.mjs';
import { judgeMarks } from './harness/judge-marks.mjs';
import { describeCommit, describeMachine } from './harness/machine.mjs';
import { readOptions, USAGE } from './harness/options.mjs';
import { plan } from './harness/plan.mjs';
import { writeRecord } from './harness/record.mjs';
import { jobLines, markLines } from './harness/report.mjs';
import { measureStartUp } from './harness/start-up.mjs';
import { buildNaive } from './naive/build.mjs';

/** @typedef {import('./harness/types.d.ts').Row} Row */

/** @type {Record<'full' | 'quick' | 'answers', import('./harness/rounds.mjs').Settings>} */
const SETTINGS = {
  full: { rounds: 21, roundMs: 4 },
  quick: { rounds: 7, roundMs: 3 },
  answers: { rounds: 1, roundMs: 0 },
};

/** The results of all groups of a run. */
class Gathered {
  /** @type {Row[]} */
  rows = [];
  /** @type {Record<string, string>} */
  versions = { node: process.versions.node };
  /** @type {string[]} */
  missing = [];
  /** @type {string[]} */
  failures = [];

  /** @param {string} group @param {any} message */
  take(group, { rows, version, missing, failed }) {
    if (version && version.version !== '') this.versions[version.name] = version.version;
    if (missing) this.missing.push(`${missing.name}: ${missing.why}`);
    if (failed)
      this.failures.push(`${failed.case} (${group}) ${JSON.stringify(failed.params)}: ${failed.why}`);
    if (!rows) return;
    this.rows.push(...rows);
    for (const line of jobLines(rows)) say(line);
  }

  get wrong() {
    return this.rows.filter(({ verified }) => !verified);
  }
}

/** @param {ReturnType<typeof readOptions>} options */
async function bench(options) {
  const start = performance.now();
  const settings = SETTINGS[options.answers ? 'answers' : options.quick ? 'quick' : 'full'];
  const machine = await describeMachine();
  const commit = await describeCommit(); // before the run: files may change during it
  const jobs = plan(options);
  const record = new Gathered();
  say(
    `${machine.cpu}, ${machine.threads} threads, load ${machine.load}, huge pages: ${machine.transparentHugePages}`,
  );
  for (const [group, specs] of jobs) {
    say(`\nGroup ${group}: ${specs.length} jobs, ${settings.rounds} rounds each`);
    // One thread: only case T1 measures several.
    const task = { group, jobs: specs, settings };
    const failure = await measureApart(task, { TOKENBED_THREADS: '1' }, [], (message) =>
      record.take(group, message),
    );
    if (failure !== null) record.failures.push(`${group}: ${failure}`);
  }
  const startUp = options.cases?.includes('L1') ?? (options.ops === null && options.peers === null);
  const startUpMs = startUp && !options.answers ? measureStartUp() : {};
  const marks = judgeMarks(machine.class, record.rows, startUpMs);

  if (options.json !== null) {
    const { rows, versions, missing } = record;
    const date = new Date().toISOString().slice(0, 10);
    await writeRecord(options.json, {
      commit,
      date,
      machine,
      versions,
      missing,
      startUpMs,
      rows,
      marks,
    });
  }
  say();
  if (!options.answers) for (const line of markLines(marks)) say(line);
  for (const name of record.missing) say(`MISSING ${name}`);
  for (const failure of record.failures) say(`FAILED ${failure}`);
  for (const { contender, case: id, params } of record.wrong) {
    say(`WRONG ANSWER ${contender} in ${id} ${JSON.stringify(params)}`);
  }
  const right = record.rows.length - record.wrong.length;
  say(
    `${right} answers right, ${record.wrong.length} wrong, ${record.failures.length} failed (${seconds(performance.now() - start)})`,
  );
  return record.wrong.length + record.failures.length === 0;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) say(USAGE);
  else {
    await setUp();
    await buildNaive();
    process.exitCode = (await (options.against === null ? bench : benchAgainst)(options)) ? 0 : 1;
  }
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
