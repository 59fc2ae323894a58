/** Python for commands that compare with it or compute with it: packages in a folder of .cache/. */

import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { must, root } from './run.mjs';
import { step } from './progress.mjs';
import { unlessFresh } from './stamp.mjs';

const WINDOWS = process.platform === 'win32';
const PYTHON = WINDOWS ? 'python' : 'python3';

/**
 * A virtual environment, made once and again if its requirements change. Resolves to its Python.
 *
 * @param {string} name  a folder of .cache/ @param {string} requirements  a file in the project @param {string} what @param {string} about
 */
export async function venv(name, requirements, what, about) {
  const folder = `.cache/${name}`;
  const program = `${folder}/${WINDOWS ? 'Scripts/python.exe' : 'bin/python'}`;
  const python = path.join(root, program);
  await unlessFresh({ name, inputs: [requirements], outputs: [program] }, () =>
    step(`Installing ${what}`, about, async () => {
      await rm(path.join(root, folder), { recursive: true, force: true });
      await must(PYTHON, ['-m', 'venv', folder]);
      await must(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements]);
    }),
  );
  return python;
}

/** Downloads wheels of PyPI, without what they depend on, and unpacks them into a folder, as a whole. @param {readonly string[]} requirements @param {string} to */
export async function wheels(requirements, to) {
  const part = `${to}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const quietly = ['-q', '--no-deps', '--disable-pip-version-check', '--only-binary', ':all:'];
  await must(PYTHON, ['-m', 'pip', 'download', ...quietly, '-d', part, ...requirements]);
  const unpack = `import os, pathlib, sys, zipfile
for wheel in pathlib.Path(sys.argv[1]).glob("*.whl"):
    zipfile.ZipFile(wheel).extractall(sys.argv[1])
    os.remove(wheel)`;
  await must(PYTHON, ['-c', unpack, part]);
  await rm(to, { recursive: true, force: true });
  await rename(part, to);
}
