/** One measurement of the profiler: runs rounds until the medians are known, and reports progress. */

import { type Clock, openClock } from './clock.js';
import type { ProfilerSettings } from './results.js';
import { type Contender, measureNow, median, type Series } from './rounds.js';

/** A contender is settled after LEAST_SAMPLES and `minTimeMs` if the error of its median is at most GOOD_ERROR ... */
const LEAST_SAMPLES = 7;
const GOOD_ERROR = 0.02;
/** ... or after PATIENCE times `minTimeMs`. */
const PATIENCE = 4;

/** The progress of a measurement of the profiler. */
export interface ProfilerProgress {
  /** The number of finished entries. */
  readonly done: number;
  /** The number of all entries. */
  readonly total: number;
  /**
   * The next entry, or the last one at the end: the key of a result, or `computation` or `construction` for positions.
   */
  readonly label: string;
}

/** Called before each entry of a result is measured, and once more at the end. An exception aborts the measurement. */
export type OnProfilerProgress = (progress: ProfilerProgress) => void;

/** A running measurement. */
export class Measuring {
  #clock: Clock | null = null;

  constructor(
    private readonly settings: ProfilerSettings,
    private readonly onProgress: OnProfilerProgress | undefined,
  ) {}

  /** The smallest observed step of the clock; `null` before the first timing. */
  get clockResolutionMs(): number | null {
    return this.#clock?.resolutionMs ?? null;
  }

  /** Measures contenders, one sample per round, until all are settled. `ERR_BACKEND_UNAVAILABLE` if the clock does not advance. */
  time(...contenders: readonly Contender[]): Series[] {
    this.#clock ??= openClock();
    const { warmupMs, minTimeMs } = this.settings;
    return measureNow(contenders, { clock: this.#clock, warmupMs, next: untilSettled(minTimeMs) });
  }

  /** Calls `onProgress` and `measure` for each of `items`. Returns the results by key, in this order. */
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
 * The relative error of the median: half the width of its distribution-free 95 % confidence interval, divided by the
 * median.
 */
function medianError(samples: readonly number[]): number {
  const count = samples.length;
  const low = Math.max(0, Math.floor((count - 2 * Math.sqrt(count)) / 2));
  const sorted = Float64Array.from(samples).sort();
  return (sorted[count - 1 - low]! - sorted[low]!) / 2 / median(samples);
}
