/**
 * npm run docs: generates the API pages in docs/api from the docstrings of all entry points.
 *
 * typedoc needs a TypeScript with a compiler API, which the project's version does not have. Both are dependencies of
 * scripts/docs and are installed on demand. Warnings are errors: public names without a docstring, types that are used
 * but not exported, broken links.
 */

import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { say, step } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';
import { unlessFresh } from './lib/stamp.mjs';

const HERE = 'scripts/docs';
const OUT = 'docs/api';

export async function docs() {
  await installTypedoc();
  await step(`Writing ${OUT}`, '8 s', async () => {
    await rm(path.join(root, OUT), { recursive: true, force: true });
    const entries = (await entryPoints()).flatMap((file) => ['--entryPoints', file]);
    await must(`${HERE}/node_modules/.bin/typedoc`, ['--options', `${HERE}/typedoc.json`, ...entries]);
  });
  say(`  ${OUT}/index.html`);
}

async function installTypedoc() {
  const inputs = ['package.json', 'package-lock.json'].map((file) => `${HERE}/${file}`);
  await unlessFresh({ name: 'docs', inputs, outputs: [`${HERE}/node_modules`] }, () =>
    step('Installing typedoc', '6 s', async () => {
      const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      await must('npm', args, { cwd: path.join(root, HERE) });
    }),
  );
}

/** The sources of all `exports` with types. */
async function entryPoints() {
  const { exports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  return Object.values(exports)
    .filter((entry) => entry.types !== undefined)
    .map(({ types }) => types.replace('./dist/', 'ts/').replace(/\.d\.mts$/, '.ts'));
}

await asProgram(import.meta.url, docs);
