/** The output of a comparison: a line per case, the repeats, and a summary of each configuration. */

import { time } from '../harness/report.mjs';
import { median, quantile } from '../harness/statistics.mjs';

/** @typedef {import('./bench.mjs').Result} Result */

/** @param {number} ratio */
const figure = (ratio) => ratio.toFixed(2);

/** @param {Result} result @param {boolean} low */
export function line({ name, beforeNs, afterNs, ratio, p25, p75, same }, low) {
  const times = `${time(beforeNs).padStart(10)}${time(afterNs).padStart(10)}`;
  const spread = `${figure(p25)} .. ${figure(p75)}`;
  return `${times}  ${figure(ratio)}  (${spread})  ${name}${low ? '  LOW' : ''}${same ? '' : '  OTHER BITS'}`;
}

/** @param {Result} result @param {boolean} slower */
export function repeatedLine({ name, ratio, repeats }, slower) {
  return `  ${figure(ratio)}, then ${repeats.map(figure).join(' ')}: ${name}${slower ? '  SLOWER' : ''}`;
}

/** @param {readonly Result[]} results */
export function summaryLines(results) {
  const lines = ['on            cases   median   middle 90 %      lowest'];
  for (const on of new Set(results.map((result) => result.on))) {
    const ratios = results.filter((result) => result.on === on).map(({ ratio }) => ratio);
    const middle = `${figure(quantile(ratios, 0.05))} .. ${figure(quantile(ratios, 0.95))}`;
    lines.push(
      `${on.padEnd(14)}${String(ratios.length).padStart(5)}${figure(median(ratios)).padStart(9)}${middle.padStart(15)}${figure(Math.min(...ratios)).padStart(12)}`,
    );
  }
  return lines;
}
