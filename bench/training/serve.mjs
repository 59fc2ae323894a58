/**
 * A contender in a process of its own. It answers each line of JSON on standard input with one on standard output:
 *
 *   { prepare: task }       null, or the reading in ms that a pass includes
 *   { answer: FILE }        null, and writes the values that are compared, after the first step, as f32
 *   { run: [first, count] } [ms of the clock, ms of the processor] of the steps first ... first + count - 1
 *
 * torch.py and words.py speak the same.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** @typedef {import('./cases.mjs').Task} Task */
/**
 * What a contender made of a task. `before` is not timed.
 * @typedef {{ before?: (k: number) => void, step: (k: number) => void, answer: () => Float32Array }} Work
 */

/** @param {string} file @returns {ArrayBuffer} */
function bytes(file) {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return /** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength));
}

/** @param {string} file */
export const floats = (file) => new Float32Array(bytes(file));

/** @param {string} file */
export const integers = (file) => new Int32Array(bytes(file));

/** Batches of ids. @param {string} file @param {number} batch */
export function batches(file, batch) {
  const ids = integers(file);
  return Array.from({ length: Math.floor(ids.length / batch) }, (_, i) =>
    ids.subarray(i * batch, (i + 1) * batch),
  );
}

/** @param {Work} work @param {number} first @param {number} count */
function timed({ before, step }, first, count) {
  let [clock, processor] = [0, 0];
  /** @param {number} from @param {number} to */
  const part = (from, to) => {
    const [start, used] = [performance.now(), process.cpuUsage()];
    for (let k = from; k < to; k++) step(k);
    clock += performance.now() - start;
    const { user, system } = process.cpuUsage(used);
    processor += (user + system) / 1000;
  };
  if (before === undefined) part(first, first + count);
  else
    for (let k = first; k < first + count; k++) {
      before(k);
      part(k, k + 1);
    }
  return [clock, processor];
}

/** @param {(task: Task) => Work | Promise<Work>} prepare */
export async function serve(prepare) {
  /** @type {Work | undefined} */
  let work;
  for await (const line of createInterface({ input: process.stdin })) {
    const { prepare: task, answer, run } = JSON.parse(line);
    /** @type {unknown} */
    let reply = null;
    if (task) work = await prepare(task);
    else if (answer) {
      work?.before?.(0);
      work?.step(0);
      writeFileSync(answer, /** @type {Work} */ (work).answer());
    } else reply = timed(/** @type {Work} */ (work), run[0], run[1]);
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
