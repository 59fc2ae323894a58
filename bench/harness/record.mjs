/** The record of a run as a file: JSON, a row on a line, so that two records can be compared by eye and by `diff`. */

import { readFile, writeFile } from 'node:fs/promises';

/**
 * @typedef {object} BenchRecord
 * @property {string} commit             of the build that was measured
 * @property {string} date
 * @property {Awaited<ReturnType<typeof import('./machine.mjs').describeMachine>>} machine
 * @property {Record<string, string>} versions
 * @property {string[]} missing          peers that were not installed, and why
 * @property {Record<string, number>} startUpMs
 * @property {import('./types.d.ts').Row[]} rows
 * @property {import('./types.d.ts').Mark[]} marks
 */

/** Rounds numbers to four digits: a noisy machine is not more precise. @param {string} key @param {unknown} value */
const shortened = (key, value) =>
  typeof value === 'number' && !Number.isInteger(value) && key !== 'maxError'
    ? Number(value.toPrecision(4))
    : value;

/** @param {readonly unknown[]} list */
const lines = (list) => `[\n${list.map((each) => `  ${JSON.stringify(each, shortened)}`).join(',\n')}\n ]`;

/** @param {string} file @param {BenchRecord} record */
export async function writeRecord(file, { rows, marks, ...rest }) {
  const head = JSON.stringify(rest, shortened, 1).slice(0, -2);
  await writeFile(file, `${head},\n "rows": ${lines(rows)},\n "marks": ${lines(marks)}\n}\n`);
}

/** @param {string | URL} file @returns {Promise<BenchRecord>} */
export const readRecord = async (file) => JSON.parse(await readFile(file, 'utf8'));
