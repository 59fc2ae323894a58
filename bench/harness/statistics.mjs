/** Quantiles, by linear interpolation between the two nearest: those of ts/profiler/rounds.ts, before dist/ is built. */

/** @param {readonly number[]} values not empty @param {number} q 0 .. 1 */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const [below, above] = [Math.floor(at), Math.ceil(at)];
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** @param {readonly number[]} values not empty */
export const median = (values) => quantile(values, 0.5);
