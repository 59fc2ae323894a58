/**
 * Times contenders in interleaved rounds.
 *
 *     each contender:  is called once and checked, then called until it is warm
 *     each round:      every contender, in a new random order, takes one or more samples; their median is kept
 *     a sample:        calls until the clock has advanced by many ticks
 *     each contender:  is checked once more
 *
 * A figure is the median of all rounds. Two contenders are compared round by round (`ratios`), because a temporary
 * slowdown of the machine affects both. The clock is not trusted: the work of a sample is bounded, too, and a sample
 * restarts if the clock was set back.
 *
 * Used by the profiler, the command `bench`, the benchmarks in bench/ and the page of examples/browser.
 */

import { type Clock, clockStandsStill, openClock } from './clock.js';

type Awaitable<T> = T | Promise<T>;

/** A function to measure. */
export interface Contender {
  /** Makes `calls` calls. Returns their milliseconds if they were timed elsewhere, such as in another process. */
  run(calls: number): Awaitable<number | void>;
  /** Throws if a result is wrong. Runs after the first call and after the last round. */
  check?(): Awaitable<void>;
  /** Runs before the samples of each round, outside their time. */
  prepare?(): Awaitable<void>;
  /** Approximately the bytes that one call moves or computes. Bounds the work if the clock does not. */
  readonly bytes?: number;
  /** The least time of a sample of this contender, instead of `Plan.sampleMs`. */
  readonly sampleMs?: number;
}

/** How contenders are measured. Times are in milliseconds. */
export interface Plan<C extends Contender = Contender> {
  readonly warmupMs: number;
  /** The least time of a sample, default 0.5; more on a coarse clock. */
  readonly sampleMs?: number;
  /** A contender takes samples in its round for this long, default 0: one sample. */
  readonly roundMs?: number;
  /** The contenders of the next round; the measurement ends when there are none. */
  next(all: readonly Series<C>[]): readonly Series<C>[];
  /** Runs after each round. */
  onRound?(all: readonly Series<C>[]): Awaitable<void>;
  /** Default: the result of `openClock`. */
  readonly clock?: Clock;
}

/** The least time and ticks of a sample: reading the clock takes time, too. */
const SAMPLE_MS = 0.5;
const TICKS = 32;
/** On a very coarse clock a sample takes fewer ticks, to stay below LONG_SAMPLE_MS. */
const LEAST_TICKS = 8;
const LONG_SAMPLE_MS = 160;

/** The most bytes between two readings of the clock (10 to 100 ms). A call counts as at least CALL_BYTES. */
const READING_BYTES = 2 ** 28;
const CALL_BYTES = 2 ** 10;
/** The most readings of the clock per sample: twenty to determine the number of calls, the rest to wait for ticks. */
const MOST_READINGS = 48;
/** The factor on the estimated number of calls of a sample, so that it is rarely too short. */
const MARGIN = 1.1;

/** Yields promises to await and receives their values. */
type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** The measurements of one contender. */
export class Series<C extends Contender = Contender> {
  /** Milliseconds per call, one figure for each round. */
  readonly rounds: number[] = [];
  /** The number of calls in all rounds, and their time. */
  calls = 0;
  elapsedMs = 0;
  /** Calls between two readings of the clock. */
  #callsPerReading = 1;
  readonly #mostCalls: number;
  readonly #sampleMs: number;

  constructor(
    readonly contender: C,
    private readonly clock: Clock,
    private readonly plan: Plan<C>,
  ) {
    const { bytes, sampleMs = plan.sampleMs ?? SAMPLE_MS } = contender;
    const fine = Math.min(TICKS * clock.resolutionMs, LONG_SAMPLE_MS);
    this.#sampleMs = Math.max(sampleMs, fine, LEAST_TICKS * clock.resolutionMs);
    this.#mostCalls =
      bytes === undefined ? Infinity : Math.max(1, Math.floor(READING_BYTES / Math.max(CALL_BYTES, bytes)));
  }

  get medianMs(): number {
    return median(this.rounds);
  }

  /** Calls the contender until the clock has advanced enough or enough work is done. */
  *#sample(): Steps<{ readonly calls: number; readonly ms: number }> {
    const { now } = this.clock;
    const sampleMs = this.#sampleMs;
    let start = now();
    let [calls, ms] = [0, 0];
    for (let reading = 0; reading < MOST_READINGS && ms < sampleMs; reading++) {
      const running = this.contender.run(this.#callsPerReading);
      const elsewhere = running instanceof Promise ? yield running : running;
      calls += this.#callsPerReading;
      ms = typeof elsewhere === 'number' ? ms + elsewhere : now() - start;
      if (ms < 0) {
        start = now();
        [calls, ms] = [0, 0];
      } else if (ms < sampleMs) {
        const needed = Math.ceil((MARGIN * calls * sampleMs) / ms);
        this.#callsPerReading = Math.min(2 * this.#callsPerReading, needed, this.#mostCalls);
      }
    }
    if (!(ms > 0)) throw clockStandsStill();
    return { calls, ms };
  }

  /** Makes and checks the first call. */
  *begin(): Steps<void> {
    yield* settled(this.contender.run(1));
    yield* this.check();
  }

  *check(): Steps<void> {
    yield* settled(this.contender.check?.());
  }

  /** Calls the contender until the engine has compiled it and the caches are warm. */
  *warmUp(): Steps<void> {
    let elapsedMs = 0;
    do elapsedMs += (yield* this.#sample()).ms;
    while (elapsedMs < this.plan.warmupMs);
  }

  *round(): Steps<void> {
    const { roundMs = 0 } = this.plan;
    yield* settled(this.contender.prepare?.());
    const samples: number[] = [];
    let elapsedMs = 0;
    do {
      const { calls, ms } = yield* this.#sample();
      samples.push(ms / calls);
      this.calls += calls;
      elapsedMs += ms;
    } while (elapsedMs < roundMs);
    this.rounds.push(median(samples));
    this.elapsedMs += elapsedMs;
  }
}

/** Measures contenders, in the order of the list. `ERR_BACKEND_UNAVAILABLE` if the clock stops. */
export async function measure<C extends Contender>(
  contenders: readonly C[],
  plan: Plan<C>,
): Promise<Series<C>[]> {
  const steps = stepsOf(contenders, plan);
  let step = steps.next();
  while (!step.done) step = steps.next(await step.value);
  return step.value;
}

/** As `measure`, but synchronous: neither the contenders nor the plan may return a promise. */
export function measureNow<C extends Contender>(contenders: readonly C[], plan: Plan<C>): Series<C>[] {
  return stepsOf(contenders, plan).next().value as Series<C>[];
}

function* stepsOf<C extends Contender>(contenders: readonly C[], plan: Plan<C>): Steps<Series<C>[]> {
  const clock = plan.clock ?? openClock();
  const all = contenders.map((contender) => new Series(contender, clock, plan));
  for (const series of all) yield* series.begin();
  for (const series of all) yield* series.warmUp();
  for (let open = plan.next(all); open.length > 0; open = plan.next(all)) {
    for (const series of shuffled(open)) yield* series.round();
    yield* settled(plan.onRound?.(all));
  }
  for (const series of all) yield* series.check();
  return all;
}

function* settled(value: unknown): Steps<void> {
  if (value instanceof Promise) yield value;
}

/** A `Plan.next` of `count` rounds. */
export const roundsOf =
  (count: number) =>
  <C extends Contender>(all: readonly Series<C>[]): readonly Series<C>[] =>
    all.every(({ rounds }) => rounds.length < count) ? all : [];

/** The quantile `q` of at least one value, interpolated linearly between the two nearest. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const lower = sorted[below]!;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return lower + (upper - lower) * (place - below);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The time of a contender divided by that of `own`, for each round. */
export const ratios = ({ rounds }: Series, own: Series): number[] =>
  rounds.map((ms, round) => ms / own.rounds[round]!);

/** The state of xorshift32. `Math.random` is left to the caller. */
let state = 0x9e37_79b9;

function shuffled<T>(list: readonly T[]): T[] {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
