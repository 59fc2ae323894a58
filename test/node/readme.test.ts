/**
 * The code of README.md and docs/ runs: every block marked `<!-- run -->` is a program that runs on this project's
 * backend and prints exactly the block after `<!-- prints -->`.
 */

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside the project `tokenbed` resolves to this package by its `exports`.
const folder = path.join(root, '.cache/test/readme', inject('backend'));

interface Block {
  /** The comment above: `run`, `run: FILE` (the block is that file), `run in a shell`, `prints`, `not run here: REASON`. */
  readonly mark: string;
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** The fenced blocks of a Markdown text, each with the comment directly above it. */
function blocks(markdown: string): Block[] {
  const pattern = /(?:<!-- ([^\n]*) -->\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...markdown.matchAll(pattern)].map(([, mark = '', language = '', text = ''], i, all) => {
    const line = markdown.slice(0, all[i]!.index).split('\n').length;
    return { mark, language, text, line };
  });
}

const pages = (await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md'));
const documents = await Promise.all(
  ['README.md', ...pages.map((name) => `docs/${name}`)].map(async (file) => {
    const text = await readFile(path.join(root, file), 'utf8');
    const all = blocks(text);
    const programs = all.flatMap((block, i) =>
      /^run(: |$)/.test(block.mark) ? [{ ...block, prints: all[i + 1] }] : [],
    );
    return { file, text, all, programs };
  }),
);

const env = { ...process.env, TOKENBED_BACKEND: inject('backend'), NO_COLOR: '1', NODE_OPTIONS: '' };

async function run(program: string, name: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, program);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env });
  expect(stderr).toBe('');
  return stdout;
}

test('there are programs to run', () => {
  expect(documents.flatMap(({ programs }) => programs).length).toBeGreaterThanOrEqual(7);
});

describe.each(documents)('$file', ({ file, all, programs }) => {
  test('every JavaScript block runs or gives a reason', () => {
    for (const { mark, language, line } of all) {
      if (language === 'js') expect(mark, `line ${line}`).toMatch(/^(run$|run: |not run here: )/);
    }
  });

  for (const [i, { mark, text, prints, line }] of programs.entries()) {
    test(`the block at line ${line} prints what the page says`, async () => {
      expect(prints?.mark, `what the block at line ${line} prints`).toBe('prints');
      expect(await run(text, `${path.basename(file, '.md')}-${i}.mjs`)).toBe(prints?.text);
    });

    const source = /^run: (.+)$/.exec(mark)?.[1];
    if (source !== undefined) {
      test(`the block at line ${line} is ${source}`, async () => {
        expect(await readFile(path.join(root, source), 'utf8')).toBe(text);
      });
    }
  }
});

test('the commands of docs/command-line.md succeed; stderr only says that the table is random', async () => {
  const lines = documents
    .flatMap(({ all }) => all)
    .filter(({ mark }) => mark === 'run in a shell')
    .map(({ text }) => text);
  expect(lines).toHaveLength(1);
  const cwd = path.join(folder, 'shell');
  await mkdir(cwd, { recursive: true });
  await writeFile(path.join(cwd, 'notes.txt'), 'Hello world!\nHi!\n');
  const program = `'${process.execPath}' '${path.join(root, 'dist/cli.js')}'`;
  const script = lines[0]!.replaceAll('npx tokenbed', program);
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd,
    env,
  });
  expect(stderr.replaceAll(/^tokenbed: the table is random .*\n/gm, '')).toBe('');
  expect(stdout).toMatch(new RegExp(`^backend +${inject('backend')}$`, 'm'));
  expect(await readFile(path.join(cwd, 'notes.ids'), 'utf8')).toBe(
    '2 44 73 80 80 83 4 91 83 86 80 72 5 3\n2 44 77 5 3\n',
  );
  const rows = stdout.split('\n').filter((line) => /^\S+( [-.\de]+){63}$/.test(line));
  expect(rows).toHaveLength(14 + 5);
  const npy = await readFile(path.join(cwd, 'notes.npy'));
  expect(npy.length % 64).toBe(0);
  expect(npy.subarray(0, 128).toString('latin1')).toContain("'shape': (19, 64)");
  expect(await readFile(path.join(cwd, 'positions.svg'), 'utf8')).toMatch(/^<svg /);
});

test('the first screen of README.md shows the install, six lines of code and both commands', () => {
  const {
    all: [install, code],
    text,
  } = documents[0]!;
  expect(install?.text).toBe('npm i tokenbed\n');
  expect(code?.text.split('\n').filter((line) => line !== '')).toHaveLength(6);
  const screen = text.split('\n').slice(0, 45).join('\n');
  expect(screen).toContain('`npm run demo`');
  expect(screen).toContain('`npm test`');
});
