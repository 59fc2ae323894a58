/** Atomic writes of files. Imported on demand: `node:crypto` takes long to load. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, constants, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemError } from './output.js';

/** Checks before the work starts that `file` can be written. Throws the error that the write would throw. */
export async function expectPlace(file: string): Promise<void> {
  try {
    const old = await stat(file).catch(() => null);
    if (old?.isDirectory()) await open(file, 'r+'); // always fails
    if (old !== null && !old.isFile()) return;
    await access(path.dirname(old === null ? file : await realpath(file)), constants.W_OK);
  } catch (error) {
    throw systemError(file, error);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Writes a temporary file in the same folder and renames it when it is complete. Until then an existing file stays; an
 * error or an interrupt leaves no temporary file. The new file keeps the mode of the existing one. Pipes and devices
 * are written directly.
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
    process.kill(process.pid, signal); // `once` has removed the handler, so this ends the process
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    const handle = await open(beside, 'wx');
    try {
      if (mode !== undefined) await handle.chmod(mode & 0o7777); // the mode of the replaced file
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
