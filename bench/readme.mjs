/**
 * Updates the figures of README.md and bench/README.md from the records of full runs, one per class of processors.
 *
 *   npm run bench:readme               writes them
 *   npm run bench:readme -- --check    compares them
 *
 * The figures are between two comments; the rest of each file is not changed.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { judgeMarks } from './harness/judge-marks.mjs';
import { readRecord } from './harness/record.mjs';
import { MARKS } from './marks.mjs';

/** The records: one per class of processors, the one that was measured last. */
const RESULTS = new URL('results/', import.meta.url);
/** Classes in words, where the record's machine is known. @type {Record<string, string>} */
const NAMES = { intel: 'Sapphire Rapids', granite: 'Granite Rapids', zen5: 'Zen 5' };

/** @typedef {import('./harness/types.d.ts').Mark} Mark */

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

const files = (await readdir(RESULTS)).filter((name) => name !== 'instructions.json').sort();
const records = await Promise.all(
  files.map(async (name) => {
    const { machine, rows, startUpMs, ...rest } = await readRecord(new URL(name, RESULTS));
    if (name !== `${machine.class}.json`) throw new Error(`results/${name} is a record of ${machine.class}`);
    const title = NAMES[machine.class] ?? machine.class;
    return { ...rest, machine, title, marks: judgeMarks(machine.class, rows, startUpMs) };
  }),
);
const titles = records.map(({ title }) => title);
/** What is measured in some record: the same mark of every record. */
const marks = (records[0]?.marks ?? [])
  .map((_, i) => records.map((record) => /** @type {Mark} */ (record.marks[i])))
  .filter((each) => each.some(({ measured }) => measured !== null));

/** @param {number | null} value @param {Mark['unit']} unit */
const shown = (value, unit) => (value === null ? '-' : figure(value, unit));
/** @param {Mark} mark */
const result = ({ measured, unit }) => shown(measured, unit);

const headlines = MARKS.flatMap(({ headline, name, peer }) => {
  const mark = marks.find(([first]) => first?.name === name && first.against === peer);
  return headline === undefined || mark === undefined ? [] : [[headline, peer, ...mark.map(result)]];
});
const targets = marks.map((each) => {
  const cells = each.flatMap((mark) => [
    figure(mark.wanted, mark.unit),
    mark.met === false ? `**${result(mark)}**` : result(mark),
    shown(mark.limit, mark.unit),
  ]);
  return [each[0]?.name ?? '', each[0]?.against ?? '', ...cells];
});

/** @param {typeof records[number]} record */
const place = ({ title, machine, commit, date }) =>
  `${title}: ${machine.cpu}, ${machine.threads} threads shared with others, commit ${commit}, ${date}`;
/** @param {typeof records[number]} record */
const shortPlace = ({ title, commit, date }) => `${title} (commit ${commit}, ${date})`;
/** @param {typeof records[number]} record */
const peers = ({ versions }) =>
  Object.entries(versions)
    .filter(([name]) => !['tokenbed', 'naive', 'variants'].includes(name))
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

const FILES = {
  '../README.md': [
    table([['work', 'compared with', ...titles], ...headlines]),
    wrapped(`${records.map(shortPlace).join(', ')}: 2 threads of machines shared with others.`),
  ],
  'README.md': [
    table([
      ['what', 'against', ...titles.flatMap((title) => [`${title}: target`, 'measured', 'limit'])],
      ...targets,
    ]),
    'A measured value in bold misses its target. The limit is what the fastest loop with the same memory accesses\nreaches in the same run.',
    ...records.map((record) => wrapped(`${place(record)}; ${peers(record)}.`)),
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
