/**
 * The code of README.md and docs/ runs: every block marked `<!-- run -->` is a program that runs on this project's
 * backend and prints exactly the block after `<!-- prints -->`. The blocks of a page run in order, in an empty folder.
 */

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Block, blocks, SHELL } from '../../scripts/lib/page-blocks.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside the project `tokenbed` resolves to this package by its `exports`.
const folder = path.join(root, '.cache/test/readme', inject('backend'));

const pages = (await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md'));
const documents = await Promise.all(
  ['README.md', ...pages.map((name) => `docs/${name}`)].map(async (file) => {
    const text = await readFile(path.join(root, file), 'utf8');
    const all = blocks(text);
    const programs = all.flatMap((block, i) => {
      const isProgram = /^run(: |$)/.test(block.mark);
      const isShown = block.mark === SHELL && all[i + 1]?.mark === 'prints';
      return isProgram || isShown ? [{ ...block, prints: all[i + 1] }] : [];
    });
    return { file, name: path.basename(file, '.md'), text, all, programs };
  }),
);

const env = { ...process.env, TOKENBED_BACKEND: inject('backend'), NO_COLOR: '1', NODE_OPTIONS: '' };

/** An empty folder in which the blocks of a page run. */
async function emptyFolder(name: string): Promise<string> {
  const cwd = path.join(folder, name);
  await rm(cwd, { recursive: true, force: true });
  await mkdir(cwd, { recursive: true });
  return cwd;
}

/** Runs a program in the folder of its page. */
async function runProgram(program: string, cwd: string, name: string): Promise<string> {
  const file = path.join(cwd, name);
  await writeFile(file, program);
  return quiet(await promisify(execFile)(process.execPath, [file], { cwd, env }));
}

/** Runs commands in the folder of their page; `npx tokenbed` is this build. */
async function runInShell(commands: string, cwd: string): Promise<string> {
  const program = `'${process.execPath}' '${path.join(root, 'dist/cli.js')}'`;
  const script = commands.replaceAll('npx tokenbed', program);
  const args = ['--norc', '-euo', 'pipefail', '-c', script];
  return quiet(await promisify(execFile)('bash', args, { cwd, env }));
}

/** Standard output; stderr only says that a table is random. */
function quiet({ stdout, stderr }: { stdout: string; stderr: string }): string {
  expect(stderr.replaceAll(/^tokenbed: the table is random .*\n/gm, '')).toBe('');
  return stdout;
}

test('there are programs to run', () => {
  expect(documents.flatMap(({ programs }) => programs).length).toBeGreaterThanOrEqual(7);
});

describe.each(documents)('$file', ({ name, all, programs }) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await emptyFolder(name);
  });

  test('every JavaScript block runs or gives a reason', () => {
    for (const { mark, language, line } of all) {
      if (language === 'js') expect(mark, `line ${line}`).toMatch(/^(run$|run: |not run here: )/);
    }
  });

  for (const [i, { mark, text, prints, line }] of programs.entries()) {
    test(`the block at line ${line} prints what the page says`, async () => {
      expect(prints?.mark, `what the block at line ${line} prints`).toBe('prints');
      const printed = mark === SHELL ? runInShell(text, cwd) : runProgram(text, cwd, `block-${i}.mjs`);
      expect(await printed).toBe(prints?.text);
    });

    const source = /^run: (.+)$/.exec(mark)?.[1];
    if (source !== undefined) {
      test(`the block at line ${line} is ${source}`, async () => {
        expect(await readFile(path.join(root, source), 'utf8')).toBe(text);
      });
    }
  }
});

test('the commands of docs/command-line.md succeed', async () => {
  const page = documents.find(({ name }) => name === 'command-line')!;
  const [{ text }] = page.all.filter(({ mark }) => mark === SHELL) as [Block];
  const cwd = await emptyFolder('shell');
  await writeFile(path.join(cwd, 'notes.txt'), 'Hello world!\nHi!\n');
  await symlink(path.join(root, 'models/minilm-static'), path.join(cwd, 'minilm'));
  const stdout = await runInShell(text, cwd);
  expect(stdout).toMatch(new RegExp(`^backend +${inject('backend')}$`, 'm'));
  expect(await readFile(path.join(cwd, 'notes.ids'), 'utf8')).toBe(
    '2 44 73 80 80 83 4 91 83 86 80 72 5 3\n2 44 77 5 3\n',
  );
  const rows = stdout.split('\n').filter((line) => /^\S+( [-.\de]+){63}$/.test(line));
  expect(rows).toHaveLength(14 + 5);
  expect(stdout.split('\n').filter((line) => /^\S+( [-.\de]+){255}$/.test(line))).toHaveLength(2);
  expect(stdout.match(/^-?\d\.\d{4}\tnotes\.txt:[12]\tH.*!$/gm)).toHaveLength(2);
  const npy = await readFile(path.join(cwd, 'notes.npy'));
  expect(npy.length % 64).toBe(0);
  expect(npy.subarray(0, 128).toString('latin1')).toContain("'shape': (19, 64)");
  expect(await readFile(path.join(cwd, 'positions.svg'), 'utf8')).toMatch(/^<svg /);
});

test('the first screen of README.md shows the install, five lines of code and both commands', () => {
  const {
    all: [install, code],
    text,
  } = documents[0]!;
  expect(install?.text).toBe('npm i tokenbed @tokenbed/minilm-static\n');
  expect(code?.text.split('\n').filter((line) => line !== '')).toHaveLength(5);
  const screen = text.split('\n').slice(0, 45).join('\n');
  expect(screen).toContain('`npm run demo`');
  expect(screen).toContain('`npm test`');
});
