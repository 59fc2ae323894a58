/** `tokenbed info`: the backend, and the limits of this machine. */

import type { Command, Values } from './command.js';
import { describeMachine } from './machine.js';
import { print } from './output.js';

const MIB = 2 ** 20;
const COPY_BYTES = 64 * MIB;
const COPIES = 5;

export const info: Command = {
  name: 'info',
  help: `tokenbed info: the backend that runs here, and the limits of this machine

Usage: tokenbed info [OPTIONS]

The copy rate is what memory allows: the best of ${COPIES} plain copies of 64 MiB on one thread,
in MiB copied per second. No lookup writes its vectors faster than about that.

Options:
      --json               one JSON object: version, backend, isa, threads, fallbackReason,
                           node, platform, cpu, cpus, memoryLimitBytes, copyMbS (MiB/s)

Examples:
  tokenbed info
  TOKENBED_ISA=scalar tokenbed info --json
`,
  options: { json: { type: 'boolean' } },
  takesFiles: false,
  run,
};

async function run(values: Values): Promise<void> {
  const info = { ...describeMachine(), copyMbS: copyRate() };
  if (values['json'] === true) return print(`${JSON.stringify(info, null, 2)}\n`);
  const rows: readonly (readonly [string, string | number])[] = [
    ['tokenbed', info.version],
    ['backend', info.backend],
    ['instruction set', info.isa],
    ['threads', info.threads],
    ...(info.fallbackReason === null ? [] : [['fallback reason', info.fallbackReason] as const]),
    ['node', info.node],
    ['platform', info.platform],
    ['processor', `${info.cpu}, ${info.cpus} logical`],
    ['memory limit', `${(info.memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`],
    ['copy rate', `${Math.round(info.copyMbS)} MiB/s (best of ${COPIES} copies of 64 MiB)`],
  ];
  return print(rows.map(([label, value]) => `${label.padEnd(17)}${value}\n`).join(''));
}

/** MiB per second of a plain copy. */
function copyRate(): number {
  const from = new Float32Array(COPY_BYTES / 4).fill(1);
  const to = new Float32Array(from.length).fill(2); // writing it once maps its pages
  let best = 0;
  for (let i = 0; i < COPIES; i++) {
    const start = performance.now();
    to.set(from);
    best = Math.max(best, COPY_BYTES / MIB / ((performance.now() - start) / 1000));
  }
  return best;
}
