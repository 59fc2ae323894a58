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

/** The Python that has a package, if `command` was run, and how to install the package elsewhere. */
const PYTHONS = {
  torch: { python: peersPython, command: 'npm run bench:peers', packages: 'torch numpy' },
  model2vec: {
    python: path.join(root, '.cache/references/bin/python'),
    command: 'npm run test:references',
    packages: 'model2vec==0.10.0',
  },
};

/** The reason why an example cannot run on this machine, if any. @param {Example} example @returns {Promise<string | undefined>} */
export async function missing({ needs }) {
  if (needs === undefined || (await findPython(needs)) !== undefined) return undefined;
  const { command, packages } = PYTHONS[needs];
  return `${needs} is not installed (${command}, or pip install ${packages} and set PYTHON to that Python)`;
}

/** Finds a Python with a package: $PYTHON, or that of a command, or python3. @param {keyof typeof PYTHONS} needs */
async function findPython(needs) {
  const named = process.env['PYTHON'];
  const { python: made } = PYTHONS[needs];
  const candidates = named ? [named] : [...(existsSync(made) ? [made] : []), 'python3'];
  const check = `from importlib.util import find_spec as f; exit(not (f("${needs}") and f("numpy")))`;
  for (const python of candidates) {
    if ((await run(python, ['-c', check])).code === 0) return python;
  }
  return undefined;
}

/**
 * Splits a command of an example for `spawn`.
 *
 * @param {string} line @param {Example} example @returns {Promise<[string, string[]]>}
 */
export async function program(line, { needs }) {
  const [command = '', ...args] = line.split(' ');
  if (command === 'node') return [process.execPath, args];
  const python = command === 'python' && needs !== undefined ? await findPython(needs) : undefined;
  return [python ?? command, args];
}
