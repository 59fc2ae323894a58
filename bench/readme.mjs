/**
 * Updates the figures of README.md and bench/README.md from a record of a full run.
 *
 *   npm run bench:readme               writes them
 *   npm run bench:readme -- --check    compares them
 *
 * The figures are between two comments; the rest of each file is not changed.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { judgeMarks } from './harness/judge-marks.mjs';
import { readRecord } from './harness/record.mjs';
import { MARKS } from './marks.mjs';

/** The source of the figures. */
const RECORD = new URL('results/0.1.0.json', import.meta.url);
const [BEGIN, END] = ['<!-- bench: npm run bench:readme -->', '<!-- bench: end -->'];
const WIDTH = 108;

/** @param {number} value @param {'x' | 'ms'} unit */
const figure = (value, unit) =>
  unit === 'ms' ? `+ ${value.toFixed(0)} ms` : `${value.toFixed(value < 10 ? 2 : 0)} x`;

/** @param {readonly (readonly string[])[]} rows, the first with the titles */
const table = ([titles = [], ...rows]) =>
  [
    `| ${titles.join(' | ')} |`,
    `|${'---|'.repeat(titles.length)}`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');

/** @param {string} text @returns {string} */
function wrapped(text) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}

const { machine, versions, rows, startUpMs } = await readRecord(RECORD);
const marks = judgeMarks(rows, startUpMs).flatMap(({ measured, ...mark }) =>
  measured === null ? [] : [{ ...mark, measured }],
);
const peers = Object.entries(versions)
  .filter(([name]) => !['tokenbed', 'naive', 'variants'].includes(name))
  .map(([name, version]) => `${name} ${version}`)
  .join(', ');
const place = `${machine.cpu}, ${machine.threads} threads shared with others`;

const headlines = MARKS.flatMap(({ headline, name, peer }) => {
  const mark = marks.find((each) => each.name === name && each.against === peer);
  return headline === undefined || mark === undefined
    ? []
    : [[headline, peer, figure(mark.measured, mark.unit)]];
});
const targets = marks.map(({ name, against, wanted, measured, met, unit }) => [
  name,
  against,
  figure(wanted, unit),
  figure(measured, unit),
  met ? 'yes' : '**no**',
]);

const FILES = {
  '../README.md': [table([['work', 'compared with', 'times as fast'], ...headlines]), wrapped(`${place}.`)],
  'README.md': [
    table([['what', 'against', 'target', 'measured', 'met'], ...targets]),
    wrapped(`${place}; ${peers}.`),
  ],
};

for (const [name, parts] of Object.entries(FILES)) {
  const file = new URL(name, import.meta.url);
  const before = await readFile(file, 'utf8');
  const [start, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (start < 0 || end < start)
    throw new Error(`${file.pathname} has no place for figures: ${BEGIN} ... ${END}`);
  const after = before.slice(0, start) + [BEGIN, ...parts, ''].join('\n\n') + before.slice(end);
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file.pathname} does not show the figures of the record: npm run bench:readme`);
    process.exitCode = 1;
  } else await writeFile(file, after);
}
