/** Files that are written whole or not at all. Imported by those who write one: `node:crypto` takes long to load. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, constants, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemError } from './output.js';

/** Throws what writing `file` would, as far as can be seen: before the work that it is to hold, not after. */
export async function expectPlace(file: string): Promise<void> {
  try {
    const old = await stat(file).catch(() => null);
    if (old?.isDirectory()) await open(file, 'r+'); // refused
    if (old !== null && !old.isFile()) return;
    await access(path.dirname(old === null ? file : await realpath(file)), constants.W_OK);
  } catch (error) {
    throw systemError(file, error);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Writes a file beside its place and puts it there when it is whole: until then an older file stays, and an
 * error or an interrupt leaves nothing behind. Who may read an older file may read the new one. What is no ordinary file (a pipe, a device) is written to directly.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  try {
    const old = await stat(file).catch(() => null);
    if (old !== null && !old.isFile()) return await writeFile(file, text);
    await writeBeside(old === null ? file : await realpath(file), text, old?.mode);
  } catch (error) {
    throw systemError(file, error);
  }
}

async function writeBeside(file: string, text: string, mode: number | undefined): Promise<void> {
  const beside = `${file}.${randomUUID()}.tmp`;
  const interrupted = (signal: NodeJS.Signals): void => {
    rmSync(beside, { force: true });
    process.kill(process.pid, signal); // `once` has taken the handler away: this ends the process
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    const handle = await open(beside, 'wx');
    try {
      if (mode !== undefined) await handle.chmod(mode & 0o7777); // as the file that it takes the place of
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
