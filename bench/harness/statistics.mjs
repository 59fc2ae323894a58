/** Quantiles, by linear interpolation between the two nearest. */

/** @param {readonly number[]} values not empty @param {number} q 0 .. 1 */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const [below, above] = [Math.floor(at), Math.ceil(at)];
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** @param {readonly number[]} values not empty */
export const median = (values) => quantile(values, 0.5);

/**
 * How many times as long `other` took as `own`: the ratio of each round, then its median and quartiles. What slowed
 * a whole round down has slowed both.
 *
 * @param {readonly number[]} own ns, one per round @param {readonly number[]} other
 */
export function paired(own, other) {
  const ratios = own.map((ns, round) => other[round] / ns);
  return { ratio: median(ratios), p25: quantile(ratios, 0.25), p75: quantile(ratios, 0.75) };
}
