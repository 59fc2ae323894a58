/**
 * One project of vitest.config.ts, one run, counted from its JSON.
 *
 * vitest calls a run with skipped tests a success, and prints a file that cannot load as "skipped": here a test
 * that did not run and a file without tests are failures, and so is a project in which nothing ran.
 */

import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { root, run } from '../lib/run.mjs';
import { showInstructionSets } from '../lib/suite.mjs';

/**
 * @typedef {object} Report  what is used of vitest's JSON
 * @property {{ name: string, status: string, message: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[]} testResults
 */

/**
 * @param {'native' | 'wasm' | 'chromium' | 'page' | 'house'} project
 * @param {Record<string, string | undefined>} [env]
 * @returns {Promise<import('../lib/suite.mjs').Outcome>}
 */
export async function vitest(project, env = {}) {
  const file = path.join(root, '.cache/test', `${project}.json`);
  await mkdir(path.dirname(file), { recursive: true });
  await rm(file, { force: true });
  const { code, output } = await run(
    'node_modules/.bin/vitest',
    ['run', '--project', project, '--reporter=json', `--outputFile=${file}`, '--reporter=default'],
    {
      env: {
        TOKENBED_BACKEND: undefined,
        TOKENBED_ISA: undefined,
        TOKENBED_THREADS: undefined,
        ...env,
        NO_COLOR: '1',
      },
    },
  );
  const json = await readFile(file, 'utf8').catch(() => undefined);
  if (json === undefined) return { passed: 0, failed: 1, details: output };
  showInstructionSets(output);
  const outcome = tally(JSON.parse(json));
  // An error outside of every test: the exit code alone tells.
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  return { ...outcome, details: outcome.failed > 0 ? `${outcome.details}\n${output}` : '' };
}

/** @param {Report} report @returns {import('../lib/suite.mjs').Outcome} */
function tally({ testResults }) {
  const outcome = { passed: 0, failed: 0, details: '' };
  /** @param {string} why */
  const fail = (why) => {
    outcome.failed++;
    outcome.details += `${why}\n`;
  };
  for (const { name, message, assertionResults } of testResults) {
    const where = path.relative(root, name);
    if (assertionResults.length === 0) fail(`${where}: no test ran. ${message}`);
    for (const { status, fullName } of assertionResults) {
      if (status === 'passed') outcome.passed++;
      else fail(`${where}: ${fullName}: ${status}`);
    }
  }
  if (testResults.length === 0) fail('no test file was found');
  return outcome;
}
