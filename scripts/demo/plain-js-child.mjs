/**
 * The same rows from the formulas of the documentation alone, in plain JavaScript: nothing of the package is
 * imported, neither its code nor its tables.
 *
 *   node plain-js-child.mjs IDS ROWS_FILE
 *
 * row(r) = f32(table[id_r] + PE[r mod 512]), each of the two summands an f32 itself. They come from the reference of
 * the tests.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { uniform } from '../../test/helpers/reference.mjs';
import { sinusoidRow } from '../../test/helpers/sinusoid.mjs';
import { CHECKED_ROWS, DIM, SEED, SEQUENCE } from './settings.mjs';

const [idsFile = '', rowsFile = ''] = process.argv.slice(2);
const file = await readFile(idsFile);
const ids = new Uint16Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const count = Math.min(CHECKED_ROWS, ids.length);

const bound = 1 / Math.sqrt(DIM);
const positions = Array.from({ length: Math.min(SEQUENCE, count) }, (_, p) => sinusoidRow(p, DIM));
const rows = new Float32Array(count * DIM);
for (let r = 0; r < count; r++) {
  const first = Number(ids[r]) * DIM;
  positions[r % SEQUENCE]?.forEach((value, c) => {
    rows[r * DIM + c] = uniform(SEED, first + c, bound) + value; // one rounding, to f32
  });
}
await writeFile(rowsFile, rows);
