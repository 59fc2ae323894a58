/** Suites of `npm test`. The result of a suite is the number of passed and failed tests. */

import { say } from './progress.mjs';
import { run } from './run.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string} details  printed if something failed
 */

/**
 * Runs named checks. Each is a program that must exit with 0, and counts as one test.
 *
 * @param {readonly (readonly [string, () => Promise<import('./run.mjs').Result>])[]} list
 * @returns {Promise<Outcome>}
 */
export async function checks(list) {
  const outcome = { passed: 0, failed: 0, details: '' };
  for (const [name, check] of list) {
    const { code, output } = await check();
    if (code === 0) outcome.passed++;
    else {
      outcome.failed++;
      outcome.details += `${name} (exit ${code}):\n${output}\n`;
    }
  }
  return outcome;
}

/**
 * A suite with a single program.
 *
 * @param {string} name @param {string} program @param {string[]} args @param {import('./run.mjs').Options} [options]
 */
export function command(name, program, args, options) {
  return checks([[name, () => run(program, args, options)]]);
}

/** Prints the tests' reports on instruction sets: run, or NOT RUN with the reason. @param {string} output */
export function showInstructionSets(output) {
  const lines = output.match(/^\s*(ISA|native|wasm|NEON)( \S+)?: (run|NOT RUN: .*)$/gm) ?? [];
  for (const line of new Set(lines.map((line) => line.trim()))) say(`  ${line}`);
}
