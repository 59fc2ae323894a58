/** The main entry bundled for the browser by Vite: without Node code, and with the WASM as a separate file. */

import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A bundle: its files by name, and the text of its JavaScript. */
interface Bundle {
  readonly sizes: ReadonlyMap<string, number>;
  readonly code: string;
}

let folder: string;

beforeAll(async () => {
  // Like a user's project: the package is in node_modules and resolved by its `exports` and `imports`.
  folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-vite-'));
  await mkdir(path.join(folder, 'node_modules'));
  await symlink(root, path.join(folder, 'node_modules/tokenbed'), 'dir');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function bundle(name: string, source: string): Promise<Bundle> {
  const app = path.join(folder, name);
  await mkdir(app);
  await writeFile(path.join(app, 'main.js'), source);
  await writeFile(path.join(app, 'index.html'), '<script type="module" src="./main.js"></script>\n');
  await build({
    root: app,
    configFile: false,
    logLevel: 'error',
    build: { outDir: 'out', target: 'es2022' },
  });
  const out = path.join(app, 'out/assets');
  const files = await readdir(out);
  const sizes = await Promise.all(
    files.map(async (file) => [file, (await stat(path.join(out, file))).size] as const),
  );
  const scripts = files.filter((file) => file.endsWith('.js'));
  const code = await Promise.all(scripts.map((file) => readFile(path.join(out, file), 'utf8')));
  return { sizes: new Map(sizes), code: code.join('\n') };
}

/** The size of the only file with that extension. */
function sizeOf({ sizes }: Bundle, ending: string): number {
  const matches = [...sizes].filter(([file]) => file.endsWith(ending));
  expect(matches.map(([file]) => file)).toHaveLength(1);
  return matches[0]![1];
}

/** Code that exists only in Node, or that makes a bundler look for it. */
const NODE = /\bnode:|createRequire|\bprocess\.(env|versions|platform)|__filename|\.node['"`]/g;

/** The web files that run in Node in the folder of the package load its host there. Nothing else is for Node. */
const LOADS_HOST = ['createRequire'];

describe('tokenbed', () => {
  let main: Bundle;
  beforeAll(async () => {
    main = await bundle('main', "import * as tokenbed from 'tokenbed';\nglobalThis.tokenbed = tokenbed;\n");
  });

  test('contains no Node code', () => {
    expect(main.code.match(NODE)).toEqual(LOADS_HOST);
    expect(main.code).toContain('ERR_NOT_INITIALIZED');
  });

  test('has its WASM as a separate file', async () => {
    const bytes = sizeOf(main, '.wasm');
    expect(bytes).toBe((await stat(path.join(root, 'dist/core.wasm'))).size);
    const name = [...main.sizes.keys()].find((file) => file.endsWith('.wasm'));
    expect(main.code).toContain(name);
  });

  test('has a small WASM', async () => {
    const wasm = await readFile(path.join(root, 'dist/core.wasm'));
    // The limit of the issue that added files. A quarter of the code reads them.
    expect(gzipSync(wasm, { level: 9 }).length).toBeLessThanOrEqual(100 * 1024);
  });

  test('is small, without the bytes of tokenbed/inline', () => {
    expect(main.code).not.toContain('AGFzbQ'); // base64 of `\0asm`
    const script = sizeOf(main, '.js');
    // 142 kB minified at the time of writing: 106 kB without files.
    expect(script).toBeGreaterThan(20_000);
    expect(script).toBeLessThan(146_000);
  });

  test('omits unused classes', async () => {
    const tensors = await bundle(
      'tensors',
      "import { Tensor } from 'tokenbed';\nglobalThis.Tensor = Tensor;\n",
    );
    for (const ofOthers of ['vocabSize', 'perSampleWeights', 'maxSeqLength', 'PAD']) {
      expect(main.code).toContain(ofOthers);
      expect(tensors.code).not.toContain(ofOthers);
    }
    expect(sizeOf(tensors, '.js')).toBeLessThan(sizeOf(main, '.js') / 2);
  });
});

describe('tokenbed/inline', () => {
  test('contains the WASM, and no Node code', async () => {
    const inline = await bundle(
      'inline',
      "import * as t from 'tokenbed/inline';\nglobalThis.tokenbed = t;\n",
    );
    expect(inline.code).toContain('AGFzbQ');
    expect(inline.code.match(NODE)).toEqual(LOADS_HOST);
  });
});

describe('tokenbed/tokenizer', () => {
  test('contains neither WASM nor kernels', async () => {
    const alone = await bundle(
      'tokenizer',
      "import * as t from 'tokenbed/tokenizer';\nglobalThis.tokenizer = t;\n",
    );
    expect([...alone.sizes.keys()].filter((file) => !file.endsWith('.js'))).toEqual([]);
    expect(alone.code).not.toMatch(/WebAssembly|core\.wasm/);
    expect(sizeOf(alone, '.js')).toBeLessThan(40_000);
  });
});
