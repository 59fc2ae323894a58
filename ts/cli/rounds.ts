/**
 * Timing contenders beside each other.
 *
 *     everybody answers one call, which is checked, and is called until warm
 *     each round:  everybody, in a new random order, for some milliseconds
 *     everybody answers one more call, which is checked
 *
 * A figure is the median of all rounds; a ratio is that of each round, then their median: what slowed a whole round
 * down has slowed both.
 */

import { fail } from '../errors.js';
import { quantile } from '../profiler/statistics.js';

/** One who does the same work as the others. */
export interface Contender {
  readonly name: string;
  /** Makes so many calls. */
  run(times: number): void | Promise<void>;
  /** What the last call gave, and what it should have given. */
  answer(): { readonly rows: Float32Array; readonly wanted: Float32Array };
  /** Frees what it holds. */
  close?(): void | Promise<void>;
}

/** How long is measured. */
export interface Settings {
  readonly rounds: number;
  readonly roundMs: number;
}

/** What one contender took: milliseconds per call, one for each round. */
export interface Times {
  readonly name: string;
  readonly rounds: readonly number[];
}

/** Measures contenders that are ready, and calls `onRound` after each round. `ERR_INTERNAL` names a wrong answer. */
export async function measure(
  contenders: readonly Contender[],
  { rounds, roundMs }: Settings,
  onRound: () => void,
): Promise<Times[]> {
  const runners = contenders.map((contender) => new Runner(contender));
  for (const runner of runners) await runner.check();
  for (const runner of runners) await runner.warmUp(2 * roundMs);
  for (let round = 0; round < rounds; round++) {
    for (const runner of shuffled(runners)) await runner.round(roundMs);
    onRound();
  }
  for (const runner of runners) await runner.check();
  return runners.map(({ contender, times }) => ({ name: contender.name, rounds: times }));
}

/** The value below which a part `q` of the rounds lies, in milliseconds per call. */
export function timeAt({ rounds }: Times, q: number): number {
  return quantile(sorted(rounds), q);
}

/** How many times as long as `other` it took. */
export function ratio({ rounds }: Times, other: Times): number {
  return quantile(sorted(rounds.map((ms, round) => ms / other.rounds[round]!)), 0.5);
}

class Runner {
  readonly times: number[] = [];
  /** Milliseconds of a call, the best so far. */
  #callMs = Infinity;

  constructor(readonly contender: Contender) {}

  async #time(calls: number): Promise<number> {
    const start = performance.now();
    const done = this.contender.run(calls);
    if (done !== undefined) await done;
    return (performance.now() - start) / calls;
  }

  async check(): Promise<void> {
    await this.#time(1);
    const { rows, wanted } = this.contender.answer();
    const words = new Uint32Array(wanted.buffer, wanted.byteOffset, wanted.length);
    const got = new Uint32Array(rows.buffer, rows.byteOffset, rows.length);
    if (words.length === got.length && words.every((word, i) => word === got[i])) return;
    const text = `${this.contender.name} gave wrong rows: it is not measured`;
    throw fail(Error, 'ERR_INTERNAL', text, { contender: this.contender.name });
  }

  /** Until the engine has compiled it, and how many calls make a round is known. */
  async warmUp(ms: number): Promise<void> {
    const end = performance.now() + ms;
    let calls = 1;
    do {
      // Too short for the clock: says nothing yet.
      this.#callMs = Math.min(this.#callMs, (await this.#time(calls)) || Infinity);
      calls = Math.max(1, Math.min(2 * calls, Math.ceil(ms / 4 / this.#callMs)));
    } while (performance.now() < end);
  }

  async round(ms: number): Promise<void> {
    this.times.push(await this.#time(Math.max(1, Math.round(ms / this.#callMs))));
  }
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((each) => ({ each, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ each }) => each);
}
