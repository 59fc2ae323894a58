/**
 * Runs one project of vitest.config.ts and counts the results in its JSON report.
 *
 * vitest treats skipped tests as success and reports a file that cannot load as "skipped". Here, skipped tests, files
 * without tests and empty projects are failures.
 */

import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { root, run } from '../lib/run.mjs';
import { showInstructionSets } from '../lib/suite.mjs';

/**
 * @typedef {object} Report  the part of vitest's JSON that is used
 * @property {{ name: string, status: string, message: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[]} testResults
 */

/**
 * @param {'native' | 'wasm' | 'chromium' | 'page' | 'repository'} project
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
        TOKENBED_TUNING: undefined,
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
  // An error outside of tests shows only in the exit code.
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  return { ...outcome, details: outcome.failed > 0 ? `${outcome.details}\n${output}` : '' };
}

/** @param {Report} report @returns {import('../lib/suite.mjs').Outcome} */
function tally({ testResults }) {
  const outcome = { passed: 0, failed: 0, details: '' };
  /** @param {string} message */
  const fail = (message) => {
    outcome.failed++;
    outcome.details += `${message}\n`;
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
