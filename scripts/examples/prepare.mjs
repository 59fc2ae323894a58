/** Prepares examples: compiles, installs, finds a Python. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { python as peersPython } from '../../bench/peers/installed.mjs';
import { must, root, run } from '../lib/run.mjs';
import { unlessFresh } from '../lib/stamp.mjs';

/** @import { Example } from './list.mjs' */

const TSC = 'node_modules/.bin/tsc';

/** The output folder of compiled examples. From there, `tokenbed` resolves to this package. */
const COMPILED = '.cache/examples';

export const compile = () => run(TSC, ['-p', 'tsconfig.examples.json', '--outDir', COMPILED]);

/** Checks the types of an example with its own tsconfig.json. @param {Example} example */
export const checkTypes = ({ name }) => run(TSC, ['-p', `examples/${name}`]);

/**
 * Installs the packages of a project, including this one as published. Runs again after each build.
 *
 * @param {Example} example
 */
export async function install({ name }) {
  const folder = `examples/${name}`;
  const files = ['package.json', 'package-lock.json', '.npmrc'].map((file) => `${folder}/${file}`);
  await unlessFresh(
    {
      name: `example-${name}`,
      inputs: [...files, 'package.json', 'dist'],
      outputs: [`${folder}/node_modules`],
    },
    async () => {
      const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      await must('npm', args, { cwd: path.join(root, folder) });
    },
  );
}

/** The reason why an example cannot run on this machine, if any. @param {Example} example @returns {Promise<string | undefined>} */
export async function missing({ needs }) {
  if (needs === undefined || (await findPython()) !== undefined) return undefined;
  return 'torch is not installed (npm run bench:peers, or set PYTHON to one with torch and numpy)';
}

/** Finds a Python with torch: $PYTHON, or that of `npm run bench:peers`, or python3. */
async function findPython() {
  const named = process.env['PYTHON'];
  const candidates = named ? [named] : [...(existsSync(peersPython) ? [peersPython] : []), 'python3'];
  const check = 'from importlib.util import find_spec as f; exit(not (f("torch") and f("numpy")))';
  for (const python of candidates) {
    if ((await run(python, ['-c', check])).code === 0) return python;
  }
  return undefined;
}

/** Splits a command of the list for `spawn`. @param {string} line @returns {Promise<[string, string[]]>} */
export async function program(line) {
  const [command = '', ...args] = line.split(' ');
  if (command === 'node') return [process.execPath, args];
  return [command === 'python' ? ((await findPython()) ?? 'python3') : command, args];
}
