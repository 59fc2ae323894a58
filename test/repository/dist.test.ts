/** The output of scripts/build-ts.mjs: its declarations, which files the entry points load, and that none is stale. */

import { execFileSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { beforeAll, describe, expect, test } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The static and dynamic imports of a file. */
interface Imports {
  readonly statements: readonly string[];
  readonly calls: readonly string[];
}

const files = new Map<string, Imports>();

/** The syntax in `tree` that Safari 15 rejects: static blocks, and regular expressions of ES2018 and ES2024. */
function newSyntax(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const { type, regex } = tree as { type?: string; regex?: { pattern: string; flags: string } };
  const found = Object.values(tree).flatMap(newSyntax);
  if (type === 'StaticBlock') found.push(type);
  if (regex && (/\(\?<[=!]/.test(regex.pattern) || regex.flags.includes('v'))) found.push(regex.pattern);
  return found;
}

beforeAll(async () => {
  for (const name of await readdir(dist, { recursive: true })) {
    if (!/\.(js|mjs)$/.test(name)) continue;
    const source = await readFile(path.join(dist, name), 'utf8');
    const { module } = parseSync(name, source);
    const handedOn = module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    );
    const target = (specifier: string) =>
      specifier.startsWith('.') ? path.join(path.dirname(name), specifier) : specifier;
    files.set(name, {
      statements: [...module.staticImports.map((each) => each.moduleRequest.value), ...handedOn].map(target),
      calls: module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
        target(source.slice(start + 1, end - 1)),
      ),
    });
  }
});

/** The files that `entries` load; with `calls` also their dynamic imports. */
function loaded(entries: readonly string[], { calls = false } = {}): string[] {
  const reachable = new Set<string>(entries);
  for (const name of reachable) {
    const each = files.get(name);
    for (const target of [...(each?.statements ?? []), ...(calls ? (each?.calls ?? []) : [])])
      reachable.add(target);
  }
  return [...reachable].sort();
}

describe('dist', () => {
  test('the web files are self-contained: no package, no module of Node, few files', () => {
    expect(loaded(['index.js'])).toEqual([
      'chunks/optimizers.js',
      'chunks/static-model.js',
      'chunks/tokenizer.js',
      'index.js',
      'library.js',
    ]);
    for (const [name, { statements, calls }] of files) {
      if (name === 'cli.js') continue;
      const bare = [...statements, ...calls].filter(
        (target) => !files.has(target) && !target.endsWith('.cjs'),
      );
      expect([name, bare]).toEqual([name, []]);
    }
  });

  test('the tokenizers do not load the library', () => {
    expect(loaded(['tokenizer/index.js'])).toEqual(['chunks/tokenizer.js', 'tokenizer/index.js']);
  });

  test.each(['index', 'inline', 'tokenizer/index', 'text/index', 'report/index'])(
    '%s.mjs exports the contents of the .cjs',
    (name) => {
      const program = `
      const wrapper = await import('./dist/${name}.mjs');
      const common = process.getBuiltinModule('node:module').createRequire(import.meta.url)('./dist/${name}.cjs');
      const same = Object.keys(common).filter((each) => wrapper[each] === common[each]);
      console.log(JSON.stringify([Object.keys(await import('./dist/${name}.js')), Object.keys(wrapper), same]));`;
      const cwd = path.join(dist, '..');
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd,
        encoding: 'utf8',
      });
      const [web, wrapper, same] = (JSON.parse(output) as string[][]).map((names) => names.sort());
      expect(wrapper!.length).toBeGreaterThan(1);
      expect(wrapper).toEqual(web);
      expect(same).toEqual(web);
    },
  );

  test('a web file that runs in Node by its path uses the host of Node: the addon, and charts', () => {
    const program = `
      import { backendInfo, EmbeddingProfiler } from './dist/index.js';
      const profiler = new EmbeddingProfiler({ print: null, minTimeMs: 0, warmupMs: 0 });
      profiler.comparePositionalEncodings({ seqLength: 4, embeddingDim: 4 });
      console.log(backendInfo().name, profiler.toSVG().startsWith('<svg'));`;
    const env = { ...process.env, TOKENBED_BACKEND: undefined };
    const options = { cwd: path.join(dist, '..'), encoding: 'utf8', env } as const;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], options);
    expect(output).toBe('native true\n');
  });

  test('the CommonJS files load few files, and the command line its commands on demand', async () => {
    const required = async (name: string) =>
      [...(await readFile(path.join(dist, name), 'utf8')).matchAll(/^(?!\s).*\brequire\("(.*?)"\)/gm)].map(
        ([, file]) => path.join(path.dirname(name), file!),
      );
    expect((await required('shared/index.cjs')).sort()).toEqual(['chunks/tokenizer.cjs', 'library.cjs']);
    expect(await required('shared/cli.cjs')).toEqual(['chunks/program.cjs']);
    expect(await required('chunks/program.cjs')).not.toContain('library.cjs');
  });

  test('the files that `import` loads contain no __dirname, which some bundlers replace by a path of the machine', async () => {
    for (const name of await readdir(dist, { recursive: true })) {
      if (!/\.[cm]?js$/.test(name) || /(^|\/)location\.cjs$/.test(name)) continue;
      expect([name, (await readFile(path.join(dist, name), 'utf8')).includes('__dirname')]).toEqual([
        name,
        false,
      ]);
    }
  });

  test('declarations have no generic typed arrays, which TypeScript before 5.7 rejects', async () => {
    const names = (await readdir(dist, { recursive: true })).filter((name) => /\.d\.[cm]?ts$/.test(name));
    const generic = /\b\w*(Array|DataView|Buffer)<\w*ArrayBuffer/;
    const wrong = [];
    for (const name of names)
      if (generic.test(await readFile(path.join(dist, name), 'utf8'))) wrong.push(name);
    expect(names).toContain('index.d.ts');
    expect(wrong).toEqual([]);
  });

  test('the addon is small', async () => {
    const addon = (await readdir(path.join(dist, 'native'))).find((name) => name.endsWith('.node'));
    const { size } = await stat(path.join(dist, 'native', addon!));
    // Without symbols. It has the kernels of three instruction sets on x86-64. 1.6 MiB without training, and without the
    // prefetches in the inner loops of bags, which make cold bags 1.1 to 1.5 times as fast.
    const [training, prefetches] = [384 * 2 ** 10, 48 * 2 ** 10];
    expect(size).toBeLessThanOrEqual(1.6 * 2 ** 20 + training + prefetches);
  });

  test('the module of kernels is small', async () => {
    // 107,014 bytes without training, which takes at most 40 KiB.
    const limit = 107_014 + 40 * 2 ** 10;
    expect(gzipSync(await readFile(path.join(dist, 'core.wasm'))).length).toBeLessThanOrEqual(limit);
  });

  test('the module of tokenizers is small, and its name is in their entry alone', async () => {
    expect(gzipSync(await readFile(path.join(dist, 'text.wasm'))).length).toBeLessThanOrEqual(150 * 2 ** 10);
    const naming = [];
    for (const name of files.keys()) {
      const source = await readFile(path.join(dist, name), 'utf8');
      if (/\.\/text\.wasm/.test(source)) naming.push(name);
    }
    expect(naming.sort()).toEqual(['text.js', 'text/location.mjs']);
    expect(loaded(['index.js', 'inline.js', 'report/index.js'], { calls: true })).not.toContain(
      'text/index.js',
    );
  });

  test('engines without WASM SIMD can parse the files, and so report what is missing', async () => {
    expect(newSyntax(parseSync('a.js', 'class A { static {} } /(?<=a)b/; /a/v;').program)).toHaveLength(3);
    for (const name of files.keys()) {
      const source = await readFile(path.join(dist, name), 'utf8');
      expect(newSyntax(parseSync(name, source).program), name).toEqual([]);
    }
  });

  test('contains no unused JavaScript', async () => {
    const manifest = await readFile(path.join(dist, '../package.json'), 'utf8');
    const named = [...manifest.matchAll(/"(?:\.\/)?dist\/([\w./-]+\.m?js)"/g)].map(([, name]) => name!);
    const ownUse = ['backend/index.js', 'table-bytes.js', 'profiler/rounds.js', 'files/npy.js']; // tests, bench and page
    const all = loaded([...named, ...ownUse], { calls: true });
    expect(all).toEqual(expect.arrayContaining([...files.keys()]));
  });
});
