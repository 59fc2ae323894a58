/** Describes the machine of a run: the CPU's model, never the host name. */

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
    /** The load average at the start of the run: 0 is an idle machine. */
    load: Number(loadavg()[0]?.toFixed(2)),
  };
}
