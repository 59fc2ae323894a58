/** Checks what the set-up has already installed in the project folder, in milliseconds and from files alone. */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { root } from './run.mjs';

/**
 * @typedef {object} Locked
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [optional]
 */

/** @param {string} file @returns {Record<string, Locked> | undefined} */
function packagesOf(file) {
  const full = path.join(root, file);
  return existsSync(full) ? JSON.parse(readFileSync(full, 'utf8')).packages : undefined;
}

/**
 * Compares node_modules with the lock file. npm writes `.package-lock.json` at the end, so an interrupted `npm ci` counts
 * as not installed. Packages for other platforms are optional and ignored.
 *
 * @returns {'none' | 'cached' | 'some'}  nothing missing; missing but in npm's cache; to be downloaded
 */
export function npmPackagesMissing() {
  const locked = packagesOf('package-lock.json');
  if (locked === undefined) throw new Error('package-lock.json is missing');
  const have = packagesOf('node_modules/.package-lock.json') ?? {};
  const missing = Object.entries(locked).filter(
    ([where, { version, optional }]) => where !== '' && !optional && have[where]?.version !== version,
  );
  if (missing.length === 0) return 'none';
  return missing.every(([, { integrity }]) => inNpmCache(integrity)) ? 'cached' : 'some';
}

/** npm caches each tarball under the hexadecimal digest of its content. @param {string} [integrity] `sha512-BASE64` */
function inNpmCache(integrity) {
  const [algorithm = '', base64 = ''] = (integrity ?? '').split('-');
  const hex = Buffer.from(base64, 'base64').toString('hex');
  const cache = process.env['npm_config_cache'] ?? path.join(homedir(), '.npm');
  return existsSync(
    path.join(cache, '_cacache', 'content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)),
  );
}

/** The tools that setup-tools.sh has yet to build. */
export function toolsMissing() {
  const folder = process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache', 'cargo-tools');
  return ['wasm-bindgen', 'wasm-pack'].filter((name) => !existsSync(path.join(folder, 'bin', name)));
}
