/** The interface to the files of a host. Apart from `host.ts`, because public types refer to it. */

import type { OrdinaryBytes } from '../args/arrays.js';
import type { OpenCache } from '../files/cache.js';

/** The files of a host. Its errors are the system's. */
export interface Files {
  /** The path of a `file:` URL. */
  pathOf(url: string): string;
  open(path: string): Promise<OpenFile>;
  /** As `open`, with methods that return no promises. */
  openSync(path: string): OpenFile;
  /** A new file that replaces the one at `path` when it is complete. */
  replace(path: string): Promise<Replacement>;
  /** A cache of fetched files in a folder. */
  cache(folder: string): OpenCache;
}

/** A file that is open for reading. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes of a regular file; null for a pipe or a device. */
  readonly size: number | null;
  /** Reads at `offset`, or the next bytes if it is null. Returns the number of bytes, 0 at the end. */
  read(into: OrdinaryBytes, offset: number | null): number | Promise<number>;
  /** The number of bytes now. */
  length(): number | Promise<number>;
  close(): void | Promise<void>;
  /** The path of a file in the same folder. */
  sibling(name: string): string;
}

/** A file that is written beside another one. */
export interface Replacement {
  write(bytes: Uint8Array): Promise<void>;
  /** Writes all bytes to the disk and replaces the other file. */
  commit(): Promise<void>;
  /** Removes the new file. */
  abort(): Promise<void>;
}
