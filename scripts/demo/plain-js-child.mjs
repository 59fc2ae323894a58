/**
 * The same rows from the formulas of the documentation alone, in plain JavaScript: nothing of the package is
 * imported, neither its code nor its tables.
 *
 *   node plain-js-child.mjs IDS ROWS_FILE
 *
 * row(r) = f32(table[id_r] + PE[r mod 512]), each of the two summands an f32 itself (see uniform.mjs, sinusoid.mjs).
 */

import { readFile, writeFile } from 'node:fs/promises';
import { CHECKED_ROWS, DIM, SEED, SEQUENCE } from './settings.mjs';
import { sinusoidRows } from './sinusoid.mjs';
import { uniformRow } from './uniform.mjs';

const [idsFile = '', rowsFile = ''] = process.argv.slice(2);
const file = await readFile(idsFile);
const ids = new Uint16Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const count = Math.min(CHECKED_ROWS, ids.length);

const positions = sinusoidRows(Math.min(SEQUENCE, count), DIM);
const rows = new Float32Array(count * DIM);
for (let r = 0; r < count; r++) {
  const token = uniformRow(/** @type {number} */ (ids[r]), DIM, SEED);
  const position = positions.subarray((r % SEQUENCE) * DIM);
  for (let c = 0; c < DIM; c++) rows[r * DIM + c] = Number(token[c]) + Number(position[c]); // one rounding, to f32
}
await writeFile(rowsFile, rows);
