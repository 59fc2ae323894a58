/** The folder of `npm run bench:peers`, and how to load the peers from it. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../scripts/lib/run.mjs';

/** The folder with `node_modules` and `venv`, separate from the packages of the repository. */
export const folder = path.join(root, '.cache/peers');

/** The Python of the virtual environment. */
export const python = path.join(
  folder,
  process.platform === 'win32' ? 'venv/Scripts/python.exe' : 'venv/bin/python',
);

/** `require` in the peers' folder. */
export const requirePeer = createRequire(path.join(folder, 'package.json'));

/** `import` of a file in their folder: an ES module has separate copies of its dependencies. @param {string} file */
export const importPeer = (file) => import(pathToFileURL(path.join(folder, 'node_modules', file)).href);

/** @param {string} name @param {unknown} [cause] */
export const notInstalled = (name, cause) =>
  new Error(`${name} is not installed: npm run bench:peers`, cause === undefined ? undefined : { cause });

/** The version of an installed npm package. @param {string} name @returns {string} */
export function versionOf(name) {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch (error) {
    throw notInstalled(name, error);
  }
}
