/** What every measurement is given: a way to time, and somebody to tell how far it has come. */

import { type Clock, openClock } from './clock.js';
import type { ProfilerSettings } from './results.js';
import { type Task, timeInTurns, type Timing } from './timer.js';

/** How far a measurement of the profiler has come. */
export interface ProfilerProgress {
  /** How much is done. */
  readonly done: number;
  /** How much there is to do. */
  readonly total: number;
  /**
   * What is next; once all are done, what was last: the key of an entry, or of the positions `computation` and
   * `construction`.
   */
  readonly label: string;
}

/** Called before each entry of a result is measured, and once more at the end. What it throws ends the measurement. */
export type OnProfilerProgress = (progress: ProfilerProgress) => void;

/** One measurement under way. */
export class Measuring {
  #clock: Clock | null = null;

  constructor(
    private readonly settings: ProfilerSettings,
    private readonly onProgress: OnProfilerProgress | undefined,
  ) {}

  /** The smallest step of the clock that was seen; `null` while none was needed. */
  get clockResolutionMs(): number | null {
    return this.#clock?.resolutionMs ?? null;
  }

  /** Times some tasks in turns. `ERR_INTERNAL` on a host whose clock stands still. */
  time(...tasks: readonly Task[]): Timing[] {
    this.#clock ??= openClock();
    return timeInTurns(tasks, this.#clock, this.settings);
  }

  /** Calls `measure` for each of `items`, and tells before each one. Gives the results by key, in this order. */
  each<Item, Result>(
    items: readonly (readonly [key: string, item: Item])[],
    measure: (item: Item) => Result,
  ): Record<string, Result> {
    const results: Record<string, Result> = {};
    const total = items.length;
    for (const [done, [label, item]] of items.entries()) {
      this.onProgress?.({ done, total, label });
      results[label] = measure(item);
    }
    if (total > 0) this.onProgress?.({ done: total, total, label: items.at(-1)![0] });
    return results;
  }
}
