/** The sources in ts/ keep the architecture's rules, and a planted violation of each rule is found. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Rule, RULE_NAMES, type Sources, violations } from './architecture-rules.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

async function sources(): Promise<Sources> {
  const files = await readdir(path.join(root, 'ts'), { recursive: true });
  const names = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `ts/${file.replaceAll('\\', '/')}`);
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(path.join(root, name), 'utf8')] as const),
    ),
  );
}

test('ts/ keeps every rule', async () => {
  const all = await sources();
  expect([...all.keys()]).toEqual(expect.arrayContaining(['ts/backend/index.ts', 'ts/tokenizer/bpe.ts']));
  expect(violations(all)).toEqual([]);
});

/** A violation of each rule: the file it stands in, and what it says. */
const PLANTED: Record<Rule, readonly (readonly [file: string, source: string])[]> = {
  'says native or wasm': [
    ['ts/embedding.ts', 'export const useNative = true;'],
    ['ts/embedding.ts', "export const backend = 'WASM';"],
    ['ts/embedding.ts', 'export const text = (n: number) => `on wasm32: ${n}`;'],
    ['ts/embedding.ts', 'export class A { #wasmMemory = 0; }'],
    ['ts/embedding.ts', 'export const a = { native: 1 };'],
    ['ts/cli/info.ts', 'export const is = (info: { name: string }) => info["native"];'],
    ['ts/embedding.ts', 'export type WasmSource = string;'],
    ['ts/index.ts', "export { WasmSources } from './backend/index.js';"],
  ],
  'imports a binding': [
    ['ts/embedding.ts', "import { gather } from '../dist/addon.node';\nvoid gather;"],
    [
      'ts/embedding.ts',
      "import type * as Binding from './native/binding.cjs';\nexport type B = typeof Binding;",
    ],
    ['ts/embedding.ts', "export const glue = () => import('./backend/wasm-glue.js');"],
    ['ts/embedding.ts', "import { CORE } from './backend/core-inline.js';\nvoid CORE;"],
    [
      'ts/embedding.ts',
      "declare const require: (name: string) => object;\nexport const a = require('./a.node');",
    ],
  ],
  'chooses a backend': [
    ['ts/backend/table.ts', "import { wasmBackend } from './wasm.js';\nvoid wasmBackend;"],
    ['ts/backend/table.ts', "import { loader } from '#loader';\nvoid loader;"],
    ['ts/backend/wasm.ts', "import { loader } from './loader.node.js';\nvoid loader;"],
    ['ts/backend/table.ts', "export { nativeBackend, type NativeBinding } from './native.js';"],
  ],
  'reaches into the backend': [
    ['ts/embedding.ts', "import { guarded } from './backend/guard.js';\nvoid guarded;"],
    ['ts/embedding.ts', "import { OwnedTable } from './backend/table.js';\nvoid OwnedTable;"],
    ['ts/cli/info.ts', "export { x } from '../backend/backend.js';"],
    ['ts/embedding.ts', "export type Loader = import('./backend/loader.js').Loader;"],
  ],
  'needs Node': [
    ['ts/embedding.ts', "import { readFileSync } from 'node:fs';\nvoid readFileSync;"],
    ['ts/backend/index.ts', "export const fs = () => import('node:fs');"],
    ['ts/backend/index.ts', "export const fs = process.getBuiltinModule('fs');"],
    ['ts/backend/loader.web.ts', "import type { Buffer } from 'node:buffer';\nexport type B = Buffer;"],
  ],
  'needs another package': [
    ['ts/embedding.ts', "import { readFileSync } from 'fs';\nvoid readFileSync;"],
    ['ts/cli/info.ts', "import chalk from 'chalk';\nvoid chalk;"],
  ],
  'does more than export': [
    ['ts/index.ts', 'export const answer = 42;'],
    ['ts/index.ts', "import './tensor.js';"],
  ],
  'tokenizer alone': [
    ['ts/tokenizer/char.ts', "import { activeBackend } from '../backend/index.js';\nvoid activeBackend;"],
    ['ts/tokenizer/char.ts', "import type { Table } from '../backend/index.js';\nexport type T = Table;"],
    ['ts/tokenizer/char.ts', "import { Tensor } from '../tensor.js';\nvoid Tensor;"],
  ],
};

/** What keeps every rule although it comes near to breaking one. */
const CLEAN: readonly (readonly [file: string, source: string])[] = [
  [
    'ts/embedding.ts',
    "// On WASM as on native.\nimport { activeBackend } from './backend/index.js';\nvoid activeBackend;",
  ],
  ['ts/embedding.ts', "import type { Storage } from './backend/backend.js';\nexport type S = Storage;"],
  ['ts/embedding.ts', "import { type Storage } from './backend/backend.js';\nexport type S = Storage;"],
  ['ts/inline.ts', "import { CORE } from './backend/core-inline.js';\nvoid CORE;"],
  [
    'ts/index.ts',
    "export { init, type WasmSource } from './backend/index.js';\nexport type { A } from './a.js';",
  ],
  [
    'ts/cli/info.ts',
    "import os from 'node:os';\nimport { backendInfo } from '../index.js';\nvoid [os, backendInfo];",
  ],
  [
    'ts/backend/loader.node.ts',
    "import { readFileSync } from 'node:fs';\nexport const native = readFileSync;",
  ],
  ['ts/backend/contract.ts', "import type { WasmBinding } from './wasm.js';\nexport type W = WasmBinding;"],
  [
    'ts/backend/index.ts',
    "import { loader } from '#loader';\nimport { wasmBackend } from './wasm.js';\nvoid [loader, wasmBackend];",
  ],
  [
    'ts/tokenizer/char.ts',
    "import type { Tensor } from '../tensor.js';\nimport { fail } from '../errors.js';\nexport type T = Tensor;\nvoid fail;",
  ],
];

describe.each(RULE_NAMES)('a module that %s', (rule) => {
  test('is planted', () => {
    expect(PLANTED[rule].length).toBeGreaterThan(0);
  });

  test.each(PLANTED[rule])('is found: %s: %s', async (file, source) => {
    // One rule follows imports into other modules.
    const others = rule === 'tokenizer alone' ? await sources() : [];
    const found = violations(new Map([...others, [file, source]]));
    expect(found.map((violation) => violation.rule)).toContain(rule);
  });
});

test.each(CLEAN)('%s may say: %s', (file, source) => {
  expect(violations(new Map([[file, source]]))).toEqual([]);
});
