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

The copy rate is the limit of the memory: the best of ${COPIES} plain copies of 64 MiB on one thread,
in MiB copied per second. Large lookups on one thread write vectors no faster than about that.

The tuning is the class of processors whose thresholds are used. TOKENBED_TUNING names another
class, for machines that do not identify themselves well. It changes speed, never a result.

Options:
      --json               one JSON object: version, backend, isa, tuning, threads,
                           fallbackReason, node, platform, cpu, cpus, memoryLimitBytes,
                           copyMbS (MiB/s)

Examples:
  tokenbed info
  TOKENBED_ISA=scalar tokenbed info --json
`,
  options: { json: { type: 'boolean' } },
  takesFiles: false,
  run,
};

async function run(values: Values): Promise<void> {
  const report = { ...describeMachine(), copyMbS: copyRate() };
  if (values['json'] === true) return print(`${JSON.stringify(report, null, 2)}\n`);
  const rows: readonly (readonly [string, string | number])[] = [
    ['tokenbed', report.version],
    ['backend', report.backend],
    ['instruction set', report.isa],
    ['tuning', report.tuning],
    ['threads', report.threads],
    ...(report.fallbackReason === null ? [] : [['fallback reason', report.fallbackReason] as const]),
    ['node', report.node],
    ['platform', report.platform],
    ['processor', `${report.cpu}, ${report.cpus} logical`],
    ['memory limit', `${(report.memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`],
    ['copy rate', `${Math.round(report.copyMbS)} MiB/s (best of ${COPIES} copies of 64 MiB)`],
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
