/** Where results go: standard output piece by piece, files whole or not at all. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, constants, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** An error of the system, worded as `where: what happened`; its code stays. */
export function systemError(where: string, error: unknown): Error {
  const { code = 'ERR_INTERNAL', message } = error as NodeJS.ErrnoException;
  // Node's message is `ENOENT: no such file or directory, open 'x'`: the middle says it.
  const text = message.replace(/^[A-Z0-9]+: /, '').replace(/, \w+( '.*)?$/s, '');
  return Object.assign(new Error(`${where}: ${text}`, { cause: error }), { code });
}

/** Writes to standard output, and waits until it was taken; only then may `data` change. */
export function print(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(systemError('standard output', error));
    });
  });
}

/** Whether the reader of our output has gone away: `head` did, and that is no error. */
export function isClosedPipe(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'EPIPE';
}

/** Throws what writing `file` would, as far as can be seen: before the work that it is to hold, not after. */
export async function expectPlace(file: string): Promise<void> {
  try {
    const old = await stat(file).catch(() => null);
    if (old === null) await access(path.dirname(file), constants.W_OK);
    else if (old.isDirectory()) await open(file, 'r+');
  } catch (error) {
    throw systemError(file, error);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Writes a file beside its place and puts it there when it is whole: until then an older file stays, and an
 * error or an interrupt leaves nothing behind. What is no ordinary file (a pipe, a device) is written to directly.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  try {
    const old = await stat(file).catch(() => null);
    if (old !== null && !old.isFile()) return await writeFile(file, text);
    await writeBeside(old === null ? file : await realpath(file), text);
  } catch (error) {
    throw systemError(file, error);
  }
}

async function writeBeside(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}.tmp`;
  const interrupted = (signal: NodeJS.Signals): void => {
    rmSync(beside, { force: true });
    process.kill(process.pid, signal); // `once` has taken the handler away: this ends the process
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    const handle = await open(beside, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}
