/** Judges which marks were met, from the specification in `marks.mjs` and the rows of a run. */

import { MARKS, START_UP, wantedOn } from '../marks.mjs';
import { listed } from './names.mjs';
import { median } from './statistics.mjs';

/** @typedef {import('./types.d.ts').Row} Row @typedef {import('./types.d.ts').Mark} Mark */

/** The loops that show the limit of the machine, unless a mark has others. */
const LIMITS = ['limit, *'];

/** The fastest of some contenders: the least ratio of their times to the row's. @param {Row} row @param {readonly string[]} names */
const fastest = ({ vs }, names) =>
  Math.min(
    ...Object.entries(vs)
      .filter(([name]) => listed(names, name))
      .map(([, { ratio }]) => ratio),
  );

/** @param {import('../marks.mjs').MarkSpec} mark @param {readonly Row[]} rows */
function measured(mark, rows) {
  const own = rows
    .filter(
      (row) =>
        row.case === mark.case &&
        row.op === mark.op &&
        row.contender === mark.own &&
        (mark.group === undefined || row.group === mark.group) &&
        (mark.where?.(row.params) ?? true),
    )
    .map((row) => {
      const ratio = fastest(row, mark.against);
      return { ratio, limit: ratio / fastest(row, mark.limits ?? LIMITS) };
    })
    .filter(({ ratio }) => Number.isFinite(ratio));
  /** @param {number[]} ratios */
  const all = (ratios) => (ratios.length === 0 ? null : mark.least ? Math.min(...ratios) : median(ratios));
  return {
    value: all(own.map(({ ratio }) => ratio)),
    limit: all(own.map(({ limit }) => limit).filter((limit) => limit > 0)),
  };
}

/**
 * Every mark. `measured` is null if the run has no matching row, `limit` if the row has no limiting loop.
 *
 * @param {string} processor its class
 * @param {readonly Row[]} rows @param {Readonly<Record<string, number>>} startUpMs over an empty module, by program
 * @returns {Mark[]}
 */
export function judgeMarks(processor, rows, startUpMs) {
  const speeds = MARKS.map((mark) => {
    const { value, limit } = measured(mark, rows);
    const { name, peer: against } = mark;
    const wanted = wantedOn(mark.wanted, processor);
    return {
      name,
      against,
      wanted,
      measured: value,
      limit,
      met: value === null ? null : value >= wanted,
      unit: /** @type {const} */ ('x'),
    };
  });
  const starts = START_UP.map(({ name, program, wanted: byClass }) => {
    const [value, wanted] = [startUpMs[program] ?? null, wantedOn(byClass, processor)];
    const against = 'an empty module (milliseconds more)';
    return {
      name,
      against,
      wanted,
      measured: value,
      limit: startUpMs[`${program}Limit`] ?? null,
      met: value === null ? null : value <= wanted,
      unit: /** @type {const} */ ('ms'),
    };
  });
  return [...speeds, ...starts];
}
