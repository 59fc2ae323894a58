/**
 * tokenbed as a contender of ../models.mjs in a process of its own: `contender.mjs BACKEND MODEL TEXTS`. It answers each line
 * on standard input with a line of JSON:
 *
 *   ids           a hash of the ids of each text
 *   vectors FILE  null, and writes the vectors of all texts to a file, as f32
 *   first         the milliseconds of a pass of a new model over all texts, [of the clock, of the processor]
 *   warm          the same of the model that there is
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { init, StaticModel } from 'tokenbed';

const [, , backend = '', folder = '', texts = ''] = process.argv;
const all = readFileSync(texts, 'utf8')
  .split('\0')
  .filter((text) => text);
await init({ backend: /** @type {'native' | 'wasm'} */ (backend) });
const open = () => StaticModel.load(folder);
let model = await open();

/** @param {readonly number[]} ids */
const hash = (ids) => createHash('md5').update(Uint32Array.from(ids)).digest('base64url').slice(0, 12);

for await (const line of createInterface({ input: process.stdin })) {
  /** @type {unknown} */
  let answer = null;
  if (line === 'ids') answer = model.tokenize(all).map(hash);
  else if (line.startsWith('vectors ')) {
    const { data } = model.embed(all);
    writeFileSync(line.slice('vectors '.length), new Uint8Array(data.buffer));
  } else {
    if (line === 'first') {
      model.dispose();
      model = await open();
    }
    globalThis.gc?.();
    const [start, before] = [performance.now(), process.cpuUsage()];
    model.embed(all);
    const clock = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    answer = [clock, (user + system) / 1000];
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
