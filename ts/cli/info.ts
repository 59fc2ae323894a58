/** `tokenbed info`: what runs here, and what this machine can do. */

import os from 'node:os';
import { backendInfo } from '../index.js';
import type { Command, Values } from './command.js';
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
  const { version, name, isa, threads, fallbackReason } = backendInfo();
  const cpus = os.cpus();
  const found = {
    version,
    backend: name,
    isa,
    threads,
    fallbackReason,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cpus: cpus.length,
    memoryLimitBytes: memoryLimit(),
    copyMbS: copyRate(),
  };
  if (values['json'] === true) return print(`${JSON.stringify(found, null, 2)}\n`);
  const rows: readonly (readonly [string, string | number])[] = [
    ['tokenbed', version],
    ['backend', name],
    ['instruction set', isa],
    ['threads', threads],
    ...(fallbackReason === null ? [] : [['fallback reason', fallbackReason] as const]),
    ['node', found.node],
    ['platform', found.platform],
    ['processor', `${found.cpu}, ${found.cpus} logical`],
    ['memory limit', `${(found.memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`],
    ['copy rate', `${Math.round(found.copyMbS)} MiB/s (best of ${COPIES} copies of 64 MiB)`],
  ];
  return print(rows.map(([label, value]) => `${label.padEnd(17)}${value}\n`).join(''));
}

/** The smaller of physical memory and what a control group allows, in bytes. */
function memoryLimit(): number {
  const allowed = process.constrainedMemory(); // 0, or absurdly much, where there is no limit
  return allowed > 0 ? Math.min(os.totalmem(), allowed) : os.totalmem();
}

/** MiB per second of a plain copy. */
function copyRate(): number {
  const from = new Float32Array(COPY_BYTES / 4).fill(1);
  const to = new Float32Array(from.length).fill(2); // written once: its pages are there
  let best = 0;
  for (let i = 0; i < COPIES; i++) {
    const start = performance.now();
    to.set(from);
    best = Math.max(best, COPY_BYTES / MIB / ((performance.now() - start) / 1000));
  }
  return best;
}
