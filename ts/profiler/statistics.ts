/** What is said of many samples in few numbers. */

/** The value below which a part `q` of the samples lies, between two of them where it must. Sorted, not empty. */
export function quantile(sorted: readonly number[], q: number): number {
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const lower = sorted[below]!;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return lower + (upper - lower) * (place - below);
}

/**
 * How far the median may be off, as a part of it: half the width of the interval between two samples that holds the
 * true median in 95 cases of 100, whatever the distribution. Sorted, not empty.
 */
export function medianError(sorted: readonly number[]): number {
  const count = sorted.length;
  const low = Math.max(0, Math.floor((count - 2 * Math.sqrt(count)) / 2));
  return (sorted[count - 1 - low]! - sorted[low]!) / 2 / quantile(sorted, 0.5);
}
