/**
 * Timing: samples of many calls, in turns, until the median is known.
 *
 *     a sample:    calls, ever more at a time, until the clock has moved by many ticks
 *     each task:   samples that do not count, for the time of the warm-up
 *     each round:  one sample of every task whose figure is not settled yet
 *     settled:     timed for long enough, and its median known within 2 %; or four times as long
 *
 * In turns, so that whatever else the machine does meanwhile meets all of them alike. Nothing here trusts the clock: a
 * sample is bounded by the work that it does, too, and begins anew when the clock was set back.
 */

import { type Clock, clockStandsStill } from './clock.js';
import type { ProfilerSettings } from './results.js';
import { medianError, quantile } from './statistics.js';

/** What is timed. */
export interface Task {
  /** About how many bytes one call moves or computes: what bounds the work where the clock does not. */
  readonly bytes: number;
  /** Makes so many calls. */
  readonly run: (times: number) => void;
}

/** Of one call, in milliseconds. */
export interface Timing {
  readonly medianMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
  /** How many calls were timed. */
  readonly iterations: number;
}

/** A sample takes so many milliseconds, as reading the clock takes time too, and so many ticks. */
const SAMPLE_MS = 0.5;
const TICKS = 32;
/** Of a very coarse clock fewer ticks must do, so that a sample does not take longer than this. */
const LEAST_TICKS = 8;
const LONG_SAMPLE_MS = 160;

/** Between two readings of the clock at most so many bytes are moved (10 to 100 ms), a call counting for some at least. */
const READING_BYTES = 2 ** 28;
const CALL_BYTES = 2 ** 10;
/** A sample reads the clock at most so often: twenty times to find out how many calls it needs, then for ticks. */
const MOST_READINGS = 48;

const LEAST_SAMPLES = 7;
const GOOD_ERROR = 0.02;
const PATIENCE = 4;

/** Times several tasks in turns. `ERR_INTERNAL` when the clock stops. */
export function timeInTurns(tasks: readonly Task[], clock: Clock, settings: ProfilerSettings): Timing[] {
  const all = tasks.map((task) => new Series(task, clock));
  for (const series of all) series.warmUp(settings.warmupMs);
  for (let open = all; open.length > 0; open = open.filter((each) => !each.settled(settings.minTimeMs))) {
    for (const series of open) series.sample();
  }
  return all.map((series) => series.timing());
}

/** The samples of one task. */
class Series {
  readonly #task: Task;
  readonly #clock: Clock;
  readonly #sampleMs: number;
  /** Calls between two readings of the clock, and the most there may be. */
  #calls = 1;
  readonly #mostCalls: number;
  /** Milliseconds per call, one for each sample. */
  readonly #samples: number[] = [];
  #iterations = 0;
  #elapsedMs = 0;
  /** Whether the median was good enough, and at how many samples it is looked at next. */
  #good = false;
  #nextLook = LEAST_SAMPLES;

  constructor(task: Task, clock: Clock) {
    const { resolutionMs } = clock;
    const fine = Math.min(TICKS * resolutionMs, LONG_SAMPLE_MS);
    this.#task = task;
    this.#clock = clock;
    this.#sampleMs = Math.max(SAMPLE_MS, fine, LEAST_TICKS * resolutionMs);
    this.#mostCalls = Math.max(1, Math.floor(READING_BYTES / Math.max(CALL_BYTES, task.bytes)));
  }

  /** Calls until the clock has moved enough, or enough has been done. */
  #take(): { readonly calls: number; readonly ms: number } {
    const { now } = this.#clock;
    let start = now();
    let [calls, ms] = [0, 0];
    for (let reading = 0; reading < MOST_READINGS && ms < this.#sampleMs; reading++) {
      this.#task.run(this.#calls);
      calls += this.#calls;
      ms = now() - start;
      if (ms < 0) {
        start = now();
        [calls, ms] = [0, 0];
      } else if (ms < this.#sampleMs) {
        this.#calls = Math.min(2 * this.#calls, this.#mostCalls);
      }
    }
    if (!(ms > 0)) throw clockStandsStill();
    return { calls, ms };
  }

  /** Until the engine has compiled what is called, and the caches hold what they will. */
  warmUp(leastMs: number): void {
    let elapsedMs = 0;
    do elapsedMs += this.#take().ms;
    while (elapsedMs < leastMs);
  }

  sample(): void {
    const { calls, ms } = this.#take();
    this.#samples.push(ms / calls);
    this.#iterations += calls;
    this.#elapsedMs += ms;
  }

  settled(minTimeMs: number): boolean {
    const count = this.#samples.length;
    if (count < LEAST_SAMPLES) return false;
    if (this.#elapsedMs >= PATIENCE * minTimeMs) return true;
    if (count >= this.#nextLook) {
      this.#good = medianError(this.#sorted()) <= GOOD_ERROR;
      this.#nextLook = Math.ceil(1.25 * count);
    }
    return this.#good && this.#elapsedMs >= minTimeMs;
  }

  timing(): Timing {
    const sorted = this.#sorted();
    return {
      medianMs: quantile(sorted, 0.5),
      p10Ms: quantile(sorted, 0.1),
      p90Ms: quantile(sorted, 0.9),
      iterations: this.#iterations,
    };
  }

  #sorted(): number[] {
    return [...this.#samples].sort((a, b) => a - b);
  }
}
