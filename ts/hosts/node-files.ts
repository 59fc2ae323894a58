/** The files of Node, Deno and Bun. */

import type { Stats } from 'node:fs';
import type { OrdinaryBytes } from '../args/arrays.js';
import type { OpenCache } from '../files/cache.js';
import { builtin } from './builtin.js';
import type { Files, OpenFile, Replacement } from './files.js';

const sibling = (file: string, name: string): string => {
  const path = builtin('path');
  return path.join(path.dirname(file), name);
};

/** The bytes of a regular file. */
const sizeOf = (stats: Stats): number | null => (stats.isFile() ? stats.size : null);

async function open(path: string): Promise<OpenFile> {
  const handle = await builtin('fs/promises').open(path);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) await handle.read(new Uint8Array(1), 0, 1, 0); // always fails
    return {
      path,
      fd: handle.fd,
      size: sizeOf(stats),
      async read(into: OrdinaryBytes, offset: number | null) {
        const { bytesRead } = await handle.read(into, 0, into.length, offset);
        return bytesRead;
      },
      length: async () => (await handle.stat()).size,
      async close() {
        const closed = handle.close();
        // A read of a pipe may never end, and Node closes the descriptor after it.
        if (stats.isFile()) await closed;
        else closed.catch(() => {});
      },
      sibling: (name) => sibling(path, name),
    };
  } catch (error) {
    await handle.close();
    throw named(error, path);
  }
}

function openSync(path: string): OpenFile {
  const { closeSync, fstatSync, openSync, readSync } = builtin('fs');
  const fd = openSync(path, 'r');
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) readSync(fd, new Uint8Array(1), 0, 1, 0); // always fails
    let isOpen = true;
    return {
      path,
      fd,
      size: sizeOf(stats),
      read: (into, offset) => readSync(fd, into, 0, into.length, offset),
      length: () => fstatSync(fd).size,
      close() {
        if (isOpen) closeSync(fd);
        isOpen = false;
      },
      sibling: (name) => sibling(path, name),
    };
  } catch (error) {
    closeSync(fd);
    throw named(error, path);
  }
}

/** An error of a descriptor, with the path of the file. */
function named(error: unknown, path: string): unknown {
  const system = error as NodeJS.ErrnoException;
  if (system.syscall !== undefined && system.path === undefined) {
    system.path = path;
    system.message += ` '${path}'`;
  }
  return system;
}

/** The greatest length of the name of a file, in bytes, on the usual file systems. */
const LONGEST_NAME = 255;

/**
 * A file beside `file`, which it replaces. The folder of a symbolic link is that of the file to which it points.
 *
 * Only a regular file is replaced, and only by a rename: writing into it would change the table of a program that has
 * mapped it.
 */
async function replace(file: string): Promise<Replacement> {
  const [fs, path] = [builtin('fs/promises'), builtin('path')];
  const old = await fs.stat(file).catch(absent);
  if (old?.isDirectory() === true) await fs.open(file, 'r+'); // always fails
  if (old !== null && !old.isFile()) {
    const text = `EINVAL: not a regular file, which alone can be replaced, open '${file}'`;
    throw Object.assign(new Error(text), { code: 'EINVAL', syscall: 'open', path: file });
  }
  const target = await behindLinks(file);
  const end = `.tokenbed-${builtin('crypto').randomUUID()}.tmp`;
  const name = `.${path.basename(target)}${end}`;
  const beside = path.join(path.dirname(target), Buffer.byteLength(name) <= LONGEST_NAME ? name : end);
  const handle = await fs.open(beside, 'wx', old === null ? 0o666 : old.mode & 0o7777);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  const remove = async (): Promise<void> => {
    await close().catch(() => {});
    await fs.rm(beside, { force: true });
  };
  try {
    if (old !== null) await handle.chmod(old.mode & 0o7777); // `open` removes the bits of the umask
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at).catch((error: unknown) => {
          throw named(error, file);
        });
        at += bytesWritten;
      }
    },
    async commit() {
      await handle.sync().catch((error: unknown) => {
        throw named(error, file);
      });
      await close();
      await fs.rename(beside, target);
    },
    abort: remove,
  };
}

const absent = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

/** The path of a file that may not exist yet, behind symbolic links. */
async function behindLinks(file: string): Promise<string> {
  const [fs, path] = [builtin('fs/promises'), builtin('path')];
  const link = await fs.readlink(file).catch(() => null); // null: not a link
  if (link === null) return file;
  return behindLinks(path.resolve(await fs.realpath(path.dirname(file)), link));
}

/** A cache of files in a folder, which is made at the first entry. The name of a file is the SHA-256 of its URL. */
function cache(folder: string): OpenCache {
  const fileOf = (url: string): string =>
    builtin('path').join(folder, builtin('crypto').createHash('sha256').update(url).digest('hex'));
  return {
    copies: true,
    partial: true,
    async match(url) {
      const file = fileOf(url);
      const found = await builtin('fs/promises').stat(file).catch(absent);
      return found === null ? undefined : file;
    },
    async put(url, response) {
      await builtin('fs/promises').mkdir(folder, { recursive: true });
      const target = await replace(fileOf(url));
      try {
        const reader = (response.body as ReadableStream<Uint8Array>).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          await target.write(value);
        }
        await target.commit();
      } catch (error) {
        await target.abort();
        throw error;
      }
    },
  };
}

export const nodeFiles: Files = {
  pathOf: (url) => builtin('url').fileURLToPath(url),
  open,
  openSync,
  replace,
  cache,
};
