/**
 * Runs the tests of an earlier commit on this build. A failure is a change that users can observe.
 *
 *   node bench/against/tests.mjs [COMMIT [FILE...]] [--only native,wasm,chromium,page,types]
 *
 * COMMIT (default 798c4ca, all its test files) is extracted into .cache/against-tests/, with its own test/, vectors, README and examples; its
 * dist/ is a copy of this one. `types` compiles its tests with the declarations of this build. test/house/ is not run:
 * it checks source files. Each failure is printed with the first line of its message; the exit code is 1 if there is one.
 */

import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../../scripts/lib/chromium.mjs';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { root, run } from '../../scripts/lib/run.mjs';
import { setUp } from '../../scripts/setup.mjs';
import { BEFORE, extract, hashOf } from './build.mjs';

const TREE = path.join(root, '.cache/against-tests');
const SUITES = ['native', 'wasm', 'chromium', 'types'];

/** Creates the tree of the commit around this build. @param {string} commit */
async function prepare(commit) {
  await extract(await hashOf(commit), TREE);
  await cp(path.join(root, 'dist'), path.join(TREE, 'dist'), { recursive: true });
  await cp(path.join(root, '.cache/faults'), path.join(TREE, '.cache/faults'), { recursive: true });
  // The entry points of dist/ belong to this build.
  const [ours, theirs] = await Promise.all([root, TREE].map(readPackage));
  for (const name of ['exports', 'imports', 'bin']) theirs[name] = ours[name];
  await writeFile(path.join(TREE, 'package.json'), JSON.stringify(theirs, null, 2));
}

/** @param {string} folder */
const readPackage = async (folder) => JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));

/** @param {string} suite @param {readonly string[]} more @returns {Promise<{ passed: number, failures: string[] }>} */
async function vitest(suite, more) {
  const file = path.join(TREE, `.cache/${suite}.json`);
  const env = {
    TOKENBED_BACKEND: undefined,
    TOKENBED_ISA: undefined,
    TOKENBED_TUNING: undefined,
    TOKENBED_THREADS: undefined,
    TOKENBED_CHROMIUM: ['chromium', 'page'].includes(suite) ? await ensureChromium() : undefined,
  };
  const { output } = await run(
    'node_modules/.bin/vitest',
    ['run', '--project', suite, '--reporter=json', `--outputFile=${file}`, ...more],
    { cwd: TREE, env },
  );
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return { passed: 0, failures: [output] };
  /** @type {import('../../scripts/suites/vitest.mjs').Report} */
  const { testResults } = JSON.parse(text);
  const failures = testResults.flatMap(({ name, message, assertionResults }) => {
    const where = path.relative(TREE, name);
    if (assertionResults.length === 0) return [`${where}: no test ran. ${firstLine(message)}`];
    return assertionResults
      .filter(({ status }) => status !== 'passed')
      .map(({ status, fullName, failureMessages = [] }) =>
        [`${where}: ${fullName}: ${status}`, firstLine(failureMessages[0])].join('\n    '),
      );
  });
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  return { passed: all.filter(({ status }) => status === 'passed').length, failures };
}

/** @param {string} [text] */
const firstLine = (text = '') => text.split('\n')[0];

async function types() {
  const { code, output } = await run('node_modules/.bin/tsc', ['-p', 'tsconfig.test.json'], { cwd: TREE });
  return { passed: code === 0 ? 1 : 0, failures: code === 0 ? [] : output.trim().split('\n') };
}

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string', default: SUITES.join(',') } },
  });
  const [commit = BEFORE, ...more] = positionals;
  await setUp({ faults: true });
  await prepare(commit);
  let failed = 0;
  for (const suite of values.only.split(',')) {
    const { passed, failures } = await step(`${suite} of ${commit} on this build`, '4 min', () =>
      suite === 'types' ? types() : vitest(suite, more),
    );
    for (const failure of failures) say(`  ${failure}`);
    say(`  ${suite}: ${passed} passed, ${failures.length} failed`);
    failed += failures.length;
  }
  if (failed > 0) process.exitCode = 1;
}

await asProgram(import.meta.url, main);
