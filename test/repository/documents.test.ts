/** The documents name files, folders, links, npm scripts and suites of `npm test` that exist. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

const pages = (await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md'));
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'bench/README.md',
  ...pages.map((name) => `docs/${name}`),
];

/** Generated folders, placeholders, and a media type. */
const NOT_IN_A_CLONE = /^(dist|node_modules|\.cache|target|docs\/api)\/|\*|\/[xt]\.rs$|^application\//;

const withoutCode = (markdown: string): string => markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');

/** The targets of links, with their anchors: relative to the page. */
const linksIn = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/\]\((?!\w+:)([^)]+)\)/g)].map(([, target]) => target!);

/** `path/to/file` and `folder/` in prose: relative to the project, the page or the sources of the core. */
const pathsIn = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/`([\w.@-]+\/[\w./*@-]*)`/g)]
    .map(([, name]) => name!)
    .filter((name) => !NOT_IN_A_CLONE.test(name));

/** The anchors of a page's headings. */
const anchorsIn = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

/** Entry points of the package (`tokenbed/inline`), which are not files. */
const isEntry = (name: string): boolean => name.startsWith('tokenbed/') || name.startsWith('@');

describe.each(DOCUMENTS)('%s', (file) => {
  const folder = path.dirname(path.join(root, file));

  test('names files that exist', async () => {
    const places = [root, folder, path.join(root, 'crates/core/src')];
    const missing = pathsIn(await read(file)).filter(
      (name) => !isEntry(name) && !places.some((place) => existsSync(path.join(place, name))),
    );
    expect(missing).toEqual([]);
  });

  test('links to files and headings that exist', async () => {
    for (const link of linksIn(await read(file))) {
      const [target, anchor] = link.split('#');
      const page = target === '' ? path.join(root, file) : path.join(folder, target!);
      expect(existsSync(page), link).toBe(true);
      if (anchor) expect(anchorsIn(await readFile(page, 'utf8')), link).toContain(anchor);
    }
  });

  test('names npm scripts and suites that exist', async () => {
    const text = await read(file);
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const named = [
      ...text.matchAll(
        /npm (?:run )?((?:test|demo|setup|build|bench|docs|example|lint|format|sizes)[\w:]*)/g,
      ),
    ];
    for (const [, name] of named) expect(Object.keys(scripts)).toContain(name);
    const suites = await read('scripts/test.mjs');
    for (const [, names] of text.matchAll(/npm test -- --only ([\w,-]+)/g)) {
      for (const name of names!.split(',')) expect(suites).toContain(`name: '${name}'`);
    }
  });

  test('is plain text of limited width', async () => {
    const text = await read(file);
    expect(text.match(/\p{Extended_Pictographic}/gu)).toBeNull();
    expect(text.match(/[ \t]+$/gm)).toBeNull();
    // Tables and code cannot be wrapped.
    const prose = text.replaceAll(/^```[\s\S]*?^```$|^\|.*$/gm, '').split('\n');
    expect(prose.filter((line) => line.length > 110)).toEqual([]);
  });
});

test('README.md is short and names every public class', async () => {
  const text = await read('README.md');
  expect(text.split('\n').length).toBeLessThanOrEqual(150);
  const index = (await read('ts/index.ts')).replaceAll(/^export type \{[^}]*\}.*$/gm, '');
  const names = [...index.matchAll(/^ {2}(?!type )(\w+),$|^export \{ (\w+)/gm)].map(([, a, b]) => (a ?? b)!);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(text, name).toContain(name);
});

test('docs/errors.md names every error code', async () => {
  const text = await read('docs/errors.md');
  const codes = [...(await read('ts/errors.ts')).matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(20);
  for (const code of codes) expect(text).toContain(`| \`${code}\` |`);
});

test('docs/command-line.md shows every command of the CLI', async () => {
  const text = await read('docs/command-line.md');
  const commands = [...(await read('ts/cli/main.ts')).matchAll(/^ {4}name: '([a-z]+)',$/gm)].map(
    ([, name]) => name,
  );
  expect(commands).toContain('embed');
  for (const command of commands) expect(text).toContain(`npx tokenbed ${command}`);
});

test('ARCHITECTURE.md names every folder of the core and every crate', async () => {
  const text = await read('ARCHITECTURE.md');
  for (const crate of await readdir(path.join(root, 'crates'))) expect(text).toContain(`crates/${crate}`);
  for (const folder of ['ops', 'row', 'simd']) expect(text).toContain(folder);
});

test('ARCHITECTURE.md: the list of Adding an operation is every file that names the operation', async () => {
  const guide = await read('ARCHITECTURE.md');
  const steps = guide.split('\n## Adding an operation\n')[1]!.split('The specification')[0]!;
  const listed = [...steps.matchAll(/`([\w./-]+\.\w+)`/g)].map(([, file]) => file!);
  const all = await Promise.all(
    ['crates', 'ts', 'bench', 'scripts', 'examples'].map(async (folder) =>
      (await readdir(path.join(root, folder), { recursive: true })).map((file) => `${folder}/${file}`),
    ),
  );
  const specification = /^crates\/(\w+\/tests|vectors)\/|\/(node_modules|target|dist)\//;
  const naming = all
    .flat()
    .filter((file) => /\.(rs|ts|js|mjs|json)$/.test(file) && !specification.test(file));
  const texts = await Promise.all(naming.map(read));
  expect(new Set(naming.filter((_, i) => /rotary/i.test(texts[i]!)))).toEqual(new Set(listed));
});
