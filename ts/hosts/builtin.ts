/** Modules of Node, loaded where they are used. */

import type * as buffer from 'node:buffer';
import type * as crypto from 'node:crypto';
import type * as fs from 'node:fs';
import type * as promises from 'node:fs/promises';
import type * as module from 'node:module';
import type * as os from 'node:os';
import type * as path from 'node:path';
import type * as url from 'node:url';
import { fail } from '../errors.js';

/**
 * A built-in module. Errors: `ERR_BACKEND_UNAVAILABLE` in Node before 20.16, Node 21 and Node 22.0 to 22.2, which do not have
 * `process.getBuiltinModule`.
 */
export function builtin<Name extends keyof Modules>(name: Name): Modules[Name] {
  const get = process.getBuiltinModule as ((name: string) => unknown) | undefined;
  if (get !== undefined) return get(`node:${name}`) as Modules[Name];
  // The versions in `engines` of package.json.
  const text = `tokenbed needs Node 20.19, or Node 22.12 and newer: this is Node ${process.versions.node}`;
  throw fail(Error, 'ERR_BACKEND_UNAVAILABLE', text, { backend: 'auto', cause: null });
}

interface Modules {
  buffer: typeof buffer;
  crypto: typeof crypto;
  fs: typeof fs;
  'fs/promises': typeof promises;
  module: typeof module;
  os: typeof os;
  path: typeof path;
  url: typeof url;
}
