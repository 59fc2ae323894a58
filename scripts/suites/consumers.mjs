/**
 * The rows of scripts/consumers.mjs that every `npm test` runs. Their tools come from test/consumers/tools/package-lock.json and
 * are installed once, into .cache/consumers.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PROMISES } from '../../test/consumers/promises.mjs';
import { packTarball, runRows } from '../consumers.mjs';
import { step } from '../lib/progress.mjs';
import { must, root } from '../lib/run.mjs';

const ROWS = ['node20', 'node24', 'esbuild', 'jest', 'typescript-5.4', 'typescript-7'];
const HOME = path.join(root, '.cache/consumers');

/** @returns {Promise<import('../lib/suite.mjs').Outcome>} */
export async function consumers() {
  await installTools();
  const results = await runRows(ROWS, { tarball: await packTarball(HOME), home: HOME });
  const wrong = results.filter(({ right }) => !right);
  return {
    passed: results.length - wrong.length,
    failed: wrong.length,
    details: wrong.map(({ line }) => `${line}\n`).join(''),
  };
}

async function installTools() {
  const files = ['package.json', 'package-lock.json'].map((name) => ({
    committed: path.join(root, 'test/consumers/tools', name),
    installed: path.join(HOME, name),
  }));
  const { devDependencies } = JSON.parse(await readFile(String(files[0]?.committed), 'utf8'));
  const uses = Object.assign({}, ...ROWS.map((row) => PROMISES[row]?.uses));
  for (const [name, version] of Object.entries(uses)) {
    if (devDependencies[name] !== version) {
      throw new Error(
        `test/consumers/tools/package.json has ${name} ${devDependencies[name]}, the promises ${version}`,
      );
    }
  }
  if (existsSync(path.join(HOME, 'node_modules')) && (await equal(files))) return;
  await step(
    'Installing the tools of test/consumers/tools/package-lock.json into .cache/consumers',
    '15 s',
    async () => {
      await mkdir(HOME, { recursive: true });
      for (const { committed, installed } of files) await copyFile(committed, installed);
      await must('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: HOME });
    },
  );
}

/** @param {{ committed: string, installed: string }[]} files */
async function equal(files) {
  for (const { committed, installed } of files) {
    if (!existsSync(installed) || !(await readFile(installed)).equals(await readFile(committed)))
      return false;
  }
  return true;
}
