/** What a mapped model adds to the memory of a process that has embedded one text: `memory.mjs MODEL`. Bytes; Linux only. */

import { readFileSync } from 'node:fs';

/** @param {string} name */
const bytes = (name) =>
  1024 *
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
const now = () => {
  globalThis.gc?.();
  return { anonymous: bytes('RssAnon'), resident: bytes('VmRSS') };
};

const before = now();
const { StaticModel } = await import('tokenbed');
const model = await StaticModel.load(/** @type {string} */ (process.argv[2]), { mmap: true });
model.embed(['A kitten was napping.']);
const after = now();
const growth = {
  anonymous: after.anonymous - before.anonymous,
  resident: after.resident - before.resident,
};
process.stdout.write(JSON.stringify(growth));
model.dispose();
