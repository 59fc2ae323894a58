/**
 * Prints the errors of the ways to load a backend: `init`, the first use, `initSync`.
 *
 *   engine.mjs              this process
 *   engine.mjs forbidden    a realm that forbids compiling WebAssembly; also the backend over a compiled module
 *   engine.mjs old-node     without `process.getBuiltinModule`, as Node before 20.16; not `initSync`, which needs no file
 */

import vm from 'node:vm';
import { coreBytes, tokenbedIn } from './realm.mjs';

const forbidden = process.argv[2] === 'forbidden';
const oldNode = process.argv[2] === 'old-node';
if (oldNode) Object.assign(process, { getBuiltinModule: undefined });
const { init, initSync, Embedding } = forbidden
  ? await tokenbedIn(vm.createContext({}, { codeGeneration: { strings: true, wasm: false } }))
  : await import('../../../dist/index.mjs');
const wasm = await coreBytes();

/** @type {Record<string, () => unknown>} */
const ways = {
  init: () => init({ backend: 'wasm', ...(forbidden && { wasm }) }),
  ...(!oldNode && { initSync: () => initSync({ wasm }) }),
  ...(!forbidden && { 'first use': () => new Embedding({ vocabSize: 5, embeddingDim: 4 }) }),
};
/** @type {Record<string, unknown>} */
const errors = {};
for (const [way, use] of Object.entries(ways)) {
  try {
    await use();
    errors[way] = null;
  } catch (error) {
    const { code, message, cause } = /** @type {Error & { code?: string }} */ (error);
    errors[way] = { code, message, cause: String(cause) };
  }
}
const provided = forbidden ? initSync({ wasm: new WebAssembly.Module(wasm) }).name : null;
console.log(JSON.stringify({ errors, provided }));
