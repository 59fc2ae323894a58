/** Judges which marks were met, from the specification in `marks.mjs` and the rows of a run. */

import { MARKS, START_UP, wantedOn } from '../marks.mjs';
import { listed } from './names.mjs';
import { median } from './statistics.mjs';

/** @typedef {import('./types.d.ts').Row} Row @typedef {import('./types.d.ts').Mark} Mark */

/** @param {import('../marks.mjs').MarkSpec} mark @param {readonly Row[]} rows */
function measured(mark, rows) {
  const ratios = rows
    .filter(
      (row) =>
        row.case === mark.case &&
        row.op === mark.op &&
        row.contender === mark.own &&
        (mark.group === undefined || row.group === mark.group) &&
        (mark.where?.(row.params) ?? true),
    )
    .map((row) =>
      Object.entries(row.vs)
        .filter(([name]) => listed(mark.against, name))
        .map(([, { ratio }]) => ratio),
    )
    .filter((others) => others.length > 0)
    .map((others) => Math.min(...others));
  if (ratios.length === 0) return null;
  return mark.least ? Math.min(...ratios) : median(ratios);
}

/**
 * Every mark. `measured` is null if the run has no matching row.
 *
 * @param {string} processor its class
 * @param {readonly Row[]} rows @param {Readonly<Record<string, number>>} startUpMs over an empty module, by backend
 * @returns {Mark[]}
 */
export function judgeMarks(processor, rows, startUpMs) {
  const speeds = MARKS.map((mark) => {
    const value = measured(mark, rows);
    const { name, peer: against } = mark;
    const wanted = wantedOn(mark.wanted, processor);
    return {
      name,
      against,
      wanted,
      measured: value,
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
      met: value === null ? null : value <= wanted,
      unit: /** @type {const} */ ('ms'),
    };
  });
  return [...speeds, ...starts];
}
