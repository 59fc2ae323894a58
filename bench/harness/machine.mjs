/** What the figures were taken on: the CPU's model, never the machine's name. */

import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

const THP = '/sys/kernel/mm/transparent_hugepage/enabled';

/** The value in brackets: `always [madvise] never`. */
async function transparentHugePages() {
  const text = await readFile(THP, 'utf8').catch(() => '');
  return /\[(\w+)\]/.exec(text)?.[1] ?? 'unknown';
}

export async function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    threads: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    transparentHugePages: await transparentHugePages(),
    /** Others at work when the run began: 0 is a quiet machine. */
    load: Number(loadavg()[0]?.toFixed(2)),
  };
}
