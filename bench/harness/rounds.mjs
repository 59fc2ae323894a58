/**
 * The measuring itself.
 *
 *   every contender answers call 0 and is checked; then it is called until it is warm, and its speed estimated
 *   round 1 .. R:  the contenders in a new random order; each is measured for a few milliseconds by tinybench
 *   every contender answers one more call and is checked again
 *
 * Every contender is timed in the same loop, `for (i < repeats) call(k++)`: the source is compiled anew for each, so that
 * the engine may inline one contender's call as it would in a program that uses nothing else. A contender in another process
 * runs this loop there, when it is its turn.
 */

import { Bench } from 'tinybench';
import { expected, judge } from './expected.mjs';
import { median, paired, quantile } from './statistics.mjs';

/** @typedef {import('./types.d.ts').Job} Job @typedef {import('./types.d.ts').Prepared} Prepared */
/** @typedef {import('./types.d.ts').Contender} Contender @typedef {import('./types.d.ts').Here} Here */
/** @typedef {{ rounds: number, roundMs: number }} Settings */

/** A sample shorter than this would measure the clock. */
const SAMPLE_NS = 100_000;
/** Where a single call takes a second, fewer rounds must do; never fewer than five. */
const JOB_MS = 12_000;
const LEAST_ROUNDS = 5;

/** Which call is next, and how many make a sample. @typedef {{ next: number, repeats: number }} State */

let made = 0;

/** The timing loop, with feedback and machine code of its own. @param {Here} local @param {State} state @returns {() => void | Promise<void>} */
function loopOf(local, state) {
  const [prefix, wait] = local.async ? ['async ', 'await '] : ['', ''];
  const source = `
    // loop ${made++}
    return ${prefix}function loop() {
      const { repeats } = state;
      let k = state.next;
      for (let i = 0; i < repeats; i++) ${wait}call(k++);
      state.next = k;
    };`;
  return new Function('call', 'state', source)(local.call, state);
}

/** One contender under way. */
class Entry {
  /** @type {State} */
  state = { next: 0, repeats: 1 };
  /** ns per call, one per round. @type {number[]} */
  times = [];
  /** The best so far, ns per call. */
  ns = Infinity;
  verified = true;
  maxError = 0;
  /** @type {() => void | Promise<void>} */
  #loop;

  /** @param {Contender} contender @param {Prepared} prepared */
  constructor(contender, prepared) {
    this.contender = contender;
    this.prepared = prepared;
    this.#loop = 'call' in prepared ? loopOf(prepared, this.state) : () => {};
  }

  /** Runs `count` calls and gives ns per call. @param {number} count */
  async #run(count) {
    const { prepared, state } = this;
    if (!('call' in prepared)) {
      const ns = await prepared.measure(state.next, count);
      state.next += count;
      return ns / count;
    }
    state.repeats = count;
    const start = process.hrtime.bigint();
    await this.#loop();
    return Number(process.hrtime.bigint() - start) / count;
  }

  /** @param {Job} job @param {Map<number, Float32Array | null>} answers of the calls asked so far */
  async check(job, answers) {
    const k = this.state.next;
    job.out.fill(NaN); // or whoever writes nothing would be right by what was left there
    await this.#run(1);
    if (!answers.has(k)) answers.set(k, expected(job, k));
    const wanted = this.contender.answer?.(job, k) ?? answers.get(k) ?? null;
    const got = await this.prepared.output();
    const { verified, maxError } = judge(job, wanted, got, this.contender.tolerance ?? 0);
    this.verified &&= verified;
    this.maxError = Math.max(this.maxError, maxError);
  }

  /** Until the engine has compiled it; the repeats of a sample follow. @param {number} ms */
  async warmUp(ms) {
    const end = performance.now() + ms;
    let count = 1;
    do {
      this.ns = Math.min(this.ns, await this.#run(count));
      count = Math.max(1, Math.min(2 * count, Math.ceil((1e6 * ms) / 4 / this.ns)));
    } while (performance.now() < end);
  }

  /** @param {number} ms */
  async round(ms) {
    const { prepared, state } = this;
    if (!('call' in prepared)) {
      const count = Math.max(1, Math.ceil((1e6 * ms) / this.ns));
      this.times.push(await this.#run(count));
      return;
    }
    const repeats = Math.max(1, Math.ceil(SAMPLE_NS / this.ns));
    state.repeats = repeats;
    const bench = new Bench({ time: ms, iterations: this.ns > 5e7 ? 1 : 2, warmup: false, throws: true });
    bench.add(this.contender.name, this.#loop, { async: prepared.async ?? false });
    await bench.run();
    const { result } = bench.tasks[0];
    if (!('latency' in result)) throw new Error(`${this.contender.name}: tinybench gave no result`);
    this.times.push((result.latency.p50 * 1e6) / repeats);
  }
}

/** In place. @template T @param {T[]} list */
function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
}

/**
 * Measures a job on every contender that does it.
 *
 * @param {Job} job @param {readonly Contender[]} contenders @param {Settings} settings
 */
export async function measure(job, contenders, { rounds, roundMs }) {
  /** @type {Entry[]} */
  const entries = [];
  try {
    for (const contender of contenders) {
      const prepared = await contender.ops[job.op]?.(job);
      if (prepared) entries.push(new Entry(contender, prepared));
    }
    if (entries.length === 0) throw new Error('no contender does this job');
    const answers = new Map();
    for (const entry of entries) await entry.check(job, answers);
    for (const entry of entries) await entry.warmUp(2 * roundMs);
    const order = [...entries];
    const perRound = entries.reduce((sum, { ns }) => sum + Math.max(roundMs, ns / 1e6), 0);
    const affordable = Math.max(LEAST_ROUNDS, Math.floor(JOB_MS / perRound));
    for (let round = 0; round < Math.min(rounds, affordable); round++) {
      shuffle(order);
      for (const entry of order) await entry.round(roundMs);
    }
    // The same call for all, so that one expected answer does.
    const last = Math.max(...entries.map(({ state }) => state.next));
    for (const entry of entries) {
      entry.state.next = last;
      await entry.check(job, answers);
    }
    return entries.map((entry) => summary(entry, entries, job));
  } finally {
    for (const { prepared } of entries) await prepared.close?.();
  }
}

/** @param {Entry} entry @param {readonly Entry[]} all @param {Job} job */
function summary({ contender, times, verified, maxError }, all, job) {
  return {
    contender: contender.name,
    backend: contender.backend,
    isa: contender.isa ?? null,
    pages: contender.pages ?? job.pages,
    medianNs: median(times),
    p25Ns: quantile(times, 0.25),
    p75Ns: quantile(times, 0.75),
    rounds: times.length,
    bytes: job.out.byteLength,
    verified,
    maxError,
    vs: Object.fromEntries(
      all
        .filter((other) => other.contender !== contender)
        .map((other) => [other.contender.name, paired(times, other.times)]),
    ),
  };
}
