/** One measurement of the profiler: its rounds until the medians are known, and its progress. */

import { type Clock, openClock } from './clock.js';
import type { ProfilerSettings } from './results.js';
import { type Contender, measureNow, median, type Series } from './rounds.js';

/** A contender is settled after so many samples and `minTimeMs`, if its median is known this well ... */
const LEAST_SAMPLES = 7;
const GOOD_ERROR = 0.02;
/** ... or after so many times `minTimeMs`. */
const PATIENCE = 4;

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

  /** Measures some contenders, one sample a round, until all are settled. `ERR_INTERNAL` if the clock stands still. */
  time(...contenders: readonly Contender[]): Series[] {
    this.#clock ??= openClock();
    const { warmupMs, minTimeMs } = this.settings;
    return measureNow(contenders, { clock: this.#clock, warmupMs, next: untilSettled(minTimeMs) });
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

/** A `Plan.next`: the contenders that are not settled yet. */
function untilSettled(minTimeMs: number): (all: readonly Series[]) => readonly Series[] {
  let open: readonly Series[] | null = null;
  const nextLook = new Map<Series, number>();
  const isOpen = (series: Series): boolean => {
    const { elapsedMs, rounds } = series;
    const count = rounds.length;
    if (count < LEAST_SAMPLES) return true;
    if (elapsedMs >= PATIENCE * minTimeMs) return false;
    if (elapsedMs < minTimeMs || count < (nextLook.get(series) ?? 0)) return true;
    nextLook.set(series, Math.ceil(1.25 * count));
    return medianError(rounds) > GOOD_ERROR;
  };
  return (all) => (open = (open ?? all).filter(isOpen));
}

/**
 * How far the median may be off, as a part of it: half the width of the interval between two samples that holds the
 * true median in 95 cases of 100, whatever the distribution.
 */
function medianError(samples: readonly number[]): number {
  const count = samples.length;
  const low = Math.max(0, Math.floor((count - 2 * Math.sqrt(count)) / 2));
  const sorted = Float64Array.from(samples).sort();
  return (sorted[count - 1 - low]! - sorted[low]!) / 2 / median(samples);
}
