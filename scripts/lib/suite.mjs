/** A suite of `npm test`: something that ends with two numbers. */

import { say } from './progress.mjs';
import { run } from './run.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string} details  shown when something failed
 */

/**
 * Named checks, each a program's run that must end with 0; each counts as one test.
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
 * A suite that is one program.
 *
 * @param {string} name @param {string} program @param {string[]} args @param {import('./run.mjs').Options} [options]
 */
export function command(name, program, args, options) {
  return checks([[name, () => run(program, args, options)]]);
}

/** Shows what tests say about instruction sets: each was run, or NOT RUN with the reason. @param {string} output */
export function showInstructionSets(output) {
  const lines = output.match(/^\s*(ISA|native|wasm|NEON)( \S+)?: (run|NOT RUN: .*)$/gm) ?? [];
  for (const line of new Set(lines.map((found) => found.trim()))) say(`  ${line}`);
}
