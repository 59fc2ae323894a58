/** What the documents name is there: files and folders of the project, npm scripts, suites of `npm test`. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

/** Folders that a build or a set-up fills, names that stand for any name, and a media type. */
const NOT_IN_A_CLONE = /^(dist|node_modules|\.cache|target|docs\/api)\/|\*|\/[xt]\.rs$|^application\//;

/** `path/to/file`, `folder/`, and the targets of links, as they stand in Markdown. */
function pathsIn(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const code = [...prose.matchAll(/`([\w.@-]+\/[\w./*@-]*)`/g)].map(([, name]) => name!);
  const links = [...prose.matchAll(/\]\((?!\w+:)([^)#]+)/g)].map(([, name]) => name!);
  return [...new Set([...code, ...links])].filter((name) => !NOT_IN_A_CLONE.test(name));
}

/** Entries of the package (`tokenbed/inline`), not files. */
const isEntry = (name: string): boolean => name.startsWith('tokenbed/') || name.startsWith('@');

describe.each(DOCUMENTS)('%s', (file) => {
  test('names files that exist', async () => {
    const missing = pathsIn(await read(file)).filter(
      // `simd/` beside `row/` is said of the core's sources.
      (name) =>
        !isEntry(name) &&
        ![root, path.join(root, 'crates/core/src')].some((at) => existsSync(path.join(at, name))),
    );
    expect(missing).toEqual([]);
  });

  test('names npm scripts and suites that exist', async () => {
    const text = await read(file);
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const asked = [
      ...text.matchAll(
        /npm (?:run )?((?:test|demo|setup|build|bench|docs|example|lint|format|sizes)[\w:]*)/g,
      ),
    ];
    for (const [, name] of asked) expect(Object.keys(scripts)).toContain(name);
    const suites = await read('scripts/test.mjs');
    for (const [, names] of text.matchAll(/--only ([\w,-]+)/g)) {
      for (const name of names!.split(',')) expect(suites).toContain(`name: '${name}'`);
    }
  });

  test('is plain text at one width', async () => {
    const text = await read(file);
    expect(text.match(/\p{Extended_Pictographic}/gu)).toBeNull();
    expect(text.match(/[ \t]+$/gm)).toBeNull();
    // Tables and code may be wider: they cannot be wrapped.
    const prose = text.replaceAll(/^```[\s\S]*?^```$|^\|.*$/gm, '').split('\n');
    expect(prose.filter((line) => line.length > 110)).toEqual([]);
  });
});

describe('README.md', () => {
  test('every public class and every error code is named', async () => {
    const text = await read('README.md');
    const index = (await read('ts/index.ts')).replaceAll(/^export type \{[^}]*\}.*$/gm, '');
    const names = [...index.matchAll(/^ {2}(?!type )(\w+),$|^export \{ (\w+)/gm)].map(
      ([, a, b]) => (a ?? b)!,
    );
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(text, name).toContain(name);
    const errors = await read('ts/errors.ts');
    // Nothing is read only before tables are files.
    const codes = [...errors.matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code!);
    for (const code of codes.filter((each) => each !== 'ERR_READ_ONLY'))
      expect(text).toContain(`\`${code}\``);
  });

  test('every command of the program is shown', async () => {
    const text = await read('README.md');
    const main = await read('ts/cli/main.ts');
    const commands = [...main.matchAll(/^ {4}name: '([a-z]+)',$/gm)].map(([, name]) => name);
    expect(commands).toContain('embed');
    for (const command of commands) expect(text).toContain(`npx tokenbed ${command}`);
  });
});

test('the architecture names every folder of the core and every crate', async () => {
  const text = await read('ARCHITECTURE.md');
  for (const crate of await readdir(path.join(root, 'crates'))) expect(text).toContain(`crates/${crate}`);
  for (const folder of ['ops', 'row', 'simd']) expect(text).toContain(folder);
});
