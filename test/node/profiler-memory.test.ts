/** Analyzing many tables needs no more memory than the largest one, because they are created one at a time. */

import { expect, inject, it } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';

const backend = inject('backend');
const MIB = 2 ** 20;

async function peakOf(...tablesMb: number[]): Promise<number> {
  const rows = tablesMb.map((mb) => String((mb * MIB) / 1024));
  const program = runProgram('scaling.mjs', rows, { TOKENBED_BACKEND: backend });
  const { name, made, peak } = await jsonOf<{ name: string; made: number; peak: number }>(program);
  expect([name, made]).toEqual([backend, tablesMb.length]);
  return peak;
}

it('only one table exists at a time', async () => {
  const one = await peakOf(128);
  const four = await peakOf(128, 120, 112, 104);
  expect(one).toBeGreaterThan(128 * MIB);
  expect(four - one).toBeLessThan(64 * MIB);
});
