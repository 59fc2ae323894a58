/** What stands between the list of examples and running one: compiling, installing, finding a Python. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { python as peersPython } from '../../bench/peers/installed.mjs';
import { must, root, run } from '../lib/run.mjs';
import { unlessFresh } from '../lib/stamp.mjs';

/** @import { Example } from './list.mjs' */

const TSC = 'node_modules/.bin/tsc';

/** Where those that are programs of this package end up: `tokenbed` is still this package from there. */
const COMPILED = '.cache/examples';

export const compile = () => run(TSC, ['-p', 'tsconfig.examples.json', '--outDir', COMPILED]);

/** Those with a tsconfig.json of their own are only checked. @param {Example} example */
export const checkTypes = ({ name }) => run(TSC, ['-p', `examples/${name}`]);

/**
 * The packages of a project, this one among them as it would be published: again whenever it was built anew.
 *
 * @param {Example} example
 */
export async function install({ name }) {
  const folder = `examples/${name}`;
  const own = ['package.json', 'package-lock.json', '.npmrc'].map((file) => `${folder}/${file}`);
  await unlessFresh(
    {
      name: `example-${name}`,
      inputs: [...own, 'package.json', 'dist'],
      outputs: [`${folder}/node_modules`],
    },
    async () => {
      const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      await must('npm', args, { cwd: path.join(root, folder) });
    },
  );
}

/** Why an example cannot run on this machine, if so. @param {Example} example @returns {Promise<string | undefined>} */
export async function missing({ needs }) {
  if (needs === undefined || (await findPython()) !== undefined) return undefined;
  return 'torch is not installed (npm run bench:peers, or PYTHON=a Python that has torch and numpy)';
}

/** A Python with torch: the one that was named, or the peers' of the bench, or the system's. */
async function findPython() {
  const named = process.env['PYTHON'];
  const candidates = named ? [named] : [...(existsSync(peersPython) ? [peersPython] : []), 'python3'];
  const look = 'from importlib.util import find_spec as f; exit(not (f("torch") and f("numpy")))';
  for (const python of candidates) {
    if ((await run(python, ['-c', look])).code === 0) return python;
  }
  return undefined;
}

/** A command of the list, as `spawn` wants it. @param {string} line @returns {Promise<[string, string[]]>} */
export async function program(line) {
  const [command = '', ...args] = line.split(' ');
  if (command === 'node') return [process.execPath, args];
  return [command === 'python' ? ((await findPython()) ?? 'python3') : command, args];
}
