/** NEON on a machine without it: the aarch64 build of the core's tests under qemu-user. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { say } from '../lib/progress.mjs';
import { root, run } from '../lib/run.mjs';
import { showInstructionSets } from '../lib/suite.mjs';

/**
 * scripts/test-neon.sh prints cargo's `test result:` lines, or `NOT RUN: reason` if the emulator or the target's std is
 * unavailable. The latter counts as no tests.
 *
 * @returns {Promise<import('../lib/suite.mjs').Outcome>}
 */
export async function neon() {
  if (!existsSync(path.join(root, 'scripts/test-neon.sh'))) {
    say('  NEON NOT RUN: there is no scripts/test-neon.sh');
    return { passed: 0, failed: 0, details: '' };
  }
  const { code, output } = await run('bash', ['scripts/test-neon.sh']);
  const outcome = { passed: 0, failed: 0, details: '' };
  for (const [, ok, bad, ignored] of output.matchAll(
    /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    outcome.passed += Number(ok);
    outcome.failed += Number(bad) + Number(ignored);
  }
  showInstructionSets(output);
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  if (outcome.failed > 0) outcome.details = output;
  return outcome;
}
