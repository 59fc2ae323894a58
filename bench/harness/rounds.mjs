/**
 * Measures a job on every contender that supports it, with the library's timing loop (ts/profiler/rounds.ts).
 *
 *   every contender answers call 0 and is checked; then it is called until it is warm
 *   round 1 .. R:  the contenders in a new random order; each takes samples for a few milliseconds
 *   every contender answers one more call and is checked again
 *
 * Every contender runs in the same loop, `for (i < repeats) call(k++)`. The source is compiled again for each, so that
 * the engine can inline one contender's call as it would in a program that uses nothing else. A contender in another
 * process runs this loop there when its turn comes.
 */

import { measure as inRounds, median, quantile, ratios } from '../../dist/profiler/rounds.js';
import { expected, judge, sameBits } from './expected.mjs';

/** @typedef {import('./types.d.ts').Job} Job @typedef {import('./types.d.ts').Prepared} Prepared */
/** @typedef {import('./types.d.ts').Contender} Contender @typedef {import('./types.d.ts').Here} Here */
/** @typedef {import('../../dist/profiler/rounds.js').Series<Entry>} Series */
/**
 * Settings of a run. `--against` also sets:
 *
 *   compare    the others must return the same bits as the first contender; no formula is evaluated
 *   cpuTime    measures the CPU time of this process, so that other programs do not count
 *
 * @typedef {{ rounds: number, roundMs: number, warmupMs?: number, compare?: boolean, cpuTime?: boolean }} Settings
 */

/** The shortest sample that is long compared with the clock's resolution. */
const SAMPLE_MS = 0.1;
/** The CPU time of this process, in microseconds. Reading it takes about a microsecond. */
const CPU_CLOCK = { now: cpuMs, resolutionMs: 0.001 };
const CPU_SAMPLE_MS = 0.4;
/** The time limit of a job. A job with long calls runs fewer rounds, but at least five. */
const JOB_MS = 12_000;
const LEAST_ROUNDS = 5;

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The number of the next call, and the number of calls per sample. @typedef {{ next: number, repeats: number }} State */

let made = 0;

/** A new copy of the timing loop, with separate type feedback and machine code. @param {Here} local @param {State} state @returns {() => void | Promise<void>} */
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

/** The state that the entries of a job share: the call on which all are checked, and its expected results. */
class Answers {
  call = 0;
  /** @type {Map<number, Float32Array | null>} */
  #expected = new Map();

  /** @param {Job} job @param {boolean} compare */
  constructor(job, compare) {
    this.job = job;
    this.compare = compare;
  }

  /** Whether `got` has the bits of the first contender's answer. The first answer is recorded. @param {Float32Array} got */
  isFirst(got) {
    const { call } = this;
    const first = this.#expected.get(call);
    if (!first) this.#expected.set(call, got.slice());
    return !first || (got.length === first.length && sameBits(got, first));
  }

  get expected() {
    const { call } = this;
    if (!this.#expected.has(call)) this.#expected.set(call, expected(this.job, call));
    return this.#expected.get(call) ?? null;
  }
}

/** One contender in one job. */
class Entry {
  /** @type {State} */
  state = { next: 0, repeats: 1 };
  verified = true;
  maxError = 0;
  /** @type {() => void | Promise<void>} */
  #loop;

  /** @param {Contender} contender @param {Prepared} prepared @param {Answers} answers @param {Settings} settings */
  constructor(contender, prepared, answers, { roundMs, cpuTime = false }) {
    this.contender = contender;
    this.prepared = prepared;
    this.answers = answers;
    this.#loop = 'call' in prepared ? loopOf(prepared, this.state) : () => {};
    const sampleMs = cpuTime ? CPU_SAMPLE_MS : SAMPLE_MS;
    /** One round trip of messages for each round. */
    this.sampleMs = 'call' in prepared ? sampleMs : roundMs;
    this.cpuTime = cpuTime;
  }

  /** Before a round of CPU time: collects the other contenders' garbage and warms the caches with this one's code. */
  async prepare() {
    if (!this.cpuTime) return;
    // A minor collection only: a major one makes the engine drop code that depends on collected objects.
    globalThis.gc?.({ type: 'minor' });
    const { repeats } = this.state;
    if (repeats > 1) await this.run(repeats);
  }

  /** @param {number} calls @returns {void | Promise<void | number>} */
  run(calls) {
    const { prepared, state } = this;
    if ('call' in prepared) {
      state.repeats = calls;
      return this.#loop();
    }
    const first = state.next;
    state.next += calls;
    return prepared.measure(first, calls).then((ns) => ns / 1e6);
  }

  async check() {
    const { answers, contender } = this;
    const { call, job } = answers;
    this.state.next = call;
    job.out.fill(NaN); // a contender that writes nothing must not pass with an earlier result
    await this.run(1);
    const got = await this.prepared.output();
    if (answers.compare) {
      this.verified &&= answers.isFirst(got);
      return;
    }
    const wanted = contender.answer?.(job, call) ?? answers.expected;
    const { verified, maxError } = judge(job, wanted, got, contender.tolerance ?? 0);
    this.verified &&= verified;
    this.maxError = Math.max(this.maxError, maxError);
  }
}

/**
 * Measures a job on every contender that supports it.
 *
 * @param {Job} job @param {readonly Contender[]} contenders @param {Settings} settings
 */
export async function measure(job, contenders, settings) {
  const { rounds, roundMs, warmupMs = 2 * roundMs, compare = false, cpuTime = false } = settings;
  const answers = new Answers(job, compare);
  /** @type {Entry[]} */
  const entries = [];
  try {
    for (const contender of contenders) {
      const prepared = await contender.ops[job.op]?.(job);
      if (prepared) entries.push(new Entry(contender, prepared, answers, settings));
    }
    if (entries.length === 0) throw new Error('no contender does this job');
    const all = await inRounds(entries, {
      warmupMs,
      roundMs,
      ...(cpuTime ? { clock: CPU_CLOCK } : {}),
      next: (all) => {
        const done = all[0].rounds.length;
        const spentMs = all.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
        return done < rounds && (done < LEAST_ROUNDS || spentMs < JOB_MS) ? all : [];
      },
      // The same call for all, so that one expected result is enough.
      onRound: () => void (answers.call = Math.max(...entries.map(({ state }) => state.next))),
    });
    return all.map((series) => summary(series, all, job));
  } finally {
    for (const { prepared } of entries) await prepared.close?.();
  }
}

/** @param {Series} own @param {readonly Series[]} all @param {Job} job */
function summary(own, all, job) {
  const { contender, verified, maxError } = own.contender;
  const ns = own.rounds.map((ms) => 1e6 * ms);
  return {
    contender: contender.name,
    backend: contender.backend,
    isa: contender.isa ?? null,
    pages: contender.pages ?? job.pages,
    medianNs: median(ns),
    p25Ns: quantile(ns, 0.25),
    p75Ns: quantile(ns, 0.75),
    rounds: ns.length,
    bytes: job.out.byteLength,
    verified,
    maxError,
    vs: Object.fromEntries(
      all
        .filter((other) => other !== own)
        .map((other) => [other.contender.contender.name, paired(other, own)]),
    ),
  };
}

/** The ratio of the times of `other` and `own`: the median and the quartiles of the rounds. @param {Series} other @param {Series} own */
function paired(other, own) {
  const values = ratios(other, own);
  return { ratio: median(values), p25: quantile(values, 0.25), p75: quantile(values, 0.75) };
}
