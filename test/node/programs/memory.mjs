/**
 * Creates and releases `COUNT` tables of 1 MiB each. Prints the peak resident memory in bytes after the first table and at
 * the end.
 *
 *   memory.mjs dispose|forget|dispose-written|forget-written COUNT
 */

import { setImmediate as turn } from 'node:timers/promises';
import { backendInfo, Embedding } from '../../../dist/index.mjs';

const [how, count] = [process.argv[2] ?? '', Number(process.argv[3])];
const [dispose, written] = [how.startsWith('dispose'), how.endsWith('written')];
const peak = () => process.resourceUsage().maxRSS * 1024;

const rows = new Float32Array(2 ** 18).fill(1);
const ids = Int32Array.of(0, 1023);
const out = new Float32Array(512);

function cycle() {
  const embedding = new Embedding({ vocabSize: 1024, embeddingDim: 256, initType: 'zeros' });
  embedding.forwardInto(ids, out);
  // Contents of an earlier table must not be visible.
  if (out.some((value) => value !== 0)) throw new Error('a new table is not zeros');
  if (written) embedding.weight.setRows(0, rows);
  if (dispose) embedding.dispose();
}

cycle();
const start = peak();
for (let i = 1; i < count; i++) {
  cycle();
  if (!dispose && i % 16 === 0) await turn();
}
console.log(JSON.stringify({ backend: backendInfo().name, start, peak: peak() }));
