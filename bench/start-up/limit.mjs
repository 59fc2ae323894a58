/**
 * What no library of this size can avoid: the engine compiles its source, and loads its addon or its WASM. Nothing is
 * resolved, evaluated or called. `node limit.mjs native|wasm`
 */

import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { compileFunction } from 'node:vm';

const dist = new URL('../../dist/', import.meta.url);
const read = (/** @type {string} */ file) => readFileSync(new URL(file, dist));

for (const file of ['library.cjs', 'chunks/tokenizer.cjs']) compileFunction(read(file).toString());
if (process.argv[2] === 'wasm') await WebAssembly.compile(read('core.wasm'));
else {
  const addon = readdirSync(new URL('native/', dist)).find((file) => file.endsWith('.node'));
  process.dlopen({ exports: {} }, new URL(`native/${addon}`, dist).pathname);
}
