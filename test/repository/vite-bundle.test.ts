/** The main entry bundled for the browser by Vite: without Node code, and with the WASM as a separate file. */

import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A bundle: its files by name, and its JavaScript, by file and as a whole. */
interface Bundle {
  readonly sizes: ReadonlyMap<string, number>;
  readonly scripts: ReadonlyMap<string, string>;
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

/** Bundles a program, and the modules that it imports beside it. */
async function bundle(name: string, source: string, modules: Record<string, string> = {}): Promise<Bundle> {
  const app = path.join(folder, name);
  await mkdir(app);
  for (const [file, text] of Object.entries(modules)) await writeFile(path.join(app, file), text);
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
  const scripts = new Map<string, string>();
  for (const file of files.filter((file) => file.endsWith('.js'))) {
    scripts.set(file, await readFile(path.join(out, file), 'utf8'));
  }
  return { sizes: new Map(sizes), scripts, code: [...scripts.values()].join('\n') };
}

/** The size of the only file whose name begins and ends like this. */
function sizeOf({ sizes }: Bundle, beginning: string, ending: string): number {
  const matches = [...sizes].filter(([file]) => file.startsWith(beginning) && file.endsWith(ending));
  expect(matches.map(([file]) => file)).toHaveLength(1);
  return matches[0]![1];
}

/** The files, without the hashes in their names. */
const filesOf = ({ sizes }: Bundle): string[] =>
  [...sizes.keys()].map((file) => file.replace(/-[\w-]{8}\./, '.')).sort();

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
    const bytes = sizeOf(main, 'core', '.wasm');
    expect(bytes).toBe((await stat(path.join(root, 'dist/core.wasm'))).size);
    const name = [...main.sizes.keys()].find((file) => file.startsWith('core'));
    expect(main.code).toContain(name);
  });

  test('has tokenizers of models, which static models load, as separate files', () => {
    expect(filesOf(main)).toEqual(['core.wasm', 'index.js', 'text.js', 'text.wasm']);
    expect(sizeOf(main, 'text', '.js')).toBeLessThan(14_000);
  });

  test('has a small WASM', async () => {
    const wasm = await readFile(path.join(root, 'dist/core.wasm'));
    // A quarter of the code reads files, and another one trains.
    expect(gzipSync(wasm, { level: 9 }).length).toBeLessThanOrEqual(107_014 + 40 * 1024);
  });

  test('is small, without the bytes of tokenbed/inline', () => {
    expect(main.code).not.toContain('AGFzbQ'); // base64 of `\0asm`
    const script = sizeOf(main, 'index', '.js');
    // 193 kB minified at the time of writing: 161 kB without training, 106 kB without static models and files, too.
    expect(script).toBeGreaterThan(20_000);
    expect(script).toBeLessThan(197_000);
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
    expect(sizeOf(tensors, 'index', '.js')).toBeLessThan(sizeOf(main, 'index', '.js') / 2);
  });

  test('contains no optimizer, unless it uses one', async () => {
    const use = (names: string) =>
      `import { init, ${names} } from 'tokenbed';\nglobalThis.used = [init, ${names}];\n`;
    const table = await bundle('untrained', use('Embedding'));
    const sgd = await bundle('trained', use('Embedding, SGD'));
    expect(sgd.code).toContain('tokenbed-optimizer');
    expect(table.code).not.toContain('tokenbed-optimizer');
    for (const ofOthers of ['RowwiseAdagrad', 'initialAccumulator', 'AdamW']) {
      expect(main.code).toContain(ofOthers);
      expect(table.code).not.toContain(ofOthers);
    }
  });

  test('contains no code of tokenizers of models and of static models, unless it uses them', async () => {
    const use = (name: string) =>
      `import { init, ${name} } from 'tokenbed';\nglobalThis.used = [init, ${name}];\n`;
    const table = await bundle('table', use('Embedding'));
    const model = await bundle('model', use('StaticModel'));
    for (const ofOthers of [
      'config_sentence_transformers.json',
      'medianTokenLength',
      'added_tokens',
      'text.wasm',
    ]) {
      expect(model.code).toContain(ofOthers);
      expect(table.code).not.toContain(ofOthers);
    }
    expect(filesOf(model)).toEqual(['core.wasm', 'index.js', 'text.js', 'text.wasm']);
    // Vite copies text.wasm, too, but nothing loads it.
    expect(filesOf(table).filter((file) => file.endsWith('.js'))).toEqual(['index.js']);
    expect(table.code).not.toMatch(/text-[\w-]{8}\.wasm/);
    expect(sizeOf(table, 'index', '.js')).toBeLessThan(sizeOf(model, 'index', '.js') - 15_000);
  });

  test('has static models in the file of a part that is loaded on demand', async () => {
    const { scripts } = await bundle(
      'lazy',
      "import { init } from 'tokenbed';\ninit().then(async () => (await import('./search.js')).load());\n",
      {
        'search.js':
          "import { StaticModel } from 'tokenbed';\nexport const load = () => StaticModel.load('/model/');\n",
      },
    );
    const withModels = [...scripts].filter(([, code]) => code.includes('config_sentence_transformers.json'));
    expect(withModels.map(([file]) => file.split('-')[0])).toEqual(['search']);
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
    expect(sizeOf(alone, 'index', '.js')).toBeLessThan(40_000);
  });
});
