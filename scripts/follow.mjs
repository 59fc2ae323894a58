/**
 * Follows a page of the documents in an empty folder, like a reader, with the packed package: runs its blocks of commands,
 * JavaScript and Python in order, and compares what they print with the page.
 *
 *   npm run docs:follow                                follows docs/your-own-table.md
 *   PYTHON=... npm run docs:follow -- docs/PAGE.md     PYTHON has numpy, safetensors and gensim; default: python3
 *
 * JavaScript that needs a browser is not run. Without such a Python, its blocks are printed as NOT RUN, and the exit code is 1.
 */

import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { blocks } from './lib/page-blocks.mjs';
import { say } from './lib/progress.mjs';
import { must, root, run } from './lib/run.mjs';
import { setUp } from './setup.mjs';

/** @import { Block } from './lib/page-blocks.mjs' */

const PYTHON = process.env['PYTHON'] ?? 'python3';

/** @param {string} page */
async function follow(page) {
  const scratch = await realpath(await mkdtemp(path.join(tmpdir(), 'tokenbed-follow-')));
  try {
    const options = ['--json', '--ignore-scripts', '--pack-destination', scratch];
    const { stdout } = await must('npm', ['pack', '.', './models/minilm-static', ...options]);
    /** @type {{ name: string, filename: string }[]} */
    const packed = JSON.parse(stdout);
    const tarballs = new Map(packed.map(({ name, filename }) => [name, path.join(scratch, filename)]));
    const folder = path.join(scratch, 'empty');
    await mkdir(folder);
    const all = blocks(await readFile(path.join(root, page), 'utf8'));
    let failures = 0;
    for (const [i, block] of all.entries()) {
      const outcome = await runBlock(block, `block-${i}`, folder, tarballs);
      if (outcome === undefined) continue;
      const next = all[i + 1];
      const expected = next?.mark === 'prints' ? next.text : undefined;
      const failure =
        outcome.failure ?? (expected !== undefined && expected !== outcome.stdout && 'prints something else');
      say(
        `${failure ? `FAILED (${failure})` : 'ok'}: line ${block.line}, ${block.text.trim().split('\n')[0]}`,
      );
      if (failure) {
        say(outcome.output.trimEnd());
        failures++;
      }
    }
    if (failures > 0) throw new Error(`${failures} blocks of ${page} failed`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * @param {Block} block @param {string} name @param {string} folder @param {ReadonlyMap<string, string>} tarballs
 * @returns {Promise<{ failure?: string, stdout: string, output: string } | undefined>} undefined if it is not a program
 */
async function runBlock({ mark, language, text }, name, folder, tarballs) {
  const options = { cwd: folder, env: { NO_COLOR: '1', NODE_OPTIONS: '' } };
  /** @param {string} command @param {string[]} args */
  const outcome = async (command, args) => {
    const { code, stdout, output } = await run(command, args, options);
    return { ...(code !== 0 && { failure: `exit code ${code}` }), stdout, output };
  };
  /** @param {string} extension @param {string} program */
  const file = async (extension, program) => {
    await writeFile(path.join(folder, `${name}.${extension}`), program);
    return `${name}.${extension}`;
  };
  const install = (/** @type {string} */ command) =>
    command.replaceAll(/\S+/g, (word) => tarballs.get(word) ?? word);
  switch (language) {
    case 'sh':
      return outcome('bash', ['-euo', 'pipefail', '-c', text.replaceAll(/^npm i .*/gm, install)]);
    case 'js':
      return mark === 'run' ? outcome(process.execPath, [await file('js', text)]) : undefined;
    case 'py': {
      const { code } = await run(PYTHON, ['-c', 'import numpy, safetensors, gensim']);
      if (code !== 0)
        return { failure: `NOT RUN: ${PYTHON} lacks numpy, safetensors or gensim`, stdout: '', output: '' };
      return outcome(PYTHON, [await file('py', text)]);
    }
    default:
      return undefined;
  }
}

await asProgram(import.meta.url, async () => {
  await setUp();
  await follow(process.argv[2] ?? 'docs/your-own-table.md');
});
