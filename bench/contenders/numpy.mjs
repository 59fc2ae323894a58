/** numpy, in a separate Python process. bench/peers/with_numpy.py implements it. It searches f32 rows. */

import { expectedOfFloats } from '../harness/expected.mjs';
import { openPython } from '../peers/python.mjs';

export const peer = 'numpy';

/** @returns {Promise<import('./contract.d.ts').Opened>} */
export async function open() {
  const { contenders, ...rest } = await openPython('numpy');
  return {
    ...rest,
    contenders: contenders.map((each) => (each.ops.nearest ? { ...each, answer: expectedOfFloats } : each)),
  };
}
