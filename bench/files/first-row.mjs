/** One row of a safetensors file in a fresh process: `first-row.mjs NAME FILE ROW`. It prints the milliseconds after the imports, and the row's sum. */

import { readFileSync } from 'node:fs';
import { stopwatch } from './stopwatch.mjs';

const [, , name, file = '', row = ''] = process.argv;
/** @type {(file: string, row: number) => Float32Array} */
let read;
if (name === 'tokenbed') {
  const { Embedding } = await import('tokenbed');
  read = (file, row) => Embedding.loadSync(file).weight.row(row);
} else {
  read = (file, row) => {
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const { shape, data_offsets } = JSON.parse(bytes.toString('utf8', 8, 8 + length)).weight;
    const start = 8 + length + data_offsets[0] + row * shape[1] * 4;
    return new Float32Array(bytes.buffer.slice(start, start + 4 * shape[1]));
  };
}
const elapsed = stopwatch();
const values = read(file, Number(row));
const ms = elapsed();
process.stdout.write(JSON.stringify({ ms, sum: values.reduce((sum, value) => sum + value, 0) }));
