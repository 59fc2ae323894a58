/**
 * npm run bench:training: gradients, losses and optimizers beside torch, gensim, fastText and plain JavaScript (T1 to T13).
 *
 *   npm run bench:training -- --only T1,T5     some targets
 *   npm run bench:training -- --rounds 5       fewer rounds
 *
 * Each contender has a process of its own with one thread (T12: two), and they take turns in a new random order in each round.
 * The answers after the first step are compared first. A time is that of the clock or of the processor, whichever is less, but
 * for T12 that of the clock. A ratio is the peer's time over ours, paired round by round; the table has the median. Below 1.15
 * it is noise. `npm run bench:peers` installs the peers.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { say, step } from '../scripts/lib/progress.mjs';
import { describeMachine } from './harness/machine.mjs';
import { median } from './harness/statistics.mjs';
import { lineProcess, ratio, shuffled } from './harness/turns.mjs';
import { notInstalled, python } from './peers/installed.mjs';
import { CASES, QUALITY } from './training/cases.mjs';
import { dataFile, makeData, POOL, TOPICS } from './training/data.mjs';

/** @typedef {import('./training/cases.mjs').Case} Case @typedef {import('./training/cases.mjs').Task} Task */

const program = (/** @type {string} */ name) => fileURLToPath(new URL(`training/${name}`, import.meta.url));
const ONE_THREAD = { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
/** @type {Record<string, readonly [command: string, ...args: string[]]>} */
const COMMANDS = {
  native: [process.execPath, program('own.mjs'), 'native'],
  two: [process.execPath, program('own.mjs'), 'native'],
  wasm: [process.execPath, program('own.mjs'), 'wasm'],
  plain: [process.execPath, program('plain.mjs')],
  torch: [python, '-u', program('with_torch.py')],
  gensim: [python, '-u', program('with_words.py'), 'gensim'],
  fasttext: [python, '-u', program('with_words.py'), 'fasttext'],
};

/** A contender's process, prepared for a task. @param {string} name @param {Task} task */
async function contender(name, task) {
  const [command, ...args] = COMMANDS[name];
  if (!existsSync(command)) throw notInstalled(name);
  const TOKENBED_THREADS = name === 'two' ? '2' : '1';
  const variables = { ...ONE_THREAD, TOKENBED_THREADS, BENCH_TRAINING_DATA: dataFile('') };
  const child = lineProcess(name, command, args, variables);
  const request = (/** @type {unknown} */ message) => child.request(JSON.stringify(message));
  await request({ prepare: task });
  return {
    name,
    async answer() {
      const file = dataFile(`answer-${name}.f32`);
      await request({ answer: file });
      return new Float32Array(new Uint8Array(await readFile(file)).buffer);
    },
    /** @param {number} first @param {number} count @returns {Promise<[number, number]>} */
    run: (first, count) => request({ run: [first, count] }),
    end: child.end,
  };
}

/** The greatest difference of two answers, of 1 or of the value. @param {Float32Array} own @param {Float32Array} other */
function difference(own, other) {
  if (own.length !== other.length) throw new Error(`${own.length} and ${other.length} values`);
  let greatest = 0;
  for (let i = 0; i < own.length; i++) {
    const apart = own[i] === other[i] ? 0 : Math.abs(own[i] - other[i]) / Math.max(1, Math.abs(other[i]));
    if (!(apart <= greatest)) greatest = apart;
  }
  return greatest;
}

/** Measures a case and prints its line. @param {Case} spec */
async function compare({ target, what, task, own, peer, other, wanted, goal, steps, tolerance, clock }) {
  /** @type {Awaited<ReturnType<typeof contender>>[]} */
  const both = [];
  try {
    both.push(await contender(own, task));
    both.push(await contender(peer, { ...task, ...other }));
    const [us, them] = both;
    const answers = [await us.answer(), await them.answer()];
    let agreement = '';
    if (tolerance !== undefined) {
      const apart = difference(answers[0], answers[1]);
      agreement = `differ by ${apart.toPrecision(1)}`;
      if (!(apart <= tolerance)) throw new Error(`the answers differ by ${apart}: at most ${tolerance}`);
    }
    /** @type {Map<object, number[]>} */
    const times = new Map(both.map((each) => [each, []]));
    // Every row of the pool once: then the state of an optimizer is warm.
    const warm = task.ids === undefined ? steps : POOL / Number(task.batch);
    for (const each of both) await each.run(1, warm);
    for (let round = 0; round < rounds; round++) {
      for (const each of shuffled(both)) {
        const [elapsed, used] = await each.run(1 + warm + round * steps, steps);
        times.get(each)?.push((clock ? elapsed : Math.min(elapsed, used)) / steps);
      }
    }
    const [ours = [], theirs = []] = [times.get(us), times.get(them)];
    const measured = ratio(ours, theirs);
    const verdict = measured >= (goal ?? wanted) ? 'yes' : measured >= wanted ? 'yes, not the goal' : 'no';
    const ms = [ours, theirs].map((list) => {
      const time = median(list);
      return `${time < 100 ? time.toPrecision(3) : time.toFixed(0)} ms`;
    });
    const limits = goal === undefined ? `${wanted.toFixed(2)}` : `${wanted.toFixed(2)}, goal ${goal}`;
    return [target, what, ...ms, `${measured.toFixed(2)} x`, limits, verdict, agreement];
  } finally {
    for (const each of both) each.end();
  }
}

/** The share of the 5 nearest words that have the topic of the word. @param {Float32Array} vectors */
function ofTopic(vectors) {
  const { topics, words, dim } = TOPICS;
  const row = (/** @type {number} */ id) => vectors.subarray(id * dim, (id + 1) * dim);
  const dot = (/** @type {Float32Array} */ a, /** @type {Float32Array} */ b) =>
    a.reduce((sum, x, i) => sum + x * b[i], 0);
  let found = 0;
  for (let id = 0; id < topics * words; id++) {
    const scores = Array.from({ length: topics * words }, (_, i) => [
      i,
      dot(row(id), row(i)) / Math.sqrt(dot(row(i), row(i))),
    ]);
    const nearest = scores
      .filter(([i]) => i !== id)
      .sort((a, b) => b[1] - a[1])
      .slice(0, 5);
    found += nearest.filter(([i]) => Math.floor(i / words) === Math.floor(id / words)).length;
  }
  return found / (5 * topics * words);
}

/** T8: the quality after the same pairs. */
async function quality() {
  /** @type {[name: string, share: number][]} */
  const shares = [];
  for (const name of ['native', 'gensim', 'fasttext']) {
    const each = await contender(name, QUALITY);
    shares.push([name, 100 * ofTopic(await each.answer())]);
    each.end();
  }
  const [own, ...others] = shares.map(([, share]) => share);
  const met = own >= Math.max(...others) - 2 ? 'yes' : 'no';
  const list = shares.map(([name, share]) => `${name} ${share.toFixed(1)} %`).join(', ');
  say(`T8, words of the same topic among the 5 nearest (within 2 points: ${met}): ${list}`);
}

const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string' } } });
const rounds = Number(values.rounds ?? 15);
const only = values.only?.split(',');
const { cpu, load } = await describeMachine();
await step('Making the data', '10 s', makeData);
say('| target | what | ours | peer | ratio | at least | met | answers |');
say('|---|---|---|---|---|---|---|---|');
for (const spec of CASES) {
  if (only !== undefined && !only.includes(spec.target)) continue;
  const cells = await compare(spec).catch((error) => {
    process.exitCode = 1;
    return [spec.target, spec.what, '', '', '', '', 'failed', error.message];
  });
  say(`| ${cells.join(' | ')} |`);
}
if (only === undefined || only.includes('T8')) await quality();
say(
  `${cpu}, load ${load} at the start, node ${process.versions.node}; one thread but for T12; medians of ${rounds} rounds`,
);
