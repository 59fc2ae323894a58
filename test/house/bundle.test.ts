/** A bundle for the browser: what Vite makes of the main entry, with no setting of its own. */

import { mkdtemp, readdir, readFile, rm, stat, symlink, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** Bundles a page of one line, as a user would, with the package in its node_modules. */
async function bundle(source: string): Promise<{ code: string; assets: string[]; folder: string }> {
  const page = await mkdtemp(path.join(folder, 'page-'));
  await mkdir(path.join(page, 'node_modules'));
  await symlink(ROOT, path.join(page, 'node_modules/tokenbed'), 'dir');
  await writeFile(path.join(page, 'index.html'), '<script type="module" src="./main.js"></script>');
  await writeFile(path.join(page, 'main.js'), source);
  await build({ root: page, configFile: false, logLevel: 'error', build: { minify: true } });
  const assets = path.join(page, 'dist/assets');
  const names = (await readdir(assets)).sort();
  const scripts = names.filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(scripts.map((name) => readFile(path.join(assets, name), 'utf8')));
  return { code: texts.join('\n'), assets: names, folder: assets };
}

/** What must never reach a page. */
const HOST_ONLY = [/\bnode:[a-z]/, /\bcreateRequire\b/, /\brequire\(/, /\bprocess\.env\b/, /\bBuffer\.alloc/];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the main entry in a page', () => {
  it('holds no node: import, brings core.wasm as a file, and stays small', async () => {
    const {
      code,
      assets,
      folder: out,
    } = await bundle("import * as tokenbed from 'tokenbed';\nglobalThis.tokenbed = tokenbed;\n");
    for (const pattern of HOST_ONLY) expect(code, String(pattern)).not.toMatch(pattern);
    const modules = assets.filter((name) => name.endsWith('.wasm'));
    expect(modules).toHaveLength(1);
    const packed = await stat(path.join(ROOT, 'dist/core.wasm'));
    expect((await stat(path.join(out, modules[0]!))).size).toBe(packed.size);
    expect(code).toContain(modules[0]!);
    // The whole library, minified: a reader of this number can tell when something large slips in.
    expect(code.length).toBeGreaterThan(20_000);
    expect(code.length).toBeLessThan(120_000);
  });

  it('leaves out what a page does not use', async () => {
    const { code, assets } = await bundle(
      "import { CharTokenizer } from 'tokenbed/tokenizer';\nconsole.log(new CharTokenizer().encode('Hi!'));\n",
    );
    expect(assets.filter((name) => name.endsWith('.wasm'))).toEqual([]);
    expect(code.length).toBeLessThan(40_000);
  });
});

describe('the inlined entry in a page', () => {
  it('holds the module as text and no node: import', async () => {
    const { code } = await bundle(
      "import * as tokenbed from 'tokenbed/inline';\nglobalThis.tokenbed = tokenbed;\n",
    );
    for (const pattern of HOST_ONLY) expect(code, String(pattern)).not.toMatch(pattern);
    const { size } = await stat(path.join(ROOT, 'dist/core.wasm'));
    expect(code.length).toBeGreaterThan((size * 4) / 3);
  });
});

it('the patterns would find a host-only import', () => {
  const planted =
    "import { readFileSync } from 'node:fs'; process.env.X; createRequire(1); require('x'); Buffer.alloc(1)";
  for (const pattern of HOST_ONLY) expect(planted).toMatch(pattern);
});
