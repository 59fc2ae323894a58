/** The output of scripts/build-ts.mjs: which files the entry points load, and that no stale files remain. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
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

beforeAll(async () => {
  for (const name of await readdir(dist, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
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

/** The files that `entries` load; with `calls` also their dynamic imports. `#loader` is Node's. */
function loaded(entries: readonly string[], { calls = false } = {}): string[] {
  const reachable = new Set<string>(entries);
  for (const name of reachable) {
    const each = files.get(name === '#loader' ? 'backend/loader.node.js' : name);
    for (const target of [...(each?.statements ?? []), ...(calls ? (each?.calls ?? []) : [])])
      reachable.add(target);
  }
  return [...reachable].sort();
}

const LIBRARY = ['#loader', 'chunks/library.js', 'chunks/tokenizer.js', 'index.js'];

describe('dist', () => {
  test('the library has few files and needs no Node modules to start', () => {
    expect(loaded(['index.js'])).toEqual(LIBRARY);
    expect(loaded(['backend/loader.node.js'])).toEqual(['backend/loader.node.js']);
  });

  test('the tokenizers do not load the library', () => {
    expect(loaded(['tokenizer/index.js'])).toEqual(['chunks/tokenizer.js', 'tokenizer/index.js']);
  });

  test('the CLI loads the library and commands on demand', () => {
    const program = ['chunks/program.js', 'chunks/tokenizer.js', 'cli.js', 'node:util'];
    expect(loaded(['cli.js'])).toEqual(program);
    expect(loaded(['cli.js'], { calls: true })).toEqual(
      expect.arrayContaining([...LIBRARY.slice(0, 3), 'chunks/embed.js']),
    );
  });

  test('contains no unused JavaScript', async () => {
    const manifest = await readFile(path.join(dist, '../package.json'), 'utf8');
    const named = [...manifest.matchAll(/"\.\/dist\/([\w./-]+\.js)"/g)].map(([, name]) => name!);
    const ownUse = ['backend/index.js', 'profiler/rounds.js', 'files/npy.js']; // tests, bench and page
    const all = loaded([...named, ...ownUse], { calls: true });
    expect(all).toEqual(expect.arrayContaining([...files.keys()]));
  });
});
