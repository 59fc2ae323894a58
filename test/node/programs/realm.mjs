/** The files for the web in another realm of this process. Needs --experimental-vm-modules. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));

/** The bytes of the WASM module. */
export const coreBytes = () => readFile(path.join(dist, 'core.wasm'));

/** @param {vm.Context} context @returns {Promise<any>} the exports of the package */
export async function tokenbedIn(context) {
  /** @type {Map<string, vm.SourceTextModule>} */
  const modules = new Map();
  /** @param {string} file */
  const load = async (file) => {
    const source = await readFile(file, 'utf8');
    const module = modules.get(file) ?? new vm.SourceTextModule(source, { context, identifier: file });
    modules.set(file, module);
    return module;
  };
  const entry = await load(path.join(dist, 'index.js'));
  await entry.link((name, { identifier }) => load(path.resolve(identifier, '..', name)));
  await entry.evaluate();
  return entry.namespace;
}
