/**
 * The figures of README.md, from a record of a full run: `npm run bench:readme` writes them, `--check` compares.
 *
 * They stand between two comments; nothing else in the file is touched.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { readRecord } from './harness/record.mjs';

/** The record that the README shows. */
const RECORD = new URL('results/0.1.0.json', import.meta.url);
const README = new URL('../README.md', import.meta.url);
const [BEGIN, END] = ['<!-- bench: npm run bench:readme -->', '<!-- bench: end -->'];

/** @param {number} value @param {'x' | 'ms'} unit */
const figure = (value, unit) =>
  unit === 'ms' ? `+ ${value.toFixed(0)} ms` : `${value.toFixed(value < 10 ? 2 : 0)} x`;

const { machine, versions, marks } = await readRecord(RECORD);
const rows = marks
  .filter(({ measured }) => measured !== null)
  .map(({ id, against, wanted, measured, met, unit }) => {
    const value = figure(/** @type {number} */ (measured), unit);
    return `| ${id} | ${against} | ${figure(wanted, unit)} | ${value} | ${met ? 'yes' : '**no**'} |`;
  });
const peers = Object.entries(versions)
  .filter(([name]) => !['tokenbed', 'naive', 'variants'].includes(name))
  .map(([name, version]) => `${name} ${version}`)
  .join(', ');
const text = [
  BEGIN,
  '',
  '| mark | against | wanted | measured | met |',
  '|---|---|---|---|---|',
  ...rows,
  '',
  ...wrapped(`${machine.cpu}, ${machine.threads} threads shared with others; ${peers}.`),
  '',
  END,
].join('\n');

/** @param {string} line @returns {string[]} */
function wrapped(line) {
  /** @type {string[]} */
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length >= 110) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

const readme = await readFile(README, 'utf8');
const [start, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
if (start < 0 || end < start) throw new Error(`README.md has no place for figures: ${BEGIN} ... ${END}`);
const wanted = readme.slice(0, start) + text + readme.slice(end + END.length);
if (process.argv.includes('--check')) {
  if (wanted !== readme) {
    console.error('README.md does not show the figures of the record: npm run bench:readme');
    process.exitCode = 1;
  }
} else await writeFile(README, wanted);
