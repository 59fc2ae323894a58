/**
 * One contender in a separate process. It makes the same job from the same random seeds, and runs the timing loop on request.
 *
 *   { prepare, hugePages } -> ready      { first, count } -> ns      { output } -> Float32Array
 */

import { machine } from '../contenders/machine.mjs';
import { open } from '../contenders/tokenbed.mjs';
import { makeJob } from './inputs.mjs';

/** @type {import('./types.d.ts').Here} */
let prepared;

/** @param {import('./types.d.ts').JobSpec} spec @param {boolean} hugePages */
async function prepare(spec, hugePages) {
  if (!hugePages) machine().noHugePages(true);
  const { contenders } = await open();
  const native = contenders.find(({ name }) => name === 'tokenbed native');
  const ready = await native?.ops[spec.op]?.(makeJob(spec));
  if (!ready || !('call' in ready)) throw new Error(`tokenbed does not do ${spec.op}`);
  prepared = ready;
}

/**
 * The first call is not timed: this process and the helper threads have slept since the last round, and the rounds of
 * contenders in the parent, medians of many samples, do not contain such a call either.
 *
 * @param {number} first @param {number} count
 */
function measure(first, count) {
  const { call } = prepared;
  call(Math.max(0, first - 1)); // other rows than the first timed call
  const start = process.hrtime.bigint();
  for (let k = first; k < first + count; k++) call(k);
  return Number(process.hrtime.bigint() - start);
}

/** @param {any} message */
async function answer({ prepare: spec, hugePages, first, count, output }) {
  if (spec) return void (await prepare(spec, hugePages));
  if (output) return prepared.output();
  return measure(first, count);
}

process.on('message', async (message) => {
  try {
    process.send?.({ answer: await answer(message) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
  }
});
