/** Describes the machine of a run: the CPU's class and model, never the host name. */

import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { must } from '../../scripts/lib/run.mjs';

const THP = '/sys/kernel/mm/transparent_hugepage/enabled';

/** The value in brackets: `always [madvise] never`. */
async function transparentHugePages() {
  const text = await readFile(THP, 'utf8').catch(() => '');
  return /\[(\w+)\]/.exec(text)?.[1] ?? 'unknown';
}

/** The class of the processor, which `tokenbed info` prints. @returns {Promise<string>} */
async function processorClass() {
  const env = { TOKENBED_BACKEND: 'native', TOKENBED_TUNING: undefined };
  const { stdout } = await must(process.execPath, ['dist/cli.js', 'info', '--json'], { env });
  return JSON.parse(stdout).tuning;
}

export async function describeMachine() {
  return {
    class: await processorClass(),
    cpu: cpus()[0]?.model ?? 'unknown',
    threads: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    transparentHugePages: await transparentHugePages(),
    /** The load average at the start of the run: 0 is an idle machine. */
    load: Number(loadavg()[0]?.toFixed(2)),
  };
}

/** The commit that is measured, with `-dirty` if files differ from it. */
export async function describeCommit() {
  const { stdout } = await must('git', ['describe', '--always', '--dirty', '--exclude=*']);
  return stdout.trim();
}
