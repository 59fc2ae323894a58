/** The output of a run: the jobs of a case with all their contenders, then the marks. */

import { count } from '../../scripts/lib/progress.mjs';

/** @typedef {import('./types.d.ts').Row} Row @typedef {import('./types.d.ts').Mark} Mark */

/** Rows whose interquartile range exceeds this share of the median are marked as unreliable. */
const WIDE = 0.25;

/** @param {number} ns */
export function time(ns) {
  if (ns < 1e4) return `${ns.toFixed(0)} ns`;
  if (ns < 1e7) return `${(ns / 1e3).toFixed(1)} us`;
  return `${(ns / 1e6).toFixed(1)} ms`;
}

/** @param {Row['params']} params */
const inWords = (params) =>
  Object.entries(params)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? count(value) : value}`)
    .join(', ');

/** The lines of one job: contender, time, bytes per second, and the ratio of its time to the first contender's.
 * @param {readonly Row[]} rows of one job @returns {string[]} */
export function jobLines(rows) {
  const [first] = rows;
  if (first === undefined) return [];
  const own = rows.find(({ contender }) => contender.startsWith('tokenbed')) ?? first;
  const lines = rows.map((row) => {
    const wide = (row.p75Ns - row.p25Ns) / row.medianNs > WIDE ? ' ~' : '  ';
    const ratio = row === own ? '' : `${own.vs[row.contender].ratio.toFixed(2)} x`;
    const answer = row.verified ? '' : '  WRONG ANSWER';
    const off = row.maxError > 0 ? `  off by ${row.maxError.toExponential(1)}` : '';
    const speed = `${(row.bytes / row.medianNs).toFixed(2)} GB/s`;
    return `    ${row.contender.padEnd(34)}${time(row.medianNs).padStart(10)}${wide}${speed.padStart(12)}${ratio.padStart(11)}${off}${answer}`;
  });
  return [`${first.case} ${first.op} (${first.group}): ${inWords(first.params)}`, ...lines];
}

/** @param {readonly Mark[]} marks @returns {string[]} */
export function markLines(marks) {
  /** @param {number | null} value @param {Mark['unit']} unit */
  const figure = (value, unit) =>
    value === null ? '-' : unit === 'ms' ? `+ ${value.toFixed(1)} ms` : `${value.toFixed(2)} x`;
  const words = { true: 'met', false: 'NOT MET', null: 'not measured' };
  /** @param {readonly string[]} figures */
  const columns = (figures) => figures.map((each) => each.padStart(11)).join('');
  return [
    `${'target'.padEnd(46)}${'against'.padEnd(48)}${columns(['wanted', 'measured', 'limit'])}`,
    ...marks.map(({ name, against, wanted, measured, limit, met, unit }) => {
      const figures = columns([wanted, measured, limit].map((value) => figure(value, unit)));
      return `${name.padEnd(46)}${against.padEnd(48)}${figures}  ${words[/** @type {'true'} */ (String(met))]}`;
    }),
  ];
}
