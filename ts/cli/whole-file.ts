/** Writes a file completely or not at all. Imported on demand: `node:crypto` takes long to load. */

import { randomUUID } from 'node:crypto';
import { rmSync, type Stats } from 'node:fs';
import { access, constants, open, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { print, STANDARD, systemError } from './output.js';

/** What is at `file`; `null` if nothing is. */
async function present(file: string): Promise<Stats | null> {
  try {
    return await stat(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The path of a new file: `file`, or where it points to if it is a link. (`realpath` needs an existing file.) */
async function behindLinks(file: string): Promise<string> {
  const link = await readlink(file).catch(() => null); // null: not a link
  if (link === null) return file;
  return behindLinks(path.resolve(await realpath(path.dirname(file)), link));
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Checks before the work starts that `file` can be written. Throws the error that the write would throw. */
export async function expectPlace(file: string): Promise<void> {
  if (file === STANDARD) return;
  try {
    const old = await present(file);
    if (old?.isDirectory()) await open(file, 'r+'); // always fails
    if (old !== null && !old.isFile()) return;
    const target = old === null ? await behindLinks(file) : await realpath(file);
    try {
      await access(path.dirname(target), constants.W_OK);
    } catch (error) {
      // In a folder that is read-only, an existing file may still be written.
      if (old === null || !(await writable(target))) throw error;
    }
  } catch (error) {
    throw systemError(file, error);
  }
}

const writable = (file: string): Promise<boolean> =>
  access(file, constants.W_OK).then(
    () => true,
    () => false,
  );

/**
 * Writes `text` to a file, which has the old contents until `text` is complete on the disk. `-` is standard output. Pipes
 * and devices are written directly.
 *
 * A temporary file in the same folder replaces the file and takes its mode. Where that is not possible (a file that is
 * mounted, a folder that is read-only), the temporary file is in the system's folder for them, and the existing file is
 * overwritten with its contents. An error or an interrupt leaves no temporary file, unless the overwriting has begun: then
 * the error names it.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  if (file === STANDARD) return print(text);
  try {
    const old = await present(file);
    if (old !== null && !old.isFile()) return await writeFile(file, text);
    const target = old === null ? await behindLinks(file) : await realpath(file);
    try {
      await replace(target, text, old?.mode);
    } catch (error) {
      if (old === null || !IRREPLACEABLE.has(codeOf(error)!)) throw error;
      await overwrite({ file, target }, text, error);
    }
  } catch (error) {
    // An error that already names a file is complete.
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : systemError(file, error);
  }
}

/** The errors of creating a file beside another one, or of renaming it, where writing into the other one may succeed. */
const IRREPLACEABLE = new Set(['EACCES', 'EBUSY', 'ENAMETOOLONG', 'EPERM', 'EROFS', 'EXDEV']);

async function replace(file: string, text: string, mode: number | undefined): Promise<void> {
  // Not a longer form of the name, which may have the greatest length already.
  const beside = path.join(path.dirname(file), `.tokenbed-${randomUUID()}.tmp`);
  await temporarily(beside, async () => {
    await create(beside, text, mode === undefined ? undefined : mode & 0o7777);
    await rename(beside, file);
  });
}

/** Overwrites `target`, which the user calls `file`; throws `cause` if that is not permitted either. */
async function overwrite(
  { file, target }: { readonly file: string; readonly target: string },
  text: string,
  cause: unknown,
): Promise<void> {
  const handle = await open(target, constants.O_WRONLY).catch(() => {
    throw cause;
  });
  try {
    const copy = path.join(tmpdir(), `tokenbed-${randomUUID()}.tmp`);
    await temporarily(copy, () => create(copy, text, 0o600)).catch((error: unknown) => {
      throw systemError(`a temporary file in ${tmpdir()}`, error);
    });
    try {
      await handle.writeFile(text);
      await handle.truncate(Buffer.byteLength(text));
      await handle.sync();
    } catch (error) {
      const { code, message } = systemError(file, error) as NodeJS.ErrnoException;
      const text = `${message}; the complete contents are in ${copy}`;
      throw Object.assign(new Error(text, { cause: error }), { code });
    }
    await rm(copy);
  } finally {
    await handle.close();
  }
}

/** Creates a file with this text on the disk. */
async function create(file: string, text: string, mode: number | undefined): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    if (mode !== undefined) await handle.chmod(mode); // `open` removes the bits of the umask
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `use`. Its failure, or an interrupt that ends the process, removes `file`. */
async function temporarily(file: string, use: () => Promise<void>): Promise<void> {
  const interrupted = (signal: NodeJS.Signals): void => {
    rmSync(file, { force: true });
    process.kill(process.pid, signal); // `once` has removed the handler, so this ends the process
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    await use();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}
